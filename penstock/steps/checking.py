"""What steps check before there is a row: names that they make, expressions that they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.errors import DataError, PlanError
from penstock.expressions.compiled import Compiled, compile_condition, compile_expression
from penstock.expressions.language import NotAnExpression
from penstock.steps.base import Kinds
from penstock.table import Kind

MOST_ROWS = 5


def with_new(step: str, kinds: Mapping[str, Kind], made: Mapping[str, Kind]) -> Kinds:
    """Return the columns with those that a step adds.

    Raises
    ------
    PlanError
        There is a column of such a name already.
    """
    for name in made:
        if name in kinds:
            raise PlanError(
                f"The step `{step}` would make a second column {name!r}",
                todo="Give it another name, or `drop` or `rename` the one that is there before.",
            )
    return {**kinds, **made}


def checked_expression(step: str, text: str, kinds: Mapping[str, Kind], place: str, *, truth: bool = False) -> Compiled:
    """Return an expression that fits the columns; with `truth` it has to be true or false.

    Raises
    ------
    PlanError
        It does not; the error names the step and `place`, which says where in it the expression stands.
    """
    try:
        return (compile_condition if truth else compile_expression)(text, kinds)
    except NotAnExpression as error:
        raise PlanError(
            f"The step `{step}` has an expression that does not fit its columns",
            where=f"{place}: {text}",
            got=str(error),
            todo="Correct the expression, or the columns' kinds in `columns`.",
        ) from None


def refuse_rows(step: str, column: str, rows: Sequence[int], expected: str) -> None:
    """Refuse cells that do not read, where there are any.

    Raises
    ------
    DataError
        It names the column and the first rows, and no value: the column may be private.
    """
    if len(rows):
        first = ", ".join(str(row) for row in rows[:MOST_ROWS])
        raise DataError(
            f"The step `{step}` cannot read the column {column!r}",
            where=f"{len(rows):,} rows, the first of them {first} (counted from 0)",
            expected=expected,
            todo="Correct the step's settings or the source, or let the step make such cells missing.",
        )
