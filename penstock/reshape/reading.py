"""A collected source as typed columns to be reshaped: all of them, with ids as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.arrays.decisions import decide
from penstock.arrays.infer import decision, infer_and_cast, typed_column
from penstock.arrays.typed import StoredColumns
from penstock.casting import cast_column
from penstock.cells import Misfit
from penstock.errors import DataError
from penstock.receipts import Snapshot
from penstock.reshape.table import EXACT, Tabular
from penstock.slices import ColumnSpec, Typing
from penstock.store import Store
from penstock.table import Column, Kind, TableSchema


def typed_source(snapshot: Snapshot, typing: Typing, locked: TableSchema | None, store: Store) -> Tabular:
    """Type the columns of a source.

    Parameters
    ----------
    snapshot : Snapshot
        The source.
    typing : Typing
        What the user decided. Of the base the target is left out, so that nothing that is joined to it tells it.
    locked : TableSchema, optional
        What was inferred before; a column that it does not know is left out.
    store : Store
        Where the raw table lies.

    Raises
    ------
    DataError
        Most cells of a column do not read as the spec or the lock says.
    """
    raw = StoredColumns(snapshot.table, store)
    withheld = typing.target if snapshot.name == typing.base else ""
    known = {c.name: c for c in locked.columns} if locked is not None else None
    data: dict[str, object] = {}
    kinds: dict[str, Kind] = {}
    private: set[str] = set()
    remarks: list[str] = []
    for name in raw.column_names:
        values = raw[name]
        told = known is None or name in known
        if name == withheld or not told or pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
            continue
        decided = decision(typing, name, "" if snapshot.name == typing.base else snapshot.name)
        column, cells, misfits = _cast(name, values, decided, known[name] if known is not None else None)
        data[name], kinds[name] = cells, column.kind
        private |= {name} if column.private else set()
        remarks += _told_misfits(snapshot, column, misfits)
    frame = pd.DataFrame(data, index=pd.RangeIndex(snapshot.n_rows), copy=False)
    return Tabular(frame, kinds, frozenset(private), withheld, tuple(remarks))


def _cast(
    name: str, values: pa.ChunkedArray, decided: ColumnSpec, known: Column | None
) -> tuple[Column, object, list[Misfit]]:
    if known is None:
        column, cells, misfits = infer_and_cast(name, values, decided)
        kept = typed_column(column)
        if kept is None or kept.kind != column.kind:
            cells, misfits = cast_column(column, values)
    else:
        column = decide(known, decided)
        cells, misfits = cast_column(column, values)
    if column.kind == "integer" and np.nanmax(np.abs(np.asarray(cells)), initial=0.0) >= EXACT:
        # As numbers, large ids would become those of others.
        column = column.model_copy(update={"kind": "text"})
        cells, misfits = cast_column(column, values)
    if column.kind in ("category", "text"):
        cells = pd.array(cells, dtype=pd.StringDtype(na_value=np.nan))
    return column, cells, misfits


def _told_misfits(snapshot: Snapshot, column: Column, misfits: list[Misfit]) -> list[str]:
    if not misfits:
        return []
    if 2 * len(misfits) > snapshot.n_rows:
        raise DataError(
            f"The column {column.name!r} does not read as the spec or the lock says",
            where=snapshot.name,
            got=f"{len(misfits):,} of {snapshot.n_rows:,} cells are something else",
            expected=misfits[0].expected,
            todo="Correct `columns` in the spec, or infer anew: penstock lock SPEC.yaml --update",
        )
    return [f"{len(misfits):,} cells of {column.name!r} do not read as {misfits[0].expected}, and are missing"]
