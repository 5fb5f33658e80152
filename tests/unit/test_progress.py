"""How far long work has come, as it tells it itself."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from penstock.metrics.metric import metric_for
from penstock.models.families import families_for
from penstock.models.search import search
from penstock.models.training import Training
from penstock.progress import Step, note, noted_by
from penstock.sources import collect, source_from
from penstock.steps.plan import Plan
from penstock.store import Store
from penstock.table import Target


def test_nobody_needs_to_watch():
    """Work that is called by hand tells nobody."""
    note(1, 2, "rows")


def test_the_inner_watcher_hears_and_the_outer_one_does_again_afterwards():
    """Work inside of work is told as its own."""
    outer: list[Step] = []
    inner: list[Step] = []
    with noted_by(outer.append):
        with noted_by(inner.append):
            note(1, None, "in")
        note(2, 4, "out")
    note(3, None, "nobody")
    assert (inner, outer) == ([Step(1, None, "in")], [Step(2, 4, "out")])


@pytest.mark.parametrize(
    ("step", "share"), [(Step(0, 0, ""), 0.0), (Step(5, 4, ""), 1.0), (Step(-1, 4, ""), 0.0), (Step(3, None, ""), 0.0)]
)
def test_a_share_is_one(step, share):
    """Whatever is counted, a bar has two ends."""
    assert step.share == share


def test_a_search_tells_each_fit():
    """From the first to the last, and of which family it was."""
    x = np.linspace(-1, 1, 40)
    y = (x > 0).astype(np.int64)
    target = Target(name="y", task="binary", labels=("a", "b"), positive="b")
    training = Training(pd.DataFrame({"x": x}), y, np.arange(40) % 2, Plan(steps=()), target, 0, 40)
    steps: list[Step] = []
    with noted_by(steps.append):
        search(training, families_for(("linear",)), metric_for("binary", "roc_auc"))
    assert steps[-1].share == 1.0
    assert len(steps) == steps[-1].of == 2
    assert "linear" in steps[-1].words


def _csv(path, n):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["a"], *([i] for i in range(n))])
    return source_from(str(path), path.stem, path.parent)


def test_collecting_tells_rows_and_sources(tmp_path):
    """From threads of its own, as one."""
    sources = (_csv(tmp_path / "one.csv", 30), _csv(tmp_path / "two.csv", 12))
    steps: list[Step] = []
    with noted_by(steps.append):
        collect(sources, Store(tmp_path / "store"))
    assert steps[-1] == Step(2, 2, "2 of 2 sources; 42 rows so far")


def test_what_was_collected_before_tells_how_far_it_is(tmp_path):
    """A single large source would otherwise stand at nothing until it is whole."""
    source, store = _csv(tmp_path / "one.csv", 60_000), Store(tmp_path / "store")
    steps: list[Step] = []
    with noted_by(steps.append):
        collect((source,), store)
        first = len(steps)
        collect((source,), store)
    assert {s.share for s in steps[: first - 1]} == {0.0}
    assert any(0.0 < s.share < 1.0 for s in steps[first:-1])
    assert steps[-1].share == 1.0
