"""A model's headline figures: how good, of how many rows, made when, how old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.service.holder import Held
from penstock.metrics.metric import METRICS

_titles = {metric.name: metric.title for metric in METRICS}


class Headline(NamedTuple):
    """What a reader wants to know first; texts are empty where nothing is known."""

    metric: str
    score: str
    interval: str
    rows: str
    trained: str
    age: float | None


def headline(held: Held, now: dt.datetime | None = None) -> Headline:
    """Return the figures of the version that is served; `age` is in seconds since it was sealed."""
    bundle = held.bundle
    shown = scores(bundle.metrics)
    main = shown[0] if shown else {}
    created = bundle.manifest.created if bundle.manifest is not None else ""
    return Headline(
        metric=main.get("name", ""),
        score=main.get("value", ""),
        interval=main.get("interval", ""),
        rows=f"{bundle.profile.n_rows:,}",
        trained=created,
        age=_age(created, now or dt.datetime.now(dt.UTC)),
    )


def scores(metrics: Mapping[str, Any]) -> list[dict[str, str]]:  # JSON, whose shape the evaluate stage decides
    """Return the scores on held-out rows, the one that decided first."""
    found = metrics.get("scores")
    if not isinstance(found, dict):
        return []
    judged_by = metrics.get("metric")
    return [
        {
            "name": metric_title(str(name)),
            "value": f"{score['value']:.4g}",
            "interval": f"{score['low']:.4g} to {score['high']:.4g}",
            "n": f"{score['n']:,}",
        }
        for name, score in sorted(found.items(), key=lambda pair: (pair[0] != judged_by, pair[0]))
        if isinstance(score, dict) and {"value", "low", "high", "n"} <= score.keys()
    ]


def metric_title(name: str) -> str:
    """Return a metric's name for people.

    Examples
    --------
    >>> metric_title("roc_auc"), metric_title("something_else")
    ('ROC AUC', 'something else')
    """
    return _titles.get(name, name.replace("_", " "))


def _age(created: str, now: dt.datetime) -> float | None:
    try:
        return max(0.0, (now - dt.datetime.fromisoformat(created)).total_seconds())
    except (ValueError, TypeError):
        return None
