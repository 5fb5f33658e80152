"""The JSON Schema of one row of a model's requests, made from the schema that its training data had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from penstock.arrays.profile import Profile
from penstock.bundle.example import schema_example
from penstock.cells import epoch_of, time_text
from penstock.series.rule import HISTORY, SeriesRule
from penstock.table import Column, TableSchema, Target

_TYPES = {
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
    "category": "string",
    "text": "string",
    "datetime": "string",
    "time": "string",
}
MAX_LEVELS = 50
# Roles of columns that a row has no use for; what is known of the past only is sent as history.
_NOT_SENT = frozenset({"ignored", "known_after", "target", "past", "weight"})
TIME_PATTERN = r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?( ?[AaPp][Mm])?$"


_WORDS = {
    "integer": "Whole number",
    "float": "Number",
    "boolean": "True or false",
    "datetime": "Moment",
    "time": "Time of day",
}


def row_schema(
    name: str,
    schema: TableSchema,
    profile: Profile,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    keys: Mapping[str, str] | None = None,
    shown: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the schema of one flat row.

    Every column of the training table is typed. What is declared (a domain) stands as JSON Schema's own keywords,
    because a value outside is refused; what was merely observed stands under `x-observed`, because a value outside is
    answered, with a warning. The names that a field had before stand beside it, deprecated; a field that is needed may
    come under any of its names. `keys` names, by identifier, the look-ups that it finds its row in; `shown` is the
    example row, where it is not the schema's own.
    """
    sought = keys or {}
    asked = [c for c in schema.columns if c.role not in _NOT_SENT or c.name in sought]
    columns = [c for c in asked if c.table != HISTORY]
    known = {c.name: c for c in columns}
    olds = {old: known[new] for new, names in (aliases or {}).items() if new in known for old in names}
    renamed = [c.name for c in columns if required(c) and c in olds.values()]
    either = [
        {"anyOf": [{"required": [key]} for key in (new, *(old for old, c in olds.items() if c.name == new))]}
        for new in renamed
    ]
    made = {
        "type": "object",
        "title": f"A row for {name}",
        "properties": {c.name: column_schema(c, profile, sought.get(c.name, "")) for c in columns}
        | {old: _former(c, profile) for old, c in olds.items()}
        | _target(schema.target),
        "required": [c.name for c in columns if required(c) and c.name not in renamed],
        "additionalProperties": True,
        "example": dict(shown) if shown is not None else example(schema, profile, sought),
    }
    return made | ({"allOf": either} if either else {})


def history_schema(name: str, schema: TableSchema, profile: Profile, rule: SeriesRule) -> dict[str, Any]:
    """Return the schema of one row of a forecast's history: series, time, what came true, what is known by then."""
    made: dict[str, Any] = {}
    for column in (schema.column(n) for n in rule.columns):
        made[column.name] = column_schema(column, profile)
        if column.name == rule.target:
            made[column.name]["description"] = "The actual value; null where there is none."
    needed = [n for n in (rule.group, rule.time, rule.target) if n is not None]
    return {
        "type": "object",
        "title": f"A row of the history of {name}",
        "description": (
            f"An actual value, one every {rule.length(1)}. The last one of a series is where its forecast starts, and "
            f"{rule.length(rule.horizon)} after it is as far as it goes. Send the {rule.tail:,} steps before it, where "
            "the model does not know them."
        ),
        "properties": made,
        "required": needed,
        "additionalProperties": True,
    }


def _former(column: Column, profile: Profile) -> dict[str, Any]:
    told = f"The name that `{column.name}` had before; read as that, with the warning `renamed_field`."
    return column_schema(column, profile) | {"deprecated": True, "description": told}


def example(schema: TableSchema, profile: Profile, keys: Collection[str] = ()) -> dict[str, Any]:
    """Return the example row: medians and most frequent values, nobody's record."""
    return dict(schema_example(schema, profile, keys))


def required(column: Column) -> bool:
    """Whether a row without this column is refused."""
    return column.role in ("feature", "time", "group") and column.serve == "request" and not column.nullable


def column_schema(column: Column, profile: Profile, looks_up: str = "") -> dict[str, Any]:
    """Return the schema of one field; `looks_up` names the tables that it is a key of."""
    # What counts from 1970 may be sent as that number, or as a moment in words.
    kinds = [_TYPES[column.kind], *(["number"] if epoch_of(column) is not None else [])]
    kinds += ["null"] if column.nullable or column.role == "id" else []
    made: dict[str, Any] = {"type": kinds if len(kinds) > 1 else kinds[0]}
    if column.kind == "datetime":
        made["format"] = "date-time"
    if column.kind == "time" and not column.formats:
        made["pattern"] = TIME_PATTERN
    made["description"] = describe(column, looks_up)
    if column.unit:
        made["x-unit"] = column.unit
    made |= _domain(column)
    # The levels of a private column are the data of somebody.
    seen = {} if column.private or column.role == "id" else observed(column, profile)
    if seen:
        made["x-observed"] = seen
    return made


def observed(column: Column, profile: Profile) -> dict[str, Any]:
    """Return what training rows held: the range of numbers and moments, the most frequent levels of a category."""
    seen = profile.column(column.name)
    if seen is None or column.kind == "boolean":
        return {}
    if column.kind in ("category", "text"):
        levels = [level.value for level in seen.levels[:MAX_LEVELS]]
        return {"levels": levels, "n_levels": seen.n_levels} if levels else {}
    if column.kind == "datetime":
        return {"minimum": seen.earliest, "maximum": seen.latest} if seen.earliest is not None else {}
    between = profile.range(column.name)
    if between is None:
        return {}
    if column.kind == "time":
        return {"minimum": time_text(between[0]), "maximum": time_text(between[1])}
    low, high = (int(v) if column.kind == "integer" else v for v in between)
    return {"minimum": low, "maximum": high}


def describe(column: Column, looks_up: str = "") -> str:
    """Return a sentence on what the field is for."""
    found = f" Its row in {looks_up} is looked up." if looks_up else ""
    if column.role == "id":
        return f"Identifies the row.{found}" if found else "Identifies the row; accepted and ignored."
    words = [_WORDS.get(column.kind, "Text")]
    if column.unit:
        words.append(f"in {column.unit}")
    text = " ".join(words) + "."
    if column.kind == "boolean" and column.true_words:
        text += f" The words {', '.join((*column.true_words, *column.false_words))} are understood."
    if column.timezone:
        text += f" Without an offset it is taken as a time of {column.timezone}."
    if column.serve != "request":
        text += f" Looked up in the table {column.table!r} that the model carries, unless it is sent."
    elif column.nullable:
        text += " May be null or absent."
    return text + found


def _domain(column: Column) -> dict[str, Any]:
    domain = column.domain
    if domain is None or column.kind == "time":
        return {}
    made: dict[str, Any] = {}
    if domain.low is not None:
        made["minimum"] = domain.low
    if domain.high is not None:
        made["maximum"] = domain.high
    if domain.values is not None:
        made["enum"] = [*domain.values, None] if column.nullable else list(domain.values)
    return made


def _target(target: Target | None) -> dict[str, Any]:
    if target is None:
        return {}
    return {target.name: {"description": "What is predicted; accepted and ignored.", "x-role": "target"}}
