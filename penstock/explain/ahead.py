"""A forecast along its horizon: the error by how far ahead, and a few origins to look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.judging import Judged
from penstock.metrics.metric import Metric
from penstock.metrics.scores import spread_of
from penstock.metrics.weighted import Ints
from penstock.series.widths import edges_of

REPLICATES = 200
MOST_EXAMPLES = 4
MOST_STEPS = 96


def along_horizon(judged: Judged, metric: Metric, seed: int) -> list[dict[str, Any]]:
    """Return the metric by how far ahead rows lie, of the forecast and of the seasonal naive one, with intervals.

    Parameters
    ----------
    judged : Judged
        A forecast's held-out rows.
    metric : Metric
        What is measured.
    seed : int
        How blocks are resampled.
    """
    test = judged.test
    if test is None:
        return []
    told = []
    lowest = 0
    for edge in edges_of(int(test.told["steps"])):
        rows = np.flatnonzero((test.steps > lowest) & (test.steps <= edge))
        if len(rows):
            drawn: dict[str, Any] = {"replicates": REPLICATES, "seed": seed, "context": test.context.take(rows)}
            own = spread_of(judged.target, metric.name, test.y[rows], judged.predicted[rows], **drawn)
            naive = spread_of(judged.target, metric.name, test.y[rows], test.naive[rows], **drawn)
            spreads = {"own": own.model_dump(mode="json"), "naive": naive.model_dump(mode="json")}
            told.append({"first": lowest + 1, "last": edge, "n": len(rows), **spreads})
        lowest = edge
    return told


def examples(judged: Judged) -> list[dict[str, Any]]:
    """Return what was forecast at a few origins, evenly spread over time, and what came true; of one series each.

    There is none of a private target.

    Parameters
    ----------
    judged : Judged
        A forecast's held-out rows.
    """
    test, series = judged.test, judged.series
    columns = {c.name: c for c in judged.schema.columns}
    if test is None or series is None or judged.is_private:
        return []
    group = columns[series.group] if series.group is not None else None
    ends = np.cumsum([window.rows.num_rows for window in test.windows])
    chosen = np.linspace(0, len(ends) - 1, min(MOST_EXAMPLES, len(ends))).round().astype(int)
    told = []
    for k, place in enumerate(np.unique(chosen).tolist()):
        window = test.windows[place]
        names = window.rows[group.name].to_pylist() if group is not None else [""] * window.rows.num_rows
        # Each example is of another series, where there are several.
        known = sorted({str(name) for name in names})
        name = known[k % len(known)]
        rows = np.flatnonzero(np.array([str(n) for n in names]) == name) + ends[place] - window.rows.num_rows
        shown = name if group is not None and not group.private else ""
        told.append({"origin": window.origin, "series": shown, **_steps(judged, rows)})
    return told


def _steps(judged: Judged, rows: Ints) -> dict[str, Any]:
    assert judged.test is not None
    rows = rows[np.argsort(judged.test.steps[rows], kind="stable")]
    if len(rows) > MOST_STEPS:
        rows = rows[:MOST_STEPS]
    told: dict[str, Any] = {
        "steps": judged.test.steps[rows].tolist(),
        "true": judged.y[rows].tolist(),
        "predicted": judged.predicted[rows].tolist(),
        "naive": judged.test.naive[rows].tolist(),
    }
    if judged.low is not None and judged.high is not None:
        told |= {"low": judged.low[rows].tolist(), "high": judged.high[rows].tolist()}
    return told
