"""Imputing each column from all others, in rounds, row by row with the same bits whatever batch a row comes in."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.blocks import Blocks, FloatMatrix
from penstock.steps.base import Learned
from penstock.steps.missing.standard import Standard

# The largest change of a round, in standard deviations, at which the rounds end.
SETTLED = 1e-3


@dataclass(frozen=True)
class Rounds(Learned):
    """Linear predictions of one column from the others, in the order in which they are made.

    `target` holds the column of each prediction, `weights` of shape (n_predictions, n_columns) what the others weigh
    (0 for the column itself), `intercepts` what is added; `low` and `high` are what training rows hold at most. All on
    a common scale. `moving` marks columns that vary; others, and what no prediction is for, get their mean.
    """

    names: tuple[str, ...]
    standard: Standard
    moving: np.ndarray
    target: np.ndarray
    weights: FloatMatrix
    intercepts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with predictions in place of what is missing."""
        values = blocks.matrix(self.names)
        missing = np.isnan(values)
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows):
            return blocks
        lacking = missing[rows]
        scaled = np.asfortranarray(np.where(lacking, 0.0, self.standard.scaled(values[rows])))
        for j, weights, intercept in zip(self.target.tolist(), self.weights, self.intercepts, strict=True):
            at = np.flatnonzero(lacking[:, j])
            if len(at):
                predicted = np.full(len(at), intercept)
                # Column by column: a matrix product would add the same numbers in an order that depends on the batch.
                for other in np.flatnonzero(weights).tolist():
                    predicted += scaled[at, other] * weights[other]
                scaled[at, j] = np.clip(predicted, self.low[j], self.high[j])
        filled = values.copy(order="F")
        for j in np.flatnonzero(lacking.any(axis=0)).tolist():
            at = lacking[:, j]
            filled[rows[at], j] = self.standard.unscaled(scaled[at, j], j)
        return blocks.with_numbers(self.names, filled)

    def describe(self) -> dict[str, Any]:
        """Return the columns, and how many predictions there are."""
        moving = [name for name, moves in zip(self.names, self.moving.tolist(), strict=True) if moves]
        return {"method": "iterative", "columns": list(self.names), "moving": moving, "predictions": len(self.target)}


def fit_rounds(names: tuple[str, ...], matrix: FloatMatrix, standard: Standard, most: int, seed: int) -> Rounds:
    """Fit scikit-learn's `IterativeImputer` with Bayesian ridges, and take from it what predicts.

    Parameters
    ----------
    names : tuple of str
        The columns.
    matrix : numpy.ndarray
        Training rows, float64 of shape (n_rows, n_columns).
    standard : Standard
        Their scale.
    most : int
        The greatest number of rounds.
    seed : int
        scikit-learn's `random_state`.

    References
    ----------
    van Buuren, S. and Groothuis-Oudshoorn, K. (2011). mice: Multivariate imputation by chained equations in R. Journal
    of Statistical Software 45 (3).
    """
    n = len(names)
    scaled = standard.scaled(matrix)
    low = np.array([np.nanmin(scaled[:, j], initial=np.inf) for j in range(n)], dtype=np.float64)
    high = np.array([np.nanmax(scaled[:, j], initial=-np.inf) for j in range(n)], dtype=np.float64)
    moving = low < high
    at = np.flatnonzero(moving)
    sequence = _fitted(scaled[:, at], low[at], high[at], most, seed) if len(at) > 1 else []
    weights = np.zeros((len(sequence), n))
    for i, one in enumerate(sequence):
        weights[i, at[one.neighbor_feat_idx]] = one.estimator.coef_
    return Rounds(
        names=names,
        standard=standard,
        moving=moving,
        target=at[[one.feat_idx for one in sequence]] if sequence else np.empty(0, dtype=np.intp),
        weights=weights,
        intercepts=np.array([one.estimator.intercept_ for one in sequence], dtype=np.float64),
        low=low,
        high=high,
    )


def _fitted(matrix: FloatMatrix, low: np.ndarray, high: np.ndarray, most: int, seed: int) -> list[Any]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - the import is what allows the next
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import BayesianRidge

    imputer = IterativeImputer(
        BayesianRidge(), max_iter=most, tol=SETTLED, min_value=low, max_value=high, random_state=seed
    )
    # A row that holds nothing would only teach that the means are likely.
    holding = matrix[~np.isnan(matrix).all(axis=1)]
    with warnings.catch_warnings():
        # The greatest number of rounds is a choice, and no accident.
        warnings.simplefilter("ignore", ConvergenceWarning)
        imputer.fit(holding)
    return list(imputer.imputation_sequence_)
