"""What can be told of a model: how it stands, its versions, its scores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from deploy.service.holder import Holder
from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import ModelHome, Pointer, sequence_of
from penstock.bundle.log import Event
from penstock.bundle.looking import Looking
from penstock.errors import PenstockError


def summary(holder: Holder, name: str) -> dict[str, Any]:
    """Return how a model stands, in a few fields."""
    held = holder.get(name)
    told: dict[str, Any] = {"name": name, "state": holder.state(name), "version": None}
    if held is not None:
        bundle = held.bundle
        told |= {
            "version": bundle.version,
            "digest": bundle.digest,
            "generation": held.generation,
            "loaded_at": held.since,
            "target": bundle.target.name,
            "task": bundle.target.task,
        }
        told["aim"] = aim_told(bundle)
        if bundle.looking is not None:
            told["history"] = _history(bundle.looking)
        if bundle.target.is_classification and bundle.schema.shown_target == bundle.target:
            told["labels"] = [bundle.target.typed(label) for label in bundle.target.labels]
    trouble = holder.trouble(name)
    if trouble is not None:
        told["problem"] = f"Version {trouble.version or '(unknown)'} is not served: {trouble.reason}."
        told["quarantined"] = trouble.quarantined
    return told


def lookups_told(bundle: Bundle, now: dt.datetime | None = None) -> list[dict[str, Any]]:
    """Return the look-ups that a model carries; ages are in seconds, null where they are not known or not bounded."""
    now = now or dt.datetime.now(dt.UTC)
    return [
        {
            "table": record.table,
            "version": record.version,
            "as_of": record.as_of or None,
            "age": record.age(now),
            "max_age": record.max_age,
            "stale": record.is_stale(now),
            "rows": record.rows,
            "serve": record.serve,
        }
        for record in bundle.carried.values()
    ]


def aim_told(bundle: Bundle) -> dict[str, Any]:
    """Return what good means for a model: what decides, what errors cost, and from when on an answer is positive."""
    aim, target = bundle.aim, bundle.schema.shown_target or bundle.target
    told: dict[str, Any] = {}
    if aim.metric is not None:
        told |= {"metric": aim.metric.name, "greater_is_better": aim.metric.greater_is_better}
    if target.positive is not None:
        told["positive"] = target.positive
    if target.ordered:
        told["ordinal"] = list(target.labels)
    if aim.decision is not None and not aim.decision.ranks:
        rows = zip(target.labels, aim.decision.cost, strict=True)
        told["cost"] = {label: dict(zip(target.labels, row, strict=True)) for label, row in rows}
        told["threshold"] = aim.decision.threshold
    level = bundle.interval_level
    return told | ({"intervals": level} if level is not None else {})


def _history(looking: Looking) -> dict[str, Any]:
    """Return up to when a forecast knows its series, how long ago that is, and how far it reaches."""
    age = looking.age(dt.datetime.now(dt.UTC))
    rule = looking.rule
    return {
        "last_actual": looking.last_actual,
        "age_seconds": None if age is None else round(age),
        "every": rule.length(1),
        "horizon": rule.length(rule.horizon),
        "old": age is not None and age > rule.horizon * rule.every,
    }


def versions(home: ModelHome, serving: str | None, events: list[Event] | None = None) -> list[dict[str, Any]]:
    """Return a model's versions, newest first: which is pointed to, served, withdrawn; `events` is its log, if read.

    This reads the disk; call it off the event loop.
    """
    pointer = _pointer(home)
    log = home.events() if events is None else events
    published = {e.version: e.at for e in log if e.what in ("published", "refreshed") and e.version is not None}
    return [
        {
            "version": version,
            "sequence": sequence_of(version),
            "published_at": published.get(version),
            "state": _state(version, pointer),
            "served": version == serving,
        }
        for version in reversed(home.versions())
    ]


def _pointer(home: ModelHome) -> Pointer | None:
    try:
        return home.read_pointer()
    except PenstockError:
        return None


def _state(version: str, pointer: Pointer | None) -> str:
    if pointer is None:
        return "unknown"
    if version == pointer.version:
        return "current"
    digits = version.partition("-")[2]
    return "withdrawn" if any(digest.startswith(digits) for digest in pointer.withdrawn) else "kept"
