"""The plan once more, step by step, on some of the training rows: what each step makes of them can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from penstock.blocks import Blocks
from penstock.errors import PenstockError
from penstock.explore.columns import Ints
from penstock.explore.sample import Sample
from penstock.steps.audit import StepAudit
from penstock.steps.base import CellStep, Known, RowStep
from penstock.steps.running import learned_in_turn

NOBODY = -1


@dataclass(frozen=True)
class Replayed:
    """One step of the plan: its number from 1, its entry of the audit, and the rows before and after it.

    `kept` are the positions of the rows after it among those before it.
    """

    number: int
    entry: StepAudit
    before: Blocks
    after: Blocks
    kept: Ints


def replay(sample: Sample, entries: Sequence[StepAudit]) -> Iterator[Replayed]:
    """Carry some training rows through the plan, those that a row step rejects up to there.

    It ends before the first step that cannot be replayed on so few rows and columns.

    Parameters
    ----------
    sample : Sample
        The rows.
    entries : sequence of StepAudit
        What the audit says of each step of the plan, in order.
    """
    goes = _goes(sample, entries)
    target = np.concatenate([sample.values[sample.started], np.zeros(int(np.sum(goes != NOBODY)), sample.values.dtype)])
    rejected = sample.rejected.iloc[np.flatnonzero(goes != NOBODY)] if len(goes) else sample.rejected
    frame = pd.concat([sample.start, rejected], ignore_index=True) if len(rejected) else sample.start
    leaves = np.concatenate([np.full(len(sample.start), NOBODY), goes[goes != NOBODY]])
    plan, state = sample.plan, Blocks.of(frame)
    try:
        for i, step in enumerate(plan.before):
            if isinstance(step, RowStep):
                kept = np.flatnonzero(leaves != i).astype(np.int64)
                after, leaves, target = state.take(kept), leaves[kept], target[kept]
            else:
                assert isinstance(step, CellStep)
                kept, after = np.arange(state.n_rows), step.on(state)
            yield Replayed(i + 1, entries[i], state, after, kept)
            state = after
        everyone = np.arange(state.n_rows)
        in_turn = learned_in_turn(plan, state, Known(target, len(sample.target.labels)))
        for i, (_, after) in enumerate(in_turn, len(plan.before)):
            yield Replayed(i + 1, entries[i], state, after, everyone)
            state = after
    # A step may need more rows than these, or a column that a join brought and a later step took out.
    except PenstockError:
        return


def _goes(sample: Sample, entries: Sequence[StepAudit]) -> Ints:
    """Return for each rejected row the place of the step that rejected it, -1 where the audit does not tell."""
    rejecting = [i for i, entry in enumerate(entries) if entry.nature == "row" and entry.rows_out < entry.rows_in]
    told = {example.after: i for i in rejecting for example in entries[i].examples}
    only = rejecting[0] if len(rejecting) == 1 else NOBODY
    return np.array([told.get(reason, only) for reason in sample.rejected_for], dtype=np.int64)
