"""Dates and times of a column: their range, their order, how often they come, and where they are missing."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from penstock.arrays.records import Spacing

Order = Literal["ascending", "descending", "constant", "none"]

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NAMED = {SECOND: "secondly", MINUTE: "minutely", HOUR: "hourly", DAY: "daily", 7 * DAY: "weekly"}
UNITS = ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"), (SECOND, "seconds"))
CALENDAR = {1: "monthly", 3: "quarterly", 12: "yearly"}
# A step that fewer of the neighbours keep to is no frequency.
PREVAILS = 0.5


class Spanned(NamedTuple):
    """A column of moments; earliest and latest are None where there is none, or none may be told."""

    n: int
    distinct: int
    earliest: str | None
    latest: str | None
    spacing: Spacing


class _Steps(NamedTuple):
    name: str
    share: float
    missing: int


def span(values: Any, private: bool = False) -> Spanned:
    """Measure a column of dates or times.

    Parameters
    ----------
    values : numpy.ndarray
        datetime64[us], shape (n_rows,), NaT for missing.
    private : bool
        Whether no value may be told.

    Examples
    --------
    >>> days = np.array(["2024-01-01", "2024-01-02", "2024-01-05"], dtype="datetime64[us]")
    >>> told = span(days).spacing
    >>> told.frequency, told.share, told.missing_periods, told.order
    ('daily', 0.5, 2, 'ascending')
    """
    values = np.asarray(values).astype("datetime64[us]", copy=False)
    missing = np.isnat(values)
    present = values[~missing] if missing.any() else values
    if not len(present):
        return Spanned(0, 0, None, None, Spacing())
    ticks = present.view(np.int64)
    order = _order(ticks)
    ordered = ticks if order == "ascending" else np.sort(ticks)
    distinct = ordered[np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))]
    ends = [None, None] if private else [_told(distinct[i]) for i in (0, -1)]
    return Spanned(len(present), len(distinct), ends[0], ends[1], _spacing(distinct, order, private))


def _order(ticks: Any) -> Order:
    if len(ticks) < 2:
        return "constant"
    later, earlier = ticks[1:], ticks[:-1]
    rises, falls = bool((later >= earlier).all()), bool((later <= earlier).all())
    if rises and falls:
        return "constant"
    return "ascending" if rises else "descending" if falls else "none"


def _spacing(distinct: Any, order: Order, private: bool) -> Spacing:
    if len(distinct) < 2:
        return Spacing(order=order)
    steps = np.diff(distinct)
    widest = int(steps.argmax())
    found = _frequency(distinct, steps)
    return Spacing(
        order=order,
        frequency=found.name if found else None,
        share=round(found.share, 6) if found else None,
        missing_periods=found.missing if found else None,
        largest_gap_seconds=int(steps[widest]) / SECOND,
        largest_gap_after=None if private else _told(distinct[widest]),
    )


def _frequency(distinct: Any, steps: Any) -> _Steps | None:
    """Return the step that prevails: one of the clock, of the calendar or of the working week."""
    if len(distinct) < 3:
        return None
    found = [s for s in (_clock(steps), _calendar(distinct), _working(distinct)) if s is not None]
    best = max(found, key=lambda s: s.share, default=None)
    return best if best is not None and best.share >= PREVAILS else None


def _clock(steps: Any) -> _Steps:
    sizes, counts = np.unique(steps, return_counts=True)
    step = int(sizes[counts.argmax()])
    # Rounded, for a day is missing too where two steps are a second short of it.
    missing = int(np.maximum((steps + step // 2) // step - 1, 0).sum())
    return _Steps(_step_name(step), int(counts.max()) / len(steps), missing)


def _step_name(step: int) -> str:
    if step in NAMED:
        return NAMED[step]
    for unit, plural in UNITS:
        if step % unit == 0:
            return f"every {step // unit} {plural}"
    return f"every {step / SECOND:g} seconds"


def _calendar(distinct: Any) -> _Steps | None:
    """Return a step of months where all moments lie at one place of their month: its same day or its last."""
    moments = distinct.view("datetime64[us]")
    days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
    of_month = (days - months.astype("datetime64[D]")).astype(np.int64)
    last = ((months + 1).astype("datetime64[D]") - days).astype(np.int64) == 1
    clock = moments - days.astype("datetime64[us]")
    if not (clock == clock[0]).all() or not ((of_month == of_month[0]).all() or last.all()):
        return None
    sizes, counts = np.unique(np.diff(months.astype(np.int64)), return_counts=True)
    step = int(sizes[counts.argmax()])
    if step not in CALENDAR:
        return None
    missing = int((np.diff(months.astype(np.int64)) // step - 1).clip(0).sum())
    return _Steps(CALENDAR[step], int(counts.max()) / (len(distinct) - 1), missing)


def _working(distinct: Any) -> _Steps | None:
    """Return the step of one working day where no moment is on a weekend, and weeks are spanned."""
    moments = distinct.view("datetime64[us]")
    days = moments.astype("datetime64[D]")
    if (moments != days).any() or not np.is_busday(days).all():
        return None
    between = np.busday_count(days[:-1], days[1:])
    share = float((between == 1).mean())
    # Within one week working days are days like any other.
    if len(days) < 6 or share < PREVAILS:
        return None
    return _Steps("working days", share, int((between - 1).clip(0).sum()))


def _told(tick: Any) -> str:
    """Return a moment in ISO 8601, the microseconds left out where there are none."""
    text = str(np.int64(tick).view("datetime64[us]"))
    return text.removesuffix(".000000")
