"""One pass over a raw column: its distinct values with their counts, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array

# What people write for nothing in a column of numbers or dates; elsewhere these words may be levels.
PLACEHOLDERS: tuple[str, ...] = ("-", "--", ".", "None", "none", "NONE", "n.a.", "N.A.", "na", "Nan", "NAN", "nil")
PLACEHOLDERS += ("unknown", "Unknown", "UNKNOWN", "missing", "Missing", "#VALUE!", "#REF!", "#DIV/0!")


@dataclass(frozen=True)
class Tally:
    """The distinct non-missing texts of a column, in order of first appearance, with their counts.

    `native` is the column's Arrow type where it is not text.
    """

    texts: pa.Array
    counts: Any
    n_rows: int
    native: pa.DataType | None

    @property
    def n(self) -> int:
        """How many cells are there."""
        return int(self.counts.sum())

    @property
    def n_missing(self) -> int:
        """How many are missing."""
        return self.n_rows - self.n

    @property
    def distinct(self) -> int:
        """How many values differ."""
        return len(self.texts)

    @cached_property
    def listed(self) -> list[str]:
        """The distinct texts as Python's."""
        found: list[str] = self.texts.to_pylist()
        return found

    def share(self, mask: Any) -> float:
        """Return the share of cells whose distinct value is marked, shape (distinct,)."""
        return float(self.counts[mask].sum()) / max(self.n, 1)

    def without(self, tokens: Sequence[str]) -> Tally:
        """Return the tally with further tokens counted as missing."""
        keep = pc.invert(pc.is_in(self.texts, value_set=pa.array(list(tokens), pa.string())))
        kept = keep.to_numpy(zero_copy_only=False)
        return Tally(self.texts.filter(keep), self.counts[kept], self.n_rows, self.native)

    def present(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """Return which of some tokens occur, in their order."""
        found = set(pc.drop_null(pc.index_in(self.texts, value_set=pa.array(list(tokens), pa.string()))).to_pylist())
        return tuple(t for i, t in enumerate(tokens) if i in found)


def tally(raw: pa.ChunkedArray | pa.Array, missing: Sequence[str]) -> Tally:
    """Count a raw column's distinct values.

    Parameters
    ----------
    raw : pyarrow.ChunkedArray or pyarrow.Array
        Shape (n_rows,).
    missing : sequence of str
        Texts that mean that there is no value.
    """
    values = raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    texts = pc.utf8_trim_whitespace(values).cast(pa.string()) if is_text else canonical_array(values)
    counted = pc.value_counts(texts)
    found, counts = counted.field(0), counted.field(1).to_numpy(zero_copy_only=False).astype(np.int64)
    out = pc.or_(pc.is_null(found), pc.fill_null(pc.is_in(found, value_set=pa.array(list(missing), pa.string())), True))
    kept = ~out.to_numpy(zero_copy_only=False)
    return Tally(found.filter(pc.invert(out)), counts[kept], len(values), None if is_text else values.type)
