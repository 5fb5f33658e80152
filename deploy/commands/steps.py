"""`penstock steps`: every kind of step there is, and what one of them can be told."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
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
        default = (
            "needed" if field.is_required() else "by default " + _default(field.get_default(call_default_factory=True))
        )
        own = name_in_spec(name, field)
        if not _alternatives(schema["properties"][own], schema):
            # Nothing but none: a step that names its columns by other settings.
            continue
        shown[own] = (_written(schema["properties"][own], schema), default)
    return shown


def name_in_spec(name: str, field: FieldInfo) -> str:
    """Return what a spec calls a setting: `from` is no name that Python lets a field have."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else field.alias or name


def _default(value: object) -> str:
    if value is None:
        return "whatever suits"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _alternatives(part: dict[str, Any], whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a part of a JSON schema may be, its references followed; null is left out."""
    if "$ref" in part:
        return _alternatives(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    choices = part.get("anyOf") or part.get("oneOf")
    if choices:
        return [one for choice in choices for one in _alternatives(choice, whole)]
    return [] if part.get("type") == "null" else [part]


def _written(part: dict[str, Any], whole: dict[str, Any]) -> str:
    """Return a part of a JSON schema in words."""
    return " | ".join(dict.fromkeys(_one_written(one, whole) for one in _alternatives(part, whole)))


def _one_written(part: dict[str, Any], whole: dict[str, Any]) -> str:
    if "enum" in part or "const" in part:
        return " | ".join(map(str, part.get("enum") or [part.get("const")]))
    if "properties" in part:
        return f"{{{', '.join(part['properties'])}}}"
    inner = part.get("items") or part.get("additionalProperties")
    told = f" of {_written(inner, whole)}" if isinstance(inner, dict) else ""
    kinds = {"array": "list", "object": "mapping", "string": "text"}
    kind = str(part.get("type", "anything"))
    return f"{kinds.get(kind, kind)}{told}{_limits(part)}"


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
            own = name_in_spec(name, field)
            example[own] = _sample(schema["properties"][own], schema)
        elif (default := field.get_default(call_default_factory=True)) not in (None, (), [], {}, "", False):
            example[name] = list(default) if isinstance(default, tuple) else default
    if (
        "columns" in schema["properties"]
        and "columns" not in example
        and _alternatives(schema["properties"]["columns"], schema)
    ):
        example["columns"] = ["COLUMN"]
    return example


def _sample(part: dict[str, Any], whole: dict[str, Any]) -> Any:
    """Return something that a setting may be, in its shape at least."""
    one = next(iter(_alternatives(part, whole)), {})
    if "enum" in one or "const" in one:
        return (one.get("enum") or [one.get("const")])[0]
    if one.get("type") == "array":
        return [_sample(one.get("items", {}), whole)]
    if "properties" in one:
        return {name: _sample(inner, whole) for name, inner in list(one["properties"].items())[:2]}
    if one.get("type") == "object":
        return {"COLUMN": _sample(one.get("additionalProperties") or {}, whole)}
    return {"number": 0, "integer": 1, "boolean": True}.get(str(one.get("type")), "COLUMN")
