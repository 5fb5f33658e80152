"""The spec's JSON Schema, for editors: `python -m penstock.spec.schema FILE` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from penstock.sources import SOURCES, MemorySource
from penstock.spec.pipeline import SPEC_KEYS, PipelineSpec
from penstock.store import write_atomically

# A source's name is the key that it stands under, and the spec as written is not written in itself.
_INNER = ("name",)
# A table in memory is named from Python, and written down by it.
_WRITTEN = tuple(kind for kind in SOURCES if kind is not MemorySource)


def spec_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec file, as a user writes it.

    Returns
    -------
    dict
        JSON Schema, draft 2020-12: every key with its type and default, and no key besides.
    """
    schema = PipelineSpec.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    for kind in _WRITTEN:
        _as_written(definitions[kind.__name__])
    one = {
        "description": "A path or URL, several files to stack, or a mapping of details.",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            *({"$ref": f"#/$defs/{kind.__name__}"} for kind in _WRITTEN),
        ],
    }
    named = {"type": "object", "additionalProperties": one, "minProperties": 1}
    properties = {key: value for key, value in schema["properties"].items() if key in SPEC_KEYS}
    properties |= {"source": one, "sources": named}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A penstock spec",
        "type": "object",
        "properties": dict(sorted(properties.items())),
        "required": ["target"],
        "oneOf": [{"required": ["source"]}, {"required": ["sources"]}],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _as_written(source: dict[str, Any]) -> None:
    """Take out of a source's schema what its place in the spec says, and let `path` be one text."""
    for key in _INNER:
        source["properties"].pop(key, None)
    source.pop("required", None)
    path = source["properties"].get("path")
    if path is not None:
        source["properties"]["path"] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def schema_text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(spec_schema(), indent=1, sort_keys=False) + "\n"


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), schema_text().encode())
