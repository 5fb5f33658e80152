"""Rejected rows as a table that a person edits and feeds back: its columns, the keys of rows, cells safe to open.

A row's key is a hash of what the row said when it was collected, so that it is found again however the source has been
sorted since. Cells that a spreadsheet would take for a formula have an apostrophe before them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.cells import NotCast, canonical_text, parse_cell
from penstock.table import Column

ROW, REASON, COLUMN, KEY, DROP = "_row", "_reason", "_column", "_key", "_drop"
FACTS = (ROW, REASON, COLUMN, KEY, DROP)
# Neither sign can stand in a trimmed value of a text file.
_BETWEEN, _NULL = "\x1f", "\x00"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = Column(name="", kind="float")


def row_texts(columns: Iterable[pa.Array | pa.ChunkedArray]) -> pa.Array:
    """Return one text a row: the canonical texts of its values, in order, with missing ones marked."""
    texts = [canonical_array(c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c) for c in columns]
    return pc.binary_join_element_wise(*texts, _BETWEEN, null_handling="replace", null_replacement=_NULL)


def row_keys(raw: pa.Table, rows: npt.NDArray[np.int64] | None = None) -> list[str]:
    """Return the key of each of some rows of a raw table.

    Parameters
    ----------
    raw : pyarrow.Table
        All rows as they were collected; in what order the columns stand does not matter.
    rows : numpy.ndarray, optional
        Positions of the rows that are asked for; by default all.

    Returns
    -------
    list of str
        Twenty hexadecimal digits; of rows that say the same, the later ones bear their number behind a dot.

    Examples
    --------
    >>> keys = row_keys(pa.table({"a": ["1", "2", " 1 "]}))
    >>> keys[2] == keys[0] + ".1", keys[1] == row_keys(pa.table({"a": [0, 2]}), np.array([1]))[0]
    (True, True)
    """
    texts = row_texts([raw[name] for name in sorted(raw.column_names)])
    asked = np.arange(raw.num_rows) if rows is None else rows
    codes = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    nth = pd.Series(codes).groupby(codes).cumcount().to_numpy()[asked]
    return [
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest() + (f".{n}" if n else "")
        for text, n in zip(texts.take(pa.array(asked)).to_pylist(), nth.tolist(), strict=True)
    ]


def as_they_came(dropped: Sequence[int], n_rows: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where rows stood in their source before corrections dropped some.

    Parameters
    ----------
    dropped : sequence of int
        Positions in the source of rows that are gone.
    n_rows : int
        How many rows the source has.
    rows : numpy.ndarray
        Positions among the rows that are left.

    Examples
    --------
    >>> as_they_came([1], 4, np.array([0, 1, 2])).tolist()
    [0, 2, 3]
    """
    return np.delete(np.arange(n_rows), list(dropped))[rows]


def editable(table: pa.Table) -> list[str]:
    """Return the columns whose cells have a text that can be edited: lists and bytes have none."""
    return [f.name for f in table.schema if not (pa.types.is_nested(f.type) or pa.types.is_binary(f.type))]


def cell_text(value: object) -> str:
    """Return a raw value as the table shows it; empty where it is missing.

    Examples
    --------
    >>> cell_text(" a "), cell_text(2.0), cell_text(None)
    (' a ', '2', '')
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    try:
        return canonical_text(value)
    except NotCast:
        return str(value)


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; plain numbers stay as they are.

    Examples
    --------
    >>> guarded("=1+1"), guarded("-5"), guarded("'=x"), guarded("it's")
    ("'=1+1", '-5', "''=x", "it's")
    """
    bare = text.lstrip("'")
    if not bare.startswith(_FORMULA) or (bare == text and _is_number(text)):
        return text
    return "'" + text


def unguarded(text: str) -> str:
    """Return what was guarded.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=x"), unguarded("'tis")
    ('=1+1', "'=x", "'tis")
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _is_number(text: str) -> bool:
    try:
        return parse_cell(_NUMBER, text) is not None
    except NotCast:
        return False


def written(columns: dict[str, Sequence[Any]]) -> bytes:
    """Return columns as the bytes of a CSV that spreadsheets open as it is meant.

    With a mark that it is UTF-8, which spreadsheets need to be told; every cell guarded.
    """
    frame = pd.DataFrame({name: [guarded(cell_text(v)) for v in values] for name, values in columns.items()})
    frame.columns = [guarded(str(name)) for name in frame.columns]
    return frame.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig", "replace")
