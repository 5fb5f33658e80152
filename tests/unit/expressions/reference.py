"""A slow reading of expressions, one row at a time in plain Python: None is what is missing or cannot be known."""

from __future__ import annotations

import datetime as dt
import math
import operator
from collections.abc import Callable
from typing import Any

from penstock.expressions.language import Constant, Name, Node

DAY = dt.timedelta(days=1)


def one(node: Node, row: dict[str, Any]) -> Any:
    """Return what an expression gives on one row."""
    if isinstance(node, Name):
        return row[node.column]
    if isinstance(node, Constant):
        return node.value
    values = [one(part, row) for part in node.of]
    if node.operation in _LENIENT:
        return _LENIENT[node.operation](*values)
    return None if None in values else _bounded(KNOWN[node.operation], values)


def _all(*values: bool | None) -> bool | None:
    return False if False in values else None if None in values else True


def _any(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


# What may know something though a value is missing.
_LENIENT: dict[str, Callable[..., Any]] = {
    "is null": lambda value: value is None,
    "and": _all,
    "or": _any,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "if": lambda asked, then, other: None if asked is None else then if asked else other,
    "in": lambda value, *members: None if value is None else value in members,
}


def _bounded(operation: Callable[..., Any], values: list[Any]) -> Any:
    try:
        found = operation(*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None if isinstance(found, complex) or (isinstance(found, float) and not math.isfinite(found)) else found


def _minus(left: Any, right: Any) -> Any:
    if isinstance(left, dt.datetime) and not isinstance(right, dt.datetime):
        return left - dt.timedelta(microseconds=round(right * 86_400e6))
    return left - right


def _plus(left: Any, right: Any) -> Any:
    return left + dt.timedelta(microseconds=round(right * 86_400e6)) if isinstance(left, dt.datetime) else left + right


KNOWN: dict[str, Callable[..., Any]] = {
    "not": operator.not_,
    "neg": operator.neg,
    "+": _plus,
    "-": _minus,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": math.pow,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "abs": abs,
    "min": min,
    "max": max,
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "round": lambda x: float(round(x)),
    "sign": lambda x: float((x > 0) - (x < 0)),
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "number": float,
    "len": lambda t: float(len(t)),
    "words": lambda t: float(len(t.split())),
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "contains": lambda t, part: part in t,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "concat": lambda *t: "".join(t),
    "replace": str.replace,
    "left": lambda t, n: t[: int(n)],
    "right": lambda t, n: t[-int(n) :] if n else "",
    "year": lambda m: float(m.year),
    "month": lambda m: float(m.month),
    "day": lambda m: float(m.day),
    "weekday": lambda m: float(m.weekday()),
    "hour": lambda m: float(m.hour),
    "minute": lambda m: float(m.minute),
    "days": lambda span: span / DAY,
    "hours": lambda span: span / dt.timedelta(hours=1),
    "minutes": lambda span: span / dt.timedelta(minutes=1),
    "seconds": lambda span: span / dt.timedelta(seconds=1),
}
