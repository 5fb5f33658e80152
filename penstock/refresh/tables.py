"""The tables that travel, made of sources read anew by what the live version's plan says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from penstock.refresh.live import Live
from penstock.steps.relations.assemble import SourceTable
from penstock.steps.relations.join import check_relation
from penstock.steps.relations.lookup import LookupRecord


def tables_of(live: Live, records: Sequence[LookupRecord], sources: Mapping[str, SourceTable]) -> dict[str, pa.Table]:
    """Return the table of each look-up, with the columns that it has in the live version.

    Raises
    ------
    DataError
        A key stands for several different rows.
    """
    return {record.name: _table_of(record, live.parts.tables[record.name], sources) for record in records}


def _table_of(record: LookupRecord, old: pa.Table, sources: Mapping[str, SourceTable]) -> pa.Table:
    source = sources[record.join.table]
    keys = tuple(record.join.on.values())
    hidden = any(c.private for c in source.table_schema.columns if c.name in keys)
    once, _, _ = check_relation(source.raw.select(old.column_names), keys, record.join.table, hidden)
    return once
