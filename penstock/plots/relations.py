"""How strongly columns go together: what decides which of many columns are drawn, and in which order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.plots.groups import Groups

Floats = npt.NDArray[np.float64]


def ranks(frame: pd.DataFrame) -> Floats:
    """Return columns as centred ranks of unit length, missing values at the middle.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
        A constant or empty column is all zeros, so that its correlation with anything is zero.
    """
    ranked = frame.rank(method="average").to_numpy(dtype=np.float64, na_value=np.nan)
    if not ranked.size:
        return ranked
    n = np.maximum(np.sum(np.isfinite(ranked), axis=0), 1)
    ranked = np.nan_to_num(ranked - np.nansum(ranked, axis=0) / n)
    length = np.sqrt(np.sum(ranked**2, axis=0))
    unit: Floats = ranked / np.where(length > 0, length, 1.0)
    return unit


def rank_correlation(frame: pd.DataFrame) -> Floats:
    """Return Spearman's correlation of numeric columns, shape (n_columns, n_columns).

    References
    ----------
    Spearman, C. (1904). The proof and measurement of association between two things. Am. J. Psychol. 15, 72-101.
    """
    unit = ranks(frame)
    matrix: Floats = np.clip(unit.T @ unit, -1.0, 1.0)
    return matrix


def with_target(frame: pd.DataFrame, groups: Groups, numeric_target: Floats | None = None) -> Floats:
    """Return how much of each numeric column's ranks the target explains, from 0 to 1, shape (n_columns,).

    For a numeric target it is the squared rank correlation, for classes the share of variance between them (eta
    squared, on ranks).

    References
    ----------
    Kruskal, W. H. and Wallis, W. A. (1952). Use of ranks in one-criterion variance analysis. JASA 47, 583-621.
    """
    unit = ranks(frame)
    if not unit.size:
        return np.zeros(unit.shape[1])
    if numeric_target is not None:
        found: Floats = (unit.T @ ranks(pd.DataFrame({"y": numeric_target}))[:, 0]) ** 2
        return found
    between = np.zeros(unit.shape[1])
    for code in range(len(groups)):
        rows = groups.codes == code
        if n := int(rows.sum()):
            between += unit[rows].sum(axis=0) ** 2 / n
    return between


def strongest_pairs(matrix: Floats, most: int, each: int = 2) -> list[tuple[int, int]]:
    """Return pairs of columns with the greatest absolute correlation, the strongest first.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_columns, n_columns)
        Correlations.
    most : int
        How many pairs.
    each : int
        In how many pairs a column may be: else one bundle of near copies would take them all.

    Examples
    --------
    >>> strongest_pairs(np.array([[1.0, 0.2, -0.9], [0.2, 1.0, 0.1], [-0.9, 0.1, 1.0]]), most=2)
    [(0, 2), (0, 1)]
    >>> strongest_pairs(np.array([[1.0, 0.2, -0.9], [0.2, 1.0, 0.1], [-0.9, 0.1, 1.0]]), most=2, each=1)
    [(0, 2)]
    """
    first, second = np.triu_indices(len(matrix), k=1)
    used = np.zeros(len(matrix), dtype=np.int64)
    pairs: list[tuple[int, int]] = []
    for k in np.argsort(-np.abs(matrix[first, second]), kind="stable"):
        i, j = int(first[k]), int(second[k])
        if len(pairs) == most or matrix[i, j] == 0.0:
            break
        if max(used[i], used[j]) < each:
            used[[i, j]] += 1
            pairs.append((i, j))
    return pairs


def clustered(matrix: Floats) -> list[int]:
    """Return an order of the columns in which related ones stand side by side."""
    if len(matrix) < 3:
        return list(range(len(matrix)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = 1.0 - np.abs(matrix)
    np.fill_diagonal(distance, 0.0)
    # Rounding keeps the order from hanging on the last bit of a matrix product.
    tree = linkage(squareform(np.round((distance + distance.T) / 2, 9), checks=False), "average", optimal_ordering=True)
    return [int(i) for i in leaves_list(tree)]
