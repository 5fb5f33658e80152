"""Spans as a spec writes them: `0..120`, `>= 1000`, `<= 5%`, `<= 2d`, `2020-01-01..2024-12-31`."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen

Unit = Literal["number", "share", "duration", "moment"]

_NUMBER = r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DURATION = r"[0-9]+(?:\.[0-9]+)?[wdhms]"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
_SECONDS = {"w": 7 * 86_400.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_ENDS: dict[Unit, str] = {
    "number": _NUMBER,
    "share": rf"{_NUMBER}%?",
    "duration": _DURATION,
    "moment": _MOMENT,
}
EXPECTED: dict[Unit, str] = {
    "number": "a span such as '0..120', '0..' or '>= 0'",
    "share": "a share such as '<= 5%' or '0..0.05'",
    "duration": "an age such as '<= 2d', in w, d, h, m or s",
    "moment": "a span such as '2020-01-01..2024-12-31' or '>= 2020-01-01'",
}


class Span(Frozen):
    """All values between two ends, which belong to it unless they are open; None stands for no end.

    Shares lie between 0 and 1, durations are seconds, moments are seconds since 1970 (UTC).

    Examples
    --------
    >>> str(span_of("0..120")), str(span_of(">= 1000")), str(span_of("<= 5%", "share")), str(span_of("<2d", "duration"))
    ('0..120', '>= 1000', '<= 5%', '< 2d')
    """

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    unit: Unit = "number"

    def holds(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which values lie inside; NaN does not."""
        inside = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            if self.low is not None:
                inside &= values > self.low if self.open_low else values >= self.low
            if self.high is not None:
                inside &= values < self.high if self.open_high else values <= self.high
        return inside

    def has(self, value: float) -> bool:
        """Whether one value lies inside."""
        return bool(self.holds(np.array([value]))[0])

    def times(self, factor: float) -> Span:
        """Return the span with both ends multiplied."""
        ends = {"low": self.low, "high": self.high}
        return self.model_copy(update={k: None if v is None else v * factor for k, v in ends.items()})

    def __str__(self) -> str:
        if self.low is not None and self.high is not None and not (self.open_low or self.open_high):
            return f"{self._end(self.low)}..{self._end(self.high)}"
        parts = []
        if self.low is not None:
            parts.append(f"{'>' if self.open_low else '>='} {self._end(self.low)}")
        if self.high is not None:
            parts.append(f"{'<' if self.open_high else '<='} {self._end(self.high)}")
        return " and ".join(parts)

    def _end(self, value: float) -> str:
        return shown(value, self.unit)


def shown(value: float, unit: Unit) -> str:
    """Return a value as a span writes it.

    Examples
    --------
    >>> shown(0.05, "share"), shown(93_600.0, "duration"), shown(0.0, "moment"), shown(2.5, "number")
    ('5%', '26h', '1970-01-01', '2.5')
    """
    if unit == "share":
        return f"{_plain(round(100 * value, 12))}%"
    if unit == "duration":
        letter = next((k for k in ("d", "h", "m") if value and value % _SECONDS[k] == 0), "s")
        return f"{_plain(value / _SECONDS[letter])}{letter}"
    if unit == "moment":
        text = (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=value)).isoformat(" ")  # noqa: DTZ001 - UTC throughout
        return text.removesuffix(" 00:00:00")
    return _plain(value)


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def span_of(written: Any, unit: Unit = "number") -> Span:
    """Read a span.

    Parameters
    ----------
    written : object
        Text such as `0..120` or `>= 3`, or, for numbers and moments, one value, which is then both ends.
    unit : {"number", "share", "duration", "moment"}
        What its ends are.

    Raises
    ------
    ValueError
        It is none, or its ends are the wrong way round.
    """
    if isinstance(written, int | float) and not isinstance(written, bool) and unit == "number":
        return _checked(Span(low=float(written), high=float(written)), written)
    text, end = written.strip() if isinstance(written, str) else "", _ENDS[unit]
    if found := re.fullmatch(rf"(>=|>|<=|<)\s*({end})", text):
        sign, value = found[1], _value(found[2], unit)
        if sign.startswith(">"):
            return Span(low=value, open_low=sign == ">", unit=unit)
        return Span(high=value, open_high=sign == "<", unit=unit)
    if found := re.fullmatch(rf"({end})?\s*\.\.\s*({end})?", text):
        low, high = (None if part is None else _value(part, unit) for part in found.groups())
        if low is None and high is None:
            raise ValueError(f"{written!r} has no end")
        return _checked(Span(low=low, high=high, unit=unit), written)
    if unit in ("number", "moment") and re.fullmatch(end, text):
        return Span(low=_value(text, unit), high=_value(text, unit), unit=unit)
    raise ValueError(f"{written!r} is not {EXPECTED[unit]}")


def _checked(span: Span, written: object) -> Span:
    if any(end is not None and not math.isfinite(end) for end in (span.low, span.high)):
        raise ValueError(f"{written!r} is not finite")
    if span.low is not None and span.high is not None and span.low > span.high:
        raise ValueError(f"the ends of {written!r} are the wrong way round")
    return span


def _value(text: str, unit: Unit) -> float:
    if unit == "duration":
        return float(text[:-1]) * _SECONDS[text[-1]]
    if unit == "moment":
        return (dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - UTC throughout
    if unit == "share" and text.endswith("%"):
        return float(text[:-1].replace("_", "")) / 100
    return float(text.replace("_", ""))


def pattern_of(unit: Unit) -> str:
    """Return the regular expression of a span's text, for the JSON Schema."""
    end = _ENDS[unit]
    alone = rf"|{end}" if unit in ("number", "moment") else ""
    return rf"^\s*(?:(?:>=|>|<=|<)\s*(?:{end})|(?:{end})\s*\.\.\s*(?:{end})?|\.\.\s*(?:{end}){alone})\s*$"
