"""`penstock steps`: every kind of step there is, and what one of them can be told."""

from __future__ import annotations

import inspect
from typing import Any

from rich.markup import escape

from deploy.commands.console import out
from penstock.errors import SpecError
from penstock.spec.reading import write_yaml
from penstock.steps.base import StepBase
from penstock.steps.union import STEPS, nature_of, table_of_steps
from penstock.table import closest

NATURES = {
    "cell": "looks at one row and learns nothing",
    "learned": "learns from training rows, then looks at one row",
    "row": "names rows not to learn from; drops no held-out row",
}
# What every step has, and nobody writes by hand.
_UNTOLD = ("kind", "why")


def steps(kind: str | None) -> int:
    """List the kinds of step, or tell all about one.

    Raises
    ------
    SpecError
        There is no such kind.
    """
    if kind is None:
        return _list()
    known = {str(step.model_fields["kind"].default): step for step in STEPS}
    if kind not in known:
        raise SpecError(f"There is no step {kind!r}", expected=closest(kind, sorted(known)))
    _tell(kind, known[kind])
    return 0


def _list() -> int:
    console = out()
    rows = table_of_steps()
    widest = max(len(kind) for kind, _, _ in rows)
    for kind, nature, sentence in rows:
        console.print(f"{kind:<{widest}}  {nature:<7}  {escape(sentence)}")
    console.print()
    for nature, words in NATURES.items():
        console.print(f"{nature}: {words}")
    console.print("\nSettings of one, with an example: penstock steps KIND")
    return 0


def _tell(kind: str, step: type[StepBase]) -> None:
    console = out()
    console.print(f"[bold]{kind}[/], a {nature_of(step)} step: {NATURES[nature_of(step)]}\n")
    console.print(escape(_described(step)))
    console.print()
    settings = _settings(step)
    if settings:
        console.print("Settings:")
        for name, (written, default) in settings.items():
            console.print(f"  {name}: {escape(written)}; {escape(default)}")
    else:
        console.print("It has no settings.")
    console.print("\nIn a spec:\n")
    console.print(escape(write_yaml({"steps": [example_of(kind, step)]}).rstrip()))


def _described(step: type[StepBase]) -> str:
    """Return the docstring up to its examples."""
    text = inspect.cleandoc(step.__doc__ or "")
    for title in ("Examples\n---", "References\n---"):
        text = text.split(f"\n{title}")[0]
    return text.strip()


def _settings(step: type[StepBase]) -> dict[str, tuple[str, str]]:
    schema = step.model_json_schema()
    shown = {}
    for name, field in step.model_fields.items():
        if name in _UNTOLD:
            continue
        default = "needed" if field.is_required() else "by default " + _default(field.get_default(call_default_factory=True))
        shown[name] = (_written(schema["properties"][field.alias or name], schema), default)
    return shown


def _default(value: object) -> str:
    if value is None:
        return "whatever suits"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(part: dict[str, Any], whole: dict[str, Any]) -> str:
    """Return a part of a JSON schema in words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        found = whole["$defs"][name]
        if "properties" in found:
            return f"{{{', '.join(found['properties'])}}}"
        return _written(found, whole)
    if "enum" in part:
        return " | ".join(map(str, part["enum"]))
    if "const" in part:
        return str(part["const"])
    for key in ("anyOf", "oneOf"):
        if key in part:
            return " | ".join(dict.fromkeys(_written(p, whole) for p in part[key] if p.get("type") != "null"))
    if part.get("type") == "array":
        return f"list of {_written(part['items'], whole)}" if "items" in part else "list"
    if part.get("type") == "object":
        values = part.get("additionalProperties")
        return f"mapping to {_written(values, whole)}" if isinstance(values, dict) else "mapping"
    return str(part.get("type", "any")) + _limits(part)


def _limits(part: dict[str, Any]) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    told = [f"{sign} {part[key]:g}" for key, sign in signs.items() if key in part]
    return f" {' and '.join(told)}" if told else ""


def example_of(kind: str, step: type[StepBase]) -> dict[str, Any]:
    """Return a step as a spec has it: its kind, what it needs, and its defaults where they say something."""
    example: dict[str, Any] = {"kind": kind}
    schema = step.model_json_schema()
    for name, field in step.model_fields.items():
        if name in _UNTOLD:
            continue
        if field.is_required():
            example[name] = _sample(schema["properties"][field.alias or name], schema)
        elif (default := field.get_default(call_default_factory=True)) not in (None, (), [], {}, "", False):
            example[name] = list(default) if isinstance(default, tuple) else default
    if "columns" in step.model_fields and "columns" not in example:
        example["columns"] = ["COLUMN"]
    return example


def _sample(part: dict[str, Any], whole: dict[str, Any]) -> Any:
    """Return something that a setting may be, in its shape at least."""
    if "$ref" in part:
        return _sample(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    if "enum" in part:
        return part["enum"][0]
    if "const" in part:
        return part["const"]
    for key in ("anyOf", "oneOf"):
        if key in part:
            return _sample(next(p for p in part[key] if p.get("type") != "null"), whole)
    if part.get("type") == "array":
        return [_sample(part.get("items", {}), whole)]
    if part.get("type") == "object":
        if "properties" in part:
            return {name: _sample(p, whole) for name, p in list(part["properties"].items())[:2]}
        return {"COLUMN": _sample(part.get("additionalProperties") or {}, whole)}
    samples = {"number": 0, "integer": 1, "boolean": True}
    return samples.get(str(part.get("type")), "COLUMN")
