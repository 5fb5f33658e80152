"""The wrangle stage: typed tables in; the split, the clean frame, rejected rows with reasons and the audit out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.arrays.profile import profile_frame
from penstock.casting import canonical_array
from penstock.errors import DataError
from penstock.receipts import Arrays, FrameRef, Wrangled
from penstock.slices import Typing
from penstock.split import HELDOUT, TRAIN, SplitRule, agreed_split, choose_split, is_row_number, sides
from penstock.steps.audit import Audit, StepAudit, Watch
from penstock.steps.base import Known, Rows
from penstock.steps.labels import Labelled, label, label_audit
from penstock.steps.outliers.isolated import Isolated
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.steps.readings import MOST_READINGS, read_cells, read_labels, typing_audit
from penstock.steps.relations.assemble import Assembled, SourceTable, assemble, beside_features, read_table
from penstock.steps.running import Running, run_after, run_before
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from penstock.table import TableSchema, Target

FEWEST_LABELLED = 50
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
    tables = {table.name: read_table(table, store) for table in arrays.tables}
    base = tables.pop(typing.base)
    assembled = assemble(base, tables, wrangling.joins)
    rule = _rule(base, typing, wrangling)
    side = sides(base.raw, rule, base.table_schema)
    labelled = label(base, side)
    start = _start(assembled, labelled, side, beside_features(base))
    plan = _plan(assembled.table_schema, wrangling, start, identified=_is_identified(base))
    plan.check(assembled.table_schema)
    start = replace(start, rows=_with_others(start, base, plan))
    private = frozenset(c.name for c in assembled.table_schema.columns if c.private)
    state, before = run_before(plan, start, private)
    _check_numbers(state.rows, labelled.target, base.name)
    known = Known(state.rows.target[state.rows.train], len(labelled.target.labels))
    clean, after = run_after(plan, state.frame, state.rows, state.row, private, known)
    watched = [label_audit(labelled, len(start.row)), *before, *after]
    audit = _audit(base, tables, assembled, labelled, state, watched)
    schema = TableSchema(columns=assembled.table_schema.columns, target=labelled.target)
    kept = pa.array(state.row)
    joins = [join.model_dump(mode="json") for join in wrangling.joins]
    return Wrangled(
        raw=store.put_table(assembled.sent().take(kept)),
        cut=store.put_frame(state.frame),
        clean=store.put_frame(clean),
        sides=store.put_table(_sides_table(base, typing, state)),
        rejected=store.put_table(_rejected_table(assembled, labelled, state, side)),
        lookups=_lookups(assembled, wrangling, store),
        plan=store.put_json({**plan.model_dump(mode="json"), "split": rule.model_dump(mode="json"), "joins": joins}),
        table_schema=store.put_json(schema),
        audit=store.put_json(audit),
        profile=store.put_json(_profile(assembled, schema, state, plan)),
        n_train=int(state.rows.train.sum()),
        n_heldout=int((~state.rows.train).sum()),
    )


def _rule(base: SourceTable, typing: Typing, wrangling: Wrangling) -> SplitRule:
    if wrangling.locked_split is not None:
        return agreed_split(wrangling.locked_split, wrangling.split, typing)
    keys = [name for join in wrangling.joins for name in join.on]
    return choose_split(base.raw, base.table_schema, typing, wrangling.split, salt=wrangling.name, join_keys=keys)


def _start(assembled: Assembled, labelled: Labelled, side: np.ndarray, beside: pd.DataFrame) -> Running:
    kept = np.array([why is None for why in labelled.lacking], dtype=bool)
    n_kept = int(kept.sum())
    if n_kept < FEWEST_LABELLED:
        raise DataError(
            "There are too few rows with a target",
            where=f"target {labelled.target.name!r}",
            got=f"{n_kept} of {len(kept)}",
            expected=f"at least {FEWEST_LABELLED}",
            todo="Bring more rows.",
        )
    private = frozenset(c.name for c in assembled.table_schema.columns if c.private)
    rows = Rows(train=side == TRAIN, beside=beside, target=labelled.values, misfit=assembled.misfit, private=private)
    return Running(
        frame=assembled.features[kept].reset_index(drop=True),
        rows=rows.take(kept),
        row=np.flatnonzero(kept).astype(np.int64),
        reason=np.full(n_kept, None, dtype=object),
    )


def _with_others(start: Running, base: SourceTable, plan: Plan) -> Rows:
    """Return what is known of the rows with the columns beside the features that row steps ask for, typed."""
    features = {c.name for c in base.table_schema.features}
    asked = [name for name in plan.asks if name not in features and name in base.raw.column_names]
    if not asked:
        return start.rows
    cast = base.table_schema.cast(base.raw.select(asked).take(pa.array(start.row)), asked)
    return replace(start.rows, others=cast.frame)


def _plan(schema: TableSchema, wrangling: Wrangling, start: Running, identified: bool) -> Plan:
    steps = wrangling.steps if wrangling.steps is not None else wrangling.locked_plan
    if steps is None:
        train = start.frame[start.rows.train]
        missing = {str(name): float(share) for name, share in train.isna().mean().items()}
        steps = propose(schema, missing, identified)
    return Plan(steps=steps)


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


def _audit(
    base: SourceTable,
    others: dict[str, SourceTable],
    assembled: Assembled,
    labelled: Labelled,
    state: Running,
    entries: list[StepAudit],
) -> Audit:
    watch = Watch()
    own = read_cells(base.raw, base.table_schema, base.misfits)
    joined = [
        read_cells(others[j.table].raw, others[j.table].table_schema, others[j.table].misfits, j.table)
        for j in assembled.joins
    ]
    readings = [reading for read in (own, *joined) for reading in read.readings]
    target = labelled.target
    private = any(c.private for c in base.table_schema.columns if c.name == target.name)
    typing = typing_audit(own, joined, base.raw, base.typed, base.table_schema)
    absent = set(range(len(target.labels))) - set(state.rows.target[~state.rows.train].astype(int).tolist())
    notes = [f"no held-out row has the label {target.labels[i]!r}" for i in sorted(absent)] if not private else []
    return Audit(
        n_rows=base.raw.num_rows,
        n_labelled=sum(why is None for why in labelled.lacking),
        n_train=int(state.rows.train.sum()),
        n_heldout=int((~state.rows.train).sum()),
        n_rejected=base.raw.num_rows - len(state.row),
        n_flagged=sum(why is not None for why in state.reason),
        readings=tuple(readings[:MOST_READINGS]),
        more_readings=max(0, len(readings) - MOST_READINGS),
        labels=read_labels(base.raw[target.name], target, private),
        joins=assembled.joins,
        steps=(typing.model_copy(update={"seconds": watch.seconds}), *entries),
        notes=tuple(notes[:20]),
    )


def _sides_table(base: SourceTable, typing: Typing, state: Running) -> pa.Table:
    group = pa.nulls(len(state.row), pa.string())
    if typing.group is not None:
        group = canonical_array(base.raw[typing.group].combine_chunks()).take(pa.array(state.row))
    return pa.table(
        {
            "row": pa.array(state.row, pa.int64()),
            "side": pa.array(np.where(state.rows.train, TRAIN, HELDOUT).tolist(), pa.string()),
            "reason": pa.array(state.reason.tolist(), pa.string()),
            "target": pa.array(state.rows.target),
            "group": group,
        }
    )


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


def _lookups(assembled: Assembled, wrangling: Wrangling, store: Store) -> dict[str, FrameRef]:
    served = [join.table for join in wrangling.joins if join.serve == "bundle"]
    return {name: store.put_table(assembled.lookups[name].table) for name in served}


def _profile(assembled: Assembled, schema: TableSchema, state: Running, plan: Plan) -> object:
    """Return what requests look like: the typed features of the training rows, before any step changed them.

    Isolated extremes are left out. They are slips of the pen, and a range that took them in would warn of nothing.
    """
    train = assembled.features.iloc[state.row[state.rows.train]].reset_index(drop=True)
    for step in plan.steps:
        if isinstance(step, Isolated) and set(step.columns or ()) <= set(train.columns):
            train = step.learn(train).apply(train)
    return profile_frame(train, TableSchema(columns=schema.features))
