"""The look-ups that travel with a model, rebuilt from the plan's JSON and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.slices import Join
from penstock.steps.relations.as_of import AsOfLookup
from penstock.steps.relations.keyed import KeyedLookup
from penstock.steps.relations.lookup import Lookup, LookupRecord
from penstock.steps.relations.window import WindowLookup

_KINDS: dict[str, type[Lookup]] = {"keyed": KeyedLookup, "as_of": AsOfLookup, "window": WindowLookup}


def lookup_of(record: LookupRecord, table: pa.Table) -> Lookup:
    """Return the look-up that a record describes."""
    return _KINDS[record.kind](record, table)


def records_of(plan: Mapping[str, Any]) -> tuple[LookupRecord, ...]:
    """Return the records of all joins, in the order in which they are made.

    Parameters
    ----------
    plan : mapping
        The plan's JSON. Where it says nothing of `lookups`, all its `joins` are plain.
    """
    if "lookups" in plan:
        return tuple(LookupRecord.model_validate(record) for record in plan["lookups"])
    joins = [Join.model_validate(join) for join in plan.get("joins", ())]
    return tuple(
        LookupRecord(name=name, kind="keyed", join=join) for name, join in zip(names_of(joins), joins, strict=True)
    )


def lookups_of(plan: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> tuple[Lookup, ...]:
    """Return the look-ups that travel with a model.

    Parameters
    ----------
    plan : mapping
        The plan's JSON; its `lookups` say how each works.
    tables : mapping of str to pyarrow.Table
        Their tables, by the look-up's name.
    """
    return tuple(lookup_of(record, tables[record.name]) for record in records_of(plan) if record.travels)


def names_of(joins: Sequence[Join]) -> tuple[str, ...]:
    """Return a name for each join: its table's, numbered from the second of one table on.

    What travels goes first, so that a look-up is called as its table is wherever it can be.

    Examples
    --------
    >>> names_of([Join(table="ports", on="dest"), Join(table="ports", on="origin"), Join(table="lines", on="carrier")])
    ('ports', 'ports-2', 'lines')
    """
    tables = {join.table for join in joins}
    names: dict[int, str] = {}
    for i in sorted(range(len(joins)), key=lambda i: bool(joins[i].into)):
        name, n = joins[i].table, 1
        while name in names.values() or (n > 1 and name in tables):
            n += 1
            name = f"{joins[i].table}-{n}"
        names[i] = name
    return tuple(names[i] for i in range(len(joins)))
