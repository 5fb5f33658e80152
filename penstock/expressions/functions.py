"""The functions of the language: what each takes, what it gives, and how it is computed.

`if`, `coalesce`, `min`, `max`, `number` and `text` take and give more than one sort; `penstock.expressions.sorts` knows
of what sort they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.blocks import Texts
from penstock.cells import PLAIN_NUMBER_PATTERN, canonical_text
from penstock.expressions.values import (
    DAY,
    Value,
    chosen,
    finite,
    is_moment,
    is_span,
    is_text,
    missing,
    number_of,
    numbers,
    text_of,
)

Sort = Literal["number", "text", "truth", "moment", "span", "nothing"]
Gives = Literal["float", "integer", "boolean", "text", "various"]
MOST_ARGUMENTS = 8


@dataclass(frozen=True)
class Function:
    """A function: the sorts that it takes (the last for all further ones), what it gives, and its computation.

    Arguments from the position `constant` on must be constants; 0 says that none need be.
    """

    takes: tuple[Sort, ...]
    gives: Gives
    on: Callable[..., Value]
    fewest: int = 1
    most: int = 1
    constant: int = 0


def _on_numbers(function: Callable[..., Any]) -> Callable[..., Value]:
    def computed(*values: Value) -> Value:
        return finite(function(*map(numbers, values)))

    return computed


def _rounded(value: Any, digits: float = 0.0) -> Any:
    return np.round(value, int(digits))


def extreme(pick: Callable[[Any, Any], Any]) -> Callable[..., Value]:
    """Return the function that picks the least or greatest of moments or of numbers; missing where one of them is."""

    def computed(*values: Value) -> Value:
        return reduce(pick, values if any(map(is_moment, values)) else map(numbers, values))

    return computed


def _first_there(*values: Value) -> Value:
    return chosen([~np.asarray(missing(value)) for value in values], values)


def _if(condition: Value, then: Value, otherwise: Value) -> Value:
    truth = np.asarray(numbers(condition))
    return chosen([truth == 1.0, truth == 0.0], [then, otherwise])


def _as_number(value: Value) -> Value:
    return number_of(_parsed, value) if is_text(value) else numbers(value)


def _parsed(text: str) -> float:
    stripped = text.strip()
    number = float(stripped) if PLAIN_NUMBER_PATTERN.match(stripped) else np.nan
    return number if np.isfinite(number) else np.nan


def _as_text(value: Value) -> Value:
    if value is None or is_text(value):
        return value
    codes, distinct = pd.factorize(np.atleast_1d(np.asarray(numbers(value), dtype=np.float64)))
    texts = text_of(str, Texts(codes, tuple(canonical_text(float(number)) for number in distinct)))
    if np.ndim(value) == 0 and isinstance(texts, Texts):
        return texts.levels[0] if texts.levels else None
    return texts


def _calendar(part: Callable[[Any], Any]) -> Callable[[Any], Value]:
    def computed(moments: Any) -> Value:
        return np.where(np.isnat(moments), np.nan, part(moments).astype(np.int64).astype(np.float64))

    return computed


def _within(moments: Any, unit: str, whole: str) -> Any:
    return moments.astype(f"datetime64[{unit}]") - moments.astype(f"datetime64[{whole}]")


def _units(unit: np.timedelta64) -> Callable[[Any], Value]:
    per_day = DAY / unit

    def counted(value: Any) -> Value:
        return value / unit if is_span(value) else numbers(value) * per_day

    return counted


def _texts(function: Callable[..., str]) -> Callable[..., Value]:
    return lambda *values: text_of(function, *values)


def _facts(function: Callable[..., float]) -> Callable[..., Value]:
    return lambda *values: number_of(function, *values)


def _left(value: Value, n: float) -> Value:
    return text_of(lambda text: text[: max(int(n), 0)], value)


def _right(value: Value, n: float) -> Value:
    return text_of(lambda text: text[max(len(text) - max(int(n), 0), 0) :], value)


FUNCTIONS: dict[str, Function] = {
    "abs": Function(("number",), "various", _on_numbers(np.abs)),
    "ceil": Function(("number",), "integer", _on_numbers(np.ceil)),
    "exp": Function(("number",), "float", _on_numbers(np.exp)),
    "floor": Function(("number",), "integer", _on_numbers(np.floor)),
    "log": Function(("number",), "float", _on_numbers(np.log)),
    "log10": Function(("number",), "float", _on_numbers(np.log10)),
    "round": Function(("number",), "various", _on_numbers(_rounded), most=2, constant=1),
    "sign": Function(("number",), "integer", _on_numbers(np.sign)),
    "sqrt": Function(("number",), "float", _on_numbers(np.sqrt)),
    "max": Function((), "various", extreme(np.maximum), fewest=2, most=MOST_ARGUMENTS),
    "min": Function((), "various", extreme(np.minimum), fewest=2, most=MOST_ARGUMENTS),
    "if": Function((), "various", _if, fewest=3, most=3),
    "coalesce": Function((), "various", _first_there, fewest=2, most=MOST_ARGUMENTS),
    "number": Function((), "various", _as_number),
    "text": Function((), "text", _as_text),
    "concat": Function(("text",), "text", _texts(lambda *t: "".join(t)), fewest=2, most=MOST_ARGUMENTS),
    "contains": Function(("text",), "boolean", _facts(lambda text, part: part in text), fewest=2, most=2),
    "endswith": Function(("text",), "boolean", _facts(str.endswith), fewest=2, most=2),
    "left": Function(("text", "number"), "text", _left, fewest=2, most=2, constant=1),
    "len": Function(("text",), "integer", _facts(len)),
    "lower": Function(("text",), "text", _texts(str.lower)),
    "replace": Function(("text",), "text", _texts(str.replace), fewest=3, most=3),
    "right": Function(("text", "number"), "text", _right, fewest=2, most=2, constant=1),
    "startswith": Function(("text",), "boolean", _facts(str.startswith), fewest=2, most=2),
    "trim": Function(("text",), "text", _texts(str.strip)),
    "upper": Function(("text",), "text", _texts(str.upper)),
    "words": Function(("text",), "integer", _facts(lambda text: len(text.split()))),
    "year": Function(("moment",), "integer", _calendar(lambda m: m.astype("datetime64[Y]").astype(np.int64) + 1970)),
    "month": Function(("moment",), "integer", _calendar(lambda m: m.astype("datetime64[M]").astype(np.int64) % 12 + 1)),
    "day": Function(("moment",), "integer", _calendar(lambda m: _within(m, "D", "M").astype(np.int64) + 1)),
    # 1970-01-01 was a Thursday; Monday is 0.
    "weekday": Function(
        ("moment",), "integer", _calendar(lambda m: (m.astype("datetime64[D]").astype(np.int64) + 3) % 7)
    ),
    "hour": Function(("moment",), "integer", _calendar(lambda m: _within(m, "h", "D"))),
    "minute": Function(("moment",), "integer", _calendar(lambda m: _within(m, "m", "h"))),
    "days": Function(("span",), "float", _units(np.timedelta64(1, "D"))),
    "hours": Function(("span",), "float", _units(np.timedelta64(1, "h"))),
    "minutes": Function(("span",), "float", _units(np.timedelta64(1, "m"))),
    "seconds": Function(("span",), "float", _units(np.timedelta64(1, "s"))),
}
