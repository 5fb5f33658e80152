"""The OpenAPI document: the routes as the framework sees them, with each model's own typed request and answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deploy.service.body import ARROW, CSV, JSON, PARQUET
from deploy.service.holder import Held, Holder
from deploy.service.problems import MEDIA
from deploy.service.rows import history_schema, row_schema
from penstock import __version__
from penstock.bundle.bundle import Bundle
from penstock.table import Target

_DESCRIPTION = (
    "Predictions by the models that lie in the artifacts. Every answer names model and version; a value that was not "
    "seen in training is answered with a warning, and one that cannot be read is refused."
)
_PROBLEM = {
    "type": "object",
    "description": "An RFC 9457 problem. It names fields and rows, and never repeats a value.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "field": {"type": "string"},
                    "row": {"type": "integer", "minimum": 0},
                    "message": {"type": "string"},
                    "expected": {"type": "string"},
                },
            },
        },
    },
}
_WARNING = {
    "type": "object",
    "required": ["code", "field", "message"],
    "properties": {"code": {"type": "string"}, "field": {"type": "string"}, "message": {"type": "string"}},
}
_EXPLANATION = {
    "type": ["object", "null"],
    "description": "Why the answer is what it is: the base and all contributions sum to the score.",
    "required": ["score", "base", "contributions", "method", "reasons"],
    "properties": {
        "score": {"type": "number"},
        "label": {"type": "string"},
        "base": {"type": "number"},
        "contributions": {"type": "object", "additionalProperties": {"type": "number"}},
        "method": {"enum": ["exact", "sampled"]},
        "standard_error": {"type": "number", "minimum": 0},
        "threshold": {"type": "number"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
}
_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether each answer says what every column adds to it.",
    "schema": {"type": "boolean", "default": False},
}
_REFUSALS = {
    "400": "The body is not JSON, or names a field twice",
    "404": "There is no such model",
    "413": "The body is too long",
    "415": "The body is of another media type",
    "422": "The row does not fit: the problem names the fields",
    "503": "The model is not ready yet",
}
_TABLES = (CSV, PARQUET, ARROW)


def document(app: FastAPI, holder: Holder) -> dict[str, Any]:
    """Return the document for what is served at this moment."""
    doc = get_openapi(title="penstock", version=__version__, description=_DESCRIPTION, routes=app.routes)
    for path in doc["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _problem("A problem")
    schemas: dict[str, Any] = {"Problem": _PROBLEM, "Warning": _WARNING, "Explanation": _EXPLANATION}
    for name in holder.names():
        held = holder.get(name)
        if held is not None:
            _add_model(doc, schemas, name, held)
    _generic(doc, schemas, holder)
    doc["components"] = {"schemas": schemas}
    return doc


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA: {"schema": _ref("Problem")}}}


def _refusals() -> dict[str, Any]:
    return {status: _problem(text) for status, text in _REFUSALS.items()}


def _add_model(doc: dict[str, Any], schemas: dict[str, Any], name: str, held: Held) -> None:
    bundle = held.bundle
    row = bundle.example()
    aliases, keys = bundle.promises.aliases, bundle.keys
    schemas[f"{name}.row"] = row_schema(name, bundle.schema, bundle.profile, aliases, keys, shown=row)
    lookups = _lookups(bundle.lookup_versions)
    has_ends = bundle.interval_level is not None
    private = bundle.schema.shown_target != bundle.target
    one = _answer(bundle.target, name, lookups, has_ends=has_ends, private=private)
    one["properties"]["prediction"] |= _chosen(bundle, private=private)
    schemas[f"{name}.answer"] = one
    schemas[f"{name}.answered"] = _of_many(one, name)
    history = None
    if bundle.series is not None:
        history = f"{name}.history"
        schemas[history] = history_schema(name, bundle.schema, bundle.profile, bundle.series)
    doc["paths"][f"/models/{name}/predict"] = {
        "post": {
            "tags": [name],
            "summary": f"Predict one row with {name}",
            "operationId": f"predict_{name}",
            "parameters": [_EXPLAIN],
            "requestBody": _one(f"{name}.row", row, history),
            "responses": {"200": _good("The prediction", f"{name}.answer"), **_refusals()},
        }
    }
    doc["paths"][f"/models/{name}/predict/batch"] = {
        "post": {
            "tags": [name],
            "summary": f"Predict many rows with {name}",
            "operationId": f"predict_batch_{name}",
            "parameters": [_EXPLAIN],
            "requestBody": _many(f"{name}.row", row, history),
            "responses": {"200": _rows(f"{name}.answered", lookups), **_refusals()},
        }
    }


def _one(row: str, example: dict[str, Any], history: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = _ref(row)
    if history is not None:
        schema = {"allOf": [schema, {"type": "object", "properties": {"history": _array(history)}}]}
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}}}


def _array(of: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(of)}


def _many(row: str, example: dict[str, Any], history: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": _ref(row)}},
        "additionalProperties": False,
    }
    if history is not None:
        schema["properties"]["history"] = _array(history)
    binary = {media: {"schema": {"type": "string", "format": "binary"}} for media in _TABLES}
    return {"required": True, "content": {JSON: {"schema": schema, "example": {"rows": [example]}}, **binary}}


def _good(description: str, answer: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": _ref(answer)}}}


def _lookups(versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of the look-ups that an answer names, as a property; none where the model carries none."""
    if not versions:
        return {}
    return {
        "lookups": {
            "type": "object",
            "description": "The version of each table that was looked up in: its moment, and digits of its digest.",
            "properties": {table: {"type": "string"} for table in versions},
            "required": list(versions),
        }
    }


def _rows(answer: str, lookups: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["model", "version", "rows", *lookups],
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            **lookups,
            "rows": {"type": "array", "items": _ref(answer)},
        },
    }
    named = ("X-Model", "X-Model-Version", *(["X-Lookups"] if lookups else []))
    headers = {n: {"schema": {"type": "string"}} for n in named}
    binary = {media: {"schema": {"type": "string", "format": "binary"}} for media in _TABLES}
    return {
        "description": "One answer a row, in order, in the kind that was sent",
        "headers": headers,
        "content": {JSON: {"schema": schema}, **binary},
    }


def _answer(
    target: Target, name: str, lookups: dict[str, Any], *, has_ends: bool = False, private: bool = False
) -> dict[str, Any]:
    properties: dict[str, Any] = {"prediction": {"type": "number"}}
    required = ["prediction", "model", "version", "warnings", *lookups]
    if target.is_classification:
        typed = [target.typed(label) for label in target.labels]
        kinds = {"text": "string", "integer": "integer", "boolean": "boolean"}
        properties["prediction"] = {"type": kinds[target.label_type]} if private else {"enum": typed}
        share = {"type": "number", "minimum": 0, "maximum": 1}
        properties["probabilities"] = {
            "type": "object",
            "properties": dict.fromkeys(target.labels, share),
            "required": list(target.labels),
        }
        if private:
            # Only an answer tells the labels of a private target.
            n = len(target.labels)
            properties["probabilities"] = {
                "type": "object",
                "additionalProperties": share,
                "minProperties": n,
                "maxProperties": n,
            }
        required.append("probabilities")
    if has_ends:
        properties |= {"low": {"type": "number"}, "high": {"type": "number"}}
        required += ["low", "high"]
    properties |= {
        "model": {"const": name},
        "version": {"type": "string"},
        **lookups,
        "warnings": {"type": "array", "items": _ref("Warning")},
        "explanation": _ref("Explanation"),
    }
    return {"type": "object", "title": f"An answer of {name}", "required": required, "properties": properties}


def _chosen(bundle: Bundle, *, private: bool) -> dict[str, str]:
    """Return what the schema says of how a label is chosen, where it is not the likeliest one."""
    decision = bundle.aim.decision
    if decision is None:
        return {}
    if decision.ranks:
        return {"description": "The label whose rank is expected to be nearest to the true one"}
    if decision.threshold is None or private:
        return {"description": "The label with the least expected cost"}
    positive, other = bundle.target.labels[decision.positive], bundle.target.labels[1 - decision.positive]
    return {"description": f"{positive} where its probability is at least {decision.threshold:.6g}, else {other}"}


def _of_many(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of one row's answer among many: what holds for all of them is told once, beside them."""
    told_once = {"model", "version", "lookups"}
    properties = {field: schema for field, schema in answer["properties"].items() if field not in told_once}
    required = [field for field in answer["required"] if field not in told_once]
    return {**answer, "title": f"One answer of many of {name}", "required": required, "properties": properties}


def _generic(doc: dict[str, Any], schemas: dict[str, Any], holder: Holder) -> None:
    """Describe the addresses that take any model's rows."""
    default = holder.default()
    served = default is not None and f"{default}.row" in schemas
    schemas.setdefault("Row", {"type": "object", "description": "One flat row: a value for each column of the model."})
    row, answer = (f"{default}.row", f"{default}.answer") if served else ("Row", None)
    shown = schemas[row].get("example", {})
    reply = _good("The prediction", answer) if answer else {"description": "The prediction"}
    any_of = {"description": "The prediction", "content": {JSON: {"schema": {"type": "object"}}}}
    for path, body, good in (
        ("/predict", _one(row, shown), reply),
        ("/models/{name}/predict", _one("Row", {}), any_of),
        ("/models/{name}/predict/batch", _many("Row", {}), any_of),
        ("/models/{name}/versions/{version}/predict", _one("Row", {}), any_of),
        ("/models/{name}/versions/{version}/predict/batch", _many("Row", {}), any_of),
    ):
        operation = doc["paths"][path]["post"]
        operation["requestBody"] = body
        operation["responses"] = {"200": good, **_refusals()}
