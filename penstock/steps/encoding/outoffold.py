"""Values out of fold: what training rows get from a step that would else show them their own share in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock.blocks import FloatMatrix
from penstock.errors import DataError
from penstock.steps.base import Known, Learned


@dataclass(frozen=True, kw_only=True)
class OutOfFold(Learned):
    """What was learned, and beside it, as long as it is not stored, what the training rows themselves get.

    `training` has shape (n_rows, n_made). It is about single training rows, so it is no part of a model.
    """

    training: FloatMatrix | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "training": None}

    def values_for_training(self, n_rows: int) -> FloatMatrix:
        """Return what the training rows get.

        Raises
        ------
        DataError
            It was stored in between, or these are other rows.
        """
        if self.training is None or len(self.training) != n_rows:
            raise DataError(
                "These are not the rows that were just learned from",
                got=f"{n_rows} rows, where values are known for {0 if self.training is None else len(self.training)}",
                todo="Learn from them anew, or treat them as rows that training never saw.",
            )
        return self.training


def target_of(step: str, known: Known | None) -> Known:
    """Return what is known of the target.

    Raises
    ------
    DataError
        Nothing is known.
    """
    if known is None:
        raise DataError(
            f"The step `{step}` learns from the target, and there is none here", todo="Learn with a target."
        )
    return known


def outputs_of(known: Known) -> FloatMatrix:
    """Return the target as numbers to be averaged, float64 of shape (n_rows, n_outputs).

    They are the values themselves or, of two labels, where the second is; of more, where each label is.
    """
    if known.n_labels <= 2:
        return known.target.astype(np.float64)[:, None]
    indicators: FloatMatrix = (known.target[:, None] == np.arange(known.n_labels)).astype(np.float64)
    return indicators


def names_for_labels(name: str, n_labels: int) -> tuple[str, ...]:
    """Return the columns that stand for a target: one, or one a label where there are more than two."""
    return (name,) if n_labels <= 2 else tuple(f"{name}_{i}" for i in range(n_labels))


def folds(n_rows: int, n_folds: int, seed: int) -> Iterator[np.ndarray]:
    """Give the rows of each fold as a mask, bool of shape (n_rows,); every row is in one.

    Examples
    --------
    >>> [int(inside.sum()) for inside in folds(5, 2, seed=0)]
    [3, 2]
    """
    place = np.random.default_rng(seed).permutation(n_rows) % n_folds
    for fold in range(min(n_folds, n_rows)):
        yield place == fold
