"""What a table looks like as series: its time, its groups, its step, and how far a forecast might reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.arrays.infer import infer_and_cast, typed_column
from penstock.casting import canonical_array
from penstock.durations import told
from penstock.errors import DataError, UserError
from penstock.series.moments import Moments, find_step, micros_of, moments_of
from penstock.table import Column, TableSchema

# By the longest step that it suits, how many steps ahead: two days of hours, four weeks of days, a quarter of weeks.
_REACHES = ((3_600.0, 48), (86_400.0, 28), (604_800.0, 13))
_FAR = 12
_HOURS = frozenset({"hr", "hour", "hours", "stunde", "heure", "hora"})
_MOST_GROUPS = 0.2


def guess_forecast(raw: pa.Table, target: str, where: str = "") -> dict[str, Any]:
    """Return the keys of a spec that a forecast of a table needs, as far as the table tells.

    Parameters
    ----------
    raw : pyarrow.Table
        The base.
    target : str
        What is forecast.
    where : str
        The source, for messages.

    Returns
    -------
    dict
        `time` (one column, or a date and a clock), `group` where one column tells series apart, `every` and `horizon`.

    Raises
    ------
    DataError
        No column is a date or time, or several columns would be needed to tell series apart.

    Examples
    --------
    >>> at = [f"2026-01-{day:02} {hour:02}:00" for day in range(1, 9) for hour in range(24)]
    >>> guess_forecast(pa.table({"ts": at, "units": list(range(192))}), "units")
    {'time': 'ts', 'every': '1h', 'horizon': '2d'}
    """
    columns: dict[str, Column] = {}
    values: dict[str, Any] = {}
    for name in raw.column_names:
        if name == target:
            continue
        column, typed, _ = infer_and_cast(name, raw[name])
        if typed is not None and (kept := typed_column(column)) is not None:
            columns[name], values[name] = kept, typed
    schema = TableSchema(columns=tuple(columns.values()))
    dates = [name for name, column in columns.items() if column.kind == "datetime"]
    if not dates:
        raise DataError(
            "A forecast needs a column of dates or times, and none is here",
            where=where,
            todo="Name it in a spec, with how it reads: columns: {COLUMN: {kind: datetime, formats: [...]}}",
        )
    frame = pd.DataFrame({name: values[name] for name in columns})
    date = max(dates, key=lambda name: frame[name].nunique())
    clock, at = _with_clock(frame, schema, date)
    group = _group(raw, [name for name in columns if name not in (date, clock)], columns, at)
    codes = np.zeros(len(at), dtype=np.int64) if group is None else pd.factorize(_texts(raw, group))[0].astype(np.int64)
    there = ~np.isnat(at)
    keys: dict[str, Any] = {"time": date if clock is None else [date, clock]}
    if group is not None:
        keys["group"] = group
    elif _repeats(at, codes):
        raise DataError(
            "Several rows stand for one time, and no one column tells series apart",
            where=where,
            todo="Write a spec with `group`, or aggregate the rows at their source.",
        )
    step = find_step(at[there], codes[there], None, where)
    return {**keys, "every": told(step.every), "horizon": told(step.every * _reach(step.every))}


def _reach(every: float) -> int:
    return next((steps for longest, steps in _REACHES if every <= longest), _FAR)


def _with_clock(frame: pd.DataFrame, schema: TableSchema, date: str) -> tuple[str | None, Moments]:
    """Return the clock beside a date, where the date alone says no time of day, and the moments of all rows."""
    plain = moments_of(frame, schema, date, None)
    if (micros_of(plain[~np.isnat(plain)]) % 86_400_000_000).any():
        return None, plain
    best: tuple[str | None, Moments] = (None, plain)
    most = len(np.unique(plain))
    for column in schema.columns:
        is_hour = column.kind == "integer" and column.name.lower() in _HOURS
        if column.kind == "time" or is_hour:
            try:
                at = moments_of(frame, schema, date, column.name)
            except (UserError, OverflowError):
                continue
            if len(np.unique(at)) > 2 * most:
                best, most = (column.name, at), len(np.unique(at))
    return best


def _group(raw: pa.Table, names: Sequence[str], columns: dict[str, Column], at: Moments) -> str | None:
    """Return the column that makes times unique, the one of fewest values; None where they are unique without."""
    if not _repeats(at, np.zeros(len(at), dtype=np.int64)):
        return None
    able: list[tuple[int, str]] = []
    for name in names:
        if columns[name].kind not in ("category", "text", "integer"):
            continue
        codes, levels = pd.factorize(_texts(raw, name))
        if 1 < len(levels) <= max(2, _MOST_GROUPS * len(at)) and not _repeats(at, codes.astype(np.int64)):
            able.append((len(levels), name))
    return min(able)[1] if able else None


def _repeats(at: Moments, codes: np.ndarray) -> bool:
    pairs = pd.DataFrame({"at": at, "code": codes})[~np.isnat(at)]
    return bool(pairs.duplicated().any())


def _texts(raw: pa.Table, name: str) -> Any:
    return canonical_array(raw[name].combine_chunks()).to_pandas().to_numpy(dtype=object)
