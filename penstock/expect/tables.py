"""Expectations about whole tables: how many rows, how fresh, what holds across columns and between tables."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from penstock.errors import SpecError
from penstock.expect.base import Context, ExpectationBase, wrong_kind
from penstock.expect.cells import Looked
from penstock.expect.evaluation import broken
from penstock.expect.outcome import Finding
from penstock.expect.spans import Span, shown
from penstock.expressions.compiled import compile_condition
from penstock.expressions.language import NotAnExpression, columns_of, parse
from penstock.steps.relations.join import keys_of
from penstock.table import closest

# A day ahead may be another time zone; what is further ahead says nothing about freshness.
AHEAD = np.timedelta64(1, "D")


class RowCount(ExpectationBase):
    """How many rows there are, as a number or in terms of the last completed run."""

    kind: Literal["rows"] = "rows"
    span: Span
    of: Literal["count", "last"] = "count"

    def words(self) -> str:
        """Return what is expected."""
        return f"rows {self.span}" + (" x last" if self.of == "last" else "")

    def check(self, context: Context) -> Finding | None:
        """Return how many there are, where they are too few or too many."""
        n = context.table(self.table).n_rows
        if self.of == "count":
            return None if self.span.has(n) else self.finding(got=f"{n:,} rows")
        last = context.last.get(self.table)
        if last is None:
            context.notes.append(f"{self.table}: there is no earlier run to hold the {n:,} rows against")
            return None
        if self.span.times(last).has(n):
            return None
        ratio = f", {n / last:.2g} x as many" if last else ""
        return self.finding(got=f"{n:,} rows, and {last:,} in the last run{ratio}")


class Freshness(ExpectationBase):
    """How old the newest moment of a column is; `column` may be left out where only one can be meant."""

    kind: Literal["freshness"] = "freshness"
    column: str = ""
    span: Span

    @property
    def about(self) -> tuple[str, ...]:
        """The column, where it is named."""
        return (self.column,) if self.column else ()

    @property
    def key(self) -> tuple[str, ...]:
        """One a table."""
        return (self.name, self.table)

    def words(self) -> str:
        """Return what is expected."""
        return f"newest {self.span}"

    def check(self, context: Context) -> Finding | None:
        """Return the newest moment, where it is too old."""
        looked = context.table(self.table)
        name = self.column or _only_moment(looked)
        cells = looked.cells(name)
        if cells.column.kind != "datetime":
            raise wrong_kind(cells, f"{name}: {self.words()}", "moments")
        moments = np.asarray(cells.values)[cells.present]
        now = np.datetime64(context.now, "us")
        ahead = moments > now + AHEAD
        if ahead.any():
            context.notes.append(f"{self.table}.{name}: {int(ahead.sum()):,} moments lie ahead, and were passed over")
        past = moments[~ahead]
        if not len(past):
            return self.finding(columns=(name,), got="there is no moment")
        newest = past.max()
        private = next(c.private for c in looked.schema.columns if c.name == name)
        if not private:
            context.newest[f"{self.table}.{name}"] = str(newest.astype("datetime64[s]")).replace("T", " ")
        age = max(float((now - newest) / np.timedelta64(1, "s")), 0.0)
        if self.span.has(age):
            return None
        return self.finding(columns=(name,), got=_age(age))


def _age(seconds: float) -> str:
    unit = 86_400.0 if seconds >= 2 * 86_400 else 3_600.0 if seconds >= 7_200 else 60.0
    return f"the newest is {shown(round(seconds / unit) * unit, 'duration')} old"


def _only_moment(looked: Looked) -> str:
    ordered = [c.name for c in looked.schema.columns if c.role == "time"]
    moments = ordered or [c.name for c in looked.schema.columns if c.kind == "datetime"]
    if len(moments) == 1:
        return moments[0]
    raise SpecError(
        f"Freshness of {looked.name!r} is asked for, and {'no' if not moments else 'more than one'} column tells it",
        where=f"expect, table {looked.name!r}",
        got=", ".join(moments) or "no column of moments",
        todo="Name the column: freshness: newest(COLUMN) <= 2d",
    )


class Check(ExpectationBase):
    """An expression across columns that is false in no row; where it cannot be known, it is not false."""

    kind: Literal["check"] = "check"
    expression: str

    @field_validator("expression")
    @classmethod
    def _parses(cls, expression: str) -> str:
        if not columns_of(parse(expression)):
            raise ValueError(f"{expression!r} names no column")
        return expression

    @property
    def about(self) -> tuple[str, ...]:
        """The columns that it names."""
        return columns_of(parse(self.expression))

    @property
    def key(self) -> tuple[str, ...]:
        """Each expression is one."""
        return (self.name, self.table, self.expression)

    def words(self) -> str:
        """Return what is expected."""
        return self.expression

    def check(self, context: Context) -> Finding | None:
        """Return the rows in which it is false."""
        looked = context.table(self.table)
        try:
            tree = compile_condition(self.expression, {name: looked.column(name).kind for name in self.about}).tree
        except NotAnExpression as error:
            raise SpecError(
                f"The check {self.expression!r} does not fit its columns",
                where=f"expect, table {self.table!r}",
                got=str(error),
                todo="Correct the check, or the columns' kinds in `columns`.",
            ) from None
        return self.rows_of(looked, broken(tree, looked, self.about))


class ForeignKey(ExpectationBase):
    """Every key stands in another table, but for a share of orphans. Rows without a key are not counted."""

    kind: Literal["foreign_key"] = "foreign_key"
    columns: tuple[str, ...] = Field(min_length=1)
    to: str
    to_columns: tuple[str, ...] = Field(min_length=1)
    orphans: Span = Span(high=0.0, unit="share")

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        if len(self.columns) != len(self.to_columns):
            raise ValueError(f"{len(self.columns)} columns cannot name {len(self.to_columns)} keys")
        return self

    @property
    def about(self) -> tuple[str, ...]:
        """The columns that hold the key."""
        return self.columns

    @property
    def key(self) -> tuple[str, ...]:
        """The columns and where they lead."""
        return (self.name, self.table, *self.columns, self.to)

    def words(self) -> str:
        """Return what is expected."""
        named = ", ".join(f"{self.to}.{key}" for key in self.to_columns)
        return f"stands in {named}, orphans {self.orphans}"

    def check(self, context: Context) -> Finding | None:
        """Return the rows whose key leads nowhere, where they are too many."""
        looked, other = context.table(self.table), context.table(self.to)
        for name in self.to_columns:
            if name not in other.raw.column_names:
                raise SpecError(
                    f"A foreign key names a column that {self.to!r} does not have: {name!r}",
                    where=f"expect, table {self.table!r}",
                    expected=closest(name, other.raw.column_names),
                )
        lacking = np.logical_or.reduce([looked.cells(name).missing for name in self.columns])
        keys = pd.Series(keys_of(looked.raw, self.columns).to_pylist(), dtype=object)
        known = set(keys_of(other.raw, self.to_columns).to_pylist()) - {None}
        present = keys.notna().to_numpy() & ~lacking
        orphans = present & ~keys.isin(list(known)).to_numpy()
        n = int(present.sum())
        if n < max(context.fewest, 1) or self.orphans.has(float(orphans.sum()) / n):
            return None
        return self.rows_of(looked, orphans, of=n)


def clock() -> dt.datetime:
    """Return the time, UTC, without zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
