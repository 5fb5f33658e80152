"""The refresh: the look-ups of a live model read anew, judged without training, and published as its next version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa

from penstock.bundle.candidate import collected_at
from penstock.bundle.carried import Carried, carried_of, moment
from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.frozen import Frozen, digest_of
from penstock.receipts import Collected, Interval, Published, Verdict
from penstock.refresh.judging import Change, change_of, judged, look_up_checks, verdict_of
from penstock.refresh.live import Live, live_of
from penstock.refresh.reading import read_anew, refreshed_records, retyped, schemas_of, typed
from penstock.spec.lock import Lock
from penstock.spec.pipeline import PipelineSpec
from penstock.steps.relations.again import sources_of, tables_again
from penstock.steps.relations.lookup import LookupRecord
from penstock.steps.relations.travelling import records_of
from penstock.store import Store

_UNCHANGED = Verdict(passed=True, reasons=("Its look-ups are what they were.",))


class LookupChange(Frozen):
    """One look-up that was read anew: its version before and now, and what became of its keys."""

    name: str
    before: str
    now: str
    changed: bool
    n_before: int
    n_now: int
    n_lost: int


class Refreshed(Frozen):
    """What a refresh came to. A refusal is an outcome, not an error."""

    state: Literal["refreshed", "unchanged", "refused"]
    name: str
    version: str | None
    before: str
    lookups: tuple[LookupChange, ...]
    verdict: Verdict
    scores: dict[str, Interval] = {}

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the gate had to say."""
        return self.verdict.reasons


def refresh(
    spec: PipelineSpec, lock: Lock | None, artifacts: str | Path, *, force: str = "", who: str | None = None
) -> Refreshed:
    """Read the look-ups that a spec says are refreshed, and publish the live model with them.

    Parameters
    ----------
    spec : PipelineSpec
        What the user decided; of its sources only those that such look-ups are made of are collected.
    lock : Lock, optional
        How columns read, where the run that trained the live version is not there to tell.
    artifacts : str or pathlib.Path
        The artifacts directory.
    force : str
        A reason that overrules the gate and a withdrawal.
    who : str, optional
        Who refreshes; user@host by default.

    Raises
    ------
    SpecError
        The live version has no such look-up, or the spec no such source.
    SourceError, DataError
        A source cannot be read, or not be made into a look-up as before.
    NotFound
        Nothing has been published under this name.
    PublishConflict, BundleError, StoreError
        As `publish` raises them.
    """
    live, store = live_of(artifacts, spec.name), Store(artifacts)
    records = refreshed_records(live, spec)
    collected = read_anew(live, records, spec, store)
    schemas = schemas_of(live, lock, [s.name for s in collected.snapshots], store)
    sources = typed(collected, schemas, records_of(live.parts.plan), store)
    new = tables_again(live.parts.plan, sources, [record.name for record in records])
    changes = [change_of(record, live.parts.tables[record.name], new[record.name]) for record in records]
    parts = _parts(live, records, new, collected)
    if parts.digest == live.pointer.digest:
        done, verdict = _publish(live, parts, _UNCHANGED, force, who, artifacts), _UNCHANGED
    else:
        found = judged(live, parts, spec, store)
        verdict = verdict_of(look_up_checks(changes, retyped(sources, spec.typing)), found, live, parts.digest)
        if found is not None:
            metrics = orjson.loads(store.read_bytes(found.metrics))
            parts = replace(parts, metrics=metrics, scores=found.scores, baseline=found.baseline)
        done = _publish(live, parts, verdict, force, who, artifacts)
    return _outcome(live, parts, changes, verdict, done)


def _publish(
    live: Live, parts: Parts, verdict: Verdict, force: str, who: str | None, artifacts: str | Path
) -> Published:
    started = live.pointer.digest
    return publish(
        artifacts, live.pointer.model, parts, verdict, who, started_from=started, force=force, what="refreshed"
    )


def _parts(live: Live, records: Sequence[LookupRecord], new: Mapping[str, pa.Table], collected: Collected) -> Parts:
    tables = {**live.parts.tables, **new}
    lineage = _lineage(live, collected)
    times = _times(live, records, collected_at(lineage))
    digests = {name: c.digest for name, c in carried_of(live.parts.plan, tables, times).items()}
    origin = lineage["refreshed"]["origin"]
    # Whatever way led to these tables, and back to those that it was trained with: the same content, the same digest.
    same = digests == origin["lookups"]
    digest = origin["digest"] if same else digest_of([origin["digest"], {"lookups": digests}])
    return replace(live.parts, tables=tables, collected=times, lineage=lineage, digest=digest)


def _lineage(live: Live, collected: Collected) -> dict[str, Any]:  # receipts of the stages: any JSON
    lineage = dict(live.manifest.lineage)
    origin = {
        "version": live.pointer.version,
        "digest": live.pointer.digest,
        "lookups": {name: carried.digest for name, carried in live.carried.items()},
    }
    before = lineage.get("refreshed", {})
    fresh = {s.name: s.model_dump(mode="json") for s in collected.snapshots}
    receipts = dict(lineage.get("receipts", {}))
    known = receipts.get("collect", {}).get("snapshots", ())
    # The sources that were not read anew stay told as the run that trained it collected them.
    told = [fresh.pop(s["name"], s) for s in known]
    receipts["collect"] = {"snapshots": [*told, *fresh.values()]}
    return {
        **lineage,
        "receipts": receipts,
        "refreshed": {"from": live.pointer.version, "origin": before.get("origin", origin)},
    }


def _times(live: Live, records: Sequence[LookupRecord], collected: Mapping[str, str]) -> dict[str, str]:
    """Return when each source was collected, or seen to be as it was then."""
    anew = {record.name for record in records}
    times = dict(collected)
    for name, carried in live.carried.items():
        for source in sources_of(live.parts.plan, [name]) if name not in anew and carried.as_of else ():
            if not times.get(source) or moment(times[source]) < moment(carried.as_of):
                times[source] = carried.as_of
    return times


def _outcome(live: Live, parts: Parts, changes: Sequence[Change], verdict: Verdict, done: Published) -> Refreshed:
    now = carried_of(parts.plan, parts.tables, parts.collected)
    if done.state == "refused" and verdict.passed:
        # A hold refuses what the gate let in.
        verdict = verdict.model_copy(update={"passed": False, "reasons": done.reasons})
    return Refreshed.model_validate(
        {
            "state": "refreshed" if done.state == "published" else done.state,
            "name": live.pointer.model,
            "version": done.version,
            "before": live.pointer.version,
            "lookups": [_changed(change, live.carried.get(change.name), now[change.name]) for change in changes],
            "verdict": verdict,
            "scores": parts.scores,
        }
    )


def _changed(change: Change, before: Carried | None, now: Carried) -> LookupChange:
    return LookupChange(
        name=change.name,
        before=before.version if before is not None else "",
        now=now.version,
        changed=before is None or before.digest != now.digest,
        n_before=change.before,
        n_now=change.now,
        n_lost=change.lost,
    )
