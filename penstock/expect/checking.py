"""Hold tables to their expectations: everything is checked, and told together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from penstock.expect.base import Context
from penstock.expect.cells import Looked, looked_at
from penstock.expect.contract import Terms
from penstock.expect.lines import with_lines
from penstock.expect.outcome import Outcome
from penstock.expect.tables import clock
from penstock.expect.union import Expectation
from penstock.receipts import Arrays, Collected
from penstock.steps.relations.source import read_table
from penstock.store import Store

# Of fewer rows to be predicted a share says nothing.
FEWEST_IN_BATCH = 100
# What can be asked of rows without an outcome, whatever their number and age.
OF_BATCHES = ("not_null", "missing", "unique", "range", "values", "pattern", "check")


def check_arrays(
    expectations: Sequence[Expectation],
    collected: Collected,
    arrays: Arrays,
    last: Mapping[str, int],
    store: Store,
    now: dt.datetime | None = None,
) -> Outcome:
    """Check what the arrays stage made of every source.

    Parameters
    ----------
    expectations : sequence of Expectation
        With every table named.
    collected, arrays
        The receipts of the first two stages.
    last : mapping of str to int
        The rows of each table in the last completed run.
    store : Store
        Where the tables lie.
    now : datetime.datetime, optional
        The time, UTC, without zone; by default the clock's.

    Returns
    -------
    Outcome
        `Outcome.demand` refuses what must not go on.

    Raises
    ------
    SpecError
        An expectation cannot be asked of its table.
    """
    if not expectations:
        return Outcome()
    needed = {e.table for e in expectations} | {e.to for e in expectations if e.kind == "foreign_key"}
    tables = {t.name: looked_at(read_table(t, store)) for t in arrays.tables if t.name in needed}
    outcome = check_tables(expectations, tables, last, now)
    snapshots = {snapshot.name: snapshot for snapshot in collected.snapshots}
    return with_lines(outcome, snapshots, store)


def check_tables(
    expectations: Sequence[Expectation],
    tables: Mapping[str, Looked],
    last: Mapping[str, int],
    now: dt.datetime | None = None,
    fewest: int = 0,
) -> Outcome:
    """Check tables that are at hand; of fewer rows than `fewest` no share is judged."""
    context = Context(tables=tables, last=last, now=now or clock(), fewest=fewest)
    asked = [e for e in expectations if not _is_moot(e, tables)]
    found = [expectation.check(context) for expectation in asked]
    return Outcome(
        checked=len(asked),
        findings=tuple(finding for finding in found if finding is not None),
        notes=tuple(context.notes),
        rows={name: table.n_rows for name, table in tables.items()},
        last={name: last[name] for name in tables if name in last},
        newest=context.newest,
    )


def _is_moot(expectation: Expectation, tables: Mapping[str, Looked]) -> bool:
    """Whether it was only proposed, and is about a column that has been left out since."""
    if expectation.origin != "lock" or expectation.table not in tables:
        return False
    left_out = {c.name for c in tables[expectation.table].schema.columns if c.role == "ignored"}
    return not left_out.isdisjoint(expectation.about)


def for_batches(terms: Terms) -> tuple[Expectation, ...]:
    """Return what is expected of rows to be predicted, too: what can be asked of the base's rows without an outcome."""
    return tuple(
        e.model_copy(update={"table": "", "origin": "spec"})
        for e in terms.expectations
        if e.table == terms.base and e.kind in OF_BATCHES
    )


def check_batch(expectations: Sequence[Expectation], table: Looked, required: Sequence[str]) -> Outcome:
    """Check rows to be predicted.

    What a column is expected to be is asked where it is there; one that is needed and is not there is all missing.

    Parameters
    ----------
    expectations : sequence of Expectation
        As `for_batches` gives them.
    table : Looked
        The rows; columns that are needed and absent are there, empty.
    required : sequence of str
        The columns without which no row is answered as it should be.
    """
    present = set(table.raw.column_names) | set(required)
    wanted = [e.model_copy(update={"table": table.name}) for e in expectations if set(e.about) <= present]
    return check_tables(wanted, {table.name: table}, {}, fewest=FEWEST_IN_BATCH)
