"""One join done: a table with what its rows found in another, and the account of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.errors import DataError
from penstock.slices import Join
from penstock.steps.audit import JoinReading, Watch, as_text
from penstock.steps.relations.join import told_apart, told_keys
from penstock.steps.relations.keys import NO_KEY, NO_MATCH, keys_of, shown_key
from penstock.steps.relations.lookup import TOO_OLD, Lookup, LookupRecord
from penstock.steps.relations.making import Travelling, columns_of, table_of
from penstock.steps.relations.reading import typed_columns
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.travelling import lookup_of

MOST_ORPHANS = 3


@dataclass(frozen=True)
class Joined:
    """One join: the table with what its rows found, the look-up, and where each row found it."""

    source: SourceTable
    lookup: Lookup
    reading: JoinReading
    places: np.ndarray


def joined(into: SourceTable, other: SourceTable, record: LookupRecord) -> Joined:
    """Let the rows of one table look something up in another.

    Raises
    ------
    DataError
        A key stands for several different rows, no row finds a partner, or a joined column's name is taken.
    """
    watch, join = Watch(), record.join
    travelling = table_of(record, other)
    lookup = lookup_of(record, travelling.table)
    columns = {name: into.raw[name] for name in into.raw.column_names}
    places = lookup.places(columns, into.raw.num_rows)
    found = places >= 0
    if not found.any():
        raise _no_match(into, other, join, places)
    if join.relation == "one-to-one":
        _check_one_to_one(into, join, places)
    added = columns_of(record, other, gaps=not found.all())
    taken = {c.name for c in into.table_schema.columns} | set(columns)
    clash = next((c.name for c in added if c.name in taken), None)
    if clash is not None:
        raise DataError(
            f"The join of {join.table!r} would make a second column {clash!r}",
            todo="Rename one at its source, or name the file a second time under `sources` and join that.",
        )
    values = lookup.values_at(places, columns)
    typed, misfits = typed_columns(lookup, added, values, places)
    source = SourceTable(
        name=into.name,
        raw=pa.table({**columns, **values}),
        typed=pd.concat([into.typed, pd.DataFrame(typed, copy=False)], axis=1) if typed else into.typed,
        misfits=pd.concat([into.misfits, misfits], ignore_index=True) if len(misfits) else into.misfits,
        table_schema=into.table_schema.model_copy(update={"columns": (*into.table_schema.columns, *added)}),
    )
    if join.into and join.how == "inner" and not found.all():
        source = source.where(found)
    reading = _reading(into, other, lookup, travelling, places)
    return Joined(source, lookup, reading.model_copy(update={"seconds": watch.seconds}), places)


def _no_match(into: SourceTable, other: SourceTable, join: Join, places: np.ndarray) -> DataError:
    pairs = [(into.column(a, join.table), other.column(b, join.table)) for a, b in join.on.items()]
    differ = [f"{a.name} is {a.kind}, {b.name} is {b.kind}" for a, b in pairs if a.kind != b.kind]
    n_keys = int((places != NO_KEY).sum())
    return DataError(
        f"No row of {into.name!r} finds a row of {join.table!r}",
        where=", ".join(f"{ours} = {theirs}" for ours, theirs in join.on.items()),
        got="; ".join([f"{n_keys:,} of {len(places):,} rows have a key", *differ]),
        expected="keys that read alike on both sides",
        todo="Look whether both sides write the key alike, and name the columns that hold it under `on`."
        + (" Times are compared, too: see that the table's begin before the rows'." if join.as_of else ""),
    )


def _check_one_to_one(into: SourceTable, join: Join, places: np.ndarray) -> None:
    keys = keys_of(into.raw, tuple(join.on))
    _, often = told_apart(into.raw, pc.if_else(pa.array(places >= 0), keys, pa.scalar(None, pa.string())))
    if often:
        raise DataError(
            f"Several rows of {into.name!r} find the same row of {join.table!r}, which the spec calls one-to-one",
            where=f"key {', '.join(join.on)}",
            got=told_keys(often, _hidden(into, join)),
            expected="each key at most once, but for exact copies of rows",
            todo="Leave `relation` out, or filter the rows at their source.",
        )


def _hidden(into: SourceTable, join: Join) -> bool:
    return any(c.private for c in into.table_schema.columns if c.name in join.on)


def _reading(
    into: SourceTable, other: SourceTable, lookup: Lookup, travelling: Travelling, places: np.ndarray
) -> JoinReading:
    join = lookup.join
    orphans = np.flatnonzero(places == NO_MATCH)
    private = _hidden(into, join) or any(c.private for c in other.table_schema.columns if c.name in join.on.values())
    examples: list[str] = []
    if len(orphans) and not private:
        keys = keys_of(into.raw.select([*join.on]), tuple(join.on)).take(pa.array(orphans))
        examples = [str(as_text(shown_key(key))) for key in pc.unique(keys)[:MOST_ORPHANS].to_pylist()]
    matched = int((places >= 0).sum())
    return JoinReading(
        table=join.table,
        into=join.into,
        rows=other.raw.num_rows,
        duplicates_removed=travelling.copies,
        keyless=travelling.keyless,
        matched=matched,
        orphans=len(orphans),
        unkeyed=int((places == NO_KEY).sum()),
        stale=int((places == TOO_OLD).sum()),
        share=matched / len(places) if len(places) else 0.0,
        columns=len(lookup.columns),
        examples=tuple(examples),
    )
