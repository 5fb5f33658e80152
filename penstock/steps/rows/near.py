"""Rows that nearly equal another: reported, never removed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from penstock.steps.rows.content import Hashes, cell_hashes, folded_hashes, row_hashes

# Of fewer columns, all but one agree by chance.
FEWEST_COLUMNS = 4
# Four million cells take about 0.6 seconds; of more, this would cost more than the plan itself.
MOST_CELLS = 4_000_000
MOST_PAIRS = 3


@dataclass(frozen=True)
class Near:
    """How many of `n` rows nearly equal another, and the first pairs of positions."""

    n: int
    count: int
    pairs: tuple[tuple[int, int], ...]


def near_rows(frame: pd.DataFrame, copies: np.ndarray) -> Near | None:
    """Find rows that equal another in all columns but one, or up to case, blanks, accents, punctuation and rounding.

    Takes time in proportion to the cells.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed rows with all that is compared, shape (n_rows, n_columns).
    copies : numpy.ndarray
        Which rows are exact copies of an earlier one, and so are not looked at; bool of shape (n_rows,).

    Returns
    -------
    Near or None
        None where there are too few columns for this to say anything, or too many cells to look at.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [1.0, 1.0, 9.0], "b": [2.0, 2.0, 8.0], "c": [3.0, 3.0, 7.0], "d": [4.0, 5.0, 6.0]})
    >>> near_rows(frame, np.zeros(3, dtype=bool)).pairs
    ((0, 1),)
    """
    if frame.shape[1] < FEWEST_COLUMNS or is_too_large(*frame.shape) or not len(frame):
        return None
    at = np.flatnonzero(~copies)
    rows = frame.iloc[at].reset_index(drop=True)
    cells = cell_hashes(rows)
    total = row_hashes(cells, len(rows))
    alike = [_partners(total - cell) for cell in cells]
    alike.append(_partners(row_hashes(folded_hashes(rows), len(rows))))
    partner = np.full(len(rows), -1, dtype=np.int64)
    for found in alike:
        partner = np.where(partner < 0, found, partner)
    later = np.flatnonzero(partner >= 0)
    pairs = dict.fromkeys((int(min(at[i], at[partner[i]])), int(max(at[i], at[partner[i]]))) for i in later[:64])
    return Near(n=len(frame), count=len(later), pairs=tuple(pairs)[:MOST_PAIRS])


def is_too_large(n_rows: int, n_columns: int) -> bool:
    """Whether there are more cells than are looked at."""
    return n_rows * n_columns > MOST_CELLS


def _partners(keys: Hashes) -> np.ndarray:
    """Return for each row the position of another with the same key, -1 where there is none."""
    codes, _ = pd.factorize(keys)
    first = np.full(codes.max(initial=-1) + 1, -1, dtype=np.int64)
    last = first.copy()
    positions = np.arange(len(codes))
    # Of repeated assignments the last one stays.
    last[codes] = positions
    first[codes[::-1]] = positions[::-1]
    return np.where(first[codes] == last[codes], -1, np.where(first[codes] == positions, last[codes], first[codes]))
