"""What a spec says of the model, held against what is predicted, before anything is trained."""

from __future__ import annotations

from penstock.metrics.aim import Aim, aim_of, is_private
from penstock.metrics.class_weight import check_class_weight
from penstock.models.families import OwnFamily, check_installed, families_for
from penstock.slices import Modelling, Typing
from penstock.table import Target


def check_modelling(target: Target, modelling: Modelling, typing: Typing) -> Aim:
    """Return what good means, once metric, costs and families are found to suit the target.

    Raises
    ------
    SpecError
        The target has no such metric or costs; a family's library is not installed; an estimator of the user's own
        cannot be built, or has not the methods that the target needs.
    """
    aim = aim_of(target, modelling, typing)
    if modelling.class_weight is not None:
        check_class_weight(target, modelling.class_weight, private=is_private(typing))
    families = families_for(modelling.families)
    check_installed(families)
    for family in families:
        if isinstance(family, OwnFamily):
            family.check(target)
    if aim.own is not None:
        from penstock.steps.code.metric import OwnMetric

        OwnMetric(measure=aim.own).check(weighted=bool(aim.weight))
    return aim
