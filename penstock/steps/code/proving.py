"""A user's function put to the proof when the plan is checked: a batch must be its rows taken one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from penstock.blocks import Texts
from penstock.errors import DataError, PlanError
from penstock.steps.code.calling import FORM_OF, KIND_OF, Columns, called, form_of
from penstock.steps.code.loading import Entry
from penstock.table import Kind

N_ROWS = 48
_TEXT: Any = pd.StringDtype(na_value=np.nan)
_NUMBERS = np.array([0.0, 1.0, -1.0, 0.1, 2.5, 7.0, 42.0, 1e-9, -3.75, 1e6, 123456.789, 1e12])
_WHOLE = np.array([0.0, 1.0, 2.0, 3.0, 7.0, 12.0, 40.0, 99.0, -1.0, 365.0, 2026.0, 100000.0])
_TEXTS = ("a", "B", "New York", "new york ", "10", "3.5", "x-1", "", "Ünïcode ✓", "long " * 12, "a b c", "2026-01-31")
_FIRST_DAY, _LAST_DAY = -25_000, 25_000


def made_up(kinds: Mapping[str, Kind], n_rows: int = N_ROWS, seed: int = 0) -> pd.DataFrame:
    """Return rows of all sorts for columns of the given kinds, a fifth of the cells missing.

    Examples
    --------
    >>> made_up({"age": "integer", "city": "category"}, n_rows=5).shape
    (5, 2)
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        gone = rng.random(n_rows) < 0.2
        form = FORM_OF[kind]
        if form == "text":
            picked = rng.integers(len(_TEXTS), size=n_rows)
            values = [None if g else _TEXTS[i] for i, g in zip(picked, gone, strict=True)]
            columns[name] = pd.array(values, dtype=_TEXT)
        elif form == "moment":
            days = rng.integers(_FIRST_DAY, _LAST_DAY, size=n_rows).astype("datetime64[D]")
            moments = days.astype("datetime64[us]") + rng.integers(86_400, size=n_rows).astype("timedelta64[s]")
            columns[name] = np.where(gone, np.datetime64("NaT", "us"), moments)
        else:
            pool = np.array([0.0, 1.0]) if kind == "boolean" else _WHOLE if kind == "integer" else _NUMBERS
            columns[name] = np.where(gone, np.nan, rng.choice(pool, size=n_rows))
    return pd.DataFrame(columns, index=pd.RangeIndex(n_rows))


def proven(
    function: Callable[[pd.DataFrame], Any], entry: Entry, kinds: Mapping[str, Kind], gives: Mapping[str, Kind]
) -> dict[str, Kind]:
    """Return the columns that a function gives, once it has shown that it works within one row.

    Parameters
    ----------
    function : callable
        Takes a frame, and gives a column or a frame of as many rows.
    entry : Entry
        Its name.
    kinds : mapping of str to kind
        What it is given.
    gives : mapping of str to kind
        What it is said to give; where nothing is said, what it does give tells.

    Raises
    ------
    PlanError
        It fails, changes what it is given, is not the same twice, or gives a row another value beside other rows.
    """
    frame = made_up(kinds)
    kept = frame.copy(deep=True)
    whole = _tried(function, frame, entry)
    if not frame.equals(kept):
        raise PlanError(f"The function {entry} changes the frame that it is given", todo="Let it work on a copy.")
    for row in range(len(frame)):
        alone = _tried(function, frame.iloc[[row]].reset_index(drop=True), entry)
        _compare(whole, alone, row, entry, "beside other rows", "alone")
    again = _tried(function, frame, entry)
    for row in range(len(frame)):
        _compare(again, _row_of(whole, row), row, entry, "the second time", "the first time")
    found = {name: KIND_OF[form_of(column)] for name, column in whole.items()}
    if gives and list(gives) != list(found):
        raise PlanError(
            f"The function {entry} does not give the columns that `gives` names",
            got=", ".join(found),
            expected=", ".join(gives),
        )
    return dict(gives) or found


def _tried(function: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, entry: Entry) -> Columns:
    try:
        return called(function, frame, entry)
    except DataError as error:
        # The rows are made up: their values, and so the function's own message, may be told.
        cause = error.__cause__
        got = f"{type(cause).__name__}: {cause}" if cause is not None else error.got
        raise PlanError(
            error.what,
            where=f"{error.where}, of rows made up to try it" if error.where else "rows made up to try it",
            got=got,
            expected=error.expected or "a value, or a missing one, for whatever a row may hold",
        ) from error


def _compare(whole: Columns, alone: Columns, row: int, entry: Entry, here: str, there: str) -> None:
    for name, column in whole.items():
        if name not in alone:
            raise PlanError(
                f"The function {entry} gives other columns for one row than for many",
                got=", ".join(alone),
                expected=", ".join(whole),
            )
        many, one = _value(column, row), _value(alone[name], 0)
        if not (many == one or (_gone(many) and _gone(one))):
            raise PlanError(
                f"The function {entry} gives a row one value {here} and another {there}",
                where=f"row {row} of rows made up to try it, column {name!r}",
                got=f"{_told(many)} {here}",
                expected=f"{_told(one)}, as {there}",
                todo="Let it look at nothing but the row itself; what has to be learned from training rows is learned "
                "by a class with `fit` and `transform`.",
            )


def _row_of(columns: Columns, row: int) -> Columns:
    return {
        name: Texts(column.codes[[row]], column.levels) if isinstance(column, Texts) else column[[row]]
        for name, column in columns.items()
    }


def _value(column: np.ndarray | Texts, row: int) -> Any:
    if isinstance(column, Texts):
        code = int(column.codes[row])
        return None if code < 0 else column.levels[code]
    return column[row]


def _gone(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _told(value: Any) -> str:
    return "nothing" if _gone(value) else repr(value.item() if isinstance(value, np.generic) else value)
