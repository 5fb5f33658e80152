"""Candidates with held-out rows to ask about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from penstock.explain.stage import explained
from penstock.judging import Judged, judge
from penstock.metrics.metric import metric_for
from penstock.models.stage import train
from penstock.receipts import Trained
from penstock.slices import Modelling
from tests.unit.models.making import Run, run_until_trained

Fitted = tuple[Run, Trained]
QUICK = Modelling(families=("linear",), folds=2, trials=1)


def judged(run: Run, trained: Trained) -> Judged:
    """Return a candidate's held-out rows."""
    return judge(run.wrangled, trained, run.store.read_frame(run.wrangled.sides), run.store)


def told_of(run: Run, trained: Trained) -> dict[str, Any]:
    """Return all that is told of a candidate, after a way through JSON."""
    found = judged(run, trained)
    metric = metric_for(found.target.task, trained.metric)
    told = explained(run.wrangled, trained, found, metric, 3, run.store)
    return dict(json.loads(json.dumps(told, allow_nan=False)))


def fitted(table: pd.DataFrame, folder: Path, **declared: object) -> tuple[Run, Trained]:
    """Return a run and its candidate."""
    run = run_until_trained(table, folder, **declared)
    return run, train(run.wrangled, QUICK, run.spec.typing, 5, run.store)
