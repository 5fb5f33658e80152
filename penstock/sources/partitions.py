"""Partitioned data sets: what the names of directories, as in `year=2020/month=1/`, tell of the rows below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

import pyarrow as pa

# What Hive writes for a row that has no value.
_MISSING = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")


def partition_of(name: str) -> dict[str, str | None]:
    """Return the values that a file's path tells.

    Examples
    --------
    >>> partition_of("year=2020/city=S%C3%A3o/part=1.parquet")
    {'year': '2020', 'city': 'São'}
    >>> partition_of("year=__HIVE_DEFAULT_PARTITION__/a.parquet")
    {'year': None}
    """
    told: dict[str, str | None] = {}
    for part in name.split("/")[:-1]:
        key, mark, value = part.partition("=")
        if mark and key:
            told[unquote(key)] = None if value == _MISSING else unquote(value)
    return told


def whole_numbers(names: Sequence[str]) -> frozenset[str]:
    """Return the keys whose values are whole numbers in all paths, written as numbers are: 7, not 07.

    Examples
    --------
    >>> sorted(whole_numbers(["y=2020/m=01/a", "y=2021/m=02/a"]))
    ['y']
    """
    values: dict[str, set[str]] = {}
    for name in names:
        for key, value in partition_of(name).items():
            values.setdefault(key, set()).update(() if value is None else (value,))
    return frozenset(key for key, seen in values.items() if seen and all(_WHOLE.fullmatch(v) for v in seen))


def with_partition(table: pa.Table, name: str, whole: frozenset[str]) -> pa.Table:
    """Return a table with the values that its file's path tells, as columns at its end.

    Parameters
    ----------
    table : pyarrow.Table
        What stands in the file; a column of it is not replaced by one that the path tells.
    name : str
        The path of its file.
    whole : frozenset of str
        Which of them are int64; the others are text.
    """
    for key, value in partition_of(name).items():
        if key not in table.column_names:
            cell = pa.scalar(value, pa.string()).cast(pa.int64() if key in whole else pa.string())
            table = table.append_column(key, pa.repeat(cell, table.num_rows))
    return table
