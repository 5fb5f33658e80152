"""The way of one row, cell by cell: where it stood, how it was read, what each step made of it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.frozen import Frozen

PRIVATE = "(private)"


class Change(Frozen):
    """What one step made of a cell; `number` counts the plan's steps from 1, `before` is None where it was missing."""

    number: int
    step: str
    before: str | None
    after: str | None


class CellTrace(Frozen):
    """One cell from its source to the model; every value as text, None where it is missing or there is none.

    `table` and `key` say by which key it was looked up in which table, empty for the base. `came` is what the source
    said where a correction has replaced it since. `cut` is the value at the plan's first learned step, `final` the one
    after all steps; a column that a step takes out has `gone` instead, one that a step adds `added`.
    """

    column: str
    table: str = ""
    key: str = ""
    file: str = ""
    line: int | None = None
    raw: str | None = None
    came: str | None = None
    corrected: bool = False
    read: str = ""
    typed: str | None = None
    changes: tuple[Change, ...] = ()
    cut: str | None = None
    final: str | None = None
    added: str = ""
    gone: str = ""
    private: bool = False


class Trace(Frozen):
    """One row of the base. `row` counts from 0 in the base, `line` from 1 in its file; `rejected` is the reason."""

    row: int
    table: str
    file: str
    line: int | None
    side: Literal["train", "heldout"]
    target: str | None
    rejected: str = ""
    flagged: str = ""
    cells: tuple[CellTrace, ...]


def shown(value: object) -> str | None:
    """Return a typed value as text with all its digits; None where it is missing.

    Examples
    --------
    >>> shown(0.1 + 0.2), shown(3.0), shown(float("nan")), shown("x")
    ('0.30000000000000004', '3', None, 'x')
    """
    if value is None or value != value:  # noqa: PLR0124 - true of NaN and NaT alone
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return str(value)
