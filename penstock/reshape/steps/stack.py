"""The table step `stack`: rows of other tables below."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words
from penstock.table import NUMERIC, Kind

_TEXTS = frozenset({"category", "text"})


class StackRows(TableStep):
    """Put the rows of other tables, which have the same columns, below.

    `origin` adds a column that tells which table a row comes from.

    Examples
    --------
    >>> import pandas as pd
    >>> one, two = (Tabular(pd.DataFrame({"a": [n]}), {"a": "integer"}) for n in (1.0, 2.0))
    >>> StackRows(tables="two", origin="from").on(one, At("one", 1, "stack", {"two": two})).frame.to_dict("list")
    {'a': [1.0, 2.0], 'from': ['one', 'two']}
    """

    kind: Literal["stack"] = "stack"
    tables: Words = Field(min_length=1)
    origin: str | None = None

    @property
    def takes(self) -> tuple[str, ...]:
        """The tables whose rows go below."""
        return self.tables

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows of all tables, one after the other.

        Raises
        ------
        PlanError
            The tables do not have the same columns, or the name of the further one is taken.
        """
        others = [at.others[name] for name in self.tables]
        for name, other in zip(self.tables, others, strict=True):
            self._check(table, other, name, at)
        kinds = {name: _joint([t.kinds[name] for t in (table, *others)]) for name in table.kinds}
        columns = {name: pd.concat([t.frame[name] for t in (table, *others)], ignore_index=True) for name in kinds}
        private = frozenset[str]().union(*(t.private for t in (table, *others)))
        stacked = table.made(columns, kinds, private)
        if self.origin is None:
            return stacked
        at.refuse_taken([self.origin], kinds)
        counts = [t.n_rows for t in (table, *others)]
        names = pd.array([at.table, *self.tables], dtype=pd.StringDtype(na_value=np.nan))
        named = names.take(np.repeat(np.arange(len(counts)), counts))
        return stacked.made({**columns, self.origin: named}, {**kinds, self.origin: "category"}, private)

    def _check(self, table: Tabular, other: Tabular, name: str, at: At) -> None:
        lacks = [c for c in table.kinds if c not in other.kinds]
        more = [c for c in other.kinds if c not in table.kinds]
        if lacks or more:
            told = [f"it lacks {_few(lacks)}" if lacks else "", f"it has {_few(more)} too" if more else ""]
            raise at.plan_error(
                f"The step `stack` cannot put {name!r} below: it has other columns",
                got="; ".join(text for text in told if text),
                expected=_few(table.names),
                todo="Give both the same columns before, by `select`, `drop`, `rename` or `derive`.",
            )
        for column, kind in table.kinds.items():
            if _sort(kind) != _sort(other.kinds[column]):
                raise at.plan_error(
                    f"The step `stack` cannot put {name!r} below: the column {column!r} is of another kind",
                    got=other.kinds[column],
                    expected=kind,
                    todo="Declare the column's kind under `columns`.",
                )


def _sort(kind: Kind) -> str:
    return "number" if kind in NUMERIC else "text" if kind in _TEXTS else "moment"


def _joint(kinds: list[Kind]) -> Kind:
    if len(set(kinds)) == 1:
        return kinds[0]
    return "text" if kinds[0] in _TEXTS else "float"


def _few(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
