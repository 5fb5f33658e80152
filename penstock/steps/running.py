"""Run a plan over a table for training, and keep account of every step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts
from penstock.steps.audit import MOST_EXAMPLES, Example, Nature, StepAudit, Watch, bounded
from penstock.steps.base import CellStep, Known, Learned, LearnedStep, Rows, RowStep, is_told
from penstock.steps.changes import compare, emptied, filled
from penstock.steps.plan import Plan
from penstock.steps.union import Step, nature_of

ROW_ITSELF = "(row)"


class Held:
    """A table as a frame or as blocks: given as the one, made into the other once, when somebody asks for it.

    Row steps look at frames and all others at blocks; a million texts are not made and taken apart at every step.
    """

    def __init__(self, frame: pd.DataFrame | None = None, blocks: Blocks | None = None) -> None:
        self._frame = frame
        self._blocks = blocks

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._blocks.n_rows if self._blocks is not None else len(self.frame)

    @property
    def frame(self) -> pd.DataFrame:
        """The table as a typed frame."""
        if self._frame is None:
            assert self._blocks is not None
            self._frame = self._blocks.frame()
        return self._frame

    @property
    def blocks(self) -> Blocks:
        """The table as blocks."""
        if self._blocks is None:
            assert self._frame is not None
            self._blocks = Blocks.of(self._frame)
        return self._blocks

    def take(self, kept: np.ndarray) -> Held:
        """Return some rows, by mask of shape (n_rows,)."""
        return Held(blocks=self.blocks.take(kept))

    def parts(self, n_rows: int, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Give frames of so many rows, of all columns or the named ones, one after the other; one at least."""
        # Taken hold of now, and let go with the last part.
        return _parts(self._frame, None if self._frame is not None else self.blocks, n_rows, names)


def _parts(
    frame: pd.DataFrame | None, blocks: Blocks | None, n_rows: int, names: Sequence[str] | None
) -> Iterator[pd.DataFrame]:
    n = len(frame) if frame is not None else blocks.n_rows if blocks is not None else 0
    for at in range(0, max(n, 1), n_rows):
        if frame is not None:
            part = frame.iloc[at : at + n_rows]
        else:
            assert blocks is not None
            part = blocks.take(np.arange(at, min(at + n_rows, n))).frame()
        yield part if names is None else part[list(names)]


@dataclass(frozen=True)
class Running:
    """A table on its way through the plan.

    `row` holds positions in the base source and `reason` the first objection to a held-out row, else None. `rejected`
    and `rejected_for` are the training rows that went, and why.
    """

    table: Held
    rows: Rows
    row: np.ndarray
    reason: np.ndarray
    rejected: tuple[int, ...] = ()
    rejected_for: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """The table as a typed frame."""
        return self.table.frame


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
            keep, reasons = step.kept(state.frame, state.rows)
            after, flagged = _without(state, keep, reasons)
            note = step.note(state.frame, state.rows, state.row, reasons)
            entries.append(_row_entry(step, state, after, flagged, note, watch))
        else:
            assert isinstance(step, CellStep)
            after = replace(state, table=Held(blocks=step.on(state.table.blocks)))
            entries.append(_cell_entry(step, state.table.blocks, after.table.blocks, state.row, private, watch))
        state = after
    return state, entries


def run_after(plan: Plan, state: Running, private: frozenset[str], known: Known) -> tuple[Held, list[StepAudit]]:
    """Learn the steps from the cut on from training rows, and apply them to all.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    state : Running
        The rows at the cut.
    private : frozenset of str
        Columns whose values the audit must not show.
    known : Known
        The target of the training rows.

    Returns
    -------
    tuple
        What the plan's transformer, fitted on training rows, gives for all rows, those of training as the model sees
        them; and the audit.
    """
    all_rows = before = state.table.blocks
    train = np.flatnonzero(state.rows.train)
    learning, entries, out_of_fold = all_rows.seen_at(train), [], False
    for step in plan.learned:
        watch = Watch()
        runs = _learned(step, learning, known)
        all_rows = runs.on(all_rows)
        out_of_fold |= isinstance(runs, Learned) and runs.is_out_of_fold
        learning = _on_training(runs, learning) if out_of_fold else all_rows.seen_at(train)
        after = _as_seen(all_rows, learning, train) if out_of_fold else all_rows
        entries.append(_cell_entry(step, before, after, state.row, private, watch))
        before = after
    return Held(blocks=before), entries


def learned_in_turn(plan: Plan, learning: Blocks, known: Known) -> Iterator[tuple[Learned | CellStep, Blocks]]:
    """Give what runs from the cut on, one step after the other, each learned from what those before it leave.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    learning : Blocks
        The training rows at the cut.
    known : Known
        Their target.

    Yields
    ------
    tuple
        What runs, and the training rows as a model sees them after it.
    """
    for step in plan.learned:
        runs = _learned(step, learning, known)
        learning = _on_training(runs, learning)
        yield runs, learning


def _learned(step: Step, learning: Blocks, known: Known) -> Learned | CellStep:
    runs = step.learn_from(learning, known) if isinstance(step, LearnedStep) else step
    assert not isinstance(runs, RowStep)
    return runs


def _on_training(runs: Learned | CellStep, learning: Blocks) -> Blocks:
    return runs.on_training(learning) if isinstance(runs, Learned) else runs.on(learning)


def _as_seen(all_rows: Blocks, learning: Blocks, train: np.ndarray) -> Blocks:
    """Return all rows, those of training as a model sees them: out of fold."""
    columns: dict[str, np.ndarray | Texts] = {}
    for name in (*all_rows.number_names, *all_rows.texts):
        whole, own = all_rows.column(name), learning.column(name)
        if isinstance(whole, Texts) and isinstance(own, Texts):
            columns[name] = _replaced(whole, own, train)
        elif isinstance(whole, np.ndarray) and isinstance(own, np.ndarray):
            seen = whole.copy()
            seen[train] = own
            columns[name] = seen
    return all_rows.with_columns(columns)


def _replaced(texts: Texts, own: Texts, at: np.ndarray) -> Texts:
    seen = {level: code for code, level in enumerate(texts.levels)}
    place = np.array([*(seen.setdefault(level, len(seen)) for level in own.levels), -1], dtype=np.intp)
    codes = texts.codes.astype(np.intp)
    codes[at] = place[own.codes]
    return Texts(codes, tuple(seen))


def objected_to(start: Running, reasons: np.ndarray, entry: str, nature: Nature, why: str) -> tuple[Running, StepAudit]:
    """Reject training rows for reasons that are known before any step runs, and flag held-out ones.

    Parameters
    ----------
    start : Running
        The rows.
    reasons : numpy.ndarray
        Why a row should go, or None; object array of shape (n_rows,).
    entry, nature, why : str
        What the audit calls it.
    """
    watch = Watch()
    after, flagged = _without(start, ~(is_told(reasons) & start.rows.train), reasons)
    return after, _entry(entry, nature, why, start, after, flagged, "", watch)


def _without(state: Running, keep: np.ndarray, reasons: np.ndarray) -> tuple[Running, int]:
    gone = ~keep
    objected = is_told(reasons) & ~state.rows.train
    reason = np.where(objected & ~is_told(state.reason), reasons, state.reason)
    if not gone.any():
        return replace(state, reason=reason), int(objected.sum())
    after = Running(
        table=state.table.take(keep),
        rows=state.rows.take(keep),
        row=state.row[keep],
        reason=reason[keep],
        rejected=(*state.rejected, *state.row[gone].tolist()),
        rejected_for=(*state.rejected_for, *reasons[gone].tolist()),
    )
    return after, int(objected.sum())


def _row_entry(step: RowStep, before: Running, after: Running, flagged: int, note: str, watch: Watch) -> StepAudit:
    return _entry(step.name, "row", step.why, before, after, flagged, note, watch)


def _entry(
    name: str, nature: Nature, why: str, before: Running, after: Running, flagged: int, note: str, watch: Watch
) -> StepAudit:
    new = range(len(before.rejected), len(after.rejected))
    examples = tuple(
        Example(row=after.rejected[i], column=ROW_ITSELF, before="kept", after=after.rejected_for[i])
        for i in new[:MOST_EXAMPLES]
    )
    n = len(before.row)
    return StepAudit(
        step=name,
        nature=nature,
        rows_in=n,
        rows_out=len(after.row),
        share=len(new) / n if n else 0.0,
        flagged=flagged,
        examples=examples,
        seconds=watch.seconds,
        why=why,
        note=note,
    )


def _cell_entry(
    step: Step, before: Blocks, after: Blocks, row: np.ndarray, private: frozenset[str], watch: Watch
) -> StepAudit:
    seconds = watch.seconds
    counts, examples = compare(before, after, row, private)
    columns, more = bounded(counts)
    gone = set(before.names) - set(after.names)
    added, firsts = filled(before, after, row, private)
    n_changed, n_cells = sum(counts.values()), before.n_rows * len(before.names)
    return StepAudit(
        step=step.name,
        nature="learned" if nature_of(step) == "learned" else "cell",
        rows_in=before.n_rows,
        rows_out=after.n_rows,
        cells_changed=n_changed,
        share=n_changed / n_cells if n_cells else 0.0,
        columns=columns,
        more_columns=more,
        added=bounded(added)[0],
        examples=(*examples, *firsts)[:MOST_EXAMPLES],
        seconds=seconds,
        why=step.why,
        note="; ".join(filter(None, [_columns_note(gone, added), _gone_note(before, after)])),
    )


def _columns_note(gone: Collection[str], added: Mapping[str, int]) -> str:
    told = [f"takes out {_few(sorted(gone))}"] if gone else []
    if added:
        told.append(f"adds {_few(sorted(added))}, {sum(added.values()):,} cells with a value")
    return "; ".join(told)


def _gone_note(before: Blocks, after: Blocks) -> str:
    n = emptied(before, after)
    return f"{n:,} cells became missing" if n else ""


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
