"""What an expression's parts are while it is computed: a column of numbers, texts, moments or spans, or one constant.

A truth value is a number: 1, 0, or NaN where it cannot be known. A span is timedelta64[us]; wherever a number is wanted
it counts days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from penstock.blocks import Texts

# An array, texts or one constant: `penstock.expressions.sorts` settles which, beyond what annotations can tell.
Value: TypeAlias = Any
DAY = np.timedelta64(1, "D")
NO_MOMENT = np.datetime64("NaT", "us")


def is_text(value: Value) -> bool:
    """Whether a value is text."""
    return isinstance(value, Texts | str)


def is_moment(value: Any) -> bool:
    """Whether a value is a date or time."""
    return isinstance(value, np.ndarray | np.datetime64) and value.dtype.kind == "M"


def is_span(value: Any) -> bool:
    """Whether a value is what lies between two moments."""
    return isinstance(value, np.ndarray | np.timedelta64) and value.dtype.kind == "m"


def numbers(value: Value) -> Value:
    """Return numbers as they are, spans as days, nothing as NaN."""
    if value is None:
        return np.nan
    return value / DAY if is_span(value) else value


def missing(value: Value) -> Any:
    """Return where a value is missing: a bool array, or one bool for a constant."""
    if value is None or isinstance(value, str):
        return value is None
    if isinstance(value, Texts):
        return value.codes < 0
    return np.isnat(value) if is_moment(value) or is_span(value) else np.isnan(value)


def finite(values: Any) -> Any:
    """Return numbers with NaN for what is infinite: divided by nothing, or too large to be told."""
    return np.where(np.isfinite(values), values, np.nan)


def text_of(function: Callable[..., str], *values: Value) -> Value:
    """Return a text made of texts, computed once for each that differs; missing where one of them is."""
    if any(value is None for value in values):
        return None
    codes, distinct = _distinct(values)
    if codes is None:
        return function(*values)
    seen: dict[str, int] = {}
    table = [seen.setdefault(function(*each), len(seen)) for each in distinct]
    return Texts(np.array([*table, -1], dtype=np.intp)[codes], tuple(seen))


def number_of(function: Callable[..., float], *values: Value) -> Value:
    """Return a number made of texts, computed once for each that differs; missing where one of them is."""
    if any(value is None for value in values):
        return np.nan
    codes, distinct = _distinct(values)
    if codes is None:
        return float(function(*values))
    return np.array([*(float(function(*each)) for each in distinct), np.nan])[codes]


def _distinct(values: Sequence[Any]) -> tuple[Any, list[tuple[str, ...]]]:
    """Return codes into the distinct tuples of some texts, -1 where one is missing; None where all are constants."""
    columns = [value for value in values if isinstance(value, Texts)]
    if not columns:
        return None, []
    if len(columns) == 1:
        codes = columns[0].codes
        own = [tuple(level if isinstance(v, Texts) else v for v in values) for level in columns[0].levels]
        return codes, own
    gone = reduce(np.logical_or, (column.codes < 0 for column in columns))
    mixed = np.zeros(len(gone), dtype=np.int64)
    for column in columns:
        # Renumbered after each, so that no product of many counts of levels can overflow.
        mixed = pd.factorize(mixed * (len(column.levels) + 1) + column.codes + 1)[0].astype(np.int64)
    mixed[gone] = -1
    codes, kept = pd.factorize(np.where(gone, -1, mixed))
    first = np.zeros(len(kept), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    table = [
        tuple(v.levels[v.codes[i]] if isinstance(v, Texts) else v for v in values) if k >= 0 else None
        for i, k in zip(first.tolist(), kept.tolist(), strict=True)
    ]
    renumbered = np.cumsum([each is not None for each in table]) - 1
    at = np.where(kept >= 0, renumbered, -1)
    return at[codes], [each for each in table if each is not None]


def chosen(masks: Sequence[Any], values: Sequence[Value]) -> Value:
    """Return, row by row, the value of the first mask that is true, missing where none is.

    Parameters
    ----------
    masks : sequence of numpy.ndarray or bool
        Where each value is to be taken, unless an earlier one is.
    values : sequence of Value
        All texts, all moments, or all numbers and spans; None is missing.
    """
    n_rows = _length([*masks, *values])
    if n_rows is None:
        return next((value for mask, value in zip(masks, values, strict=True) if mask), None)
    wide = [np.broadcast_to(mask, (n_rows,)) for mask in masks]
    if any(is_text(value) for value in values):
        return _chosen_texts(wide, values, n_rows)
    if any(is_moment(value) for value in values):
        made = np.full(n_rows, NO_MOMENT)
        for mask, value in zip(reversed(wide), reversed(values), strict=True):
            made = np.where(mask, NO_MOMENT if value is None else value, made)
        return made
    found = np.full(n_rows, np.nan)
    for mask, value in zip(reversed(wide), reversed(values), strict=True):
        found = np.where(mask, numbers(value), found)
    return found


def _length(values: Sequence[Any]) -> int | None:
    """Return how many rows there are, or None where all values are constants."""
    for value in values:
        if isinstance(value, Texts):
            return len(value.codes)
        if isinstance(value, np.ndarray) and value.ndim:
            return len(value)
    return None


def _chosen_texts(masks: Sequence[np.ndarray], values: Sequence[Value], n_rows: int) -> Texts:
    seen: dict[str, int] = {}
    codes = np.full(n_rows, -1, dtype=np.intp)
    for mask, value in zip(reversed(masks), reversed(values), strict=True):
        levels = value.levels if isinstance(value, Texts) else (value,) if isinstance(value, str) else ()
        table = np.array([*(seen.setdefault(level, len(seen)) for level in levels), -1], dtype=np.intp)
        own = table[value.codes] if isinstance(value, Texts) else table[0]
        codes = np.where(mask, own, codes)
    return Texts(codes, tuple(seen))


def broadcast(value: Any, n_rows: int) -> np.ndarray | Texts:
    """Return a column of n_rows values: float64, datetime64[us] or texts; spans become days."""
    if isinstance(value, Texts):
        return value
    if isinstance(value, str):
        return Texts(np.zeros(n_rows, dtype=np.intp), (value,))
    if is_moment(value):
        return np.array(np.broadcast_to(value, (n_rows,)), dtype="datetime64[us]")
    return np.array(np.broadcast_to(numbers(value), (n_rows,)), dtype=np.float64)
