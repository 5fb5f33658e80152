"""The rows along time: how many there are in each span, and how the numbers go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.profiling.columns import Seen
from penstock.profiling.records import Line, Series

SPANS, MOST_LINES, LAGS = 80, 8, 60
FEWEST = 10


def time_column(columns: Sequence[Seen]) -> Seen | None:
    """Return the column of dates that the rows lie along best: one in even steps, or else the first."""
    dates = [
        c
        for c in columns
        if c.look.kind == "datetime" and not c.look.private and c.look.profile.distinct >= FEWEST and c.look.histogram
    ]
    even = [c for c in dates if c.look.profile.spacing is not None and c.look.profile.spacing.frequency]
    return next(iter(even or dates), None)


def look_along(time: Seen, columns: Sequence[Seen]) -> Series | None:
    """Look at the numeric columns along time.

    Parameters
    ----------
    time : Seen
        The column of dates.
    columns : sequence of Seen
        All columns; of the numeric ones the first eight are drawn.
    """
    there = ~time.gone()
    ticks = time.values[there]
    low, high = int(ticks.min()), int(ticks.max())
    n_spans = min(SPANS, time.look.profile.distinct)
    width = (high - low) / n_spans
    if not width > 0:
        return None
    place = np.minimum(((ticks - low) / width).astype(np.int64), n_spans - 1)
    edges = [str(np.datetime64(int(low + i * width), "us").astype("datetime64[s]")) for i in range(n_spans + 1)]
    numeric = [c for c in columns if c.is_number and c.look.kind in ("integer", "float") and _is_drawn(c)]
    is_even = _is_even(time)
    order = np.argsort(ticks, kind="stable") if is_even else None
    lines = []
    for column in numeric[:MOST_LINES]:
        values = column.floats(there)
        lines.append(
            Line(
                column=column.name,
                means=_means(values, place, n_spans),
                correlation=() if order is None else autocorrelation(values[order]),
            )
        )
    return Series(
        time=time.name,
        edges=tuple(edges),
        counts=tuple(np.bincount(place, minlength=n_spans).tolist()),
        lines=tuple(lines),
        left_out=max(0, len(numeric) - MOST_LINES),
    )


def _is_drawn(column: Seen) -> bool:
    look = column.look
    return not look.private and look.role != "id" and look.profile.distinct > 1


def _is_even(time: Seen) -> bool:
    """Whether there is one row for each moment, and the moments keep to one step."""
    profile = time.look.profile
    return profile.distinct == profile.n and profile.spacing is not None and profile.spacing.frequency is not None


def _means(values: Any, place: Any, n_spans: int) -> tuple[float | None, ...]:
    known = ~np.isnan(values)
    n = np.bincount(place[known], minlength=n_spans)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        means = np.bincount(place[known], weights=values[known], minlength=n_spans) / n
    return tuple(float(mean) if np.isfinite(mean) else None for mean in means)


def autocorrelation(values: Any) -> tuple[float, ...]:
    """Return how values, in even steps, are correlated with those 1, 2, … steps before; a gap counts as the mean.

    Examples
    --------
    >>> [round(r, 2) for r in autocorrelation(np.array([1.0, -1.0] * 20))[:2]]
    [-0.97, 0.95]
    """
    known = ~np.isnan(values)
    if known.sum() < 2 * FEWEST:
        return ()
    with np.errstate(over="ignore", invalid="ignore"):
        centred = np.where(known, values - values[known].mean(), 0.0)
        size = np.abs(centred).max()
    if not size > 0 or not np.isfinite(size):
        return ()
    centred = centred / size
    n = len(centred)
    spectrum = np.fft.rfft(centred, 2 * n)
    found = np.fft.irfft(np.abs(spectrum) ** 2)[: min(LAGS, n // 3) + 1]
    return tuple(round(float(r), 4) for r in found[1:] / found[0]) if found[0] > 0 else ()
