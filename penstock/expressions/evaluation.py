"""An expression over a table's columns, all rows at once, in three-valued logic: true, false, or not known.

Every operation works on each row by itself, so that a table gives what its rows give one at a time. What is divided by
nothing, or too large to be told, is missing; and so is whatever is made of something missing, but for `coalesce`,
`is null`, and what `and`, `or` and `if` can tell without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts
from penstock.cells import FIRST_MOMENT, LAST_MOMENT
from penstock.expressions.functions import FUNCTIONS
from penstock.expressions.language import Constant, Name, Node, NotAnExpression
from penstock.expressions.values import NO_MOMENT, Value, broadcast, finite, is_moment, is_text, missing, numbers

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
    # The function, not the operator: that one computes some constant powers in another way.
    "**": np.power,
}


def evaluated(node: Node, blocks: Blocks) -> np.ndarray | Texts:
    """Return a column: float64 (truth values as 1, 0 and NaN), datetime64[us] or texts, of n_rows values.

    Raises
    ------
    DataError
        A column that the expression names is not there.
    """
    with np.errstate(all="ignore"):
        return broadcast(_value(node, blocks), blocks.n_rows)


def _value(node: Node, blocks: Blocks) -> Value:
    if isinstance(node, Name):
        return blocks.column(node.column)
    if isinstance(node, Constant):
        return float(node.value) if isinstance(node.value, bool) else node.value
    return _OPERATIONS[node.operation](*(_value(part, blocks) for part in node.of))


def _joined(decisive: float, *values: Value) -> Value:
    """Return `decisive` where one of some truth values is, its opposite where all are; the unknown decide nothing."""
    decided, unknown = np.False_, np.False_
    for value in values:
        truth = np.asarray(numbers(value))
        decided = decided | (truth == decisive)
        unknown = unknown | np.isnan(truth)
    return np.where(decided, decisive, np.where(unknown, np.nan, 1.0 - decisive))


def _among(value: Value, *members: Value) -> Value:
    return _joined(1.0, *(_compared("==", value, member) for member in members))


def _compared(sign: str, left: Value, right: Value) -> Value:
    if is_text(left) and is_text(right):
        found = _same_text(left, right)
        return found if sign == "==" else 1.0 - found
    if is_moment(left) or is_moment(right):
        one, other = (moment_of(v) if isinstance(v, str) else NO_MOMENT if v is None else v for v in (left, right))
    else:
        one, other = numbers(left), numbers(right)
    return np.where(missing(one) | missing(other), np.nan, SIGNS[sign](one, other))


def _same_text(left: Value, right: Value) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return float(left == right)
    if isinstance(left, Texts) and isinstance(right, Texts):
        places = {level: i for i, level in enumerate(left.levels)}
        theirs = np.array([*(places.get(level, -2) for level in right.levels), -1], dtype=np.intp)[right.codes]
        return np.where((left.codes < 0) | (right.codes < 0), np.nan, left.codes == theirs)
    texts, constant = (left, right) if isinstance(left, Texts) else (right, left)
    assert isinstance(texts, Texts)
    return np.array([*(float(level == constant) for level in texts.levels), np.nan])[texts.codes]


@lru_cache(maxsize=4096)
def moment_of(text: str) -> np.datetime64:
    """Return the moment that a text in an expression names, in UTC.

    Raises
    ------
    NotAnExpression
        It names none.
    """
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        raise NotAnExpression(f"{text!r} is no date or time") from None
    if pd.isna(moment):
        raise NotAnExpression(f"{text!r} is no date or time")
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    return np.datetime64(moment.to_pydatetime(), "us")


def _computed(sign: str, left: Value, right: Value) -> Value:
    if is_text(left) or is_text(right):
        left, right = (moment_of(v) if isinstance(v, str) else v for v in (left, right))
    if is_moment(left) and is_moment(right):
        return np.subtract(left, right)
    if is_moment(left) or is_moment(right):
        moment, days = (left, right) if is_moment(left) else (right, left)
        return _moved(moment, numbers(days) if sign == "+" else -numbers(days))
    return finite(ARITHMETIC[sign](numbers(left), numbers(right)))


def _moved(moments: Any, days: Any) -> Value:
    micros = np.rint(np.asarray(days) * 86_400e6)
    # Nothing beyond the years 1 to 9999 can be a moment here, and neither sum may overflow.
    inside = np.abs(micros) <= float(LAST_MOMENT - FIRST_MOMENT)
    at = moments.astype(np.int64)
    there = inside & ~np.isnat(moments)
    moved = np.where(there, at, 0) + np.where(inside, micros, 0.0).astype(np.int64)
    good = there & (moved >= FIRST_MOMENT) & (moved <= LAST_MOMENT)
    return np.where(good, moved.astype("datetime64[us]"), NO_MOMENT)


_OPERATIONS: dict[str, Callable[..., Value]] = {
    **{sign: partial(_compared, sign) for sign in SIGNS},
    **{sign: partial(_computed, sign) for sign in ARITHMETIC},
    **{name: function.on for name, function in FUNCTIONS.items()},
    "and": partial(_joined, 0.0),
    "or": partial(_joined, 1.0),
    "not": lambda truth: 1.0 - numbers(truth),
    "neg": lambda number: -numbers(number),
    "in": _among,
    "is null": lambda value: np.asarray(missing(value), dtype=np.float64),
}
