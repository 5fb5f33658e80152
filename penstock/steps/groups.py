"""Groups of rows: those that share the values of some columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.blocks import Blocks, require


@dataclass(frozen=True)
class Groups:
    """The groups that training rows form; a missing value is a value like others here.

    `levels` holds for each column of `by` its distinct values: codes by text, or sorted numbers. `met[j]` holds,
    sorted, which value of column `j` was met in which group of the columns before it, as one integer.

    Examples
    --------
    >>> import pandas as pd
    >>> groups, codes = Groups.of(Blocks.of(pd.DataFrame({"city": ["Oslo", "Bonn", "Oslo"], "year": [1.0, 1.0, 2.0]})),
    ...                           ("city", "year"))
    >>> groups.n, codes.tolist()
    (3, [1, 0, 2])
    >>> groups.codes(Blocks.of(pd.DataFrame({"city": ["Bonn", "Bonn"], "year": [1.0, 2.0]}))).tolist()
    [0, -1]
    """

    by: tuple[str, ...]
    levels: tuple[dict[str, int] | np.ndarray, ...]
    met: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, blocks: Blocks, by: tuple[str, ...]) -> tuple[Groups, np.ndarray]:
        """Return the groups, and which of them each row belongs to, int64 of shape (n_rows,)."""
        require(by, (*blocks.number_names, *blocks.texts))
        levels, met = [], []
        dense = np.zeros(blocks.n_rows, dtype=np.int64)
        for name in by:
            values = _levels(blocks, name)
            levels.append(values)
            found, dense = np.unique(dense * (len(values) + 1) + _local(blocks, name, values), return_inverse=True)
            met.append(found)
        return cls(by, tuple(levels), tuple(met)), dense

    @property
    def n(self) -> int:
        """How many groups there are."""
        return len(self.met[-1]) if self.met else 1

    def codes(self, blocks: Blocks) -> np.ndarray:
        """Return which group each row belongs to, int64 of shape (n_rows,); -1 for one that was never met."""
        dense = np.zeros(blocks.n_rows, dtype=np.int64)
        for name, values, met in zip(self.by, self.levels, self.met, strict=True):
            if not len(met):
                return np.full(blocks.n_rows, -1, dtype=np.int64)
            local = _local(blocks, name, values)
            wanted = dense * (len(values) + 1) + local
            at = np.minimum(np.searchsorted(met, wanted), len(met) - 1)
            dense = np.where((met[at] == wanted) & (local >= 0) & (dense >= 0), at, -1)
        return dense


def lacking(blocks: Blocks, by: tuple[str, ...]) -> np.ndarray:
    """Return where one of the columns is missing, bool of shape (n_rows,)."""
    missing = np.zeros(blocks.n_rows, dtype=bool)
    for name in by:
        missing |= blocks.texts[name].codes < 0 if name in blocks.texts else np.isnan(_column(blocks, name))
    return missing


def _levels(blocks: Blocks, name: str) -> dict[str, int] | np.ndarray:
    if name in blocks.texts:
        # Code point order: the same groups have the same codes, in whatever order rows come.
        return {level: code for code, level in enumerate(sorted(blocks.texts[name].levels), start=1)}
    column = _column(blocks, name)
    return np.unique(column[~np.isnan(column)])


def _local(blocks: Blocks, name: str, levels: dict[str, int] | np.ndarray) -> np.ndarray:
    """Return codes of one column's values: 0 for missing, -1 for a value that is none of the levels."""
    if isinstance(levels, dict):
        require((name,), blocks.texts)
        texts = blocks.texts[name]
        table = np.array([*(levels.get(text, -1) for text in texts.levels), 0], dtype=np.int64)
        codes: np.ndarray = table[texts.codes]
        return codes
    values = _column(blocks, name)
    missing = np.isnan(values)
    if not len(levels):
        return np.where(missing, 0, -1)
    at = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    return np.where(missing, 0, np.where(levels[at] == values, at + 1, -1))


def _column(blocks: Blocks, name: str) -> np.ndarray:
    at: np.ndarray = blocks.matrix((name,))
    return at.reshape(-1)
