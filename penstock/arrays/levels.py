"""The levels of a category or a text, with their entropy and the lengths of the texts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.records import Lengths, Level

MAX_LEVELS = 100


class Counted(NamedTuple):
    """The levels of a column, those of private ones not listed."""

    n: int
    n_levels: int
    levels: tuple[Level, ...]
    entropy: float | None
    lengths: Lengths | None


def count_levels(values: Any, private: bool = False) -> Counted:
    """Count the levels of a column of text.

    Parameters
    ----------
    values : pyarrow.Array or pyarrow.ChunkedArray
        Text, shape (n_rows,), null for missing.
    private : bool
        Whether no value may be told.

    Returns
    -------
    Counted
        The most frequent levels, of equally frequent ones the first in the order of code points: the order of the rows
        does not show.

    Examples
    --------
    >>> count_levels(pa.array(["b", "a", None, "b"])).levels
    (Level(value='b', count=2), Level(value='a', count=1))
    """
    counts = pc.value_counts(values.drop_null())
    return levels_of(counts.field("values"), counts.field("counts"), private)


def levels_of(texts: Any, rows: Any, private: bool = False) -> Counted:
    """Measure levels that are counted already: Arrow arrays of the texts and of their rows; see `count_levels`."""
    if not len(rows):
        return Counted(0, 0, (), None, None)
    n_rows = rows.to_numpy()
    most = _most_frequent(texts, rows) if not private else ()
    lengths = _lengths(texts, n_rows) if not private else None
    return Counted(int(n_rows.sum()), len(rows), most, entropy_of(n_rows), lengths)


def entropy_of(counts: Any) -> float:
    """Return Shannon's entropy in bits of levels that are met so often.

    References
    ----------
    C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.

    Examples
    --------
    >>> entropy_of([2, 2, 4])
    1.5
    """
    # Sorted, so that the sum does not depend on the order of the rows.
    share = np.sort(np.asarray(counts, dtype=np.float64)) / float(np.sum(counts))
    return float(f"{max(-math.fsum(share * np.log2(share)), 0.0):.12g}")


def first_levels(counts: Iterable[tuple[str, int]]) -> tuple[Level, ...]:
    """Return the most frequent levels, as many as a profile lists."""
    ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return tuple(Level(value=value, count=count) for value, count in ordered[:MAX_LEVELS])


def _most_frequent(texts: Any, rows: Any) -> tuple[Level, ...]:
    if len(rows) > MAX_LEVELS:
        table = pa.table({"text": texts, "rows": rows})
        keys = [("rows", "descending"), ("text", "ascending")]
        top = table.take(pc.select_k_unstable(table, MAX_LEVELS, keys))
        texts, rows = top["text"], top["rows"]
    return first_levels(zip(texts.to_pylist(), rows.to_pylist(), strict=True))


def _lengths(texts: Any, n_rows: Any) -> Lengths:
    characters = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return Lengths(
        fewest=int(characters.min()),
        most=int(characters.max()),
        total=int((characters.astype(np.int64) * n_rows).sum()),
    )
