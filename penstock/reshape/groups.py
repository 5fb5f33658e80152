"""Rows in groups, and one value made of the rows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import BeforeValidator

from penstock.reshape.table import At, Tabular
from penstock.slices import Aggregate
from penstock.table import NUMERIC, Kind

Take = Literal["count", "sum", "mean", "min", "max", "std", "first", "last", "distinct"]
TAKES: tuple[str, ...] = get_args(Take)
_NUMBERS: frozenset[str] = NUMERIC
_ORDERED: frozenset[str] = NUMERIC | {"datetime"}
_SUITS: dict[str, frozenset[str] | None] = {"sum": _NUMBERS, "mean": _NUMBERS, "std": _NUMBERS}
_SUITS |= {"min": _ORDERED, "max": _ORDERED}


def _known(values: object) -> object:
    """Refuse an aggregate that there is not, in words: a missing key would tell nobody what is wrong."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        known = isinstance(value, Aggregate) or value == "count"
        if not known and not (isinstance(value, Mapping) and ("take" in value or any(take in value for take in TAKES))):
            raise ValueError(
                f"{value!r}, which makes {name!r}, is no aggregate; one is count or {{sum: COLUMN}}, "
                f"and there are {', '.join(TAKES)}"
            )
        if isinstance(value, Mapping) and value.get("window") is not None:
            raise ValueError(f"{name!r} has a `window`, which only the aggregates of a join know; use `resample`")
    return values


CheckAggregates = BeforeValidator(_known)


@dataclass(frozen=True)
class Groups:
    """The group of each row, int64 of shape (n_rows,), below 0 for a row of none; and how many groups there are."""

    codes: np.ndarray
    n: int

    def sizes(self, counted: np.ndarray | None = None) -> np.ndarray:
        """Return how many rows each group has, float64 of shape (n,)."""
        there = self.codes >= 0 if counted is None else (self.codes >= 0) & counted
        return np.bincount(self.codes[there], minlength=self.n).astype(np.float64)

    def only(self, rows: np.ndarray) -> Groups:
        """Return the same groups with some of the rows left in them."""
        return Groups(np.where(rows, self.codes, -1), self.n)


def grouped(frame: pd.DataFrame, by: Sequence[str]) -> tuple[Groups, pd.DataFrame]:
    """Return rows by their keys, and the keys of each group, in order; what is missing is a key, the last.

    Examples
    --------
    >>> groups, keys = grouped(pd.DataFrame({"a": [2.0, None, 1.0, 2.0]}), ["a"])
    >>> groups.codes.tolist(), keys["a"].tolist()
    ([1, 2, 0, 1], [1.0, 2.0, nan])
    """
    if not by:
        return Groups(np.zeros(len(frame), dtype=np.int64), 1), pd.DataFrame(index=pd.RangeIndex(1))
    codes = frame.groupby(list(by), sort=True, dropna=False, observed=True).ngroup().to_numpy().astype(np.int64)
    n = int(codes.max(initial=-1)) + 1
    return Groups(codes, n), frame[list(by)].iloc[_first(codes, n)].reset_index(drop=True)


def _first(codes: np.ndarray, n: int) -> np.ndarray:
    """Return the position of the first row of each group, -1 where it has none."""
    at = np.full(n, -1, dtype=np.int64)
    positions = np.flatnonzero(codes >= 0)[::-1]
    # Of repeated assignments the last one stays.
    at[codes[positions]] = positions
    return at


def _last(codes: np.ndarray, n: int) -> np.ndarray:
    at = np.full(n, -1, dtype=np.int64)
    positions = np.flatnonzero(codes >= 0)
    at[codes[positions]] = positions
    return at


def aggregated(
    table: Tabular, groups: Groups, values: Mapping[str, Aggregate], at: At
) -> tuple[dict[str, Any], dict[str, Kind], set[str]]:
    """Return a value for each group under each name, the kinds, and which of them are private."""
    columns: dict[str, Any] = {}
    kinds: dict[str, Kind] = {}
    private: set[str] = set()
    for name, value in values.items():
        check_aggregate(table, value.of, value.take, at)
        chosen = groups.only(at.mask(value.where, table)) if value.where else groups
        columns[name] = one_of_each(table, chosen, value.of, value.take)
        kinds[name] = kind_of(value.take, table.kinds[value.of] if value.of is not None else None)
        if value.of in table.private and value.take not in ("count", "distinct"):
            private.add(name)
    return columns, kinds, private


def check_aggregate(table: Tabular, of: str | None, take: str, at: At) -> None:
    """Refuse an aggregate of a column that is not there, or that has none such.

    Raises
    ------
    PlanError
        It has not.
    """
    if of is not None:
        at.require(table, [of], _SUITS.get(take))


def kind_of(take: str, kind: Kind | None) -> Kind:
    """Return the kind of an aggregate of a column.

    Examples
    --------
    >>> kind_of("sum", "boolean"), kind_of("mean", "integer"), kind_of("last", "category")
    ('integer', 'float', 'category')
    """
    if take in ("count", "distinct") or kind is None:
        return "integer"
    if take == "sum":
        return "integer" if kind in ("integer", "boolean") else "float"
    if take in ("mean", "std"):
        return "time" if kind == "time" and take == "mean" else "float"
    return kind


def one_of_each(table: Tabular, groups: Groups, of: str | None, take: str) -> Any:
    """Return one value of each group: float64, datetime64[us] or `str`, shape (n_groups,).

    What is missing in a row does not count; a group without a value has a count of 0 and no other aggregate. `first`
    and `last` go by the order of the rows, `std` is that of a sample.
    """
    if of is None:
        return groups.sizes()
    values = table.frame[of]
    there = values.notna().to_numpy(dtype=bool)
    if take == "count":
        return groups.sizes(there)
    present = groups.only(there)
    if take == "distinct":
        return _distinct(values, present)
    if take in ("first", "last"):
        found = (_first if take == "first" else _last)(present.codes, groups.n)
        return pd.Series(values.array.take(found, allow_fill=True)).array
    kept = np.flatnonzero(present.codes >= 0)
    by_group = values.iloc[kept].groupby(present.codes[kept], sort=True)
    with np.errstate(over="ignore", invalid="ignore"):
        made = by_group.agg(take).reindex(pd.RangeIndex(groups.n)).to_numpy()
    # A sum that float64 cannot hold is not known.
    return made if made.dtype.kind == "M" else np.where(np.isfinite(made), made, np.nan)


def _distinct(values: pd.Series, present: Groups) -> np.ndarray:
    codes, levels = pd.factorize(values)
    there = present.codes >= 0
    pairs = pd.unique(present.codes[there] * max(len(levels), 1) + codes[there])
    return np.bincount(pairs // max(len(levels), 1), minlength=present.n).astype(np.float64)
