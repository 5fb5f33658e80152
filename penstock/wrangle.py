"""The wrangle stage: typed tables in; the split, the clean frame, rejected rows with reasons and the audit out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa

from penstock.arrays.generators import stage_seeds
from penstock.arrays.profile import Measured, profile_column, profile_of
from penstock.casting import canonical_array
from penstock.errors import DataError
from penstock.receipts import Arrays, FrameRef, Wrangled
from penstock.series.rule import HISTORY, SERIES
from penstock.slices import Typing
from penstock.split import HELDOUT, TRAIN, SplitRule, agreed_split, choose_split, is_row_number, sides
from penstock.steps.audit import Audit, ColumnReading, StepAudit, Watch
from penstock.steps.base import Known, Rows, is_told
from penstock.steps.evidence import with_evidence
from penstock.steps.hidden import hidden_columns
from penstock.steps.labels import TARGET_MISSING, Labelled, label, label_audit
from penstock.steps.outliers.isolated import Isolated
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.steps.readings import MOST_READINGS, read_cells, read_labels, typing_audit
from penstock.steps.relations.assemble import Assembled, assemble, beside_features
from penstock.steps.relations.series import Expanded, Laid, expand, forecast_split, lay_out, telling_calendar
from penstock.steps.relations.source import SourceTable, read_table
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.running import Running, run_after, run_before
from penstock.steps.start import only_joined, start_of_rows, start_of_series, with_others
from penstock.steps.weights import row_weights
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from penstock.store.objects import FRAME_ROWS
from penstock.suspicion.finding import find_suspicions
from penstock.suspicion.suspicion import Suspicion, with_lines
from penstock.table import Column, TableSchema, Target
from penstock.target import encode_target

WORKERS = 2
FEWEST_HELDOUT = 10
FEWEST_TRAINING = 30


def wrangle(arrays: Arrays, typing: Typing, wrangling: Wrangling, store: Store) -> Wrangled:
    """Join, split, clean.

    Parameters
    ----------
    arrays : Arrays
        The typed tables.
    typing, wrangling
        What the spec decides, and what the lock adds to it.
    store : Store
        Where the frames go.

    Returns
    -------
    Wrangled
        Everything learned is learned from training rows; every labelled held-out row is there.

    Raises
    ------
    DataError
        Too few rows for a model or for judging one, or tables that cannot be joined.
    PlanError
        A step cannot stand where it stands.
    SpecError
        The split that is asked for is not possible, or not the lock's.
    """
    # What is written and measured beside the steps hangs on none of them, and mostly waits for Arrow and the disk.
    with ThreadPoolExecutor(WORKERS) as beside:
        return _wrangled(arrays, typing, wrangling, store, beside)


def _wrangled(arrays: Arrays, typing: Typing, wrangling: Wrangling, store: Store, beside: Executor) -> Wrangled:
    tables = {table.name: read_table(table, store) for table in arrays.tables}
    base = tables.pop(typing.base)
    assembled = assemble(base, tables, wrangling.joins)
    laid = _laid(base, typing, wrangling)
    came = _as_it_came(base, arrays, store)
    rule = _rule(came, typing, wrangling, laid)
    # A group stays together, wherever a correction has moved a row of it.
    side = sides((base if rule.by == "group" else came).raw, rule, base.table_schema)
    labelled = label(base, side)
    read = beside.submit(_read, base, tables, assembled)
    series: Expanded | None = None
    unjoined: list[StepAudit] = []
    if laid is None:
        start, unjoined = only_joined(start_of_rows(assembled, labelled, side, beside_features(base)), assembled)
    else:
        series = expand(base, assembled, labelled, laid, side, stage_seeds(typing.seed)["wrangle"])
        labelled = replace(labelled, lacking=series.lacking)
        start = start_of_series(assembled, labelled, side, series, typing.target)
        assembled = replace(assembled, table_schema=series.table_schema)
    private = frozenset(c.name for c in assembled.table_schema.columns if c.private)
    identified = _is_identified(base)
    plan = _plan(assembled.table_schema, wrangling, start, identified, private, labelled.target, laid)
    plan.check(assembled.table_schema, time_ordered=rule.by == "time", n_labels=len(labelled.target.labels))
    plan = plan.settled(assembled.table_schema, n_labels=len(labelled.target.labels))
    private = hidden_columns(plan, TableSchema(columns=assembled.table_schema.columns, target=labelled.target))
    start = replace(start, rows=with_others(start, base, plan))
    # What a forecast knows at its origin is the past by construction.
    suspected = beside.submit(_suspicious, assembled, labelled, side, typing) if laid is None else None
    state, before = run_before(plan, start, private)
    _check_numbers(state.rows, labelled.target, base.name)
    schema = TableSchema(columns=assembled.table_schema.columns, target=labelled.target)
    raw = beside.submit(lambda: store.put_tables(_taken(assembled.sent(), state.row)))
    cut = beside.submit(store.put_frames, state.table.parts(FRAME_ROWS, _at_cut(plan, start, state)))
    profile = beside.submit(_profile, start, schema, state, plan)
    known = Known(state.rows.target[state.rows.train], len(labelled.target.labels))
    clean, after = run_after(plan, state, private, known)
    n_labelled = int(np.count_nonzero(~is_told(labelled.lacking)))
    watched = [label_audit(labelled, n_labelled), *unjoined, *before, *after]
    corrected = [table.fixed.told() for table in arrays.tables if table.fixed is not None]
    audit = _audit(base, read.result(), assembled, labelled, state, watched, corrected)
    suspicious = suspected.result() if suspected is not None else ()
    told = {
        "split": rule.model_dump(mode="json"),
        "joins": [join.model_dump(mode="json") for join in wrangling.joins],
        "lookups": [record.model_dump(mode="json") for record in assembled.records],
    }
    lookups = _lookups(assembled, store)
    if series is not None:
        told[SERIES] = series.rule.model_dump(mode="json")
        lookups[HISTORY] = store.put_table(series.tail)
    return Wrangled(
        raw=raw.result(),
        cut=cut.result(),
        clean=store.put_frames(clean.parts(FRAME_ROWS)),
        sides=store.put_table(_sides_table(base, typing, state, series)),
        rejected=store.put_table(_rejected_table(assembled, labelled, state, side)),
        lookups=lookups,
        history=store.put_table(series.history) if series is not None else None,
        plan=store.put_json({**plan.model_dump(mode="json"), **told}),
        table_schema=store.put_json(schema),
        audit=store.put_json(audit.model_copy(update={"suspicious": suspicious})),
        profile=store.put_json(profile.result()),
        n_train=_distinct(state, train=True),
        n_heldout=_distinct(state, train=False),
    )


def _taken(table: pa.Table, rows: np.ndarray) -> Iterator[pa.Table]:
    """Give some rows of a table, part by part; one part at least."""
    for at in range(0, max(len(rows), 1), FRAME_ROWS):
        yield table.take(pa.array(rows[at : at + FRAME_ROWS]))


def _at_cut(plan: Plan, start: Running, state: Running) -> list[str]:
    """Return the columns at the cut in the order in which a request's come there: no request then needs sorting."""
    return [*state.table.blocks.names] if plan.cells else [*start.frame.columns]


def _as_it_came(base: SourceTable, arrays: Arrays, store: Store) -> SourceTable:
    """Return the base before a person's corrections: a row's side is for life."""
    fixed = next(table.fixed for table in arrays.tables if table.name == base.name)
    return base if fixed is None else replace(base, raw=store.read_table(fixed.original))


def _laid(base: SourceTable, typing: Typing, wrangling: Wrangling) -> Laid | None:
    target = base.table_schema.target
    if wrangling.forecast is None or target is None:
        return None
    return lay_out(base, encode_target(target, base.raw[target.name]), wrangling.forecast, typing)


def _distinct(state: Running, *, train: bool) -> int:
    """Return how many rows of the base are on a side: of a forecast each may be learned from more than once."""
    return int(np.count_nonzero(np.bincount(state.row[state.rows.train == train])))


def _rule(base: SourceTable, typing: Typing, wrangling: Wrangling, laid: Laid | None) -> SplitRule:
    if wrangling.locked_split is not None:
        return agreed_split(wrangling.locked_split, wrangling.split, typing)
    if laid is not None:
        return forecast_split(laid, wrangling.split, wrangling.name, base.name)
    keys = [name for join in wrangling.joins if join.into in ("", base.name) for name in join.on]
    return choose_split(base.raw, base.table_schema, typing, wrangling.split, salt=wrangling.name, join_keys=keys)


def _plan(
    schema: TableSchema,
    wrangling: Wrangling,
    start: Running,
    identified: bool,
    private: frozenset[str],
    target: Target,
    laid: Laid | None,
) -> Plan:
    steps = wrangling.steps if wrangling.steps is not None else wrangling.locked_plan
    if steps is not None:
        return Plan(steps=steps)
    if not start.frame.shape[1]:
        raise DataError(
            "There is no column to learn from",
            where=f"target {target.name!r}",
            got="columns that are ignored, identifiers, or the same in every row",
            todo="Bring a column that differs between rows, or give one the role `feature`.",
        )
    train = start.frame[start.rows.train]
    missing = {str(name): float(share) for name, share in train.isna().mean().items()}
    steps = propose(schema, missing, identified)
    if laid is not None:
        # The grid has seen to it that no row is told twice.
        steps = tuple(telling_calendar(step, laid) for step in steps if not isinstance(step, Duplicates))
    plan = Plan(steps=steps)
    plan.check(schema)
    return with_evidence(plan, start, private, len(target.labels))


def _is_identified(base: SourceTable) -> bool:
    ids = [name for name in base.table_schema.ids if name in base.raw.column_names]
    return any(not is_row_number(base.raw[name]) for name in ids)


def _check_numbers(rows: Rows, target: Target, base: str) -> None:
    n_train, n_held = int(rows.train.sum()), int((~rows.train).sum())
    if n_held < FEWEST_HELDOUT or n_train < FEWEST_TRAINING:
        few = "held-out" if n_held < FEWEST_HELDOUT else "training"
        raise DataError(
            f"There are too few {few} rows",
            where=base,
            got=f"{n_train} training and {n_held} held-out rows",
            expected=f"at least {FEWEST_TRAINING} and {FEWEST_HELDOUT}",
            todo="Bring more rows, or hold out another share: split: {heldout: 0.3}",
        )
    if target.task != "binary":
        return
    for name, values in ((TRAIN, rows.target[rows.train]), (HELDOUT, rows.target[~rows.train])):
        counts = np.bincount(values, minlength=len(target.labels))
        if (counts == 0).any():
            raise DataError(
                f"No {'held-out' if name == HELDOUT else 'training'} row has the label "
                f"{target.labels[int(np.argmin(counts))]!r}",
                where=f"{base}, target {target.name!r}",
                expected="rows of both labels on both sides",
                todo="Bring more rows, or hold out another share: split: {heldout: 0.3}",
            )


def _read(
    base: SourceTable, others: dict[str, SourceTable], assembled: Assembled
) -> tuple[list[ColumnReading], StepAudit]:
    """Return how raw cells were written, and the audit's entry of the typing."""
    watch = Watch()
    own = read_cells(base.raw, base.table_schema, base.misfits)
    # A table may be joined more than once, and the base to itself.
    names = [name for name in dict.fromkeys(j.table for j in assembled.joins) if name in others]
    joined = [read_cells(others[name].raw, others[name].table_schema, others[name].misfits, name) for name in names]
    typed = typing_audit(own, joined, base.raw, base.typed, base.table_schema)
    readings = [reading for read in (own, *joined) for reading in read.readings]
    return readings, typed.model_copy(update={"seconds": watch.seconds})


def _audit(
    base: SourceTable,
    read: tuple[list[ColumnReading], StepAudit],
    assembled: Assembled,
    labelled: Labelled,
    state: Running,
    entries: list[StepAudit],
    corrected: list[str],
) -> Audit:
    readings, typed = read
    target = labelled.target
    private = any(c.private for c in base.table_schema.columns if c.name == target.name)
    held = state.rows.target[~state.rows.train]
    absent = set(range(len(target.labels))) - set(held.astype(int).tolist()) if target.is_classification else set()
    notes = [f"no held-out row has the label {target.labels[i]!r}" for i in sorted(absent)] if not private else []
    return Audit(
        n_rows=base.raw.num_rows,
        n_labelled=int(np.count_nonzero(~is_told(labelled.lacking))),
        n_train=_distinct(state, train=True),
        n_heldout=_distinct(state, train=False),
        n_rejected=base.raw.num_rows - len(np.unique(state.row)),
        n_flagged=int(np.count_nonzero(is_told(state.reason))),
        readings=tuple(readings[:MOST_READINGS]),
        more_readings=max(0, len(readings) - MOST_READINGS),
        labels=read_labels(base.raw[target.name], target, private),
        joins=assembled.joins,
        steps=(typed, *entries),
        notes=(*corrected, *[*assembled.notes, *notes][:20]),
    )


def _suspicious(assembled: Assembled, labelled: Labelled, side: np.ndarray, typing: Typing) -> tuple[Suspicion, ...]:
    """Return what to ask about the features of training rows, before any step has changed them."""
    train, schema, target = side == TRAIN, assembled.table_schema, labelled.target
    known = ~is_told(labelled.lacking)
    private = any(c.private for c in schema.columns if c.name == target.name)
    without = train & (labelled.lacking == TARGET_MISSING)
    found = find_suspicions(assembled.features, labelled.values, train & known, without, target, private)
    return with_lines(found, typing.known_after, frozenset(c.name for c in schema.columns if c.table))


def _sides_table(base: SourceTable, typing: Typing, state: Running, series: Expanded | None) -> pa.Table:
    group = pa.nulls(len(state.row), pa.string())
    if typing.group is not None:
        group = canonical_array(base.raw[typing.group].combine_chunks()).take(pa.array(state.row))
    told = {
        "row": pa.array(state.row, pa.int64()),
        "side": pa.array(np.where(state.rows.train, TRAIN, HELDOUT).tolist(), pa.string()),
        "reason": pa.array(state.reason.tolist(), pa.string()),
        "target": pa.array(state.rows.target),
        "group": group,
    }
    if typing.weight is not None:
        told["weight"] = pa.array(row_weights(base, typing.weight, state.row, state.rows.train))
    if series is not None:
        told |= {name: pa.array(state.rows.beside[name].to_numpy(), pa.int64()) for name in ("index", "origin")}
    return pa.table(told)


def _rejected_table(assembled: Assembled, labelled: Labelled, state: Running, side: np.ndarray) -> pa.Table:
    reasons = {i: str(why) for i, why in enumerate(labelled.lacking) if why is not None}
    target = labelled.target.name
    columns: dict[int, str | None] = dict.fromkeys(reasons, target)
    for row, why in zip(state.rejected, state.rejected_for, strict=True):
        reasons[row] = why
        columns[row] = assembled.misfit_column[row] if why == assembled.misfit[row] else None
    rows = sorted(reasons)
    facts = {
        "row": pa.array(rows, pa.int64()),
        "reason": pa.array([reasons[row] for row in rows], pa.string()),
        "column": pa.array([columns[row] for row in rows], pa.string()),
        "side": pa.array(side[rows].tolist(), pa.string()),
    }
    raw = assembled.whole.take(pa.array(rows, pa.int64()))
    # A raw column may be called like a fact.
    named = {f"raw_{name}" if name in facts else name: raw[name] for name in raw.column_names}
    return pa.table({**facts, **named})


def _lookups(assembled: Assembled, store: Store) -> dict[str, FrameRef]:
    travelling = [lookup for lookup in assembled.lookups.values() if lookup.record.travels]
    return {lookup.name: store.put_table(lookup.table) for lookup in travelling}


def _profile(start: Running, schema: TableSchema, state: Running, plan: Plan) -> object:
    """Return what requests look like: the typed features of the training rows, before any step changed them.

    Isolated extremes are left out. They are slips of the pen, and a range that took them in would warn of nothing.
    """
    kept = np.flatnonzero(start.rows.train & np.isin(start.row, state.row[state.rows.train]))
    isolated = [step for step in plan.steps if isinstance(step, Isolated)]
    known = [c for c in schema.features if c.name in start.frame.columns]

    def measured(column: Column) -> Measured:
        # One column after the other: all training rows of all of them would be the table once more.
        values = start.frame[[column.name]].take(kept).reset_index(drop=True)
        for step in isolated if column.is_numeric else ():
            if step.columns is None or column.name in step.columns:
                values = step.model_copy(update={"columns": (column.name,)}).learn(values).apply(values)
        return profile_column(column, values[column.name])

    return profile_of(len(kept), {column.name: measured(column) for column in known})
