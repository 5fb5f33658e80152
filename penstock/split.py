"""Which side a row is on, for the model's life: a salted hash of its key, group or raw content, or its time.

A row's side depends on nothing but the row itself and the rule, so it is the same in every run, however the data has
grown, and rows that are alike share it. The rule goes into the lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array, cast_column
from penstock.errors import DataError, SpecError
from penstock.fixes import row_texts
from penstock.frozen import Frozen
from penstock.series.moments import micros_of, moments_of
from penstock.slices import Split, Typing
from penstock.table import Column, TableSchema, closest

Side = Literal["train", "heldout"]
TRAIN: Side = "train"
HELDOUT: Side = "heldout"


class SplitRule(Frozen):
    """How sides are told. It never changes while a model lives.

    `columns` are hashed, with `salt`; the share `heldout` of all hashes is held out. With `by="time"` the one column is
    compared with `cutoff` instead, and rows from then on are held out; a second one is the clock beside its date.
    """

    by: Literal["key", "group", "content", "time"]
    columns: tuple[str, ...]
    heldout: float
    salt: str
    cutoff: str | None = None


def choose_split(
    raw: pa.Table, schema: TableSchema, typing: Typing, split: Split, *, salt: str, join_keys: Sequence[str] = ()
) -> SplitRule:
    """Return the rule for a model's first run.

    Parameters
    ----------
    raw : pyarrow.Table
        The base source.
    schema : TableSchema
        Its columns.
    typing, split
        What the spec decides.
    salt : str
        The model's name.
    join_keys : sequence of str
        Columns of the base by which tables are joined: they identify something, and are preferred as key.

    Raises
    ------
    SpecError
        The spec asks for a split that the columns don't allow.
    """
    by = split.by
    if by == "auto":
        by = "group" if typing.group else "key" if typing.key else "auto"
    if by == "time":
        column = split.time or typing.time or _only_moment(schema)
        cutoff = _cutoff(_column(raw, column, "split"), schema.column(column), split.heldout)
        return SplitRule(by="time", columns=(column,), heldout=split.heldout, salt=salt, cutoff=cutoff)
    if by == "group":
        if not typing.group:
            raise SpecError("The split is by group, and no group is named", todo="Add a line: group: COLUMN")
        _column(raw, typing.group, "group")
        return SplitRule(by="group", columns=(typing.group,), heldout=split.heldout, salt=salt)
    key = typing.key or (_key_among(raw, schema, join_keys) if by in ("auto", "key") else None)
    if key is not None:
        _column(raw, key, "key")
        return SplitRule(by="key", columns=(key,), heldout=split.heldout, salt=salt)
    if by == "key":
        raise SpecError("The split is by key, and no column identifies rows", todo="Add a line: key: COLUMN")
    return SplitRule(by="content", columns=_content(raw, schema, typing), heldout=split.heldout, salt=salt)


def agreed_split(locked: SplitRule, split: Split, typing: Typing) -> SplitRule:
    """Return the lock's rule, unless the spec says something else on purpose.

    Raises
    ------
    SpecError
        It does: rows would change sides, and a model would be judged on rows it has learned from.
    """
    asked: list[tuple[str, object, object]] = []
    usual = "time" if typing.task == "forecast" else "group" if typing.group else "key" if typing.key else locked.by
    by = split.by if split.by != "auto" else usual
    asked.append(("split.by" if split.by != "auto" else by, by, locked.by))
    if "heldout" in split.model_fields_set:
        asked.append(("split.heldout", split.heldout, locked.heldout))
    column = locked.columns[0] if locked.columns else ""
    named = {"time": split.time or typing.time, "group": typing.group, "key": typing.key}.get(locked.by)
    if named is not None:
        asked.append((locked.by, named, column))
    for what, wanted, kept in asked:
        if wanted != kept:
            raise SpecError(
                f"The spec's `{what}` differs from the lock's, and a row's side is for life",
                got=repr(wanted),
                expected=repr(kept),
                todo="Take it out of the spec, or start a model of another name and infer its lock anew.",
            )
    return locked


def sides(raw: pa.Table, rule: SplitRule, schema: TableSchema | None = None) -> np.ndarray:
    """Return the side of every row.

    Parameters
    ----------
    raw : pyarrow.Table
        The base source, or any rows of it.
    rule : SplitRule
        How sides are told.
    schema : TableSchema, optional
        How times read; needed for `by="time"` alone.

    Returns
    -------
    numpy.ndarray
        `train` or `heldout`, shape (n_rows,). A row without a time is a training row.

    Raises
    ------
    DataError
        A column of the rule is absent.

    Examples
    --------
    >>> rule = SplitRule(by="key", columns=("id",), heldout=0.5, salt="doc")
    >>> sides(pa.table({"id": ["a", " a ", "b", "c"]}), rule).tolist()
    ['train', 'train', 'heldout', 'heldout']
    """
    columns = [_column(raw, name, "split") for name in rule.columns]
    if rule.by == "time":
        if schema is None or rule.cutoff is None:
            raise SpecError("The split by time lacks its cutoff", todo="Infer the lock anew: penstock lock --update")
        column = schema.column(rule.columns[0])
        at = times_of(raw, rule, schema)
        cutoff = _times(pa.array([rule.cutoff]), _reading_of_cutoff(column))
        held = np.where(np.isnan(at), False, at >= cutoff[0])
    else:
        held = _shares(row_texts(columns), rule.salt) < rule.heldout
    return np.where(held, HELDOUT, TRAIN)


def times_of(raw: pa.Table, rule: SplitRule, schema: TableSchema) -> np.ndarray:
    """Return when each row was, by the columns of a split by time: float64 of shape (n_rows,), NaN where nobody knows.

    Raises
    ------
    DataError
        A column of the split is not there.
    """
    columns = [_column(raw, name, "split") for name in rule.columns]
    return _times(columns[0], schema.column(rule.columns[0])) if len(columns) == 1 else _clock_times(raw, rule, schema)


def is_row_number(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column only counts rows, and so says nothing about what a row is.

    Examples
    --------
    >>> is_row_number(pa.array(["1", "2", "3"])), is_row_number(pa.array([3, 1, 2]))
    (True, False)
    """
    texts = canonical_array(_one_chunk(values))
    if len(texts) < 2 or texts.null_count:
        return False
    first = texts[0].as_py()
    if not first.isascii() or not first.isdigit() or len(first) > 15:
        return False
    counted = pa.array(np.arange(int(first), int(first) + len(texts))).cast(pa.string())
    return bool(texts.equals(counted))


def _shares(texts: pa.Array, salt: str) -> np.ndarray:
    """Return where each text falls in [0, 1)."""
    keyed = hashlib.blake2b(digest_size=8, key=hashlib.blake2b(salt.encode(), digest_size=32).digest())
    digests = bytearray()
    for text in texts.to_pylist():
        own = keyed.copy()
        own.update(text.encode("utf-8", "surrogatepass"))
        digests += own.digest()
    return np.frombuffer(bytes(digests), dtype=">u8").astype(np.float64) / 2.0**64


def _key_among(raw: pa.Table, schema: TableSchema, join_keys: Sequence[str]) -> str | None:
    given = set(raw.column_names)
    for name in sorted(schema.ids, key=lambda n: n not in join_keys):
        if name not in given:
            continue
        texts = canonical_array(_one_chunk(raw[name]))
        # An id may repeat (a row told twice, a second visit): its rows then share a side, as they should.
        telling = len(texts) and pc.count_distinct(texts).as_py() >= 0.5 * len(texts)
        if telling and not texts.null_count and (name in join_keys or not is_row_number(texts)):
            return name
    return None


def _content(raw: pa.Table, schema: TableSchema, typing: Typing) -> tuple[str, ...]:
    # The target may be corrected later, and facts of the future come later: neither may move a row to the other side.
    later = {c.name for c in schema.columns if c.role in ("known_after", "target")} | set(typing.known_after)
    later.add(typing.target)
    # Weights are worked out anew from time to time.
    later |= {typing.weight} if typing.weight is not None else set()
    counters = {name for name in schema.ids if name in raw.column_names and is_row_number(raw[name])}
    content = tuple(name for name in raw.column_names if name not in later and name not in counters)
    if not content:
        raise DataError("No column is left that tells one row from another", where=typing.base)
    return content


def _only_moment(schema: TableSchema) -> str:
    roles = [c.name for c in schema.columns if c.role == "time"]
    moments = roles or [c.name for c in schema.columns if c.kind == "datetime" and c.role != "known_after"]
    if len(moments) != 1:
        raise SpecError(
            "The split is by time, and it is not clear by which column",
            got=", ".join(moments) or "no date or time",
            todo="Name it: split: {by: time, time: COLUMN}",
        )
    return moments[0]


def _cutoff(values: pa.ChunkedArray, column: Column, heldout: float) -> str:
    times = np.sort(_times(values, column))
    times = times[~np.isnan(times)]
    if not len(times):
        raise DataError(f"The column {column.name!r} holds no time to split by")
    at = times[min(int(len(times) * (1.0 - heldout)), len(times) - 1)]
    if column.kind == "datetime":
        return str(np.datetime64(int(at), "us"))
    return repr(float(at))


def _times(values: pa.Array | pa.ChunkedArray, column: Column) -> np.ndarray:
    """Return moments in microseconds, or numbers, as float64 with NaN for missing (exact until the year 2255)."""
    done, _ = cast_column(column, _one_chunk(values))
    if column.kind == "datetime":
        return np.where(np.isnat(done), np.nan, done.astype("datetime64[us]").astype(np.int64).astype(np.float64))
    if column.is_numeric:
        return np.asarray(done, dtype=np.float64)
    raise SpecError(
        f"The split is by time, and the column {column.name!r} is none",
        got=column.kind,
        expected="a datetime or number",
    )


def _clock_times(raw: pa.Table, rule: SplitRule, schema: TableSchema) -> np.ndarray:
    at = moments_of(schema.cast(raw, rule.columns).frame, schema, *rule.columns)
    return np.where(np.isnat(at), np.nan, micros_of(at).astype(np.float64))


def _reading_of_cutoff(column: Column) -> Column:
    return Column(name=column.name, kind="datetime" if column.kind == "datetime" else "float")


def _column(raw: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    if name not in raw.column_names:
        raise DataError(
            f"The column {name!r}, which tells the side of a row, is not there",
            where=where,
            expected=closest(name, raw.column_names),
        )
    return raw[name]


def _one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
