"""The seasonal naive forecast as a recipe: what any forecast must beat, and what stands in where none was learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.models.recipe import Recipe


class NaiveRecipe(Recipe):
    """A pipeline that answers with one column of its frame, and with its own model's value where that is missing.

    Parameters
    ----------
    steps : list of (str, object)
        As `Recipe` has them.
    threads : int
        As `Recipe` has it.
    column : str
        The column.
    """

    def __init__(self, steps: list[tuple[str, Any]], *, threads: int = 1, column: str = "") -> None:
        super().__init__(steps, threads=threads)
        self.column = column

    def predict(self, X: pd.DataFrame, **params: Any) -> npt.NDArray[np.generic]:
        """Return values, shape (n_rows,)."""
        otherwise = np.asarray(super().predict(X, **params), dtype=np.float64)
        if self.column not in X.columns:
            return otherwise
        naive = X[self.column].to_numpy(dtype=np.float64)
        return np.where(np.isnan(naive), otherwise, naive)


def naive_values(cut: pd.DataFrame, column: str, otherwise: float) -> npt.NDArray[np.float64]:
    """Return the naive forecast of rows at the cut, and a value where they have none; shape (n_rows,)."""
    if column not in cut.columns:
        return np.full(len(cut), otherwise)
    naive = cut[column].to_numpy(dtype=np.float64)
    return np.where(np.isnan(naive), otherwise, naive)
