"""Training rows with what good means for them: their weights, their groups, costs, the user's metric."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from penstock.aiming import context_of
from penstock.metrics.aim import Aim, check_defined
from penstock.models.training import Training


def aimed(training: Training, aim: Aim, sides: pd.DataFrame) -> Training:
    """Return training rows that are weighed and scored as the aim says.

    Parameters
    ----------
    training : Training
        Rows; the scales and blocks of a forecast stay.
    aim : Aim
        What good means.
    sides : pandas.DataFrame
        The sides of the same rows, as the wrangle stage has them.

    Raises
    ------
    DataError
        The metric is not defined for their true values.
    SpecError
        The user's own metric cannot be called.
    """
    context = context_of(aim, sides)
    if training.context is not None:
        context = replace(context, scale=training.context.scale, block=training.context.block)
    check_defined(aim, training.target, training.y, context)
    return replace(training, context=context, weights=context.weight, class_weight=aim.class_weight)
