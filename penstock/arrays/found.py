"""What is asked of a raw column, and what it was found to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.arrays.tally import PLACEHOLDERS, Numbers, Tally, missing_by_token, tally
from penstock.casting import Encoded, cast_column, cast_encoded
from penstock.slices import ColumnSpec
from penstock.table import Column, Kind

# Cells that do not read as their column's kind, of which so many different ones are kept to be shown.
MOST_ODD = 3

Words = tuple[str, ...]


def are_no(n: int, what: str) -> str:
    """Say of how many cells something is not true.

    Examples
    --------
    >>> are_no(1, "date"), are_no(2000, "number")
    ('1 cell is no date', '2,000 cells are no numbers')
    """
    first, _, rest = what.partition(" of ")
    many = f"{first}s of {rest}" if rest else f"{first}s"
    return f"1 cell is no {what}" if n == 1 else f"{n:,} cells are no {many}"


@dataclass(frozen=True)
class Asked:
    """A raw column, the texts that mean no value, and what the user decided of it."""

    name: str
    raw: pa.ChunkedArray
    tokens: tuple[str, ...]
    decided: ColumnSpec

    @property
    def is_text(self) -> bool:
        """Whether it came as text."""
        return bool(pa.types.is_string(self.raw.type))

    @cached_property
    def tally(self) -> Tally:
        """Its distinct values."""
        return tally(self.raw, self.tokens)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The words that mean no value among numbers and dates; none where the user said what does."""
        return PLACEHOLDERS if self.decided.missing is None else ()

    def column(self, kind: Kind, missing: tuple[str, ...] | None = None, **more: Any) -> Column:
        """Return a column of a kind."""
        return Column(name=self.name, kind=kind, missing=self.tokens if missing is None else missing, **more)

    def told_tokens(self, tokens: Iterable[str]) -> Words:
        """Say which words beside the usual ones mean no value."""
        more = [repr(t) for t in tokens if t not in self.tokens]
        return (f"{', '.join(more)} read as missing",) if more else ()


@dataclass(frozen=True)
class Found:
    """What a column was found to be: how its values read, the values, and the words that say why.

    `odd` are cells that do not read so, most frequent first; `other` is a format that reads it otherwise. `values` and
    `misfits` are its cast under `column`, where finding out gave them; `encoded` its distinct values, where they were
    counted. What `is_feature` denies, nothing can be learned from.
    """

    column: Column
    seen: Tally | Numbers
    words: Words = ()
    whole: bool = False
    odd: tuple[tuple[str, int], ...] = ()
    other: str = ""
    values: Any = None
    misfits: Sequence[int] = ()
    encoded: Encoded | None = None
    is_feature: bool = True


def counted(asked: Asked, column: Column, words: Words) -> Found:
    """Return a column of levels or text with its distinct values."""
    return Found(column, asked.tally, words, encoded=asked.tally.encoded)


def read(asked: Asked, column: Column, words: Words, encoded: Encoded | None = None) -> Found:
    """Return a column of numbers or moments with its values; of moments the microseconds are its numbers."""
    if encoded is not None:
        values, rows = cast_encoded(column, encoded)
    else:
        values, misfits = cast_column(column, asked.raw)
        rows = [m.row for m in misfits]
    floats = values
    if column.kind == "datetime":
        floats = np.where(np.isnat(values), np.nan, values.astype(np.int64))
    return found_numbers(asked, column, words, floats, rows, values=values)


def found_numbers(
    asked: Asked, column: Column, words: Words, floats: Any, rows: Sequence[int], *, values: Any = None
) -> Found:
    """Return a column whose numbers are known, and the rows of its misfits."""
    there = floats
    if len(rows):
        there = np.array(floats)
        there[rows] = 0.0
    seen = Numbers(floats, missing_by_token(asked.raw, there), len(rows))
    given = floats if values is None else values
    return Found(column, seen, words, odd=_odd(asked, rows), values=given, misfits=rows)


def _odd(asked: Asked, rows: Sequence[int]) -> tuple[tuple[str, int], ...]:
    if not len(rows):
        return ()
    odd = tally(asked.raw.take(pa.array(rows)), ())
    return tuple(odd.most(np.ones(odd.distinct, dtype=bool), MOST_ODD))
