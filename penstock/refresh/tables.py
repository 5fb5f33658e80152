"""The tables that travel, made of sources read anew by the records of the live version's plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from penstock.steps.relations.assemble import joined_by
from penstock.steps.relations.lookup import LookupRecord
from penstock.steps.relations.making import table_of
from penstock.steps.relations.order import named_in
from penstock.steps.relations.source import SourceTable


def tables_of(
    records: Sequence[LookupRecord], wanted: Sequence[LookupRecord], sources: Mapping[str, SourceTable]
) -> dict[str, pa.Table]:
    """Return the tables of some look-ups, by their names.

    Parameters
    ----------
    records : sequence of LookupRecord
        All joins of the plan, in the order in which they are made.
    wanted : sequence of LookupRecord
        The look-ups.
    sources : mapping of str to SourceTable
        The sources that they are made of.

    Raises
    ------
    DataError
        A key stands for several different rows, or no row finds a partner.
    """
    tables = dict(sources)
    for record in records:
        join = record.join
        if join.into in tables and join.table in tables:
            tables[join.into] = joined_by(record, tables[join.into], tables[join.table]).source
    return {record.name: table_of(record, tables[record.join.table]).table for record in wanted}


def needed_of(records: Sequence[LookupRecord], source: str) -> frozenset[str]:
    """Return the names under which a source's columns are used by joins; some are made by other joins."""
    names: set[str] = set()
    for record in records:
        join, as_of = record.join, record.join.as_of or {}
        if join.table == source:
            names |= {*join.on.values(), *as_of.values(), *record.taken}
            for made in record.made:
                names |= {*named_in(made.where), *(name for name in (made.of, made.by) if name)}
        if join.into == source:
            names |= {*join.on, *as_of}
    return frozenset(names)
