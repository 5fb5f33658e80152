"""What a join asks of a table: that its key columns are there, and that each key stands for one row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.errors import DataError
from penstock.steps.relations.keys import keys_of, one_chunk, shown_key
from penstock.table import closest


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
    DataError
        A key column is absent, or two rows of one key differ.
    """
    require_keys(table, on, name)
    keys = keys_of(table, on)
    keyed = keys.is_valid().to_numpy(zero_copy_only=False)
    keyless = int((~keyed).sum())
    texts = pd.DataFrame(
        {i: canonical_array(one_chunk(table[c])).to_pandas() for i, c in enumerate(table.column_names)}
    )
    copies = texts.duplicated(keep="first").to_numpy() & keyed
    kept = np.flatnonzero(keyed & ~copies)
    once, left = table.take(pa.array(kept)), keys.take(pa.array(kept))
    counts = pc.value_counts(left)
    often = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(often):
        shown = ", ".join(repr(shown_key(v)) for v in often.field("values").to_pylist()[:3])
        raise DataError(
            f"The table {name!r} holds several different rows for one key",
            where=f"key {', '.join(on)}",
            got=f"{len(often)} keys more than once" + ("" if hidden else f", first {shown}"),
            expected="one row a key, so that each row of the base finds at most one",
            todo="Aggregate or filter the table at its source, or join on more columns.",
        )
    return once, int(copies.sum()), keyless


def require_keys(table: pa.Table, on: Sequence[str], name: str) -> None:
    """Refuse a table that lacks one of its key columns.

    Raises
    ------
    DataError
        It does; the error names the nearest column that it has.
    """
    for column in on:
        if column not in table.column_names:
            raise DataError(
                f"The table {name!r} cannot be joined: it has no column {column!r}",
                expected=closest(column, table.column_names),
                todo="Name the columns of both sides: on: {BASE_COLUMN: TABLE_COLUMN}",
            )
