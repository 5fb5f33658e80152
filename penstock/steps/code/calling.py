"""A user's function called on blocks: what it is given, what it may give back, and how its failures are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts
from penstock.errors import DataError
from penstock.steps.code.loading import Entry, line_in
from penstock.table import Kind

Form = Literal["number", "text", "moment"]
FORM_OF: dict[Kind, Form] = {
    "integer": "number",
    "float": "number",
    "boolean": "number",
    "time": "number",
    "category": "text",
    "text": "text",
    "datetime": "moment",
}
KIND_OF: dict[Form, Kind] = {"number": "float", "text": "category", "moment": "datetime"}
_TEXT: Any = pd.StringDtype(na_value=np.nan)

Columns = dict[str, np.ndarray | Texts]


def given_to(blocks: Blocks, names: Sequence[str]) -> pd.DataFrame:
    """Return the named columns as a frame of the function's own: float64, `str` and datetime64[us]."""
    columns: dict[str, Any] = {}
    for name in names:
        if name in blocks.texts:
            columns[name] = blocks.texts[name].array()
        elif name in blocks.moments:
            columns[name] = blocks.moments[name].copy()
        else:
            columns[name] = blocks.number(name).copy()
    return pd.DataFrame(columns, index=pd.RangeIndex(blocks.n_rows))


def called(function: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, entry: Entry) -> Columns:
    """Call a function on a frame and return what it gives as typed columns.

    Raises
    ------
    DataError
        It fails, with the first row at which it does; or what it gives is no column of as many rows. The message of
        its own exception is left out, since it may hold values.
    """
    try:
        result = function(frame.copy())
    except Exception as error:
        row, cause = _first_failing(function, frame, error)
        raise DataError(
            f"The function {entry} fails",
            where=f"line {line_in(cause, f'<{entry.module}>')} of {entry.module}"
            + (f", row {row}" if row >= 0 else ""),
            got=type(cause).__name__,
            todo="Let it give a missing value where it has none to give.",
        ) from cause
    return typed(result, entry, len(frame))


def _first_failing(
    function: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, error: Exception
) -> tuple[int, Exception]:
    for row in range(len(frame)):
        try:
            function(frame.iloc[[row]].reset_index(drop=True))
        except Exception as cause:
            return row, cause
    return -1, error


def typed(result: Any, entry: Entry, n_rows: int) -> Columns:
    """Return what a function gave as columns by name; a single one is called after the function.

    Raises
    ------
    DataError
        It has another number of rows, or holds something that no column can.
    """
    if isinstance(result, pd.DataFrame):
        named: Mapping[str, Any] = {str(name): result.iloc[:, i] for i, name in enumerate(result.columns)}
    elif isinstance(result, Mapping):
        named = {str(name): values for name, values in result.items()}
    else:
        named = {entry.name: result}
    if not named:
        raise DataError(f"The function {entry} gives no column")
    return {name: _column(values, name, entry, n_rows) for name, values in named.items()}


def _column(values: Any, name: str, entry: Entry, n_rows: int) -> np.ndarray | Texts:
    try:
        series = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"What the function {entry} gives is no column", where=f"column {name!r}") from error
    if np.ndim(values) != 1 or len(series) != n_rows:
        raise DataError(
            f"The function {entry} does not give one value a row",
            where=f"column {name!r}",
            got=f"shape {np.shape(values)} for {n_rows} rows",
            expected="a Series, an array or a list as long as the frame, or a frame of such columns",
        )
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        if getattr(series.dtype, "tz", None) is not None:
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return np.asarray(series.to_numpy().astype("datetime64[us]"))
    if pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype):
        numbers = np.array(series.to_numpy(dtype=np.float64, na_value=np.nan))
        # Nothing infinite reaches a model or an answer.
        return np.where(np.isfinite(numbers), numbers, np.nan)
    return _objects(series, name, entry)


def _objects(series: pd.Series, name: str, entry: Entry) -> np.ndarray | Texts:
    present = series[series.notna()]
    kinds = {type(value) for value in present.tolist()}
    if kinds and all(issubclass(kind, bool | int | float) for kind in kinds):
        return _column(series.astype("float64"), name, entry, len(series))
    if kinds <= {str} and (kinds or isinstance(series.dtype, pd.StringDtype | pd.CategoricalDtype)):
        return Texts.of(pd.array(series.where(series.notna(), None).tolist(), dtype=_TEXT))
    if not kinds:
        return np.full(len(series), np.nan)
    raise DataError(
        f"The function {entry} gives values that no column can hold",
        where=f"column {name!r}",
        got=", ".join(sorted(kind.__name__ for kind in kinds)[:4]),
        expected="numbers, booleans, texts or moments, of one kind",
    )


def form_of(column: np.ndarray | Texts) -> Form:
    """Return whether a column holds numbers, texts or moments."""
    if isinstance(column, Texts):
        return "text"
    return "moment" if column.dtype.kind == "M" else "number"


def merged(blocks: Blocks, columns: Columns, promised: Mapping[str, Kind], entry: Entry) -> Blocks:
    """Return blocks with the columns that a function gave, in place of those of the same name.

    Raises
    ------
    DataError
        They are not the columns that the function was promised to give.
    """
    if list(columns) != list(promised):
        raise DataError(
            f"The function {entry} gives other columns than it did when the plan was checked",
            got=", ".join(columns),
            expected=", ".join(promised),
            todo="Let it give the same columns whatever the rows are, or name them under `gives`.",
        )
    settled = {name: _as_promised(column, promised[name], name, entry) for name, column in columns.items()}
    return blocks.with_columns(settled)


def _as_promised(column: np.ndarray | Texts, kind: Kind, name: str, entry: Entry) -> np.ndarray | Texts:
    wanted, given = FORM_OF[kind], form_of(column)
    if wanted == given:
        return column
    if not isinstance(column, Texts) and given == "number" and np.isnan(column).all():
        # Of a column without a single value nobody can tell what it would hold.
        if wanted == "text":
            return Texts(np.full(len(column), -1, dtype=np.intp), ())
        return np.full(len(column), np.datetime64("NaT", "us"))
    raise DataError(
        f"The function {entry} gives a column of another kind than it did when the plan was checked",
        where=f"column {name!r}",
        got=given,
        expected=wanted,
        todo=f"Let it give the same kind whatever the rows are, or say which: gives: {{{name}: {kind}}}",
    )
