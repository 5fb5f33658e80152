"""The target along time: its course, its seasons, and how it goes with its own past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.durations import told as length_of
from penstock.explore.columns import Floats, Ints
from penstock.explore.rates import Outcome, outcome_of
from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import counted, joined, named
from penstock.plots.moments import date_texts, days_of
from penstock.plots.rates import Rates, target_rates
from penstock.plots.series import Course, autocorrelation, course
from penstock.plots.words import listed
from penstock.series.moments import moments_of
from penstock.series.rule import SERIES, SeriesRule

MOST_BINS = 200
# Bins of the course, in days, so that hours, days and weeks do not lie in two of them.
WIDTHS = (1 / 1440, 1 / 288, 1 / 96, 1 / 24, 1 / 8, 1 / 4, 1.0, 7.0, 28.0, 91.0, 364.0, 3640.0, 36_400.0)
# With fewer bins filled a table has moments here and there, and a gap says nothing.
DENSE = 0.5
MOST_LAGS = 60
FEWEST_LAGGED = 20
MOST_STEPS = 1 << 20
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Timed:
    """The rows that have a moment: when (days since 1970), their places among the training rows, and their series."""

    time: str
    at: Floats
    places: Ints
    series: npt.NDArray[np.object_] | None
    rule: SeriesRule | None


def along_time(sample: Sample) -> Iterator[Sketch]:
    """Give the target along time where the table has one, unless the target is private."""
    timed = None if sample.is_concealed else _timed(sample)
    if timed is None or len(timed.at) < 2 or not timed.at.max() > timed.at.min():
        return
    outcome = outcome_of(sample)
    shown = Outcome(outcome.what, outcome.told, outcome.values[:, timed.places], outcome.legend, outcome.shares)
    drawn = _course(timed, shown)
    rows = f"all {counted(len(timed.at), 'training row')} with a time"
    n, width = len(drawn.gaps), float(drawn.edges[1] - drawn.edges[0])
    start, end = date_texts(drawn.edges[[0, -1]], 100.0)
    told = (
        f"{shown.told[0].upper()}{shown.told[1:]}".replace(" with its 95 % interval", "").replace(" (Wilson)", "")
        + f" along {named(timed.time)} from {start} to {end} in {rows}, one point every {length_of(width * 86_400)}; "
        f"{counted(n, 'span') if n else 'no span'} without a row {'is' if n < 2 else 'are'} shaded. Look for a drift, "
        "for breaks and for gaps."
    )
    legend = outcome.legend
    given = (drawn, outcome.what, timed.time, legend)
    yield Sketch("course", "The target along time", told, course, given, shortened([timed.time]))
    yield from _seasons(timed, shown, rows)
    if outcome.values.shape[0] == 1:
        yield from _past(sample, timed, shown)


def _timed(sample: Sample) -> Timed | None:
    rule = SeriesRule.model_validate(sample.told[SERIES]) if SERIES in sample.told else None
    dates = [c for c in sample.schema.columns if c.role == "time" or (c.role == "feature" and c.kind == "datetime")]
    dates.sort(key=lambda column: column.role != "time")
    time = rule.time if rule is not None else next((c.name for c in dates), None)
    if time is None or time in sample.hidden:
        return None
    values = sample.typed(time)
    if values is None or sample.schema.column(time).kind != "datetime":
        return None
    frame = pd.DataFrame({time: np.asarray(values, dtype="datetime64[us]")})
    clock = rule.clock if rule is not None else None
    if clock is not None:
        hours = sample.typed(clock)
        clock = None if hours is None or clock in sample.hidden else clock
        if clock is not None:
            frame[clock] = np.asarray(hours, dtype=np.float64)
    days = days_of(moments_of(frame, sample.schema, time, clock))
    # Of a forecast each row of the base may have been learned from more than once.
    first = ~sample.sides["row"].duplicated().to_numpy()
    places = np.flatnonzero(np.isfinite(days) & first).astype(np.int64)
    series = None
    if "group" in sample.sides.columns and rule is not None and rule.group is not None:
        series = sample.sides["group"].to_numpy(dtype=object)[places]
    return Timed(time, days[places], places, series, rule)


def _course(timed: Timed, outcome: Outcome) -> Course:
    low, high = float(timed.at.min()), float(timed.at.max())
    width = next((w for w in WIDTHS if (high - low) / w <= MOST_BINS), (high - low) / MOST_BINS)
    start = np.floor(low / width) * width
    n_bins = int((high - start) // width) + 1
    bins = np.clip((timed.at - start) // width, 0, n_bins - 1).astype(np.int64)
    values, _, _, _ = outcome.binned(bins, n_bins)
    counts = np.bincount(bins, minlength=n_bins).astype(np.int64)
    edges = start + width * np.arange(n_bins + 1)
    return Course(edges, counts, values, _gaps(counts, edges))


def _gaps(counts: Ints, edges: Floats) -> tuple[tuple[float, float], ...]:
    if np.mean(counts > 0) < DENSE:
        return ()
    change = np.diff(np.concatenate([[0], (counts == 0).astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return tuple((float(edges[i]), float(edges[j])) for i, j in zip(starts, ends, strict=True))


def _seasons(timed: Timed, outcome: Outcome, rows: str) -> Iterator[Sketch]:
    """Give the target by hour, weekday and month, as far as the rows have them."""
    span = float(timed.at.max() - timed.at.min())
    moments = np.round(timed.at * 86_400e6).astype(np.int64).astype("datetime64[us]")
    panels = []
    hours = np.floor(timed.at % 1 * 24 + 1e-6).astype(np.int64) % 24
    if len(np.unique(hours)) > 2 and span >= 2:
        panels.append(_season("hour", hours, None, 24, outcome))
    if span >= 14:
        # The first of January 1970 was a Thursday.
        weekdays = (np.floor(timed.at).astype(np.int64) + 3) % 7
        if len(np.unique(weekdays)) > 1:
            panels.append(_season("weekday", weekdays, WEEKDAYS, 7, outcome))
    months = moments.astype("datetime64[M]").astype(np.int64) % 12
    if span >= 300 and len(np.unique(months)) > 2:
        panels.append(_season("month", months, MONTHS, 12, outcome))
    if not panels:
        return
    by = listed([panel.name for panel in panels])
    told = (
        f"{outcome.told[0].upper()}{outcome.told[1:]} by {by} of {named(timed.time)} (UTC) in {rows}; the dashed line "
        "is that of all rows. A season is a shape that leaves the line by more than its intervals."
    )
    given = (panels, outcome.what, outcome.overall, outcome.legend)
    yield Sketch("seasons", "Seasons", told, target_rates, given)


def _season(name: str, bins: Ints, labels: tuple[str, ...] | None, n: int, outcome: Outcome) -> Rates:
    value, low, high, size = outcome.binned(bins, n)
    if labels is not None:
        return Rates(name, "", tuple((label, True) for label in labels), np.zeros(0), value, low, high, size)
    return Rates(name, "", (), np.arange(n, dtype=np.float64), value, low, high, size)


def _past(sample: Sample, timed: Timed, outcome: Outcome) -> Iterator[Sketch]:
    """Give the autocorrelation of a series: of a forecast's longest one, else of the mean of each step of time."""
    at, values, of = timed.at, outcome.values[0], sample.target.name
    if timed.rule is None and sample.told.get("split", {}).get("by") != "time":
        return
    group = ""
    if timed.series is not None:
        names, counts = np.unique(timed.series.astype(str), return_counts=True)
        longest = str(names[int(np.argmax(counts))])
        kept = timed.series.astype(str) == longest
        at, values = at[kept], values[kept]
        private = any(c.name == timed.rule.group and c.private for c in sample.schema.columns) if timed.rule else True
        group = " of the longest series" if private else f" of the longest series, {longest!r},"
    step = timed.rule.every / 86_400 if timed.rule is not None else _step(at)
    if step is None or (at.max() - at.min()) / step > MOST_STEPS:
        return
    index = np.round((at - at.min()) / step).astype(np.int64)
    known = np.isfinite(values)
    n = np.bincount(index[known], minlength=int(index.max()) + 1)
    sums = np.bincount(index[known], weights=values[known], minlength=len(n))
    series = np.where(n > 0, sums / np.maximum(n, 1), np.nan)
    season = timed.rule.season if timed.rule is not None else 1
    lags = min(max(MOST_LAGS, 2 * season + 2), 400, len(series) // 3)
    if np.count_nonzero(n) < FEWEST_LAGGED or lags < 2:
        return
    found = autocorrelated(series, lags)
    bound = 1.96 / np.sqrt(np.count_nonzero(n))
    best = int(np.argmax(found[1:])) + 2
    told = joined(
        f"How {named(of)}{group} goes with itself some steps of {length_of(step * 86_400)} before, over all training "
        f"rows; within the grey band lies noise (95 %). Beyond the first step it is strongest {best:,} steps back "
        f"({found[best - 1]:+.2f}).",
        "A peak that comes again is a season, a slow fall a trend.",
    )
    given = (found, float(bound), length_of(step * 86_400), of)
    yield Sketch("autocorrelation", "Autocorrelation", told, autocorrelation, given, shortened([of]))


def _step(at: Floats) -> float | None:
    """Return the most frequent step from one moment to the next, in days; None where there is hardly one."""
    gaps = np.round(np.diff(np.unique(at)) * 86_400)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return None
    steps, counts = np.unique(gaps, return_counts=True)
    most = int(np.argmax(counts))
    return float(steps[most]) / 86_400 if counts[most] >= DENSE * len(gaps) else None


def autocorrelated(series: Floats, lags: int) -> Floats:
    """Return the autocorrelation of a series with gaps from lag 1 on, shape (n_lags,).

    Each lag is over the pairs of which both are known.

    References
    ----------
    Parzen, E. (1963). On spectral analysis with missing observations and amplitude modulation. Sankhya A 25, 383-392.

    Examples
    --------
    >>> autocorrelated(np.tile([0.0, 1.0], 100), 2).round(2)
    array([-1.,  1.])
    """
    known = np.isfinite(series)
    centred = np.where(known, series - series[known].mean(), 0.0)
    size = 1 << int(np.ceil(np.log2(2 * len(series))))

    def lagged(values: Floats) -> Floats:
        spectrum = np.fft.rfft(values, size)
        found: Floats = np.fft.irfft(np.abs(spectrum) ** 2, size)[: lags + 1]
        return found

    pairs = np.maximum(np.round(lagged(known.astype(np.float64))), 1.0)
    covered = lagged(centred) / pairs
    if covered[0] <= 0:
        return np.zeros(lags)
    # Rounding keeps the picture from hanging on the last bit of a transform.
    found: Floats = np.clip(np.round(covered[1:] / covered[0], 9), -1.0, 1.0)
    return found
