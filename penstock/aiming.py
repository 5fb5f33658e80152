"""What scores hang on for the rows of a run, as the spec and the wrangle stage say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from penstock.metrics.aim import AIM, Aim
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.steps.code.metric import OwnMetric


def aim_in(plan: Mapping[str, Any]) -> Aim:
    """Return the aim that stands in a plan's JSON."""
    return Aim.model_validate(plan.get(AIM, {}))


def context_of(aim: Aim, sides: pd.DataFrame) -> Context:
    """Return what scores of some rows hang on: their weights, their groups, and the aim.

    Parameters
    ----------
    aim : Aim
        What good means.
    sides : pandas.DataFrame
        The sides of these rows, as the wrangle stage has them.

    Raises
    ------
    SpecError
        The user's own metric cannot be called, or takes no weights where rows have some.
    """
    weight = weights_in(sides)
    own = OwnMetric(measure=aim.own) if aim.own is not None else None
    if own is not None:
        own.check(weighted=weight is not None)
    return Context(
        block=_blocks(sides) if aim.group else None,
        weight=weight,
        decision=aim.decision,
        own=own,
        asked=aim.metric.name if aim.metric is not None else "",
    )


def weights_in(sides: pd.DataFrame) -> Floats | None:
    """Return how much each row counts, shape (n_rows,); None where all count the same."""
    return sides["weight"].to_numpy(dtype=np.float64) if "weight" in sides.columns else None


def _blocks(sides: pd.DataFrame) -> Ints | None:
    """Return which rows are of one group, shape (n_rows,); a row without a group is one of its own."""
    groups = sides["group"]
    if not groups.notna().any():
        return None
    codes = pd.factorize(groups)[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
