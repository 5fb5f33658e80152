"""Replay one row through a plan: every step works within one row, so what it made of the row can be seen again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from penstock.blocks import Blocks
from penstock.lineage.trace import Change, shown
from penstock.steps.base import CellStep, Known
from penstock.steps.plan import Plan
from penstock.steps.running import learned_in_turn

Row = dict[str, object]


@dataclass
class Replayed:
    """What became of every column of one row; `added` and `gone` name the step that did it."""

    cut: Row = field(default_factory=dict)
    final: Row = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    def note(self, number: int, step: str, before: Row, after: Row) -> None:
        """Take down what a step did."""
        for name, value in after.items():
            old, new = shown(before.get(name)), shown(value)
            if name not in before:
                self.added[name] = step
            elif old != new:
                self.changes.setdefault(name, []).append(Change(number=number, step=step, before=old, after=new))
        for name in before:
            if name not in after:
                self.gone[name] = step


def replay(plan: Plan, row: pd.DataFrame, train: pd.DataFrame, known: Known) -> Replayed:
    """Carry one row through a plan.

    Parameters
    ----------
    plan : Plan
        A plan that has been checked.
    row : pandas.DataFrame
        Typed features, one row.
    train : pandas.DataFrame
        The training rows at the cut, to learn from what was learned from them.
    known : Known
        Their target.
    """
    done = Replayed()
    number = 0
    for number, step in enumerate(plan.before, 1):
        if isinstance(step, CellStep):
            after = step.apply(row)
            done.note(number, step.name, _row_of(row), _row_of(after))
            row = after
    done.cut = before = _row_of(row)
    blocks = Blocks.of(row)
    in_turn = learned_in_turn(plan, Blocks.of(train), known)
    for number, (step, (runs, _)) in enumerate(zip(plan.learned, in_turn, strict=True), len(plan.before) + 1):
        blocks = runs.on(blocks)
        now = _row_of(blocks.frame())
        done.note(number, step.name, before, now)
        before = now
    done.final = before
    return done


def _row_of(frame: pd.DataFrame) -> Row:
    return {str(name): _plain(frame[name].iloc[0]) for name in frame.columns}


def _plain(value: object) -> object:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ")
    return None if value is pd.NaT or (isinstance(value, float | np.floating) and np.isnan(value)) else value
