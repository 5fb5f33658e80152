"""Which group a row belongs to: every group that was met has a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, require

Key = tuple[str | float, ...]

# Instead of a group's number.
NO_GROUP, NEVER_MET = -2, -1


@dataclass(frozen=True)
class Groups:
    """The groups by the values of the columns `by`, numbered in the order in which they were met."""

    by: tuple[str, ...]
    numbers: dict[Key, int]

    def of(self, blocks: Blocks) -> np.ndarray:
        """Return each row's group, int64 of shape (n_rows,).

        It is `NO_GROUP` where a value of `by` is missing, and `NEVER_MET` for a group that has no number.
        """
        return _numbered(self.numbers, *_keys_of(blocks, self.by))

    def joined_by(self, blocks: Blocks, rows: np.ndarray) -> tuple[Groups, np.ndarray]:
        """Return the groups with those of some `rows`, bool of shape (n_rows,), numbered too; and each row's group."""
        codes, met = _keys_of(blocks, self.by)
        numbers = dict(self.numbers)
        for code in pd.unique(codes[rows & (codes >= 0)]).tolist():
            numbers.setdefault(met[code], len(numbers))
        return Groups(self.by, numbers), _numbered(numbers, codes, met)


def _numbered(numbers: Mapping[Key, int], codes: np.ndarray, met: Sequence[Key]) -> np.ndarray:
    # The last place is that of the code -1.
    table = np.array([*(numbers.get(key, NEVER_MET) for key in met), NO_GROUP], dtype=np.int64)
    found: np.ndarray = table[codes]
    return found


def _keys_of(blocks: Blocks, by: Sequence[str]) -> tuple[np.ndarray, list[Key]]:
    """Return codes of shape (n_rows,) into distinct keys, -1 where a value is missing."""
    require(by, (*blocks.number_names, *blocks.texts))
    codes, met = np.zeros(blocks.n_rows, dtype=np.int64), [Key()]
    missing = np.zeros(blocks.n_rows, dtype=bool)
    for name in by:
        part, levels = _levels_of(blocks, name)
        missing |= part < 0
        # Missing ones take any place; their code is overwritten at the end.
        codes, joint = pd.factorize(codes * max(len(levels), 1) + np.maximum(part, 0))
        pairs = (divmod(pair, max(len(levels), 1)) for pair in joint.tolist())
        met = [(*met[left], *levels[right : right + 1]) for left, right in pairs]
    return np.where(missing, -1, codes), met


def _levels_of(blocks: Blocks, name: str) -> tuple[np.ndarray, Sequence[str | float]]:
    if name in blocks.texts:
        return blocks.texts[name].codes, blocks.texts[name].levels
    codes, levels = pd.factorize(blocks.number(name))
    return codes, levels.tolist()
