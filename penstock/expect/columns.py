"""Expectations about the cells of one column, or of several together."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from penstock.cells import NotCast, parse_cell
from penstock.expect.base import Context, ExpectationBase, numbers, repeated, wrong_kind
from penstock.expect.outcome import Finding
from penstock.expect.spans import Span

_SHOWN = 8


class ColumnExpectation(ExpectationBase):
    """An expectation about one column."""

    column: str

    @property
    def about(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)


class NotNull(ColumnExpectation):
    """Every row has a value; one that does not read is told elsewhere, and is not missing."""

    kind: Literal["not_null"] = "not_null"

    def words(self) -> str:
        """Return what is expected."""
        return "not null"

    def check(self, context: Context) -> Finding | None:
        """Return the rows without a value."""
        looked = context.table(self.table)
        return self.rows_of(looked, looked.cells(self.column).missing)


class Missing(ColumnExpectation):
    """The share of rows without a value."""

    kind: Literal["missing"] = "missing"
    span: Span

    def words(self) -> str:
        """Return what is expected."""
        return f"missing {self.span}"

    def check(self, context: Context) -> Finding | None:
        """Return the share and the first rows, where it lies outside."""
        looked = context.table(self.table)
        missing = looked.cells(self.column).missing
        if len(missing) < max(context.fewest, 1) or self.span.has(float(missing.mean())):
            return None
        return self.rows_of(looked, missing) or self.finding(n=0, of=looked.n_rows)


class Unique(ExpectationBase):
    """No value stands twice; of several columns, no combination. Rows that lack one are not compared."""

    kind: Literal["unique"] = "unique"
    columns: tuple[str, ...] = Field(min_length=1)

    @property
    def about(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    def words(self) -> str:
        """Return what is expected."""
        return "unique" if len(self.columns) == 1 else "unique together"

    def check(self, context: Context) -> Finding | None:
        """Return the rows that repeat an earlier one."""
        looked = context.table(self.table)
        cells = [looked.cells(name) for name in self.columns]
        present = np.logical_and.reduce([c.present for c in cells])
        values = pd.DataFrame({i: np.asarray(c.values) for i, c in enumerate(cells)})
        return self.rows_of(looked, repeated(values, present))


class Range(ColumnExpectation):
    """Numbers or moments lie between two ends."""

    kind: Literal["range"] = "range"
    span: Span

    def words(self) -> str:
        """Return what is expected."""
        return f"range {self.span}"

    def check(self, context: Context) -> Finding | None:
        """Return the rows outside."""
        looked = context.table(self.table)
        cells = looked.cells(self.column)
        values = numbers(cells, f"{self.column}: {self.words()}")
        if (self.span.unit == "moment") != (cells.column.kind == "datetime"):
            raise wrong_kind(cells, f"{self.column}: {self.words()}", f"{self.span.unit}s")
        return self.rows_of(looked, cells.present & ~self.span.holds(values))


class Values(ColumnExpectation):
    """Cells hold one of the listed values, read as the column's cells are."""

    kind: Literal["values"] = "values"
    allowed: tuple[str, ...] = Field(min_length=1)

    def words(self) -> str:
        """Return what is expected."""
        more = f", … ({len(self.allowed)})" if len(self.allowed) > _SHOWN else ""
        return f"one of {', '.join(self.allowed[:_SHOWN])}{more}"

    def check(self, context: Context) -> Finding | None:
        """Return the rows with another value."""
        looked = context.table(self.table)
        cells = looked.cells(self.column)
        allowed = set()
        for text in self.allowed:
            try:
                allowed.add(parse_cell(cells.column, text))
            except NotCast:
                raise wrong_kind(cells, f"{self.column}: {self.words()}", f"which {text!r} is a value") from None
        inside = pd.Series(cells.values).isin(list(allowed - {None})).to_numpy(dtype=bool)
        return self.rows_of(looked, cells.present & ~inside)


class Pattern(ColumnExpectation):
    """The whole text of a cell matches a regular expression, in RE2's syntax, whose time is linear in the text."""

    kind: Literal["pattern"] = "pattern"
    matches: str = Field(min_length=1, max_length=1_000)

    @field_validator("matches")
    @classmethod
    def _is_an_expression(cls, matches: str) -> str:
        try:
            pc.match_substring_regex(pa.array([""]), f"^(?:{matches})$")
        except pa.ArrowInvalid as error:
            raise ValueError(f"{matches!r} is no regular expression of RE2: {error}") from None
        return matches

    def words(self) -> str:
        """Return what is expected."""
        return f"pattern {self.matches}"

    def check(self, context: Context) -> Finding | None:
        """Return the rows whose text does not match."""
        looked = context.table(self.table)
        fits = pc.match_substring_regex(looked.texts(self.column), f"^(?:{self.matches})$")
        return self.rows_of(looked, ~pc.fill_null(fits, True).to_numpy(zero_copy_only=False))
