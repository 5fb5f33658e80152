"""Keys as texts: what a row of one table and a row of another agree in, whatever types they came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.cells import NotCast, canonical_text
from penstock.errors import BundleError

BETWEEN = "\x1f"
# What stands for a position where there is none.
NO_MATCH, NO_KEY = -1, -2
# Below so many rows a dictionary is asked, beyond it Arrow.
FEW = 64
ARROW = (pa.Array, pa.ChunkedArray)


def keys_of(raw: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Return one text a row, null where any of the columns is missing or absent.

    Examples
    --------
    >>> keys_of(pa.table({"a": [1.0, None], "b": [" x", "y"]}), ["a"]).to_pylist()
    ['1', None]
    """
    given = set(raw.column_names)
    return key_texts({name: raw[name] for name in columns if name in given}, columns, raw.num_rows)


def key_texts(columns: Mapping[str, Any], names: Sequence[str], n_rows: int) -> pa.Array:
    """Do the same for columns by name: Arrow arrays, or sequences of values of any types."""
    parts = [_texts(columns.get(name), n_rows) for name in names]
    # A blank text is no key: otherwise all rows that lack one would find each other.
    present = [pc.if_else(pc.equal(part, ""), pa.scalar(None, pa.string()), part) for part in parts]
    return present[0] if len(present) == 1 else pc.binary_join_element_wise(*present, BETWEEN)


def shown_key(key: str) -> str:
    """Return a key as a reader sees it."""
    return key.replace(BETWEEN, " / ")


class KeyIndex:
    """Where each of a table's keys stands: by a dictionary for few rows, by Arrow's hash table for many.

    Parameters
    ----------
    keys : pyarrow.Array
        Texts of shape (n_keys,), each once and none null.

    Raises
    ------
    BundleError
        A key stands there twice.

    Examples
    --------
    >>> KeyIndex(pa.array(["a", "b"])).find({"k": ["b", None, "z"]}, ["k"], 3).tolist()
    [1, -2, -1]
    """

    def __init__(self, keys: pa.Array) -> None:
        self.keys = keys
        self._places: dict[str, int] | None = None
        if len(pc.unique(keys)) != len(keys):
            raise BundleError("A table that is looked up in holds one key twice")

    def find(self, columns: Mapping[str, Any], names: Sequence[str], n_rows: int) -> np.ndarray:
        """Return each row's position among the keys, int64; -1 where there is no such key, -2 where it has none."""
        if n_rows <= FEW:
            return np.array(self._few([columns.get(name) for name in names], n_rows), dtype=np.int64)
        texts = key_texts(columns, names, n_rows)
        found = pc.fill_null(pc.index_in(texts, value_set=self.keys), NO_MATCH)
        places: np.ndarray = found.to_numpy(zero_copy_only=False).astype(np.int64)
        if texts.null_count:
            places[texts.is_null().to_numpy(zero_copy_only=False)] = NO_KEY
        return places

    def _few(self, columns: Sequence[Any], n_rows: int) -> list[int]:
        if self._places is None:
            # Made when it is first asked: training has no use for it.
            self._places = {key: i for i, key in enumerate(self.keys.to_pylist())}
        if any(values is None for values in columns):
            return [NO_KEY] * n_rows
        places = self._places
        rows = zip(*(v.to_pylist() if isinstance(v, ARROW) else v for v in columns), strict=True)
        return [places.get(key, NO_MATCH) if (key := _key(row)) is not None else NO_KEY for row in rows]


def _key(row: Sequence[object]) -> str | None:
    texts = [_text(value) for value in row]
    return BETWEEN.join(texts) if all(texts) else None  # type: ignore[arg-type]  # a missing one is not joined


def _texts(values: Any, n_rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(n_rows, pa.string())
    if not isinstance(values, ARROW):
        return pa.array([_text(v) for v in values], pa.string())
    values = one_chunk(values)
    if pa.types.is_nested(values.type) or pa.types.is_null(values.type):
        return pa.nulls(n_rows, pa.string())
    # Keys repeat themselves: each is read once.
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    return canonical_array(encoded.dictionary).take(encoded.indices)


def _text(value: object) -> str | None:
    if is_missing(value):
        return None
    try:
        return canonical_text(value)
    except NotCast:
        return None


def is_missing(value: object) -> bool:
    """Whether a raw value is none at all: null or NaN.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124


def one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
