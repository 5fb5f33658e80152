"""What speaks for each step of an automatic plan, in numbers: it is tried on training rows."""

from __future__ import annotations

import numpy as np

from penstock.steps.audit import StepAudit, columns_told
from penstock.steps.base import Known
from penstock.steps.plan import Plan
from penstock.steps.running import Held, Running, run_after, run_before
from penstock.steps.union import Step
from penstock.suspicion.finding import spaced

# A plan is tried on at most so many rows and cells; the sentences say on how many.
MOST_ROWS, MOST_CELLS = 20_000, 400_000
# A column that lacks more than this says most by whether it has a value at all.
MOSTLY_MISSING = 0.5


def with_evidence(plan: Plan, start: Running, private: frozenset[str], n_labels: int) -> Plan:
    """Return a plan whose steps say in `why` how much there is for them to do.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    start : Running
        The typed features; only training rows are looked at, evenly spaced where there are more than 20,000 of them, or
        400,000 cells.
    private : frozenset of str
        Columns whose values must not be told.
    n_labels : int
        How many labels the target has; 0 for a regression.
    """
    train = np.flatnonzero(start.rows.train)
    most = min(MOST_ROWS, max(1_000, MOST_CELLS // max(1, len(start.frame.columns))))
    rows = train[spaced(len(train), most)]
    mask = np.zeros(len(start.row), dtype=bool)
    mask[rows] = True
    tried = Running(
        table=Held(start.frame[mask].reset_index(drop=True)),
        rows=start.rows.take(mask),
        row=start.row[mask],
        reason=start.reason[mask],
    )
    state, before = run_before(plan, tried, private)
    known = Known(state.rows.target, n_labels)
    _, after = run_after(plan, state, private, known)
    where = f"{len(rows):,} training rows"
    if len(rows) < len(train):
        where = f"a sample of {len(rows):,} of {len(train):,} training rows"
    steps = [_told(step, entry, where) for step, entry in zip(plan.steps, (*before, *after), strict=True)]
    return Plan(steps=tuple(steps))


def _told(step: Step, entry: StepAudit, where: str) -> Step:
    words = f"{step.why}: {_of_rows(entry, where) if entry.nature == 'row' else _of_cells(entry, where)}"
    return step.model_copy(update={"why": words})


def _of_rows(entry: StepAudit, where: str) -> str:
    gone = entry.rows_in - entry.rows_out
    if not gone:
        return entry.note or f"none in {where}"
    such = f", such as: {entry.examples[0].after}" if entry.examples and entry.step != "duplicates" else ""
    return f"{gone:,} in {where} ({entry.share:.2%}){such}"


def _of_cells(entry: StepAudit, where: str) -> str:
    said = [f"{where}: {entry.note}"] if entry.note and not entry.cells_changed else []
    if entry.cells_changed:
        columns = len(entry.columns) + entry.more_columns
        said.append(
            f"{entry.cells_changed:,} cells in {columns} {'column' if columns == 1 else 'columns'} of {where}, most in "
            f"{columns_told(entry.columns, entry.rows_in)}"
        )
        mostly = {name: n for name, n in entry.columns.items() if n > MOSTLY_MISSING * entry.rows_in}
        if entry.step == "fill" and mostly:
            said.append(f"what tells in {', '.join(list(mostly)[:5])} is mostly whether there is a value")
    return "; ".join(said) or f"none in {where}, but a later row may have some"
