"""An expression over a table's columns, all rows at once, in three-valued logic: true, false, or not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.expect.cells import Looked, Mask
from penstock.expect.expression import Call, Constant, Name, Node, NotAnExpression
from penstock.table import Column

Sort = Literal["number", "text", "truth", "moment"]
_SORTS: Mapping[str, Sort] = {
    "integer": "number",
    "float": "number",
    "boolean": "truth",
    "category": "text",
    "text": "text",
    "datetime": "moment",
    "time": "number",
}
_DAY = np.timedelta64(1, "D")
_SIGNS = ("<=", ">=", "==", "!=", "<", ">")


@dataclass(frozen=True, slots=True)
class Vector:
    """A value for each row, or one for all: `values` where not `missing`."""

    sort: Sort
    values: Any  # arrays by sort: float64, object, bool, datetime64[us]
    missing: Any  # bool array or scalar


def sort_of(node: Node, columns: Mapping[str, Column]) -> Sort:
    """Return what an expression gives, without any row.

    Raises
    ------
    NotAnExpression
        It mixes what cannot be mixed, such as a text and a number.
    """
    nothing = {name: _none(_SORTS[column.kind]) for name, column in columns.items()}
    return _evaluated(node, nothing).sort


def broken(node: Node, table: Looked, columns: tuple[str, ...]) -> Mask:
    """Return the rows for which an expression is false; where it cannot be known, it is not false."""
    given = {name: _vector(table, name) for name in columns}
    found = _evaluated(node, given)
    false = ~found.values & ~found.missing
    return np.array(np.broadcast_to(false, (table.n_rows,)), dtype=bool)


def _none(sort: Sort) -> Vector:
    kinds = {"number": "float64", "text": "object", "truth": "bool", "moment": "datetime64[us]"}
    return Vector(sort, np.empty(0, dtype=kinds[sort]), np.empty(0, dtype=bool))


def _vector(table: Looked, name: str) -> Vector:
    cells = table.cells(name)
    sort, missing = _SORTS[cells.column.kind], ~cells.present
    if sort == "text":
        return Vector(sort, cells.values.to_numpy(dtype=object), missing)
    values = np.asarray(cells.values)
    return Vector(sort, (values == 1.0) if sort == "truth" else values, missing)


def _evaluated(node: Node, given: Mapping[str, Vector]) -> Vector:
    if isinstance(node, Name):
        return given[node.column]
    if isinstance(node, Constant):
        return _constant(node.value)
    operation = node.operation
    values = [_evaluated(part, given) for part in node.of]
    if operation == "is null":
        missing = np.asarray(values[0].missing)
        return Vector("truth", missing, np.zeros_like(missing))
    if operation in ("and", "or", "not"):
        return _logic(operation, values)
    if operation in _SIGNS:
        return _compared(operation, *_alike(values[0], values[1], operation))
    return _computed(node, values)


def _constant(value: float | str | bool) -> Vector:
    if isinstance(value, bool):
        return Vector("truth", np.bool_(value), np.False_)
    if isinstance(value, str):
        return Vector("text", value, np.False_)
    return Vector("number", np.float64(value), np.False_)


def _logic(operation: str, values: list[Vector]) -> Vector:
    for value in values:
        if value.sort != "truth":
            raise NotAnExpression(f"{operation!r} joins comparisons, and one side is a {value.sort}")
    true = [np.asarray(v.values) & ~np.asarray(v.missing) for v in values]
    false = [~np.asarray(v.values) & ~np.asarray(v.missing) for v in values]
    if operation == "not":
        return Vector("truth", false[0], np.asarray(values[0].missing))
    if operation == "and":
        yes, no = reduce(np.logical_and, true), reduce(np.logical_or, false)
    else:
        yes, no = reduce(np.logical_or, true), reduce(np.logical_and, false)
    return Vector("truth", yes, ~(yes | no))


def _alike(left: Vector, right: Vector, sign: str) -> tuple[Vector, Vector]:
    """Return two values of one sort; a text beside a moment is read as one."""
    if left.sort == "moment" and right.sort == "text":
        right = _moment(right)
    elif left.sort == "text" and right.sort == "moment":
        left = _moment(left)
    if left.sort != right.sort:
        raise NotAnExpression(f"{sign!r} compares a {left.sort} with a {right.sort}")
    if left.sort in ("text", "truth") and sign not in ("==", "!="):
        raise NotAnExpression(f"{sign!r} orders numbers and moments, not a {left.sort}")
    return left, right


def _moment(value: Vector) -> Vector:
    if not isinstance(value.values, str):
        raise NotAnExpression("a column of text is compared with a moment")
    try:
        moment = pd.Timestamp(value.values)
    except ValueError:
        raise NotAnExpression(f"{value.values!r} is no date or time") from None
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    return Vector("moment", np.datetime64(moment.to_pydatetime(), "us"), np.False_)


def _compared(sign: str, left: Vector, right: Vector) -> Vector:
    with np.errstate(invalid="ignore"):
        found = {
            "<=": lambda a, b: a <= b,
            ">=": lambda a, b: a >= b,
            "<": lambda a, b: a < b,
            ">": lambda a, b: a > b,
            "==": lambda a, b: a == b,
            "!=": lambda a, b: a != b,
        }[sign](left.values, right.values)
    return Vector("truth", np.asarray(found, dtype=bool), np.asarray(left.missing) | np.asarray(right.missing))


def _computed(node: Call, values: list[Vector]) -> Vector:
    operation = node.operation
    moments = [v for v in values if v.sort == "moment"]
    if moments:
        return _with_moments(operation, values)
    for value in values:
        if value.sort != "number":
            raise NotAnExpression(f"{operation!r} takes numbers, and one is a {value.sort}")
    missing = reduce(np.logical_or, (np.asarray(v.missing) for v in values))
    with np.errstate(all="ignore"):
        found = np.asarray(_arithmetic(operation, [np.asarray(v.values, dtype=np.float64) for v in values]))
    # What is divided by nothing, or too large to be told, is not known.
    return Vector("number", found, missing | ~np.isfinite(found))


def _arithmetic(operation: str, of: list[Any]) -> Any:
    if operation == "neg":
        return -of[0]
    if operation == "abs":
        return np.abs(of[0])
    if operation in ("min", "max"):
        return reduce(np.minimum if operation == "min" else np.maximum, of)
    left, right = of
    if operation == "+":
        return left + right
    if operation == "-":
        return left - right
    return left * right if operation == "*" else left / right


def _with_moments(operation: str, values: list[Vector]) -> Vector:
    """Moments can be subtracted, which gives days; moved by days; and the first or last of them can be had."""
    missing = reduce(np.logical_or, (np.asarray(v.missing) for v in values))
    sorts = [v.sort for v in values]
    if operation in ("min", "max") and set(sorts) == {"moment"}:
        pick = np.minimum if operation == "min" else np.maximum
        return Vector("moment", reduce(pick, [np.asarray(v.values) for v in values]), missing)
    if operation == "-" and sorts == ["moment", "moment"]:
        days = (np.asarray(values[0].values) - np.asarray(values[1].values)) / _DAY
        return Vector("number", np.asarray(days, dtype=np.float64), missing)
    if operation in ("+", "-") and sorts == ["moment", "number"]:
        days = np.where(np.asarray(values[1].missing), 0.0, np.asarray(values[1].values))
        with np.errstate(all="ignore"):
            step = (days * 86_400e6).astype("timedelta64[us]")
        moments = np.asarray(values[0].values)
        return Vector("moment", moments + step if operation == "+" else moments - step, missing)
    raise NotAnExpression(f"{operation!r} cannot take {' and '.join(f'a {s}' for s in sorts)}")
