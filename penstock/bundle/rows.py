"""Rows in whatever shape a caller has them, as raw columns of one length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penstock.errors import RequestError

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Given:
    """Raw columns by name, each of `n_rows` values.

    `lacking` are the rows that did not name a column which other rows did.
    """

    columns: dict[str, Any]  # Arrow arrays, sequences of anything
    n_rows: int
    lacking: dict[str, Rows]


def as_columns(raw: object) -> Given:
    """Take rows as columns.

    Parameters
    ----------
    raw : pyarrow.Table, pandas.DataFrame, mapping of str to sequence, or sequence of mappings
        A table, a frame, columns by name, or rows by name.

    Raises
    ------
    RequestError
        Two columns have one name, columns differ in length, or it is none of these shapes.

    Examples
    --------
    >>> as_columns([{"age": 41}, {"age": 7, "city": "Oslo"}]).columns
    {'age': [41, 7], 'city': [None, 'Oslo']}
    """
    if isinstance(raw, pa.Table):
        _refuse_twins(raw.column_names)
        return Given(dict(zip(raw.column_names, raw.columns, strict=True)), raw.num_rows, {})
    if isinstance(raw, Mapping):
        return _from_columns(raw)
    if isinstance(raw, Sequence) and not isinstance(raw, str | bytes):
        return _from_rows(raw)
    return _from_frame(raw)


def _from_columns(raw: Mapping[Any, Any]) -> Given:
    columns = {str(name): _sequence(str(name), values) for name, values in raw.items()}
    _refuse_twins([str(name) for name in raw])
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise RequestError("The columns differ in length", got=", ".join(str(n) for n in sorted(lengths)[:8]))
    return Given(columns, lengths.pop() if lengths else 0, {})


def _sequence(name: str, values: Any) -> Any:
    if isinstance(values, np.ndarray) or (type(values).__module__.startswith("pandas.") and hasattr(values, "tolist")):
        return _from_numpy(values)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return values
    raise RequestError(
        f"Column {name[:64]!r} is not a sequence of values",
        expected="columns of one length; a single row goes into a list: [row]",
    )


def _from_numpy(values: Any) -> Any:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Mixed types have no Arrow column; they are read cell by cell.
        return values.tolist()


def _from_rows(raw: Sequence[Any]) -> Given:
    if len(raw) == 1 and isinstance(raw[0], Mapping):
        return Given({str(name): [value] for name, value in raw[0].items()}, 1, {})
    wrong = next((i for i, row in enumerate(raw) if type(row) is not dict and not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise RequestError(f"Row {wrong} is not a mapping", expected="rows of column name and value")
    names = raw[0].keys() if raw else ()
    if names and all(row.keys() == names for row in raw):
        return Given({str(name): [row[name] for row in raw] for name in names}, len(raw), {})
    counts = Counter(name for row in raw for name in row)
    columns = {str(name): [row.get(name) for row in raw] for name in counts}
    lacking = {
        str(name): np.array([i for i, row in enumerate(raw) if name not in row], dtype=np.int64)
        for name, n in counts.items()
        if n < len(raw)
    }
    return Given(columns, len(raw), lacking)


def _from_frame(raw: Any) -> Given:
    import pandas as pd

    if not isinstance(raw, pd.DataFrame):
        raise RequestError(
            "Rows of this shape are not understood",
            got=type(raw).__name__,
            expected="a table, a frame, a mapping of columns, or a list of rows",
        )
    names = [str(c) for c in raw.columns]
    _refuse_twins(names)
    return Given({name: _from_numpy(raw.iloc[:, i]) for i, name in enumerate(names)}, len(raw), {})


def _refuse_twins(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twin = next(name for name, n in Counter(names).items() if n > 1)
        raise RequestError(f"Two columns are named {twin[:64]!r}", todo="Rename or leave out one of them.")
