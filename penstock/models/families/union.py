"""All families under one name, and those that a spec names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from penstock.errors import SpecError
from penstock.families import FamilyOrOwn
from penstock.models.families.base import BaseFamily
from penstock.models.families.bayes import GaussianBayesFamily
from penstock.models.families.boosting import (
    CatBoostFamily,
    GradientFamily,
    HistogramFamily,
    LightGBMFamily,
    XGBoostFamily,
)
from penstock.models.families.dummy import DummyFamily
from penstock.models.families.glm import GammaFamily, PoissonFamily, TweedieFamily
from penstock.models.families.linear import (
    ElasticNetFamily,
    LassoFamily,
    LinearFamily,
    LogisticFamily,
    RidgeFamily,
    StochasticFamily,
)
from penstock.models.families.neighbours import NeighboursFamily
from penstock.models.families.neural import KerasFamily, PerceptronFamily, TorchFamily
from penstock.models.families.own import OwnFamily
from penstock.models.families.statsmodels import GeneralisedFamily, LeastSquaresFamily, LogOddsFamily
from penstock.models.families.trees import ExtraTreesFamily, ForestFamily, TreeFamily
from penstock.models.families.vectors import VectorsFamily

# In the order in which they are tried: what gives something good early stands early; ties go to the earlier one.
BuiltIn = Annotated[
    DummyFamily
    | LinearFamily
    | LightGBMFamily
    | XGBoostFamily
    | ExtraTreesFamily
    | HistogramFamily
    | ForestFamily
    | PerceptronFamily
    | RidgeFamily
    | LogisticFamily
    | LassoFamily
    | ElasticNetFamily
    | StochasticFamily
    | PoissonFamily
    | GammaFamily
    | TweedieFamily
    | GaussianBayesFamily
    | TreeFamily
    | NeighboursFamily
    | VectorsFamily
    | GradientFamily
    | CatBoostFamily
    | LeastSquaresFamily
    | LogOddsFamily
    | GeneralisedFamily
    | TorchFamily
    | KerasFamily,
    Field(discriminator="kind"),
]
FAMILIES: tuple[type[BaseFamily], ...] = get_args(get_args(BuiltIn)[0])
Family: TypeAlias = BuiltIn | OwnFamily


def families_for(named: Sequence[FamilyOrOwn]) -> tuple[Family, ...]:
    """Return the dummy, the user's own estimators, and the named families with their defaults, in the order of trying.

    Examples
    --------
    >>> [f.kind for f in families_for(("random_forest", "linear"))]
    ['dummy', 'linear', 'random_forest']
    """
    everyone: tuple[Family, ...] = tuple(family() for family in FAMILIES)  # type: ignore[misc]  # the union's own members
    # What the user brings is tried before what is there anyway: a small budget must not leave it out.
    own = tuple(OwnFamily.of(family) for family in named if not isinstance(family, str))
    return (everyone[0], *own, *(f for f in everyone[1:] if f.kind in named))


def check_installed(families: Sequence[BaseFamily]) -> None:
    """Raise where a family's library is not there.

    Raises
    ------
    SpecError
        Which tells the extra that brings it.
    """
    for family in families:
        if family.absent():
            raise SpecError(
                f"The family {family.model_dump()['kind']!r} needs a library that is not installed",
                where="model.families",
                got=f"no {family.package}",
                todo=f"Install it: pip install 'penstock[{family.extra}]'. Or leave the family out.",
            )
