"""Joins as look-ups: a row of the base finds at most one row of another table, in training and in a request alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.cells import NotCast, canonical_text
from penstock.errors import DataError
from penstock.slices import Join
from penstock.table import closest

_BETWEEN = "\x1f"
NO_MATCH = -1


def keys_of(raw: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Return one text a row, null where any of the columns is missing or absent."""
    given = set(raw.column_names)
    return _joined([_texts(raw[name] if name in given else None, raw.num_rows) for name in columns])


def _texts(values: Any, n_rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(n_rows, pa.string())
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return canonical_array(_one_chunk(values))
    return pa.array([_text(v) for v in values], pa.string())


def _text(value: object) -> str | None:
    if is_missing(value):
        return None
    try:
        return canonical_text(value)
    except NotCast:
        return None


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    # A blank text is no key: otherwise all rows that lack one would find each other.
    present = [pc.if_else(pc.equal(part, ""), pa.scalar(None, pa.string()), part) for part in parts]
    return pc.binary_join_element_wise(*present, _BETWEEN)


def match(base_keys: pa.Array, index: pd.Index) -> np.ndarray:
    """Return, for each key of the base, its position among the table's keys.

    Parameters
    ----------
    base_keys : pyarrow.Array
        Texts of shape (n_rows,), as `keys_of` gives them.
    index : pandas.Index
        The table's keys, each once.

    Returns
    -------
    numpy.ndarray
        int64 of shape (n_rows,), -1 where there is no such key.

    Examples
    --------
    >>> match(pa.array(["b", None, "z"]), pd.Index(["a", "b"], dtype=object)).tolist()
    [1, -1, -1]
    """
    return np.asarray(index.get_indexer(pd.Index(base_keys.to_pylist(), dtype=object)), dtype=np.int64)


def check_relation(table: pa.Table, on: Sequence[str], name: str, hidden: bool = False) -> tuple[pa.Table, int, int]:
    """Return a table in which every key stands once.

    Parameters
    ----------
    table : pyarrow.Table
        Raw rows: the key columns and those to be looked up.
    on : sequence of str
        The key columns.
    name : str
        The table's name, for messages.
    hidden : bool
        Whether the keys are private, and must not be told.

    Returns
    -------
    tuple
        The table without rows that lack a key and without exact copies; how many copies, and how many keyless rows
        there were.

    Raises
    ------
    DataError
        A key column is absent, or two rows of one key differ.
    """
    require_keys(table, on, name)
    keys = keys_of(table, on)
    keyed = keys.is_valid().to_numpy(zero_copy_only=False)
    keyless = int((~keyed).sum())
    texts = pd.DataFrame(
        {i: canonical_array(_one_chunk(table[c])).to_pandas() for i, c in enumerate(table.column_names)}
    )
    copies = texts.duplicated(keep="first").to_numpy() & keyed
    kept = np.flatnonzero(keyed & ~copies)
    once, left = table.take(pa.array(kept)), keys.take(pa.array(kept))
    counts = pc.value_counts(left)
    often = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(often):
        shown = ", ".join(repr(v.replace(_BETWEEN, " / ")) for v in often.field("values").to_pylist()[:3])
        raise DataError(
            f"The table {name!r} holds several different rows for one key",
            where=f"key {', '.join(on)}",
            got=f"{len(often)} keys more than once" + ("" if hidden else f", first {shown}"),
            expected="one row a key, so that each row of the base finds at most one",
            todo="Aggregate or filter the table at its source, or join on more columns.",
        )
    return once, int(copies.sum()), keyless


def require_keys(table: pa.Table, on: Sequence[str], name: str) -> None:
    """Refuse a table that lacks one of its key columns.

    Raises
    ------
    DataError
        It does; the error names the nearest column that it has.
    """
    for column in on:
        if column not in table.column_names:
            raise DataError(
                f"The table {name!r} cannot be joined: it has no column {column!r}",
                expected=closest(column, table.column_names),
                todo="Name the columns of both sides: on: {BASE_COLUMN: TABLE_COLUMN}",
            )


class Lookup:
    """A table to look things up in: the same in training and in the bundle.

    Parameters
    ----------
    join : Join
        The table's name, and which columns of the base name which of its columns.
    table : pyarrow.Table
        Raw rows with each key once, as `check_relation` leaves them.
    """

    def __init__(self, join: Join, table: pa.Table) -> None:
        self.join = join
        self.table = table
        keys = keys_of(table, tuple(join.on.values())).to_pylist()
        self._index = pd.Index(np.array(keys, dtype=object), dtype=object)
        if not self._index.is_unique:
            raise DataError(f"The table {join.table!r} of the model holds one key twice")
        self._values = {
            column_name(join.table, c): _one_chunk(table[c])
            for c in table.column_names
            if c not in set(join.on.values())
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, by the names that they then have."""
        return tuple(self._values)

    def positions(self, raw: pa.Table) -> np.ndarray:
        """Return the table's row for each given row, int64 of shape (n_rows,), -1 where there is none."""
        return match(keys_of(raw, tuple(self.join.on)), self._index)

    def extend(self, raw: pa.Table) -> pa.Table:
        """Return raw rows with the table's columns beside them, named `<table>_<column>`.

        A value that a row brings along under that name goes before the one that is looked up.
        """
        extended = self.extend_columns({name: raw[name] for name in raw.column_names}, raw.num_rows)
        return pa.table(extended) if extended else raw

    def extend_columns(self, columns: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
        """Do the same for columns by name: Arrow arrays, or sequences of values of any types."""
        found = match(_joined([_texts(columns.get(name), n_rows) for name in self.join.on]), self._index)
        at = pa.array(found, mask=found == NO_MATCH)
        extended = dict(columns)
        for name, values in self._values.items():
            taken = values.take(at)
            extended[name] = _first_present(columns[name], taken) if name in columns else taken
        return extended


def column_name(table: str, column: str) -> str:
    """Return the name that a looked-up column has beside the base's columns."""
    return f"{table}_{column}"


def lookups_of(plan: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> tuple[Lookup, ...]:
    """Return the look-ups that travel with a model.

    Parameters
    ----------
    plan : mapping
        The plan's JSON; its `joins` say what is joined, and by what.
    tables : mapping of str to pyarrow.Table
        The tables with `serve: bundle`, by name.
    """
    joins = [Join.model_validate(join) for join in plan.get("joins", ())]
    return tuple(Lookup(join, tables[join.table]) for join in joins if join.serve == "bundle")


def _first_present(given: Any, found: pa.Array) -> Any:
    if not isinstance(given, pa.Array | pa.ChunkedArray):
        return [f if is_missing(g) else g for g, f in zip(given, found.to_pylist(), strict=True)]
    given = _one_chunk(given)
    if not given.null_count:
        return given
    if given.null_count == len(given):
        return found
    if given.type == found.type:
        return pc.coalesce(given, found)
    return pc.coalesce(canonical_array(given), canonical_array(found))


def is_missing(value: object) -> bool:
    """Whether a raw value is none at all: null or NaN.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124


def _one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
