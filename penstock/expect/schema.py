"""The JSON Schema of a contract as people write it; the reader in `penstock.expect.written` accepts the same."""

from __future__ import annotations

from typing import Any

from penstock.expect.spans import Unit, pattern_of

LAST = r"^\s*(?P<span>.+?)\s*[x*]\s*last\s*$"
NEWEST = r"^\s*(?:newest(?:\s*\(\s*(?P<column>[^)]+?)\s*\))?\s*)?(?P<span>[<>].*|.*\.\..*)$"
_TEXT = {"type": "string", "minLength": 1}
_SCALAR = {"type": ["string", "number", "boolean"]}
_SEVERITY = {"enum": ["error", "warn"], "default": "error"}


def written_schema() -> dict[str, Any]:
    """Return the JSON Schema of the `expect` key."""
    top = _table()
    top["properties"] |= {"tables": _off({"type": "object", "additionalProperties": _table()})}
    top["description"] = "What the tables must be like before anything is learned from them."
    return top | {"default": {}}


def _table() -> dict[str, Any]:
    names = {"type": "array", "items": _TEXT, "minItems": 1}
    together = _long("columns", names)
    check = (_TEXT, _long("check", _TEXT))
    key = _foreign_key()
    properties = {
        "rows": _off(_rows(), _long("span", _rows())),
        "freshness": _off(_newest(), _freshness()),
        "unique": _off(_TEXT, {"type": "array", "items": {"anyOf": [_TEXT, names, together]}}, together),
        "columns": _nullable({"type": "object", "additionalProperties": _nullable(_column())}),
        "checks": _off(*check, {"type": "array", "items": {"anyOf": list(check)}}),
        "foreign_keys": _off(key, {"type": "array", "items": key}),
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _column() -> dict[str, Any]:
    flag = {"anyOf": [{"type": ["boolean", "null"]}, _closed({"severity": _SEVERITY})]}
    span = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": _either("number", "moment")}]}
    share = {"type": "string", "pattern": pattern_of("share")}
    values = (_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1})
    return _closed(
        {
            "not_null": flag,
            "unique": flag,
            "range": _off(span, _long("span", span)),
            "values": _off(*values, _long("allowed", {"anyOf": list(values)})),
            "pattern": _off(_TEXT, _long("matches", _TEXT)),
            "missing": _off(share, _long("share", share)),
            "severity": _SEVERITY,
        }
    )


def _rows() -> dict[str, Any]:
    alone = pattern_of("number")
    last = alone.removesuffix("$") + r"[x*]\s*last\s*$"
    return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"(?:{alone})|(?:{last})"}]}


def _newest() -> dict[str, Any]:
    inner = pattern_of("duration").removeprefix("^").removesuffix("$")
    return {"type": "string", "pattern": rf"^\s*(?:newest(?:\s*\([^)]+\))?\s*)?{inner}$"}


def _freshness() -> dict[str, Any]:
    closed = _closed({"column": _TEXT, "newest": _newest(), "severity": _SEVERITY})
    return closed | {"required": ["newest"]}


def _foreign_key() -> dict[str, Any]:
    names = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
    share = {"type": "string", "pattern": pattern_of("share")}
    properties = dict.fromkeys(("column", "columns", "key", "keys"), names)
    closed = _closed(properties | {"table": _TEXT, "orphans": share, "severity": _SEVERITY})
    return closed | {"required": ["table"], "anyOf": [{"required": ["column"]}, {"required": ["columns"]}]}


def _long(key: str, value: dict[str, Any]) -> dict[str, Any]:
    return _closed({key: value, "severity": _SEVERITY}) | {"required": [key]}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _off(*forms: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that false or null turns off."""
    return {"anyOf": [*forms, {"type": "null"}, {"const": False}]}


def _nullable(form: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [form, {"type": "null"}]}


def _either(*units: Unit) -> str:
    return "|".join(f"(?:{pattern_of(unit)})" for unit in units)
