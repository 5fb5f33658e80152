"""A table on its way: typed columns, their kinds, and which of them are private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.blocks import Blocks
from penstock.errors import DataError, PlanError
from penstock.expressions.compiled import Compiled, compile_condition, compile_expression
from penstock.expressions.language import NotAnExpression
from penstock.table import Kind, closest

# Beyond, float64 leaves whole numbers out.
EXACT = 2**53


@dataclass(frozen=True)
class Tabular:
    """Typed columns of shape (n_rows,), in order; every one is float64, `str` or datetime64[us].

    `withheld` is the target where the rows are the base's own: what is made of it must not come back beside them.
    `remarks` are what a reader should know of what was left out or added on the way.
    """

    frame: pd.DataFrame
    kinds: Mapping[str, Kind]
    private: frozenset[str] = frozenset()
    withheld: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return list(self.kinds)

    def take(self, at: np.ndarray) -> Tabular:
        """Return some of the rows, by mask or by position, in that order."""
        return replace(self, frame=self.frame.iloc[at].reset_index(drop=True))

    def made(
        self,
        columns: Mapping[str, Any],
        kinds: Mapping[str, Kind],
        private: Iterable[str] = (),
        remark: str = "",
    ) -> Tabular:
        """Return other columns in the place of these."""
        n_rows = len(next(iter(columns.values()))) if columns else 0
        return Tabular(
            frame=pd.DataFrame(dict(columns), index=pd.RangeIndex(n_rows)),
            kinds=dict(kinds),
            private=frozenset(private),
            withheld=self.withheld,
            remarks=(*self.remarks, *((remark,) if remark else ())),
        )

    def blocks(self, columns: Iterable[str]) -> Blocks:
        """Return some columns as expressions take them."""
        return Blocks.of(self.frame[list(columns)])


@dataclass(frozen=True)
class At:
    """Where a step stands, and the tables that it may take rows from."""

    table: str
    number: int
    step: str
    others: Mapping[str, Tabular]

    @property
    def where(self) -> str:
        """The place, for a message."""
        return f"table {self.table!r}, step {self.number} ({self.step})"

    def plan_error(self, what: str, **told: str) -> PlanError:
        """Return an error about what the spec says."""
        return PlanError(what, where=self.where, **told)

    def data_error(self, what: str, **told: str) -> DataError:
        """Return an error about what the rows hold."""
        return DataError(what, where=self.where, **told)

    def require(self, table: Tabular, columns: Iterable[str], suits: frozenset[str] | None = None) -> None:
        """Refuse columns that are not there, or of a kind that does not suit."""
        for column in columns:
            if column not in table.kinds:
                own = column == table.withheld
                raise self.plan_error(
                    f"The step `{self.step}` names a column {column!r} that is not there",
                    got="the target of the base: a table made of it would tell its rows what is to be predicted"
                    if own
                    else "",
                    expected="" if own else closest(column, table.names),
                )
            if suits is not None and table.kinds[column] not in suits:
                raise self.plan_error(
                    f"The step `{self.step}` cannot work on the column {column!r}",
                    got=f"kind {table.kinds[column]}",
                    expected=" or ".join(sorted(suits)),
                    todo="Leave the column out of the step, or declare its kind under `columns`.",
                )

    def refuse_taken(self, names: Iterable[str], taken: Iterable[str]) -> None:
        """Refuse names of new columns that another one has."""
        seen = set(taken)
        for name in names:
            if name in seen:
                raise self.plan_error(
                    f"The step `{self.step}` would make a second column {name!r}", todo="Choose another name."
                )
            seen.add(name)

    def compiled(self, text: str, table: Tabular, condition: bool = False) -> Compiled:
        """Return an expression over a table's columns.

        Raises
        ------
        PlanError
            It does not fit the columns.
        """
        try:
            return compile_condition(text, table.kinds) if condition else compile_expression(text, table.kinds)
        except NotAnExpression as error:
            raise self.plan_error(
                f"The step `{self.step}` has an expression that does not fit the columns",
                got=f"{text}: {error}",
                todo="Correct the expression.",
            ) from error

    def mask(self, where: str, table: Tabular) -> np.ndarray:
        """Return the rows for which a condition holds, bool of shape (n_rows,)."""
        condition = self.compiled(where, table, condition=True)
        return condition.mask(table.blocks(condition.columns))


def arrow_table(table: Tabular) -> pa.Table:
    """Return the columns with Arrow's own types, as a database would give them.

    Examples
    --------
    >>> frame = pd.DataFrame({"n": [1.0, np.nan], "ok": [1.0, 0.0]})
    >>> made = arrow_table(Tabular(frame, {"n": "integer", "ok": "boolean"}))
    >>> [str(t) for t in made.schema.types], made["n"].to_pylist()
    (['int64', 'bool'], [1, None])
    """
    return pa.table({name: _arrow(table.frame[name], kind) for name, kind in table.kinds.items()})


def _arrow(values: pd.Series, kind: Kind) -> pa.Array:
    if values.dtype.kind == "M":
        # With its zone: nothing is to be converted once more.
        return pa.array(values.to_numpy(), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    if values.dtype.kind != "f":
        return pa.array(values.array, from_pandas=True).cast(pa.string())
    numbers = values.to_numpy()
    gone = np.isnan(numbers)
    present = np.where(gone, 0.0, numbers)
    if kind == "boolean":
        return pa.array(present != 0.0, mask=gone)
    if kind == "time":
        return pa.array(np.rint(present * 1e6).astype(np.int64), pa.int64(), mask=gone).cast(pa.time64("us"))
    if kind == "integer" and (np.abs(present) < EXACT).all() and (present == np.floor(present)).all():
        return pa.array(present.astype(np.int64), mask=gone)
    return pa.array(numbers, pa.float64(), mask=gone)
