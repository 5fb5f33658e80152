"""Columns that the target is computed from: its parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.arrays.collinear import collinear_groups
from penstock.arrays.relations import one_thread
from penstock.suspicion.suspicion import Suspicion

# A relation of more terms is no sum of parts; a column with more gaps is no part of all.
MOST_TERMS, MOST_MISSING = 6, 0.2
FEWEST_ROWS, ROWS_A_COLUMN, MOST_COLUMNS = 50, 3, 200


def parts_of_target(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: str) -> list[Suspicion]:
    """Return the columns whose weighted sum is the target.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of training rows, shape (n_rows, n_columns).
    y : numpy.ndarray
        Their target, float64 of shape (n_rows,).
    target : str
        Its name.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame(rng.integers(0, 100, (200, 3)).astype(float), columns=["guests", "members", "heat"])
    >>> [s.what for s in parts_of_target(frame, frame["guests"] + frame["members"], "users")]
    ['users = guests + members, in 200 training rows', 'users = guests + members, in 200 training rows']
    """
    numbers = frame.select_dtypes("number")
    names = [str(n) for n in numbers.columns if numbers[n].isna().mean() <= MOST_MISSING and numbers[n].nunique() > 1]
    if not names or len(names) > MOST_COLUMNS:
        return []
    matrix = np.column_stack([numbers[names].to_numpy(dtype=np.float64), np.asarray(y, dtype=np.float64)])
    matrix = matrix[np.isfinite(matrix).all(axis=1)]
    scales = matrix.std(axis=0) if len(matrix) else np.zeros(len(names) + 1)
    kept = [i for i in range(len(names)) if scales[i] > 0]
    if len(matrix) < max(FEWEST_ROWS, ROWS_A_COLUMN * matrix.shape[1]) or not kept or not scales[-1] > 0:
        return []
    chosen = [*kept, len(names)]
    means, scales, matrix = matrix.mean(axis=0)[chosen], scales[chosen], matrix[:, chosen]
    with one_thread():
        upper = np.linalg.qr((matrix - means) / (scales * np.sqrt(len(matrix))), mode="r")
        relations = collinear_groups(upper, [*(names[i] for i in kept), target], means, scales)
    found = next((r for r in relations if r.column == target), None)
    if found is None or len(found.terms) > MOST_TERMS:
        return []
    what = f"{found.relation}, in {len(matrix):,} training rows"
    return [Suspicion(column=name, sign="sum", what=what) for name in found.terms]
