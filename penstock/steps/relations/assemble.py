"""Several typed tables become one: the base with what its rows find in the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.fixes import row_texts
from penstock.slices import Join
from penstock.split import is_row_number
from penstock.steps.audit import JoinReading
from penstock.steps.relations.history import check_base, check_known_before, untimed
from penstock.steps.relations.joined import Joined, joined
from penstock.steps.relations.lookup import Lookup, LookupRecord
from penstock.steps.relations.making import record_of
from penstock.steps.relations.order import mentioned, ordered
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.travelling import names_of
from penstock.table import TableSchema

_KEPT_ROLES = ("feature", "time", "clock", "group", "id")


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
        one = joined(tables[into], other, record_of(join, name, tables[into], other, asked))
        tables[into] = one.source
        done.append(one)
    own = [one for one in done if not one.lookup.join.into]
    lookups = {one.lookup.name: one.lookup for one in own}
    notes = [note for join in order if (note := untimed(join, base, tables[join.table]))]
    typed = _typed(tables[base.name])
    return replace(
        typed,
        lacking=_lacking(own, base.raw.num_rows),
        lookups=lookups,
        records=tuple(one.lookup.record for one in done),
        joins=tuple(one.reading for one in done),
        notes=tuple(notes),
    )


def _lacking(own: Sequence[Joined], n_rows: int) -> np.ndarray:
    lacking = np.full(n_rows, None, dtype=object)
    for one in reversed(own):
        join = one.lookup.join
        if join.how == "inner":
            lacking[one.places < 0] = f"no row of {join.table}"
    return lacking


def _typed(base: SourceTable) -> Assembled:
    schema, whole = base.table_schema, base.raw
    names = [c.name for c in schema.features]
    misfit = np.full(whole.num_rows, None, dtype=object)
    where = np.full(whole.num_rows, None, dtype=object)
    used = base.misfits[base.misfits["column"].isin(names)]
    found = [*used[["row", "column", "expected"]].itertuples(index=False, name=None)]
    for row, column, expected in reversed(found):
        misfit[row] = f"column {column!r} does not read as {expected}"
        where[row] = column
    return Assembled(whole, base.typed[names], schema, misfit, where, np.full(0, None), {}, (), ())


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
