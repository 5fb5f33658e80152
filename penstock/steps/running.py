"""Run a plan over a table for training, and keep account of every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from penstock.steps.audit import MOST_EXAMPLES, Example, StepAudit, Watch, bounded, compare
from penstock.steps.base import CellStep, Known, Learned, LearnedStep, Rows, RowStep
from penstock.steps.blocks import Blocks
from penstock.steps.plan import Plan
from penstock.steps.union import Step, nature_of

ROW_ITSELF = "(row)"


@dataclass(frozen=True)
class Running:
    """A table on its way through the plan.

    `row` holds positions in the base source and `reason` the first objection to a held-out row, else None. `rejected`
    and `rejected_for` are the training rows that went, and why.
    """

    frame: pd.DataFrame
    rows: Rows
    row: np.ndarray
    reason: np.ndarray
    rejected: tuple[int, ...] = ()
    rejected_for: tuple[str, ...] = ()


def run_before(plan: Plan, start: Running, private: frozenset[str]) -> tuple[Running, list[StepAudit]]:
    """Run the steps before the cut: row steps on training rows, cell steps on all.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    start : Running
        The typed features.
    private : frozenset of str
        Columns whose values the audit must not show.
    """
    state, entries = start, []
    for step in plan.before:
        watch = Watch()
        if isinstance(step, RowStep):
            after, flagged = _reject(state, step)
            note = step.note(state.frame, state.rows, state.row)
            entries.append(_row_entry(step, state, after, flagged, note, watch))
        else:
            assert isinstance(step, CellStep)
            after = replace(state, frame=step.apply(state.frame))
            entries.append(_cell_entry(step, state.frame, after.frame, state.row, private, watch))
        state = after
    return state, entries


def run_after(
    plan: Plan, cut: pd.DataFrame, rows: Rows, row: np.ndarray, private: frozenset[str], known: Known
) -> tuple[pd.DataFrame, list[StepAudit]]:
    """Learn the steps from the cut on from training rows, and apply them to all.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    cut : pandas.DataFrame
        The rows at the cut.
    rows : Rows
        Which of them train.
    row : numpy.ndarray
        Their positions in the base source.
    private : frozenset of str
        Columns whose values the audit must not show.
    known : Known
        The target of the training rows.

    Returns
    -------
    tuple
        The frame that the plan's transformer, fitted on training rows, gives for all rows; and the audit.
    """
    learning, all_rows = Blocks.of(cut[rows.train]), Blocks.of(cut)
    before, entries = all_rows.frame(), []
    for step in plan.learned:
        watch = Watch()
        runs = step.learn_from(learning, known) if isinstance(step, LearnedStep) else step
        assert not isinstance(runs, RowStep)
        learning = runs.on_training(learning) if isinstance(runs, Learned) else runs.on(learning)
        all_rows = runs.on(all_rows)
        after = all_rows.frame()
        entries.append(_cell_entry(step, before, after, row, private, watch))
        before = after
    return before, entries


def _reject(state: Running, step: RowStep) -> tuple[Running, int]:
    keep, reasons = step.kept(state.frame, state.rows)
    gone = ~keep
    objected = np.array([r is not None for r in reasons], dtype=bool) & ~state.rows.train
    reason = np.where(objected & np.array([r is None for r in state.reason], dtype=bool), reasons, state.reason)
    after = Running(
        frame=state.frame[keep].reset_index(drop=True),
        rows=state.rows.take(keep),
        row=state.row[keep],
        reason=reason[keep],
        rejected=(*state.rejected, *state.row[gone].tolist()),
        rejected_for=(*state.rejected_for, *reasons[gone].tolist()),
    )
    return after, int(objected.sum())


def _row_entry(step: RowStep, before: Running, after: Running, flagged: int, note: str, watch: Watch) -> StepAudit:
    new = range(len(before.rejected), len(after.rejected))
    examples = tuple(
        Example(row=after.rejected[i], column=ROW_ITSELF, before="kept", after=after.rejected_for[i])
        for i in new[:MOST_EXAMPLES]
    )
    n = len(before.frame)
    return StepAudit(
        step=step.name,
        nature="row",
        rows_in=n,
        rows_out=len(after.frame),
        share=len(new) / n if n else 0.0,
        flagged=flagged,
        examples=examples,
        seconds=watch.seconds,
        why=step.why,
        note=note,
    )


def _cell_entry(
    step: Step, before: pd.DataFrame, after: pd.DataFrame, row: np.ndarray, private: frozenset[str], watch: Watch
) -> StepAudit:
    seconds = watch.seconds
    counts, examples = compare(before, after, row, private)
    columns, more = bounded(counts)
    n_changed = sum(counts.values())
    return StepAudit(
        step=step.name,
        nature="learned" if nature_of(step) == "learned" else "cell",
        rows_in=len(before),
        rows_out=len(after),
        cells_changed=n_changed,
        share=n_changed / before.size if before.size else 0.0,
        columns=columns,
        more_columns=more,
        examples=examples,
        seconds=seconds,
        why=step.why,
        note=_columns_note(before.columns.tolist(), after.columns.tolist()),
    )


def _columns_note(before: Sequence[str], after: Sequence[str]) -> str:
    gone, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    told = [f"{verb} {_few(names)}" for verb, names in (("takes out", gone), ("adds", new)) if names]
    return "; ".join(told)


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
