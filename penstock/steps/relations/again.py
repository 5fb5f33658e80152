"""The tables of a model's look-ups made anew from newer sources, by the very records that it was made with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from penstock.steps.relations.joined import joined
from penstock.steps.relations.making import table_of
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.travelling import records_of


def sources_of(plan: Mapping[str, Any], names: Collection[str]) -> frozenset[str]:
    """Return the sources that some look-ups are made of: their tables, and what is joined to those.

    Parameters
    ----------
    plan : mapping
        The plan's JSON.
    names : collection of str
        The look-ups' names.

    Examples
    --------
    >>> plan = {"joins": [{"table": "genres", "on": "genre", "into": "tracks"}, {"table": "tracks", "on": "track"}]}
    >>> sorted(sources_of(plan, ["tracks"]))
    ['genres', 'tracks']
    """
    records = records_of(plan)
    found = {record.join.table for record in records if record.name in names and not record.join.into}
    # What goes into a table stands before it.
    for record in reversed(records):
        if record.join.into in found:
            found.add(record.join.table)
    return frozenset(found)


def tables_again(
    plan: Mapping[str, Any], sources: Mapping[str, SourceTable], names: Collection[str]
) -> dict[str, pa.Table]:
    """Return the tables of some look-ups, by name.

    Parameters
    ----------
    plan : mapping
        The plan's JSON: which columns are taken, and which levels a pivot has, is as the model knows it.
    sources : mapping of str to SourceTable
        The sources that they are made of (see `sources_of`), typed by the schemas that the model was trained with.
    names : collection of str
        The look-ups' names.

    Raises
    ------
    UserError
        A source has come to be other than the join needs: a column is gone, or a key stands for several rows.
    """
    tables, wanted = dict(sources), sources_of(plan, names)
    made: dict[str, pa.Table] = {}
    for record in records_of(plan):
        join = record.join
        if join.into in wanted:
            tables[join.into] = joined(tables[join.into], tables[join.table], record).source
        elif record.name in names:
            made[record.name] = table_of(record, tables[join.table]).table
    return made
