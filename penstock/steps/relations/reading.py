"""What rows found, typed: a cell of the other table is read once, however many rows find it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.cells import EXPECTED
from penstock.steps.relations.lookup import Lookup, column_name
from penstock.table import Column, TableSchema


def typed_columns(
    lookup: Lookup, added: Sequence[Column], taken: Mapping[str, pa.Array], places: np.ndarray
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the features that a look-up adds, typed as a request's would be, and their misfits.

    Parameters
    ----------
    lookup : Lookup
        Where the rows looked.
    added : sequence of Column
        How its columns read.
    taken : mapping of str to pyarrow.Array
        What each row found, raw.
    places : numpy.ndarray
        Where, int64 of shape (n_rows,).

    Returns
    -------
    tuple
        Arrays by name, each of shape (n_rows,); and a frame of `row`, `column` and `expected`.
    """
    features = [column for column in added if column.role == "feature"]
    schema, names = TableSchema(columns=tuple(features)), [column.name for column in features]
    if lookup.record.made or lookup.table.num_rows > len(places):
        cast = schema.cast(taken, names)
        bad = [(m.row, m.column, m.expected) for m in cast.misfits]
        return {name: cast.frame[name].array for name in names}, _misfits(bad)
    own = {column_name(lookup.join.table, name): lookup.table[name] for name in lookup.table.column_names}
    cast = schema.cast({name: own[name] for name in names}, names)
    at = np.where(places < 0, -1, places)
    typed = {name: pd.api.extensions.take(cast.frame[name].array, at, allow_fill=True) for name in names}
    wrong: dict[str, list[int]] = {}
    for misfit in cast.misfits:
        wrong.setdefault(misfit.column, []).append(misfit.row)
    kinds = {column.name: EXPECTED[column.kind] for column in features}
    found = [(int(row), name, kinds[name]) for name, rows in wrong.items() for row in np.flatnonzero(np.isin(at, rows))]
    return typed, _misfits(found)


def _misfits(found: Sequence[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(list(found), columns=["row", "column", "expected"])
