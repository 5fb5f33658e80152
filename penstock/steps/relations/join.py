"""What a join asks of a table: that its key columns are there, and that each key stands for one row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.errors import DataError, SpecError
from penstock.steps.relations.keys import keys_of, one_chunk, shown_key
from penstock.table import closest

MOST_SHOWN = 3


def check_relation(table: pa.Table, on: Sequence[str], name: str, hidden: bool = False) -> tuple[pa.Table, int, int]:
    """Return a table in which every key stands once.

    Parameters
    ----------
    table : pyarrow.Table
        Raw rows: the key columns and those to be looked up.
    on : sequence of str
        The key columns.
    name : str
        The table's name, for messages.
    hidden : bool
        Whether the keys are private, and must not be told.

    Returns
    -------
    tuple
        The table without rows that lack a key and without exact copies; how many copies, and how many keyless rows
        there were.

    Raises
    ------
    SpecError
        A key column is absent.
    DataError
        Two rows of one key differ.
    """
    require_keys(table, on, name)
    keys = keys_of(table, on)
    keyed = keys.is_valid().to_numpy(zero_copy_only=False)
    copies, often = told_apart(table, keys)
    if often:
        raise DataError(
            f"The table {name!r} holds several different rows for one key: a join would multiply rows",
            where=f"key {', '.join(on)}",
            got=told_keys(often, hidden),
            expected="one row a key, so that each row of the base finds at most one",
            todo="Aggregate the table (`aggregate`), join on more columns, or filter it at its source.",
        )
    kept = np.flatnonzero(keyed & ~copies)
    once = table if len(kept) == table.num_rows else table.take(pa.array(kept))
    return once, int(copies.sum()), int((~keyed).sum())


def told_apart(table: pa.Table, keys: pa.Array) -> tuple[np.ndarray, list[str]]:
    """Return which rows are exact copies of an earlier one, and the keys that stand for several different rows.

    Parameters
    ----------
    table : pyarrow.Table
        Raw rows.
    keys : pyarrow.Array
        Their keys, null where a row has none and is not looked at.
    """
    copies = np.zeros(table.num_rows, dtype=bool)
    encoded = keys.dictionary_encode()
    codes = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    often = np.append(np.bincount(codes, minlength=len(encoded.dictionary) + 1)[:-1] > 1, False)
    # Only rows of keys that stand there again have to be read at all.
    again = np.flatnonzero(often[codes])
    if not len(again):
        return copies, []
    rows = table.take(pa.array(again))
    texts = pd.DataFrame({i: canonical_array(one_chunk(rows[c])).to_pandas() for i, c in enumerate(table.column_names)})
    same = texts.duplicated(keep="first").to_numpy(dtype=bool)
    copies[again[same]] = True
    left = np.bincount(codes[again[~same]], minlength=len(often))[:-1]
    return copies, encoded.dictionary.take(pa.array(np.flatnonzero(left > 1))).to_pylist()


def told_keys(often: Sequence[str], hidden: bool) -> str:
    """Return how many keys stand more than once, and the first of them unless they are private."""
    shown = ", ".join(repr(shown_key(key)) for key in often[:MOST_SHOWN])
    return f"{len(often):,} keys more than once" + ("" if hidden else f", first {shown}")


def require_keys(table: pa.Table, on: Sequence[str], name: str) -> None:
    """Refuse a table that lacks one of its key columns.

    Raises
    ------
    SpecError
        It does; the error names the nearest column that it has.
    """
    for column in on:
        if column not in table.column_names:
            raise SpecError(
                f"The table {name!r} cannot be joined: it has no column {column!r}",
                expected=closest(column, table.column_names),
                todo="Name the columns of both sides: on: {BASE_COLUMN: TABLE_COLUMN}",
            )
