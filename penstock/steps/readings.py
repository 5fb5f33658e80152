"""How raw cells were written: the tokens for missing, decimal commas, units, stray blanks, spellings of the label."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.steps.audit import (
    MOST_COLUMNS,
    MOST_EXAMPLES,
    ColumnReading,
    Example,
    LabelReading,
    StepAudit,
    Watch,
    as_text,
    bounded,
)
from penstock.table import Column, TableSchema, Target
from penstock.target import encode_target

MOST_READINGS = 200


@dataclass(frozen=True)
class Read:
    """What was odd about the cells of a table: the readings, and per column which rows were odd."""

    readings: tuple[ColumnReading, ...]
    odd: dict[str, np.ndarray]
    n_cells: int


def read_cells(raw: pa.Table, schema: TableSchema, misfits: pd.DataFrame, table: str = "") -> Read:
    """Count how the raw cells of a table were written.

    Parameters
    ----------
    raw : pyarrow.Table
        The source as it came.
    schema : TableSchema
        How its cells read. Columns that are left out, and the target, are not looked at.
    misfits : pandas.DataFrame
        Columns `row` and `column`: the cells that could not be read.
    table : str
        The source's name; empty for the base.
    """
    target = schema.target.name if schema.target else None
    columns = [c for c in schema.columns if c.role not in ("ignored", "target") and c.name != target]
    readings, odd, n_cells = [], {}, 0
    for column in columns:
        if column.name not in raw.column_names:
            continue
        bad = misfits.loc[misfits["column"] == column.name, "row"].to_numpy(dtype=np.int64)
        reading, where = _read(column, _one_chunk(raw[column.name]), bad, table)
        n_cells += raw.num_rows
        if where.any() or reading.missing:
            readings.append(reading)
            odd[column.name] = where
    return Read(tuple(readings), odd, n_cells)


def _read(column: Column, values: pa.Array, bad: np.ndarray, table: str) -> tuple[ColumnReading, np.ndarray]:
    where = np.zeros(len(values), dtype=bool)
    where[bad] = True
    missing = {"null": values.null_count} if values.null_count else {}
    counts = {"misfits": len(bad)}
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        trimmed = pc.utf8_trim_whitespace(values)
        gone = pc.is_in(trimmed, value_set=pa.array(column.missing, pa.string()))
        tokens = pc.value_counts(trimmed.filter(gone))
        missing |= dict(zip(tokens.field("values").to_pylist(), tokens.field("counts").to_pylist(), strict=True))
        there = pc.and_(pc.invert(gone), values.is_valid())
        for name, found in _writing(column, trimmed).items():
            mask = _mask(pc.and_(found, there))
            counts[name] = int(mask.sum())
            where |= mask
        blanks = _mask(pc.not_equal(trimmed, values))
        counts["blanks"] = int(blanks.sum())
        where |= blanks | _mask(gone)
    return ColumnReading(table=table, column=column.name, missing=missing, **counts), where


def _writing(column: Column, trimmed: pa.Array) -> dict[str, pa.Array]:
    """Return where a number is written with more than digits, sign and point."""
    if column.kind not in ("integer", "float"):
        return {}
    marks: dict[str, pa.Array] = {}
    if column.decimal != ".":
        marks["decimal_commas"] = pc.match_substring(trimmed, ",")
    if column.thousands:
        marks["thousands"] = pc.match_substring(trimmed, column.thousands)
    if column.prefix:
        marks["prefixes"] = pc.match_substring(trimmed, column.prefix)
    if column.suffix:
        marks["suffixes"] = pc.ends_with(trimmed, column.suffix)
    if column.units:
        ends = [pc.ends_with(trimmed, unit) for unit in column.units]
        marks["suffixes"] = functools.reduce(pc.or_, ends)
    return marks


def read_labels(raw: pa.ChunkedArray | pa.Array, target: Target, private: bool = False) -> LabelReading:
    """Count the spellings of the target that were merged into a label.

    Examples
    --------
    >>> target = Target(name="y", task="binary", labels=("no", "yes"))
    >>> read_labels(pa.array(["yes", "YES", " no", "No", None]), target)
    LabelReading(merged={'No': 1, 'YES': 1}, blanks=1, cells=3)
    """
    if not target.is_classification:
        return LabelReading()
    values = _one_chunk(raw)
    encoded = values.dictionary_encode()
    counts = np.bincount(pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False))
    merged: dict[str, int] = {}
    blanks = cells = 0
    texts = canonical_array(encoded.dictionary).to_pylist()
    for i, code in enumerate(encode_target(target, encoded.dictionary).tolist()):
        n, value, text = int(counts[i]), encoded.dictionary[i].as_py(), texts[i]
        if code < 0 or text is None:
            continue
        spaced, respelled = isinstance(value, str) and value != value.strip(), text != target.labels[code]
        blanks += n * spaced
        cells += n * (spaced or respelled)
        if respelled:
            merged[text] = merged.get(text, 0) + n
    if private:
        merged = {"(private)": sum(merged.values())} if merged else {}
    return LabelReading(merged=bounded(merged)[0], blanks=blanks, cells=cells)


def typing_audit(base: Read, others: list[Read], raw: pa.Table, typed: pd.DataFrame, schema: TableSchema) -> StepAudit:
    """Return what typing did as an entry of the audit; its examples are of the base.

    Parameters
    ----------
    base, others : Read
        What was odd in the base and in the joined tables.
    raw, typed : pyarrow.Table, pandas.DataFrame
        The base as it came and as it reads.
    schema : TableSchema
        The base's columns: values of private ones are not shown.
    """
    watch = Watch()
    counts = {name: int(where.sum()) for name, where in base.odd.items()}
    for read in others:
        counts |= {f"{r.table}_{r.column}": int(read.odd[r.column].sum()) for r in read.readings}
    changed = {name: n for name, n in counts.items() if n}
    columns, more = bounded(changed)
    n_cells = base.n_cells + sum(read.n_cells for read in others)
    n_changed = sum(changed.values())
    return StepAudit(
        step="typing",
        nature="typing",
        rows_in=raw.num_rows,
        rows_out=raw.num_rows,
        cells_changed=n_changed,
        share=n_changed / n_cells if n_cells else 0.0,
        columns=columns,
        more_columns=more,
        examples=_examples(base, raw, typed, schema),
        seconds=watch.seconds,
        why="raw cells are read as what they mean",
    )


def _examples(read: Read, raw: pa.Table, typed: pd.DataFrame, schema: TableSchema) -> tuple[Example, ...]:
    shown = [n for n in read.odd if n in typed.columns and not schema.column(n).private and read.odd[n].any()]
    # The rarest oddities tell the most: a unit that every cell carries comes last.
    shown.sort(key=lambda name: int(read.odd[name].sum()))
    places = [(name, np.flatnonzero(read.odd[name])) for name in shown[:MOST_COLUMNS]]
    picked = [(name, int(at[i])) for i in range(MOST_EXAMPLES) for name, at in places if i < len(at)]
    return tuple(
        Example(row=at, column=name, before=as_text(raw[name][at].as_py()), after=as_text(typed[name].iloc[at]))
        for name, at in picked[:MOST_EXAMPLES]
    )


def _mask(found: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=bool)


def _one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
