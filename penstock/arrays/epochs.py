"""Whole numbers that count from the start of 1970: recognised by their size, believed where the name says so."""

from __future__ import annotations

import re
from typing import NamedTuple

from penstock.arrays.tally import Numbers
from penstock.cells import EPOCHS

_NAMED = frozenset({"epoch", "unix", "unixtime", "timestamp", "timestamps", "ts", "utime", "mtime", "ctime"})
_NAMED |= {"time", "at"}
_words = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# From 2000 to 2050, in microseconds.
_FIRST, _LAST = 946_684_800e6, 2_524_608_000e6


class Counted(NamedTuple):
    """The format of a count from 1970, and the words that say it."""

    format: str
    words: str


def counted_from_1970(name: str, numbers: Numbers, named: bool = True) -> Counted | None:
    """Return in which unit whole numbers count from 1970, or None where they do not.

    Parameters
    ----------
    name : str
        The column's name.
    numbers : Numbers
        Its whole numbers.
    named : bool
        Whether the name has to say that it is a time.

    Examples
    --------
    >>> import numpy as np
    >>> counted_from_1970("created_at", Numbers(np.array([1.7e9, 1.6e9]), {})).format
    'epoch_s'
    """
    words = {w.lower() for w in _words.findall(name)}
    if named and not words & _NAMED:
        return None
    for form, micros in EPOCHS.items():
        if numbers.n and numbers.low * micros >= _FIRST and numbers.high * micros < _LAST:
            unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[form[6:]]
            return Counted(form, f"{unit} since 1970")
    return None
