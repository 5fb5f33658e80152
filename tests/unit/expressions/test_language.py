"""The language of checks: what it reads, what it refuses, and that it agrees with a row-by-row reading."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.expect.cells import Looked
from penstock.expect.evaluation import broken
from penstock.expressions.language import DEEPEST, Call, Constant, Name, Node, NotAnExpression, columns_of, parse
from penstock.table import Column, TableSchema


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends where a value"),
        ("a <", "ends where a value"),
        ("a b", "one too many"),
        ("(a < 1", "closing bracket"),
        ("a < 1)", "one too many"),
        ("tanh(a) < 1", "no function 'tanh'"),
        ("abs(a, 1) < 1", "takes 1 values"),
        ("a ? 1", "not understood"),
        ("a is 3", "`null`"),
        ("__import__('os')", "no function"),
        ("a.__class__ < 1 ; b", "not understood"),
        ("and a", "a value"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "deep"),
        ("-" * 200 + "a", "deep"),
        ("not " * 200 + "a", "deep"),
        ("a < 1 and " * 200 + "a < 1", "longer"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text: str, told: str):
    """Nothing is ever executed, and no text can make the parser run away."""
    with pytest.raises(NotAnExpression, match=re.escape(told)):
        parse(text)


def test_names_may_be_any_columns():
    """With letters of any alphabet, points, or anything between backquotes."""
    assert columns_of(parse("größe < `Total Charges (€)` or a.b > 1")) == ("größe", "Total Charges (€)", "a.b")


def test_precedence_is_the_usual_one():
    """Products before sums before comparisons before not before and before or."""
    assert parse("not a + 2 * b < 3 or c and d") == parse("(not ((a + (2 * b)) < 3)) or (c and d)")
    assert parse("1 - 2 - 3 < a") == parse("((1 - 2) - 3) < a")


NUMBERS = st.sampled_from([Name("a"), Name("b"), Constant(0.0), Constant(1.0), Constant(2.5)])


def _trees() -> st.SearchStrategy[Node]:
    numbers = st.recursive(
        NUMBERS,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["+", "-", "*", "/", "min", "max"]), inner, inner).map(
                lambda t: Call(t[0], (t[1], t[2]))
            ),
            st.tuples(st.sampled_from(["neg", "abs"]), inner).map(lambda t: Call(t[0], (t[1],))),
        ),
        max_leaves=4,
    )
    compared = st.tuples(st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), numbers, numbers).map(
        lambda t: Call(t[0], (t[1], t[2]))
    )
    null = numbers.map(lambda n: Call("is null", (n,)))
    return st.recursive(
        st.one_of(compared, null),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(lambda t: Call(t[0], (t[1], t[2]))),
            inner.map(lambda n: Call("not", (n,))),
        ),
        max_leaves=4,
    )


def _one(node: Node, row: dict[str, float | None]) -> float | bool | None:
    """Read an expression for one row, the plain way; None is what cannot be known."""
    if isinstance(node, Name):
        return row[node.column]
    if isinstance(node, Constant):
        return float(node.value)
    values = [_one(part, row) for part in node.of]
    match node.operation:
        case "is null":
            return values[0] is None
        case "and" | "or":
            decisive = node.operation == "or"
            return decisive if decisive in values else None if None in values else not decisive
    known = [float(v) for v in values if v is not None]
    return _known(node.operation, known) if len(known) == len(values) else None


def _known(operation: str, values: list[float]) -> float | bool | None:
    left, right = values[0], values[-1]
    done: dict[str, object] = {
        "not": lambda: not left,
        "neg": lambda: -left,
        "abs": lambda: abs(left),
        "min": lambda: min(values),
        "max": lambda: max(values),
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right if right else None,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        "==": lambda: left == right,
        "!=": lambda: left != right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
    }
    return done[operation]()  # type: ignore[operator, no-any-return]


CELLS = st.lists(st.tuples(*[st.one_of(st.none(), st.sampled_from([0.0, 1.0, -1.5, 2.5]))] * 2), min_size=1, max_size=6)


@given(tree=_trees(), cells=CELLS)
@settings(max_examples=200)
def test_all_rows_at_once_agree_with_one_row_at_a_time(tree: Node, cells: list[tuple[float | None, float | None]]):
    """Whatever the expression: it is broken where it is false, and only there."""
    schema = TableSchema(columns=(Column(name="a", kind="float"), Column(name="b", kind="float")))
    raw = pa.table({n: pa.array([c[i] for c in cells], pa.float64()) for i, n in enumerate("ab")})
    found = broken(tree, Looked("t", raw, schema), columns_of(tree))
    assert found.tolist() == [_one(tree, dict(zip("ab", row, strict=True))) is False for row in cells]
