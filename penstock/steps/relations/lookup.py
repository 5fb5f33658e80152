"""What every look-up has in common: what it is made by, what a row finds in it, and what there is to say of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.frozen import Frozen
from penstock.slices import Join
from penstock.steps.relations.keys import ARROW, FEW, NO_KEY, NO_MATCH, is_missing, one_chunk
from penstock.table import Column

Rows = npt.NDArray[np.int64]
Take = Literal["count", "sum", "mean", "min", "max", "std", "first", "last", "distinct"]
# Of nothing these are 0; all others are missing.
ZERO_OF_NOTHING: frozenset[str] = frozenset({"count", "sum", "distinct"})
# Something was there, and too long ago.
TOO_OLD = -3
_NONE: Rows = np.empty(0, dtype=np.int64)


class Made(Frozen):
    """One column that is made of many rows: an aggregate, of the rows with one `level` where it comes from a pivot."""

    name: str
    take: Take
    of: str | None = None
    where: str = ""
    window: float | None = None
    by: str | None = None
    level: str | None = None


class LookupRecord(Frozen):
    """How a look-up works, as the plan's JSON has it: with its table it is rebuilt in the bundle.

    `name` is the look-up's own, under which its table travels. `time` says how the time of a row of the base reads,
    where rows are looked up as of a time. `taken` are the table's columns that are looked up as they are, `made` those
    that are made of many rows.
    """

    name: str
    kind: Literal["keyed", "as_of", "window"]
    join: Join
    time: Column | None = None
    taken: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()

    @property
    def travels(self) -> bool:
        """Whether the bundle carries it; what is joined to another table travels within that one."""
        return self.join.serve != "request" and not self.join.into


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of which there is something to say, as positions, int64, in order; a row stands in one of them at most.

    `missing_key` are rows that lack a part of their key (or their time), `orphan` those whose key the table does not
    hold (or not yet, at the row's time), `stale` those whose latest row is older than the join's `within`. Rows that
    bring every looked-up value along stand in none.
    """

    missing_key: Rows
    orphan: Rows
    stale: Rows


# One for all that have nothing to say, so that a caller can ask `found is NOTHING_ODD`.
NOTHING_ODD = Found(_NONE, _NONE, _NONE)


class Lookup(ABC):
    """A table to look things up in: the same in training and in the bundle.

    Parameters
    ----------
    record : LookupRecord
        The join, and whatever else decides what a row finds.
    table : pyarrow.Table
        What travels.
    """

    def __init__(self, record: LookupRecord, table: pa.Table) -> None:
        self.record = record
        self.table = table

    @property
    def name(self) -> str:
        """Its own name: the table's, and numbered where the table is looked up in more than once."""
        return self.record.name

    @property
    def join(self) -> Join:
        """What the spec says of it."""
        return self.record.join

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns of a row that it looks at."""
        return (*self.join.on, *(self.join.as_of or ()))

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, by the names that they then have."""

    @abstractmethod
    def places(self, columns: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Return what each row finds, int64: a position, -1 nothing, -2 for want of a key, -3 nothing recent."""

    @abstractmethod
    def values_at(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, pa.Array]:
        """Return the columns that it adds, of rows with such places."""

    def values_of_few(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the same as plain values, which a few rows are read faster from."""
        return {name: values.to_pylist() for name, values in self.values_at(places, columns).items()}

    def positions(self, raw: pa.Table) -> np.ndarray:
        """Return what each given row finds, int64 of shape (n_rows,), -1 where it finds nothing."""
        places = self.places({name: raw[name] for name in raw.column_names}, raw.num_rows)
        return np.where(places < 0, NO_MATCH, places)

    def extend(self, raw: pa.Table) -> pa.Table:
        """Return raw rows with what they find beside them, in columns named `<table>_<column>`.

        A value that a row brings along under that name goes before the one that is looked up.
        """
        columns = {name: raw[name] for name in raw.column_names}
        taken = self.values_at(self.places(columns, raw.num_rows), columns)
        extended = _beside(columns, taken)
        return pa.table(extended) if extended else raw

    def extend_columns(self, columns: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
        """Do the same for columns by name: Arrow arrays, or sequences of values of any types."""
        return self.looked_up(columns, n_rows)[0]

    def findings(self, columns: Mapping[str, Any], n_rows: int) -> Found:
        """Return of which rows there is something to say; `columns` as they were sent, before they are extended."""
        return self._findings(self.places(columns, n_rows), columns)

    def looked_up(self, columns: Mapping[str, Any], n_rows: int) -> tuple[dict[str, Any], Found]:
        """Return both at once: the extended columns, and of which rows there is something to say."""
        places = self.places(columns, n_rows)
        few = n_rows <= FEW and not any(isinstance(columns.get(name), ARROW) for name in self.needs)
        taken: Mapping[str, Any] = (self.values_of_few if few else self.values_at)(places, columns)
        return _beside(columns, taken), self._findings(places, columns)

    def _findings(self, places: np.ndarray, columns: Mapping[str, Any]) -> Found:
        if not len(places) or places.min() >= 0:
            return NOTHING_ODD
        odd = places
        if all(name in columns for name in self.columns):
            brought = np.logical_and.reduce([_given(columns[name], len(places)) for name in self.columns])
            odd = np.where(brought, 0, places)
        # That there is nothing to count is an answer, and nothing to warn of.
        orphans = _NONE if self.record.made else np.flatnonzero(odd == NO_MATCH)
        return Found(np.flatnonzero(odd == NO_KEY), orphans, np.flatnonzero(odd == TOO_OLD))


def column_name(table: str, column: str) -> str:
    """Return the name that a looked-up column has beside the base's columns.

    Examples
    --------
    >>> column_name("planes", "seats")
    'planes_seats'
    """
    return f"{table}_{column}"


def _beside(columns: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    extended = dict(columns)
    for name, values in taken.items():
        extended[name] = _first_present(columns[name], values) if name in columns else values
    return extended


def _given(values: Any, n_rows: int) -> np.ndarray:
    if isinstance(values, ARROW):
        return np.asarray(pc.invert(pc.is_null(one_chunk(values), nan_is_null=True)))
    return np.fromiter((not is_missing(v) for v in values), dtype=bool, count=n_rows)


def _first_present(given: Any, found: Any) -> Any:
    if not isinstance(given, ARROW):
        values = found.to_pylist() if isinstance(found, ARROW) else found
        return [f if is_missing(g) else g for g, f in zip(given, values, strict=True)]
    given = one_chunk(given)
    if not given.null_count:
        return given
    found = found if isinstance(found, ARROW) else pa.array(found)
    if given.null_count == len(given):
        return found
    if given.type == found.type:
        return pc.coalesce(given, found)
    return pc.coalesce(canonical_array(given), canonical_array(found))
