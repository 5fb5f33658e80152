"""Several typed tables become one: the base with what its rows find in the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.errors import DataError
from penstock.slices import Join
from penstock.split import is_row_number, row_texts
from penstock.steps.audit import JoinReading, Watch, as_text
from penstock.steps.relations.history import check_base, check_known_before, untimed
from penstock.steps.relations.join import told_apart, told_keys
from penstock.steps.relations.keys import NO_KEY, NO_MATCH, keys_of, shown_key
from penstock.steps.relations.lookup import TOO_OLD, Lookup, LookupRecord
from penstock.steps.relations.making import Travelling, columns_of, record_of, table_of
from penstock.steps.relations.order import mentioned, ordered
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.travelling import lookup_of, names_of
from penstock.table import TableSchema

_KEPT_ROLES = ("feature", "time", "group", "id")
MOST_ORPHANS = 3


@dataclass(frozen=True)
class Assembled:
    """The base with its look-ups; every table has the base's rows, in its order.

    `whole` has all raw columns, `features` the typed ones; `misfit` says for each row why it has a cell that could not
    be read, else None, and `misfit_column` where; `lacking` says why an inner join has no use for a row, else None.
    `lookups` are those into the base in the order in which they are looked up in, `records` all joins in theirs.
    """

    whole: pa.Table
    features: pd.DataFrame
    table_schema: TableSchema
    misfit: np.ndarray
    misfit_column: np.ndarray
    lacking: np.ndarray
    lookups: dict[str, Lookup]
    records: tuple[LookupRecord, ...]
    joins: tuple[JoinReading, ...]
    notes: tuple[str, ...] = ()

    def sent(self) -> pa.Table:
        """Return the raw columns that a caller would send: ids, features and keys that no look-up gives."""
        needed = {name for lookup in self.lookups.values() for name in lookup.needs}
        target = _target_of(self.table_schema)
        names = [
            c.name
            for c in self.table_schema.columns
            if c.serve == "request" and c.name != target and (c.role in _KEPT_ROLES or c.name in needed)
        ]
        return self.whole.select([name for name in names if name in self.whole.column_names])


def assemble(base: SourceTable, others: Mapping[str, SourceTable], joins: Sequence[Join]) -> Assembled:
    """Join other tables to the base, directly or by way of each other.

    Parameters
    ----------
    base : SourceTable
        Whose rows are kept, every one, in their order.
    others : mapping of str to SourceTable
        The tables that may be joined, by name.
    joins : sequence of Join
        What is joined; what another join needs goes before it.

    Raises
    ------
    SpecError
        A table or column is not there, joins wait for each other, or rows of the base would tell of themselves.
    DataError
        A key stands for several different rows, no row finds a partner, a look-up is too large, or a joined column's
        name is taken.
    """
    tables = {**others, base.name: base}
    order = ordered(joins, base.name, {name: table.raw.column_names for name, table in tables.items()})
    asked = mentioned(order)
    done: list[Joined] = []
    for join, name in zip(order, names_of(order), strict=True):
        into = join.into or base.name
        # What is joined to the base is no part of its rows' history.
        other = base if join.table == base.name else tables[join.table]
        check_base(join, base)
        check_known_before(join, tables[into], base)
        joined = _joined(tables[into], other, join, name, asked)
        tables[into] = joined.source
        done.append(joined)
    own = [joined for joined in done if not joined.lookup.join.into]
    lookups = {joined.lookup.name: joined.lookup for joined in own}
    notes = [note for join in order if (note := untimed(join, base, tables[join.table]))]
    typed = _typed(base, tables[base.name])
    return replace(
        typed,
        lacking=_lacking(own, base.raw.num_rows),
        lookups=lookups,
        records=tuple(joined.lookup.record for joined in done),
        joins=tuple(joined.reading for joined in done),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class Joined:
    """One join: the table with what its rows found, the look-up, and where each row found it."""

    source: SourceTable
    lookup: Lookup
    reading: JoinReading
    places: np.ndarray


def _joined(into: SourceTable, other: SourceTable, join: Join, name: str, asked: frozenset[str]) -> Joined:
    return joined_by(record_of(join, name, into, other, asked), into, other)


def joined_by(record: LookupRecord, into: SourceTable, other: SourceTable) -> Joined:
    """Join one table to another by a record that was made before.

    Raises
    ------
    DataError
        As `assemble` raises it.
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
    raw = pa.table({**columns, **lookup.values_at(places, columns)})
    schema = into.table_schema.model_copy(update={"columns": (*into.table_schema.columns, *added)})
    source = replace(into, raw=raw, table_schema=schema)
    if join.into and join.how == "inner" and not found.all():
        source = replace(source, raw=raw.filter(pa.array(found)), typed=into.typed[found].reset_index(drop=True))
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
        todo="Look whether both sides write the key alike, and name the columns that hold it under `on`.",
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


def _lacking(own: Sequence[Joined], n_rows: int) -> np.ndarray:
    lacking = np.full(n_rows, None, dtype=object)
    for joined in reversed(own):
        join = joined.lookup.join
        if join.how == "inner":
            lacking[joined.places < 0] = f"no row of {join.table}"
    return lacking


def _typed(base: SourceTable, joined: SourceTable) -> Assembled:
    schema, whole = joined.table_schema, joined.raw
    own = [c.name for c in schema.features if not c.table]
    others = [c.name for c in schema.features if c.table]
    # The base is typed already; what was looked up is read as a request would be.
    cast = schema.cast(whole, others)
    features = pd.concat([base.typed[own], cast.frame], axis=1) if others else base.typed[own]
    misfit = np.full(whole.num_rows, None, dtype=object)
    where = np.full(whole.num_rows, None, dtype=object)
    used = base.misfits[base.misfits["column"].isin(own)]
    found = [*used[["row", "column", "expected"]].itertuples(index=False, name=None)]
    found += [(m.row, m.column, m.expected) for m in cast.misfits]
    for row, column, expected in reversed(found):
        misfit[row] = f"column {column!r} does not read as {expected}"
        where[row] = column
    return Assembled(whole, features, schema, misfit, where, np.full(0, None), {}, (), ())


def beside_features(base: SourceTable) -> pd.DataFrame:
    """Return what a row of the base says beside its features and the target, as one column of text.

    Two rows are copies of each other only if they agree in this too. Columns that only count rows are left out.
    """
    features = {c.name for c in base.table_schema.features} | {_target_of(base.table_schema)}
    names = [n for n in base.raw.column_names if n not in features and not is_row_number(base.raw[n])]
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(base.raw.num_rows))
    return pd.DataFrame({"beside": row_texts([base.raw[name] for name in names]).to_pandas()})


def _target_of(schema: TableSchema) -> str | None:
    return schema.target.name if schema.target else None
