"""What the gate said of each version, and all that was done to a model, for people to read."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from deploy.service.about import versions
from penstock.bundle.layout import ModelHome
from penstock.bundle.manifest import MANIFEST, VERDICT

MOST_VERSIONS = 20
MOST_EVENTS = 40
MOST_REASONS = 8
MOST_CHARACTERS = 400


class Chronicle(NamedTuple):
    """A model's versions with their verdicts, and what was done to it; both newest first, and how many more there are.

    A version that the log has, and that is no longer on disk, is among the events alone.
    """

    versions: list[dict[str, Any]]
    more_versions: int
    events: list[dict[str, Any]]
    more_events: int


def chronicle(home: ModelHome, serving: str | None) -> Chronicle:
    """Return what became of a model so far. This reads the disk; call it off the event loop."""
    events = home.events()
    known = versions(home, serving, events)
    made_by = {e.version: e.what for e in events if e.what in ("published", "refreshed")}
    shown = [
        v | {"made": made_by.get(v["version"], ""), **_verdict(home.version_folder(v["version"]))}
        for v in known[:MOST_VERSIONS]
    ]
    told = [
        {"at": e.at, "what": e.what, "version": e.version or f"content {e.digest[:12]}", "why": _clipped(e.why)}
        for e in reversed(events[-MOST_EVENTS:])
    ]
    return Chronicle(shown, len(known) - len(shown), told, len(events) - len(told))


def _verdict(folder: Path) -> dict[str, Any]:
    try:
        changed = (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return {"passed": None, "reasons": [], "forced": ""}
    return _read(folder, changed)


# A version never changes; a folder of the same name in its stead has another time.
@lru_cache(maxsize=512)
def _read(folder: Path, changed: int) -> dict[str, Any]:  # noqa: ARG001 - part of the key
    verdict, manifest = _json(folder / VERDICT), _json(folder / MANIFEST)
    reasons = verdict.get("reasons")
    return {
        "passed": verdict.get("passed"),
        "reasons": [_clipped(str(r)) for r in reasons[:MOST_REASONS]] if isinstance(reasons, list) else [],
        "forced": _clipped(str(manifest.get("forced") or "")),
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
