"""The try-it form: one input a request field, filled with the example or with what was sent; read without trust."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from deploy.service.docs import told_observed
from deploy.service.problems import Problem
from deploy.service.rows import observed, required
from penstock.arrays.profile import Profile
from penstock.table import Column, TableSchema

FORM = "application/x-www-form-urlencoded"
# A longer list is no help in a form: the field then takes free text.
MAX_CHOICES = 40
# Of more fields these are shown at once; the others are folded, and all are sent.
MAX_SHOWN = 40
_whole = re.compile(r"[+-]?[0-9]{1,18}")
_number = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass
class Field:
    """One input: what it takes, what is in it, and what was said of that."""

    name: str
    kind: str
    value: str
    hint: str
    needed: bool
    nullable: bool
    choices: list[str]
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_remarked(self) -> bool:
        """Whether something was said of it."""
        return bool(self.errors or self.warnings)

    def typed(self) -> str | int | float | bool | None:
        """Return the value as a row of JSON has it; what is no number is left for the model to refuse."""
        text = self.value
        if text == "":
            return None
        if self.kind == "boolean" and text in ("true", "false"):
            return text == "true"
        if self.kind == "number":
            plain = text.strip()
            if _whole.fullmatch(plain):
                return int(plain)
            if _number.fullmatch(plain):
                return float(plain)
        return text


def fields_of(schema: TableSchema, profile: Profile, row: Mapping[str, Any]) -> list[Field]:
    """Return the form's fields with a row in them; those that a caller has to send come first where there are many."""
    found = [_field(column, profile, row.get(column.name)) for column in schema.columns if column.name in row]
    return found if len(found) <= MAX_SHOWN else sorted(found, key=lambda f: not f.needed)


def read_form(body: bytes, fields: Sequence[Field]) -> None:
    """Put what a form sent into its fields; a field that it lacks is empty, and one that is not ours is passed over.

    Raises
    ------
    Problem
        400 when it is no form.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=4 * len(fields) + 16)
    except ValueError:
        raise Problem(400, "not-a-form", "The body is not the form of this model's page") from None
    sent = dict(pairs)
    for one in fields:
        # A browser ends lines with both signs.
        one.value = sent.get(one.name, "").replace("\r\n", "\n")


def _field(column: Column, profile: Profile, value: object) -> Field:
    is_number = column.is_numeric and column.kind != "time"
    kind = "boolean" if column.kind == "boolean" else "number" if is_number else "text"
    # Levels of private columns and of identifiers are somebody's.
    seen = {} if column.private or column.role == "id" else observed(column, profile)
    hints = [
        f"in {column.unit}" if column.unit else "",
        f"seen: {told_observed(seen)}" if seen and "levels" not in seen else "",
        "may be missing" if column.nullable else "",
    ]
    return Field(
        name=column.name,
        kind=kind,
        value=_text(value),
        hint="; ".join(h for h in hints if h),
        needed=required(column),
        nullable=column.nullable,
        choices=_choices(column, seen, value),
    )


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
