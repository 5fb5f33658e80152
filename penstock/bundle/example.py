"""A row to try a model with: medians and most frequent levels, nobody's record."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from penstock.cells import time_text
from penstock.table import Column, TableSchema

if TYPE_CHECKING:
    from penstock.arrays.profile import Numbers, Profile

Value = str | int | float | bool | None


def schema_example(schema: TableSchema, profile: Profile, keys: Collection[str] = ()) -> dict[str, Value]:
    """Return a synthetic row of the fields that a caller sends, typed for JSON.

    Parameters
    ----------
    schema : TableSchema
        The model's columns.
    profile : Profile
        What its training rows held.
    keys : collection of str
        Columns by which something is looked up: those that are no features are among the fields, and None, since an
        identifier is somebody's.

    Returns
    -------
    dict
        Numbers at their median, booleans and categories at their most frequent value, dates and times at the latest
        seen; None where nothing is known, or where a value of a private column would be shown.
    """
    features = {c.name for c in schema.columns if c.role in ("feature", "time", "clock", "group")}
    sent = [c for c in schema.columns if c.serve == "request" and c.role != "target"]
    return {
        c.name: _value(c, profile) if c.name in features else None for c in sent if c.name in features or c.name in keys
    }


def _value(column: Column, profile: Profile) -> Value:
    seen = profile.column(column.name)
    if seen is None or not seen.n:
        return None
    if column.is_numeric:
        return _number(column, seen.numbers)
    if column.private:
        return None
    if column.kind == "datetime":
        return seen.latest
    return seen.levels[0].value if seen.levels else None


def _number(column: Column, seen: Numbers | None) -> Value:
    median = seen.quantiles[len(seen.quantiles) // 2] if seen is not None and seen.quantiles else None
    if seen is None or median is None or seen.low is None or seen.high is None:
        return None
    if column.kind == "boolean":
        return median >= 0.5
    if column.kind == "integer":
        return round(median)
    if column.kind == "time":
        return time_text(median)
    # Six digits read well; at the ends of the range rounding must not step outside.
    return min(max(float(f"{median:.6g}"), seen.low), seen.high)
