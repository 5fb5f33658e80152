"""What every expectation has: where it belongs, how it is told, and how a table is held to it."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from penstock.errors import SpecError
from penstock.expect.cells import Cells, Looked, Mask
from penstock.expect.outcome import FIRST_ROWS, Finding, Origin, Severity
from penstock.frozen import Frozen
from penstock.table import closest

MOST_EXAMPLES = 3
LONGEST_EXAMPLE = 40


@dataclass
class Context:
    """What expectations are checked against.

    Attributes
    ----------
    tables : mapping of str to Looked
        Every table by the name of its source.
    last : mapping of str to int
        How many rows each table had in the last completed run; empty where there was none.
    now : datetime.datetime
        The time, UTC, without zone.
    fewest : int
        Of fewer rows no share is judged.
    notes : list of str
        What a reader should know of the checks themselves.
    newest : dict of str to str
        The newest moment of each column that freshness was asked of.
    """

    tables: Mapping[str, Looked]
    last: Mapping[str, int]
    now: dt.datetime
    fewest: int = 0
    notes: list[str] = field(default_factory=list)
    newest: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> Looked:
        """Return a table.

        Raises
        ------
        SpecError
            There is none of that name.
        """
        if name not in self.tables:
            raise SpecError(
                f"An expectation names a table that is not there: {name!r}",
                where="expect",
                expected=closest(name, list(self.tables)),
            )
        return self.tables[name]


class ExpectationBase(Frozen):
    """One thing that a table must be; `table` is empty for the base."""

    table: str = ""
    severity: Severity = "error"
    origin: Origin = "spec"

    @property
    def name(self) -> str:
        """Its kind."""
        return str(type(self).model_fields["kind"].default)

    @property
    def about(self) -> tuple[str, ...]:
        """The columns that it is about, in order; none where it is about the table."""
        return ()

    @property
    def key(self) -> tuple[str, ...]:
        """What it decides: of two expectations with one key the spec's goes before the lock's."""
        return (self.name, self.table, *self.about)

    @abstractmethod
    def words(self) -> str:
        """Return what is expected, in a few words."""

    @abstractmethod
    def check(self, context: Context) -> Finding | None:
        """Return how it is not met, or None where it is.

        Raises
        ------
        SpecError
            It cannot be asked of the table: no such column, or one of another kind.
        """

    def finding(self, **facts: Any) -> Finding:
        """Return a finding about it."""
        known = {"kind": self.name, "table": self.table, "columns": self.about, "expectation": self.words()}
        return Finding.model_validate({**known, "severity": self.severity, "origin": self.origin, **facts})

    def rows_of(self, looked: Looked, bad: Mask, of: int | None = None) -> Finding | None:
        """Return a finding about rows, or None where there is no bad one."""
        n = int(bad.sum())
        if not n:
            return None
        first = np.flatnonzero(bad)[:FIRST_ROWS]
        got = self._examples(looked, bad)
        rows = tuple(int(i) for i in first)
        return self.finding(n=n, of=looked.n_rows if of is None else of, rows=rows, got=got)

    def _examples(self, looked: Looked, bad: Mask) -> str:
        """Return a few of the values that are wrong, unless they are somebody's."""
        if len(self.about) != 1 or self.name not in ("range", "values", "pattern"):
            return ""
        column = looked.column(self.about[0])
        schema_column = next(c for c in looked.schema.columns if c.name == column.name)
        if schema_column.private or schema_column.role == "id":
            return ""
        rows = np.flatnonzero(bad)[: 20 * MOST_EXAMPLES]
        values = dict.fromkeys(str(looked.raw[column.name][int(i)].as_py()) for i in rows)
        shown = [repr(v if len(v) <= LONGEST_EXAMPLE else f"{v[:LONGEST_EXAMPLE]}…") for v in values][:MOST_EXAMPLES]
        return f"such as {', '.join(shown)}"


def numbers(cells: Cells, asked: str) -> Any:
    """Return a column's numbers, or its moments as seconds since 1970.

    Raises
    ------
    SpecError
        The column holds neither.
    """
    if cells.column.kind == "datetime":
        moments = np.asarray(cells.values)
        seconds = moments.astype("datetime64[us]").astype(np.int64) / 1e6
        return np.where(np.isnat(moments), np.nan, seconds)
    if not cells.column.is_numeric:
        raise wrong_kind(cells, asked, "numbers or moments")
    return np.asarray(cells.values, dtype=np.float64)


def wrong_kind(cells: Cells, asked: str, wanted: str) -> SpecError:
    """Return the error for an expectation that a column's kind cannot meet."""
    return SpecError(
        f"An expectation does not fit the column {cells.column.name!r}",
        where=f"expect, {asked}",
        got=f"a column of kind {cells.column.kind}",
        expected=f"a column of {wanted}",
        todo="Correct `expect`, or the column's `kind` in `columns`.",
    )


def repeated(values: pd.DataFrame, present: Mask) -> Mask:
    """Return the rows whose values stood in an earlier row already, where all of them are present."""
    found = np.zeros(len(present), dtype=bool)
    found[present] = values[present].duplicated().to_numpy()
    return found
