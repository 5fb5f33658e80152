"""The schema of a raw table, inferred from whole columns, with the evidence for each."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa

from penstock.arrays.decisions import decide
from penstock.arrays.explaining import explained, has_units, parts
from penstock.arrays.found import Found
from penstock.arrays.kinds import find_kind
from penstock.arrays.outcome import infer_target
from penstock.arrays.roles import Judged, judge
from penstock.casting import cast_column, cast_encoded, misfits_at, plain_chunks
from penstock.cells import Misfit
from penstock.errors import DataError
from penstock.slices import ColumnSpec, Typing
from penstock.table import MISSING_TOKENS, Column, TableSchema, Target, closest

__all__ = ["infer_and_cast", "infer_column", "infer_schema", "infer_target"]

# How a column's values read: of columns that agree in these, the cast is the same.
_READING: tuple[str, ...] = ("kind", "decimal", "thousands", "prefix", "suffix", "units", "true_words", "false_words")
_READING += ("formats", "timezone", "missing")


class RawColumns(Protocol):
    """Raw columns by name: a table, or what reads them one by one."""

    @property
    def column_names(self) -> list[str]:
        """The names, in order."""

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """Return a column."""


def infer_schema(raw: RawColumns, typing: Typing, is_base: bool, table: str = "") -> TableSchema:
    """Infer what every column of a raw table holds, how it reads, and what it is for.

    Parameters
    ----------
    raw : pyarrow.Table
        A raw table of n_rows rows, as a source gives it.
    typing : Typing
        What the user decided; it goes before what is inferred.
    is_base : bool
        Whether the table holds the target.
    table : str
        The source's name for a table that is joined, empty for the base.

    Returns
    -------
    TableSchema
        Every column of the table, in order, with evidence; the target where `is_base`.

    Raises
    ------
    DataError
        The target is not there, or cannot be learned from.
    """
    if not is_base:
        columns = [infer_column(n, raw[n], decision(typing, n, table), table) for n in raw.column_names]
        return TableSchema(columns=tuple(columns))
    target = target_of(raw, typing)
    columns = [
        target_column(target) if n == typing.target else infer_column(n, raw[n], decision(typing, n, ""), typing=typing)
        for n in raw.column_names
    ]
    return TableSchema(columns=tuple(columns), target=target)


def target_of(raw: RawColumns, typing: Typing) -> Target:
    """Infer the target of a raw table.

    Raises
    ------
    DataError
        It is not there, or cannot be learned from.
    """
    if typing.target not in raw.column_names:
        raise DataError(
            f"The target {typing.target!r} is not a column of {typing.base}",
            expected=closest(typing.target, raw.column_names),
            todo="Correct the target's name.",
        )
    return infer_target(raw[typing.target], typing)


def target_column(target: Target) -> Column:
    """Return the target as a column of its table."""
    column = target.reading or Column(name=target.name, kind="category")
    return column.model_copy(update={"role": "target", "evidence": target.evidence})


def decision(typing: Typing, name: str, table: str) -> ColumnSpec:
    """Return what the user decided about a column; one of a joined table may be named with its table before it."""
    joined = typing.columns.get(f"{table}_{name}") if table else None
    return joined or typing.columns.get(name) or ColumnSpec()


def infer_column(
    name: str,
    raw: pa.ChunkedArray,
    decided: ColumnSpec | None = None,
    table: str = "",
    typing: Typing | None = None,
) -> Column:
    """Infer one column, with every row counted.

    Parameters
    ----------
    name : str
        Its name.
    raw : pyarrow.ChunkedArray
        Its raw values, shape (n_rows,).
    decided : ColumnSpec, optional
        What the user decided about it.
    table : str
        The source it comes from, empty for the base.
    typing : Typing, optional
        Further decisions, for a column of the base.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column = infer_column("width", pa.chunked_array([["1,5 mm", "2,25 mm", "?"]]))
    >>> column.kind, column.decimal, column.unit, column.nullable
    ('float', ',', 'mm', True)
    """
    return _inferred(name, raw, decided or ColumnSpec(), table, typing)[0]


def infer_and_cast(
    name: str,
    raw: pa.ChunkedArray,
    decided: ColumnSpec | None = None,
    table: str = "",
    typing: Typing | None = None,
    whole: bool = False,
) -> tuple[Column, Any, list[Misfit]]:
    """Infer one column and cast it as its table's typed frame has it, reading its cells once.

    Parameters
    ----------
    name, raw, decided, table, typing
        As for `infer_column`.
    whole : bool
        Whether to cast what no typed frame has, too, and ids as what they hold.

    Returns
    -------
    tuple
        The column; its values as `cast_column(typed_column(column), raw)` gives them, or None for a column that no
        typed frame has; and its misfits.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column, values, misfits = infer_and_cast("width", pa.chunked_array([["1,5 mm", "2,25 mm", "?"]]))
    >>> values.tolist(), misfits
    ([1.5, 2.25, nan], [])
    """
    column, found = _inferred(name, raw, decided or ColumnSpec(), table, typing)
    kept = column if whole else typed_column(column)
    if kept is None:
        return column, None, []
    if found.values is not None and _reads_alike(found.column, kept):
        return column, found.values, misfits_at(kept, found.misfits)
    if found.encoded is not None:
        values, bad = cast_encoded(kept, found.encoded)
        return column, values, misfits_at(kept, bad)
    return column, *cast_column(kept, raw)


def typed_column(column: Column) -> Column | None:
    """Return a column as a typed frame has it, ids as text; None for the target and for what is left out."""
    if column.role in ("ignored", "target"):
        return None
    is_number = column.kind in ("integer", "float")
    return column.model_copy(update={"kind": "text"}) if column.role == "id" and is_number else column


def _reads_alike(one: Column, other: Column) -> bool:
    return all(getattr(one, key) == getattr(other, key) for key in _READING)


def _inferred(
    name: str, raw: pa.ChunkedArray, decided: ColumnSpec, table: str, typing: Typing | None
) -> tuple[Column, Found]:
    found = find_kind(name, plain_chunks(raw), missing_tokens(decided), decided)
    judged = judge(name, found.column.kind, found.seen, found.whole)
    mixed = parts(found)
    if not found.is_feature:
        judged = Judged("ignored", "")
    elif judged.role == "id" and has_units(mixed):
        judged = Judged("ignored", "as text they tell nothing")
    told = explained(name, found, judged, mixed, decided, table)
    updates: dict[str, Any] = {"table": table, "role": judged.role, "nullable": found.seen.n_missing > 0, **told}
    updates["private"] = decided.private
    return decide(found.column.model_copy(update=updates), decided, typing), found


def missing_tokens(decided: ColumnSpec) -> tuple[str, ...]:
    """Return the texts that mean no value: the usual ones, or those decided; an empty cell always does."""
    return MISSING_TOKENS if decided.missing is None else tuple(dict.fromkeys(("", *decided.missing)))
