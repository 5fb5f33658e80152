"""The gate for look-ups read anew: what became of their rows and columns, and how the twin answers with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from penstock.bundle.seal import Parts
from penstock.errors import StoreError
from penstock.evaluate import evaluate
from penstock.gate import Check
from penstock.receipts import Arrays, Evaluated, Trained, Verdict, Wrangled
from penstock.refresh.live import Live
from penstock.refresh.reading import Retyped
from penstock.spec.pipeline import PipelineSpec
from penstock.steps.relations.keys import keys_of
from penstock.steps.relations.lookup import LookupRecord
from penstock.store import Store

# A table that loses more of its keys, or rows, than this was hardly meant to.
MOST_LOST = 0.5
# What a refresh cannot have brought about; where the live version bears the same objection, it is none.
_INHERITED = frozenset({"baseline", "leakage", "schema"})


class Change(NamedTuple):
    """What became of one look-up: its keys before and now, how many of those before are gone; and its rows.

    Where rows are looked up as of a time a key has many, and the table may lose them while every key stays.
    """

    name: str
    before: int
    now: int
    lost: int
    rows_before: int = 0
    rows: int = 0


def change_of(record: LookupRecord, old: pa.Table, new: pa.Table) -> Change:
    """Return what became of a look-up's keys."""
    columns = tuple(record.join.on.values())
    before, now = (pc.unique(keys_of(table, columns)).drop_null() for table in (old, new))
    lost = len(before) - pc.sum(pc.is_in(before, value_set=now)).as_py() if len(before) else 0
    return Change(record.name, len(before), len(now), lost, old.num_rows, new.num_rows)


def look_up_checks(changes: Sequence[Change], others: Sequence[Retyped]) -> list[Check]:
    """Return what the gate says of the tables themselves.

    Examples
    --------
    >>> [check.reason for check in look_up_checks([Change("planes", 1000, 420, 600)], [])]
    ["The look-up 'planes' lost 600 of its 1,000 keys; more than half is no refresh."]
    """
    return [*(_kept(change) for change in changes), *(_reads(other) for other in others)]


def _kept(change: Change) -> Check:
    if change.lost > MOST_LOST * change.before:
        told = f"lost {change.lost:,} of its {change.before:,} keys; more than half is no refresh."
        return Check(name="lookup", passed=False, reason=f"The look-up {change.name!r} {told}", n=change.now)
    if change.rows < (1 - MOST_LOST) * change.rows_before:
        told = f"has {change.rows:,} rows and had {change.rows_before:,}; less than half is no refresh."
        return Check(name="lookup", passed=False, reason=f"The look-up {change.name!r} {told}", n=change.rows)
    told = f"has {change.now:,} keys; of the {change.before:,} before {change.lost:,} are gone."
    return Check(name="lookup", passed=True, reason=f"The look-up {change.name!r} {told}", n=change.now)


def _reads(other: Retyped) -> Check:
    reason = (
        f"The column {other.column!r} of {other.table!r} reads as {other.now} now and was {other.was}: "
        f"{other.misfits:,} cells would be read as nothing, and their rows get no prediction."
    )
    return Check(name="lookup", passed=False, reason=reason, n=other.misfits)


def judged(live: Live, parts: Parts, spec: PipelineSpec, store: Store) -> Evaluated | None:
    """Judge the live version's twin with new look-ups against the same with the old ones, on the rows it was judged by.

    Returns
    -------
    Evaluated or None
        None where those rows are not in the store any more.
    """
    try:
        wrangled = Wrangled.model_validate(live.receipt("wrangle"))
        seeds = Arrays.model_validate(live.receipt("arrays")).seeds
        return evaluate(
            wrangled,
            _trained(parts, store),
            live.folder,
            spec.gate,
            spec.typing,
            seeds["evaluate"],
            store,
            withdrawn=[digest for digest in live.pointer.withdrawn if digest == parts.digest],
            refreshed=True,
        )
    except (ValidationError, StoreError):
        return None


def _trained(parts: Parts, store: Store) -> Trained:
    return Trained(
        family=parts.family,
        metric=str(parts.metrics["metric"]),
        served=store.put_bytes(parts.served, "joblib"),
        twin=store.put_bytes(parts.twin, "joblib"),
        probe=store.put_table(parts.probe),
        table_schema=store.put_json(parts.schema),
        plan=store.put_json(dict(parts.plan)),
        profile=store.put_json(parts.profile),
        lookups={name: store.put_table(table) for name, table in parts.tables.items()},
        environment=store.put_json(dict(parts.environment)),
        content_digest=parts.digest,
        leaderboard=(),
        cross_validation=parts.metrics.get("cross_validation", {}),
    )


def verdict_of(tables: Sequence[Check], evaluated: Evaluated | None, live: Live, digest: str) -> Verdict:
    """Return the verdict on a refresh, from what its tables and the held-out rows say."""
    if evaluated is not None:
        checks = [_excused(Check.model_validate(check), live.verdict) for check in evaluated.verdict.checks]
    else:
        gone = (
            "The held-out rows that judged the live version are not in the store any more: its probes and its schema "
            "alone judge the new look-ups."
        )
        checks = [Check(name="champion", passed=True, reason=gone), *_withdrawn(digest, live)]
    checks = [*tables, *checks]
    refusals = [check.reason for check in checks if not check.passed]
    return Verdict(
        passed=not refusals,
        reasons=tuple(refusals or [check.reason for check in checks]),
        champion=live.pointer.version,
        checks=tuple(check.model_dump(mode="json") for check in checks),
    )


def _withdrawn(digest: str, live: Live) -> list[Check]:
    if digest not in live.pointer.withdrawn:
        return []
    reason = (
        "These very look-ups were rolled back: they come back only with a reason (penstock refresh --force REASON)."
    )
    return [Check(name="withdrawn", passed=False, reason=reason)]


def _excused(check: Check, before: Verdict) -> Check:
    if check.passed or check.name not in _INHERITED or not _bore(check, before.checks):
        return check
    return check.model_copy(update={"passed": True, "reason": f"{check.reason} That is so of the live version, too."})


def _bore(check: Check, before: Sequence[Mapping[str, object]]) -> bool:
    return any(old.get("name") == check.name and not old.get("passed") for old in before)
