"""Local clock times to UTC and back, for one moment and for a million alike.

A time that the clocks skip is read with the offset from before the change, a time that they show twice is the first of
the two. The way back has no such doubts.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from penstock.timetext import DAY

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a local clock's time has no zone yet
_MICRO = dt.timedelta(microseconds=1)
# Years 2 to 9998: a zone must be able to move a moment by a day.
_FIRST, _LAST = ((dt.date(y, 1, 1).toordinal() - _EPOCH.toordinal()) * DAY for y in (2, 9998))


def is_zone(name: str) -> bool:
    """Whether a name is one of a time zone that this machine knows.

    Examples
    --------
    >>> is_zone("Europe/Berlin"), is_zone("Berlin")
    (True, False)
    """
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def to_utc(micros: int, zone: str) -> int:
    """Return a local time in UTC, both in microseconds since the start of 1970.

    Examples
    --------
    >>> to_utc(0, "Europe/Berlin") // 3_600_000_000
    -1
    """
    return micros - _offset(micros, zone)


def _offset(micros: int, zone: str) -> int:
    local = (_EPOCH + dt.timedelta(microseconds=min(max(micros, _FIRST), _LAST))).replace(tzinfo=_zone(zone))
    return (local.utcoffset() or dt.timedelta()) // _MICRO


def all_to_utc(micros: Any, zone: str) -> Any:
    """Return local times in UTC as `to_utc` does, int64 of shape (n,)."""
    days, where = np.unique(micros // DAY, return_inverse=True)
    # Most days have one offset: only on those with a change of the clocks is each time looked at by itself.
    ends = [[_offset(day * DAY + hour, zone) for hour in (0, DAY // 2, DAY)] for day in days.tolist()]
    offsets = np.array([each[0] for each in ends], np.int64)[where]
    changing = np.array([len(set(each)) > 1 for each in ends], dtype=bool)[where]
    for value in np.unique(micros[changing]).tolist():
        offsets[changing & (micros == value)] = _offset(value, zone)
    return micros - offsets


def all_to_local(micros: Any, zone: str) -> Any:
    """Return what the clocks of a zone show at moments in UTC, both in microseconds, int64 of shape (n,).

    Examples
    --------
    >>> all_to_local(np.array([0]), "Europe/Berlin").tolist()
    [3600000000]
    """
    where, days = pd.factorize(micros // DAY)
    ends = [[_shown(day * DAY + hour, zone) for hour in (0, DAY // 2, DAY)] for day in days.tolist()]
    offsets = np.array([each[0] for each in ends], np.int64)[where]
    changing = np.array([len(set(each)) > 1 for each in ends], dtype=bool)[where]
    which, values = pd.factorize(micros[changing])
    offsets[changing] = np.array([_shown(value, zone) for value in values.tolist()], np.int64)[which]
    return micros + offsets


def _shown(micros: int, zone: str) -> int:
    moment = (_EPOCH + dt.timedelta(microseconds=min(max(micros, _FIRST), _LAST))).replace(tzinfo=dt.UTC)
    return (moment.astimezone(_zone(zone)).utcoffset() or dt.timedelta()) // _MICRO
