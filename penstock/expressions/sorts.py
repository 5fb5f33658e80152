"""What every part of an expression is, told from the kinds of its columns before there is a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from penstock.expressions.evaluation import ARITHMETIC, SIGNS, moment_of
from penstock.expressions.functions import FUNCTIONS, Sort
from penstock.expressions.language import Call, Constant, Name, Node, NotAnExpression
from penstock.table import Kind, closest

SORT_OF: Mapping[Kind, Sort] = {
    "integer": "number",
    "float": "number",
    "boolean": "truth",
    "category": "text",
    "text": "text",
    "datetime": "moment",
    "time": "number",
}
_KIND_OF: Mapping[Sort, Kind] = {"number": "float", "truth": "boolean", "text": "text", "moment": "datetime"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A part's sort, the kind that a column of it has, and whether it is a constant."""

    sort: Sort
    kind: Kind
    constant: bool = False


_WHOLE, _REAL, _TRUTH = Typed("number", "integer"), Typed("number", "float"), Typed("truth", "boolean")
_MOMENT, _SPAN = Typed("moment", "datetime"), Typed("span", "float")


def typed(node: Node, kinds: Mapping[str, Kind]) -> Typed:
    """Return what an expression gives.

    Parameters
    ----------
    node : Node
        Its tree.
    kinds : mapping of str to Kind
        The columns that there are.

    Raises
    ------
    NotAnExpression
        It names a column that is not there, or mixes what cannot be mixed, such as a text and a number.

    Examples
    --------
    >>> from penstock.expressions.language import parse
    >>> typed(parse("seen - '2020-01-01'"), {"seen": "datetime"}).sort
    'span'
    >>> typed(parse("age + city"), {"age": "float", "city": "category"})
    Traceback (most recent call last):
    penstock.expressions.language.NotAnExpression: '+' takes numbers, and one is a text (at 1)
    """
    if isinstance(node, Name):
        if node.column not in kinds:
            raise NotAnExpression(
                f"there is no column {node.column!r} (at {node.at}); {closest(node.column, list(kinds))}"
            )
        kind = kinds[node.column]
        return Typed(SORT_OF[kind], kind)
    if isinstance(node, Constant):
        return _constant(node.value)
    parts = [typed(part, kinds) for part in node.of]
    if node.operation in FUNCTIONS:
        return _function(node, parts)
    if node.operation in ARITHMETIC or node.operation == "neg":
        return _arithmetic(node, parts)
    _check_truth(node, parts)
    return _TRUTH


def _constant(value: float | str | bool | None) -> Typed:
    if value is None:
        return Typed("nothing", "float", constant=True)
    if isinstance(value, bool):
        return Typed("truth", "boolean", constant=True)
    if isinstance(value, str):
        return Typed("text", "category", constant=True)
    return Typed("number", "integer" if value.is_integer() else "float", constant=True)


def _refused(node: Call, told: str) -> NoReturn:
    raise NotAnExpression(f"{node.operation!r} {told}" + (f" (at {node.at})" if node.at else ""))


def _check_truth(node: Call, parts: Sequence[Typed]) -> None:
    operation = node.operation
    if operation in ("and", "or", "not"):
        for part in parts:
            if part.sort != "truth":
                _refused(node, f"joins comparisons, and one side is a {part.sort}")
    elif operation in SIGNS:
        _check_alike(node, operation, parts[0], parts[1], node.of)
    elif operation == "in":
        for part, member in zip(parts[1:], node.of[1:], strict=True):
            _check_alike(node, "==", parts[0], part, (node.of[0], member))


def _check_alike(node: Call, sign: str, left: Typed, right: Typed, of: Sequence[Node]) -> None:
    for one, other, part in ((left, right, of[1]), (right, left, of[0])):
        if one.sort == "moment" and other.sort == "text":
            if not isinstance(part, Constant):
                _refused(node, "compares a column of text with a moment")
            moment_of(str(part.value))
            return
    sorts = ["number" if part.sort == "span" else part.sort for part in (left, right)]
    if "nothing" in sorts:
        _refused(node, "compares with `null`, which nothing equals: ask `is null`")
    if sorts[0] != sorts[1]:
        _refused(node, f"compares a {sorts[0]} with a {sorts[1]}")
    if sorts[0] in ("text", "truth") and sign not in ("==", "!="):
        _refused(node, f"orders numbers and moments, not a {sorts[0]}")


def _arithmetic(node: Call, parts: Sequence[Typed]) -> Typed:
    sorts: list[Sort] = [part.sort for part in parts]
    if "moment" in sorts and node.operation == "-":
        for i, part in enumerate(node.of):
            if isinstance(part, Constant) and isinstance(part.value, str):
                moment_of(part.value)
                sorts[i] = "moment"
    if "moment" in sorts:
        return _with_moments(node, sorts)
    for sort in sorts:
        if sort not in ("number", "span"):
            _refused(node, f"takes numbers, and one is a {sort}")
    return _WHOLE if node.operation not in ("/", "**") and _are_whole(parts) else _REAL


def _are_whole(parts: Sequence[Typed]) -> bool:
    return all(part.kind in ("integer", "boolean") or part.sort == "nothing" for part in parts)


def _with_moments(node: Call, sorts: Sequence[Sort]) -> Typed:
    """Moments can be subtracted, which gives a span, and moved by days."""
    if node.operation == "-" and list(sorts) == ["moment", "moment"]:
        return _SPAN
    if node.operation in ("+", "-") and sorts[0] == "moment" and sorts[1] in ("number", "span"):
        return _MOMENT
    if node.operation == "+" and sorts[1] == "moment" and sorts[0] in ("number", "span"):
        return _MOMENT
    _refused(node, f"cannot take {' and '.join(f'a {sort}' for sort in sorts)}")


def _function(node: Call, parts: Sequence[Typed]) -> Typed:
    function = FUNCTIONS[node.operation]
    for i, part in enumerate(parts):
        wanted = function.takes[min(i, len(function.takes) - 1)] if function.takes else None
        if wanted and not _fits(part.sort, wanted):
            _refused(node, f"takes {'numbers' if wanted == 'number' else f'a {wanted}'}, and one is a {part.sort}")
        if function.constant and i >= function.constant and not part.constant:
            _refused(node, f"takes a constant as value {i + 1}")
    if node.operation in ("if", "coalesce", "min", "max"):
        return _one_of(node, parts)
    if node.operation in ("text", "number"):
        return _turned(node, parts[0])
    if node.operation in ("abs", "round"):
        return _WHOLE if _are_whole(parts[:1]) or (node.operation == "round" and len(parts) == 1) else _REAL
    if function.gives == "text":
        few = all(part.kind == "category" for part in parts if part.sort == "text")
        return Typed("text", "category" if few else "text")
    return {"boolean": _TRUTH, "integer": _WHOLE}.get(function.gives, _REAL)


def _fits(sort: Sort, wanted: Sort) -> bool:
    return sort == wanted or {sort, wanted} == {"number", "span"}


def _turned(node: Call, part: Typed) -> Typed:
    if part.sort in ("moment", "nothing"):
        _refused(node, f"takes a number, a text or a truth value, not a {part.sort}")
    if node.operation == "text":
        return Typed("text", part.kind if part.sort == "text" else "text" if part.kind == "float" else "category")
    return _WHOLE if part.sort == "truth" else Typed("number", part.kind) if part.sort == "number" else _REAL


def _one_of(node: Call, parts: Sequence[Typed]) -> Typed:
    """Return what all alternatives are; nothing goes with everything."""
    if node.operation == "if":
        if parts[0].sort != "truth":
            _refused(node, f"asks for a comparison first, and got a {parts[0].sort}")
        parts = parts[1:]
    there = [part for part in parts if part.sort != "nothing"]
    sorts = {"number" if part.sort == "span" else part.sort for part in there}
    if len(sorts) > 1:
        _refused(node, f"takes values of one sort, and got a {' and a '.join(sorted(sorts))}")
    if not sorts:
        _refused(node, "needs a value beside `null`")
    sort = next(iter(sorts))
    if node.operation in ("min", "max") and (sort in ("text", "truth") or len(there) < len(parts)):
        _refused(node, f"takes numbers, and one is a {sort if len(there) == len(parts) else 'nothing'}")
    if sort == "number":
        return _WHOLE if _are_whole(there) else _REAL
    if sort == "text":
        return Typed("text", "category" if all(part.kind == "category" for part in there) else "text")
    return Typed(sort, _KIND_OF[sort])
