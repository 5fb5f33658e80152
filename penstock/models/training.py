"""What every fit of a search starts from, and the two kinds of fit: one fold, and all rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.families import BaseFamily
from penstock.models.folds import Order
from penstock.models.recipe import Recipe, predictions
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.steps.plan import Plan


@dataclass(frozen=True)
class Training:
    """Rows at the plan's cut, their target and their folds.

    Attributes
    ----------
    cut : pandas.DataFrame
        Shape (n_rows, n_columns).
    y : numpy.ndarray
        int64 indices of labels, or float64, shape (n_rows,).
    fold_of : numpy.ndarray
        The fold in which each row is tested, int64, shape (n_rows,); -1 where it is only learned from.
    n_sized : int
        For how many rows models are sized.
    order : Order, optional
        Of a forecast, when rows are known: a fold then learns from none that comes after its first origin.
    context : Context, optional
        What scores hang on beside `y` and predictions.
    weights : numpy.ndarray, optional
        How much each row counts, float64, shape (n_rows,).
    """

    cut: pd.DataFrame
    y: npt.NDArray[np.generic]
    fold_of: Ints
    plan: Plan
    target: Target
    seed: int
    n_sized: int
    order: Order | None = None
    context: Context | None = None
    weights: Floats | None = None

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold_of.max()) + 1

    def tested(self, fold: int) -> Ints:
        """Return the positions of the rows that a fold is tested on."""
        return np.flatnonzero(self.fold_of == fold)

    def learned(self, fold: int) -> Ints:
        """Return the positions of the rows that a fold learns from: all others, or all that came before."""
        if self.order is None:
            return np.flatnonzero(self.fold_of != fold)
        return np.flatnonzero(self.order.index <= self.order.until[fold])

    @property
    def n_cells(self) -> int:
        """How much there is to learn from: rows times columns, times labels where each has trees of its own."""
        trees = len(self.target.labels) if self.target.task == "multiclass" else 1
        return len(self.cut) * max(1, self.cut.shape[1]) * trees


@dataclass(frozen=True)
class FoldFit:
    """Predictions for the rows of one fold, and how long fitting and predicting took."""

    predicted: Floats
    seconds: float


def fit_fold(training: Training, family: BaseFamily, fold: int) -> FoldFit:
    """Fit a family on what a fold learns from, and predict what it is tested on."""
    started = time.perf_counter()
    learn = training.learned(fold)
    recipe = _unfitted(training, family, 1).fit(
        training.cut.iloc[learn], training.y[learn], **weighted(training, learn)
    )
    predicted = predictions(recipe, training.cut.iloc[training.tested(fold)], len(training.target.labels))
    if not np.isfinite(predicted).all():
        raise FloatingPointError("some of its predictions are not finite")
    return FoldFit(predicted, time.perf_counter() - started)


def fit_rows(training: Training, family: BaseFamily, rows: Ints, threads: int = 1) -> Recipe:
    """Fit a family on the rows at the given positions."""
    recipe = _unfitted(training, family, threads)
    return recipe.fit(training.cut.iloc[rows], training.y[rows], **weighted(training, rows))


def weighted(training: Training, rows: Ints) -> dict[str, Floats]:
    """Return how much rows count, as estimators take it; nothing where all count the same."""
    return {} if training.weights is None else {"sample_weight": training.weights[rows]}


def _unfitted(training: Training, family: BaseFamily, threads: int) -> Recipe:
    return family.pipeline(training.plan, training.target, training.n_sized, training.seed, threads)
