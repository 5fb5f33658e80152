"""Regular times: every so many seconds, or every month, quarter or year. All of them are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from penstock.durations import PATTERN, seconds_of, told
from penstock.reshape.groups import grouped
from penstock.reshape.table import At, Tabular
from penstock.steps.telling import told_places, told_rows

CalendarUnit = Literal["month", "quarter", "year"]
# More microseconds than a month has: what tells the months of a quarter or year apart.
_PHASE = np.int64(1 << 50)
_DAY = np.int64(86_400_000_000)
_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
# A Monday, so that weeks begin as they do in a calendar.
_MONDAY = np.int64(np.datetime64("1970-01-05", "us").astype(np.int64))


def _every(value: Any) -> Any:
    if value in get_args(CalendarUnit):
        return value
    try:
        seconds = seconds_of(value)
    except ValueError as error:
        raise ValueError(f"{error}; or month, quarter or year") from error
    if not seconds:
        raise ValueError("a step of time is longer than nothing")
    return seconds


def _told(value: float | str) -> str:
    return value if isinstance(value, str) else told(value)


Every: TypeAlias = Annotated[
    float | CalendarUnit,
    BeforeValidator(_every),
    PlainSerializer(_told, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"{PATTERN}|^(month|quarter|year)$"}),
]


def floored(moments: np.ndarray, every: float | CalendarUnit) -> np.ndarray:
    """Return the beginning of the span that each moment is in, datetime64[us] of shape (n_rows,); NaT stays.

    Examples
    --------
    >>> floored(np.array(["2024-05-17T13:45"], dtype="datetime64[us]"), 3600.0)
    array(['2024-05-17T13:00:00.000000'], dtype='datetime64[us]')
    >>> floored(np.array(["2024-05-17T13:45"], dtype="datetime64[us]"), "quarter").astype("datetime64[D]")
    array(['2024-04-01'], dtype='datetime64[D]')
    """
    gone = np.isnat(moments)
    if isinstance(every, str):
        months = moments.astype("datetime64[M]").astype(np.int64)
        begin = (months // _MONTHS[every] * _MONTHS[every]).astype("datetime64[M]").astype("datetime64[us]")
    else:
        size = np.int64(round(every * 1e6))
        since = np.where(gone, _MONDAY, moments.astype(np.int64)) - _MONDAY
        begin = (since // size * size + _MONDAY).astype("datetime64[us]")
    return np.where(gone, np.datetime64("NaT", "us"), begin)


@dataclass(frozen=True)
class Places:
    """Where moments lie on a grid: the number of their span, and how far from its beginning and from its end.

    Of a quarter or year that is the month in it and the time in that month: months are of no one length, and a series
    of the last days of months is as regular as one of the first. `last_day` tells whether a moment is on such a day.
    """

    numbers: np.ndarray
    since: np.ndarray
    until: np.ndarray
    last_day: np.ndarray


def places_of(moments: np.ndarray, every: float | CalendarUnit) -> Places:
    """Return where moments lie on the grid; none of them is missing."""
    micros = moments.astype(np.int64)
    if not isinstance(every, str):
        size = np.int64(round(every * 1e6))
        numbers = (micros - _MONDAY) // size
        since = micros - _MONDAY - numbers * size
        return Places(numbers, since, since - size, np.zeros(len(micros), dtype=bool))
    months = moments.astype("datetime64[M]").astype(np.int64)
    phase = months % _MONTHS[every] * _PHASE
    since, until = (micros - _month_begin(months + later) for later in (0, 1))
    return Places(months // _MONTHS[every], phase + since, phase + until, until >= -_DAY)


def moments_at(numbers: np.ndarray, place: np.ndarray, ends: np.ndarray, every: float | CalendarUnit) -> np.ndarray:
    """Return the moments at a place, which counts from the span's end where `ends` is 1, in spans of these numbers.

    A month that is too short for the place has its last day there.
    """
    if not isinstance(every, str):
        size = np.int64(round(every * 1e6))
        return np.asarray(((numbers + ends) * size + _MONDAY + place).astype("datetime64[us]"))
    phase = (place + _PHASE // 2) // _PHASE
    months = numbers * _MONTHS[every] + phase
    since = place - phase * _PHASE
    length = _month_begin(months + 1) - _month_begin(months)
    kept = np.where(ends, since, np.minimum(since, length - _DAY + since % _DAY))
    return np.asarray((_month_begin(months + ends) + kept).astype("datetime64[us]"))


def _month_begin(months: np.ndarray) -> np.ndarray:
    micros: np.ndarray = months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return micros


def ordered(table: Tabular, time: str, by: tuple[str, ...], sort: bool, at: At) -> Tabular:
    """Return a table whose times rise within each group.

    Raises
    ------
    DataError
        A time is missing, or times fall and `sort` does not say that they may be put in order.
    """
    at.require(table, [time], frozenset({"datetime"}))
    at.require(table, by)
    moments = table.frame[time].to_numpy()
    gone = np.isnat(moments)
    shown = [*by, time]
    if gone.any():
        raise at.data_error(
            f"The column {time!r} has no time in {told_places(gone)}",
            got=told_rows(table.frame.loc[gone, shown], table.private),
            todo=f'Take them out before: {{kind: filter, where: "`{time}` is not null"}}',
        )
    groups, _ = grouped(table.frame, by)
    if sort:
        return table.take(np.lexsort((np.arange(table.n_rows), moments, groups.codes)))
    within = np.argsort(groups.codes, kind="stable")
    falls = (np.diff(moments[within].astype(np.int64)) < 0) & (np.diff(groups.codes[within]) == 0)
    if falls.any():
        late = np.zeros(table.n_rows, dtype=bool)
        late[within[1:][falls]] = True
        raise at.data_error(
            f"The times of {time!r} are not in order: {told_places(late)} stand after later ones",
            got=told_rows(table.frame.loc[late, shown], table.private),
            todo="Say that they may be put in order: sort: true",
        )
    return table
