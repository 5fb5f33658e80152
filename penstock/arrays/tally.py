"""A raw column looked at as a whole: its distinct values with their counts, or its numbers; and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import Encoded, canonical_array, encode, plain_chunks

# What people write for nothing in a column of numbers or dates; elsewhere these words may be levels.
PLACEHOLDERS: tuple[str, ...] = ("-", "--", ".", "None", "none", "NONE", "n.a.", "N.A.", "na", "Nan", "NAN", "nil")
PLACEHOLDERS += ("unknown", "Unknown", "UNKNOWN", "missing", "Missing", "#VALUE!", "#REF!", "#DIV/0!")

# Among tokens: a cell that holds nothing at all. No text is like it.
NULL = "\0"


@dataclass(frozen=True)
class Tally:
    """The distinct non-missing texts of a column, trimmed, in order of first appearance, with their counts.

    `native` is the column's Arrow type where it is not text. `gone` counts the missing cells by their token, `NULL`
    for those that hold nothing at all. `encoded` is the column as it came.
    """

    texts: pa.Array
    counts: Any
    n_rows: int
    native: pa.DataType | None
    gone: Mapping[str, int]
    encoded: Encoded

    @cached_property
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

    @property
    def is_constant(self) -> bool:
        """Whether all cells that are there hold one value."""
        return self.distinct == 1

    @cached_property
    def listed(self) -> list[str]:
        """The distinct texts as Python's."""
        found: list[str] = self.texts.to_pylist()
        return found

    def count(self, mask: Any) -> int:
        """Return how many cells hold a value that is marked, shape (distinct,)."""
        return int(self.counts[mask].sum())

    def share(self, mask: Any) -> float:
        """Return the share of cells whose distinct value is marked, shape (distinct,)."""
        return self.count(mask) / max(self.n, 1)

    def most(self, mask: Any, n: int) -> list[tuple[str, int]]:
        """Return the most frequent of the marked texts with their counts, whatever the order of the rows."""
        texts = self.texts.filter(pa.array(mask))
        counts = pa.array(self.counts[mask])
        if not len(texts):
            return []
        table = pa.table({"n": counts, "text": texts})
        first = pc.select_k_unstable(table, n, sort_keys=[("n", "descending"), ("text", "ascending")])
        some = table.take(first)
        return list(zip(some["text"].to_pylist(), some["n"].to_pylist(), strict=True))

    def without(self, tokens: Sequence[str]) -> Tally:
        """Return the tally with further tokens counted as missing."""
        out = _is_in(self.texts, tokens)
        lost = out.to_numpy(zero_copy_only=False)
        gone = {**self.gone, **dict(self.most(lost, len(tokens)))}
        return Tally(
            self.texts.filter(pc.invert(out)), self.counts[~lost], self.n_rows, self.native, gone, self.encoded
        )

    def counted(self, tokens: Sequence[str]) -> dict[str, int]:
        """Return which of some tokens occur, in their order, and how often."""
        found = dict(self.most(_is_in(self.texts, tokens).to_numpy(zero_copy_only=False), len(tokens)))
        return {t: found[t] for t in tokens if t in found}


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column, float64 with NaN for missing; `gone` as that of a tally.

    `odd` cells hold something else, and are NaN too.
    """

    values: Any
    gone: Mapping[str, int]
    odd: int = 0

    @cached_property
    def present(self) -> Any:
        """The numbers that are there."""
        missing = np.isnan(self.values)
        return self.values[~missing] if missing.any() else self.values

    @property
    def n_rows(self) -> int:
        """How many cells the column has."""
        return len(self.values)

    @property
    def n(self) -> int:
        """How many numbers are there."""
        return len(self.present)

    @property
    def n_missing(self) -> int:
        """How many are missing."""
        return self.n_rows - self.n - self.odd

    @cached_property
    def low(self) -> float:
        """The lowest number."""
        return float(self.present.min())

    @cached_property
    def high(self) -> float:
        """The highest number."""
        return float(self.present.max())

    @property
    def is_constant(self) -> bool:
        """Whether all numbers are one."""
        return bool(self.n) and self.low == self.high

    @cached_property
    def is_whole(self) -> bool:
        """Whether all are whole numbers."""
        head = self.present[:1000]
        return bool((head == np.floor(head)).all() and (self.present == np.floor(self.present)).all())

    @cached_property
    def distinct(self) -> int:
        """How many differ."""
        return len(np.unique(self.present))


def tally(raw: pa.ChunkedArray | pa.Array, missing: Sequence[str]) -> Tally:
    """Count a raw column's distinct values.

    Parameters
    ----------
    raw : pyarrow.ChunkedArray or pyarrow.Array
        Shape (n_rows,).
    missing : sequence of str
        Texts that mean that there is no value.
    """
    values = plain_chunks(raw)
    native = None if pa.types.is_string(values.type) else values.type
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        # Lists and bytes have no text.
        values = pa.chunked_array([pa.nulls(len(values), pa.string())])
    return _tally(values, missing, native)


def _tally(values: pa.ChunkedArray, missing: Sequence[str], native: pa.DataType | None) -> Tally:
    encoded = encode(values)
    codes = encoded.codes
    is_text = pa.types.is_string(encoded.values.type)
    texts = pc.utf8_trim_whitespace(encoded.values) if is_text else canonical_array(encoded.values)
    counts = np.bincount(codes[codes >= 0] if len(codes) and codes.min() < 0 else codes, minlength=len(texts))
    if not is_text or _lengths(texts) != _lengths(encoded.values):
        texts, counts = _merged(texts, counts)
    out = pc.or_(pc.is_null(texts), _is_in(texts, missing))
    lost = out.to_numpy(zero_copy_only=False)
    gone = dict(zip(texts.filter(out).to_pylist(), counts[lost].tolist(), strict=True))
    n_null = len(codes) - int(counts.sum()) + gone.pop(None, 0)
    return Tally(
        texts.filter(pc.invert(out)),
        counts[~lost],
        len(codes),
        native,
        {**({NULL: n_null} if n_null else {}), **gone},
        encoded,
    )


def _lengths(texts: pa.Array) -> int:
    return int(pc.sum(pc.binary_length(texts)).as_py() or 0)


def _merged(texts: pa.Array, counts: Any) -> tuple[pa.Array, Any]:
    """Return texts that have become equal, by trimming, as one."""
    again = texts.dictionary_encode(null_encoding="encode")
    if len(again.dictionary) == len(texts):
        return texts, counts
    codes = again.indices.to_numpy(zero_copy_only=False)
    return again.dictionary, np.bincount(codes, weights=counts, minlength=len(again.dictionary)).astype(np.int64)


def _is_in(texts: pa.Array, tokens: Sequence[str]) -> pa.Array:
    return pc.fill_null(pc.is_in(texts, value_set=pa.array(list(tokens), pa.string())), False)


def missing_by_token(raw: pa.ChunkedArray, values: Any) -> dict[str, int]:
    """Return how often each token stands where a column that was cast to float64 has no value."""
    missing = np.isnan(values)
    n_missing = int(missing.sum())
    if not n_missing:
        return {}
    if raw.null_count == n_missing:
        return {NULL: n_missing}
    cells = raw.filter(pa.array(missing))
    counted = pc.value_counts(canonical_array(cells.combine_chunks()))
    found = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
    n_null = found.pop(None, 0)
    return {**({NULL: n_null} if n_null else {}), **found}
