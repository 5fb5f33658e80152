"""The OpenAPI document regrouped for a page: operations by tag, each with fields, an example and its answers."""

from __future__ import annotations

import json
from typing import Any

_TITLES = {"service": "The service", "models": "Models", "predict": "Any model", "admin": "Moving models"}


def groups_of(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the document's operations by tag: those of each model first, the service's own last."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in doc["paths"].items():
        for method, operation in item.items():
            tag = (operation.get("tags") or ["service"])[0]
            found.setdefault(tag, []).append(_operation(doc, path, method, operation))
    own = [tag for tag in found if tag not in _TITLES]
    return [
        {"title": _TITLES.get(tag, f"Model {tag}"), "operations": found[tag]}
        for tag in (*own, *_TITLES)
        if tag in found
    ]


def _operation(doc: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    told = content.get("application/json", {})
    schema = _resolved(doc, told.get("schema", {}))
    example = told.get("example")
    return {
        "path": path,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "media": list(content),
        "fields": _fields(schema) if "rows" not in schema.get("properties", {}) else [],
        "example": json.dumps(example, indent=2, ensure_ascii=False) if example else "",
        "responses": [
            {"status": status, "description": answer.get("description", "")}
            for status, answer in operation.get("responses", {}).items()
        ],
        "open": path.endswith("/predict") and "{" not in path and path != "/predict",
    }


def _resolved(doc: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref")
    return doc["components"]["schemas"][ref.rsplit("/", 1)[-1]] if ref else schema


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    needed = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in needed,
            "allowed": _allowed(field),
            "observed": told_observed(field.get("x-observed", {})),
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    kind = field.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _allowed(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join("null" if v is None else str(v) for v in field["enum"])
    low, high = field.get("minimum"), field.get("maximum")
    parts = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    return ", ".join(p for p in parts if p)


def told_observed(seen: dict[str, Any]) -> str:
    """Return what was seen of a column, in a few words.

    Examples
    --------
    >>> told_observed({"minimum": 0.0, "maximum": 72.0})
    '0 to 72'
    """
    if "levels" in seen:
        shown = [str(level) for level in seen["levels"][:8]]
        more = int(seen.get("n_levels", len(seen["levels"]))) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    if "minimum" in seen:
        return f"{_short(seen['minimum'])} to {_short(seen['maximum'])}"
    return ""


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
