"""The schema of a raw table, inferred from whole columns, with the evidence for each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from penstock.arrays.decisions import decide
from penstock.arrays.kinds import Kinds
from penstock.arrays.outcome import infer_target
from penstock.arrays.roles import judge
from penstock.arrays.tally import Tally, tally
from penstock.errors import DataError
from penstock.slices import ColumnSpec, Typing
from penstock.table import MISSING_TOKENS, Column, TableSchema, Target, closest

__all__ = ["infer_column", "infer_schema", "infer_target"]


def infer_schema(raw: pa.Table, typing: Typing, is_base: bool, table: str = "") -> TableSchema:
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


def target_of(raw: pa.Table, typing: Typing) -> Target:
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
    decided = decided or ColumnSpec()
    tokens = missing_tokens(decided)
    column = tally(raw, tokens)
    found = Kinds(name, column, tokens, decided)
    typed = found.column()
    judged = judge(name, typed.kind, found.tally, found.whole)
    said = [*found.words, judged.why, _missing_words(found.tally)]
    updates: dict[str, Any] = {
        "table": table,
        "role": judged.role,
        "nullable": found.tally.n_missing > 0,
        "evidence": "; ".join(w for w in said if w),
    }
    return decide(typed.model_copy(update=updates), decided, typing)


def missing_tokens(decided: ColumnSpec) -> tuple[str, ...]:
    """Return the texts that mean no value: the usual ones, or those decided; an empty cell always does."""
    return MISSING_TOKENS if decided.missing is None else tuple(dict.fromkeys(("", *decided.missing)))


def _missing_words(column: Tally) -> str:
    return f"{column.n_missing:,} missing" if column.n_missing else ""
