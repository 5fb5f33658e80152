"""Numbers and texts as a reader wants to see them."""

from __future__ import annotations

from penstock.metrics.metric import METRICS
from penstock.plots.words import NONE, number
from penstock.receipts import Interval

__all__ = [
    "NONE",
    "between",
    "clipped",
    "count",
    "greater_is_better",
    "metric_title",
    "number",
    "percent",
    "seconds",
]


def metric_title(name: str) -> str:
    """Return a metric's name for people."""
    return next((m.title for m in METRICS if m.name == name), name)


def greater_is_better(name: str) -> bool:
    """Return a metric's direction."""
    return next((m.greater_is_better for m in METRICS if m.name == name), True)


def between(interval: Interval | None) -> str:
    """Return an interval's ends."""
    return NONE if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def percent(share: float | None) -> str:
    """Return a share as a percentage; one that is not zero never reads as zero.

    Examples
    --------
    >>> percent(0.1234), percent(0.00001), percent(0.0), percent(None)
    ('12.3 %', '< 0.1 %', '0 %', '—')
    """
    if share is None:
        return NONE
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share else "0 %"


def seconds(value: float) -> str:
    """Return a duration.

    Examples
    --------
    >>> seconds(0.004), seconds(2.34), seconds(125.0)
    ('< 0.01 s', '2.34 s', '2 min 5 s')
    """
    if 0 < value < 0.01:
        return "< 0.01 s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if value >= 60 else f"{value:.2f} s"


def count(n: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def clipped(text: object, most: int = 240) -> str:
    """Return a text of at most `most` signs on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "\u2026"
