"""The try-it form: one input a request field, filled with the example."""

from __future__ import annotations

from typing import Any

from deploy.service.docs import told_observed
from deploy.service.rows import observed
from penstock.arrays.profile import Profile
from penstock.table import Column, TableSchema

# A longer list is no help in a form: the field then takes free text.
MAX_CHOICES = 40


def fields_of(schema: TableSchema, profile: Profile, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the form shows: name, kind of input, choices, value and hint of each field."""
    return [_field(column, profile, row.get(column.name)) for column in schema.columns if column.name in row]


def _field(column: Column, profile: Profile, value: object) -> dict[str, Any]:
    is_number = column.is_numeric and column.kind != "time"
    kind = "boolean" if column.kind == "boolean" else "number" if is_number else "text"
    seen = {} if column.private else observed(column, profile)
    hints = [
        f"in {column.unit}" if column.unit else "",
        f"seen: {told_observed(seen)}" if seen and "levels" not in seen else "",
        "may be missing" if column.nullable else "",
    ]
    return {
        "name": column.name,
        "input": kind,
        "choices": _choices(column, seen, value),
        "value": _text(value),
        "nullable": column.nullable,
        "hint": "; ".join(h for h in hints if h),
    }


def _choices(column: Column, seen: dict[str, Any], value: object) -> list[str]:
    if column.kind == "boolean":
        return ["true", "false"]
    levels = [str(level) for level in seen.get("levels", ())]
    if column.kind != "category" or not levels or int(seen.get("n_levels", len(levels))) > MAX_CHOICES:
        return []
    given = _text(value)
    return levels if given in levels or not given else [given, *levels]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
