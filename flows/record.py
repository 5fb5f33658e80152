"""What a run leaves behind: `runs/<run id>/` with spec, lock, lineage, summary, candidate and report; and its lock."""

from __future__ import annotations

import contextlib
import datetime as dt
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import prefect
from prefect.runtime import flow_run

from penstock import __version__
from penstock.bundle.candidate import Candidate, keep_candidate
from penstock.bundle.log import now
from penstock.expect.outcome import Outcome
from penstock.frozen import canonical_json, digest_of
from penstock.inference import lock_from
from penstock.receipts import Arrays, Collected, Evaluated, Published, Receipt, StageName, Trained, Wrangled
from penstock.rejected import REJECTED
from penstock.report.facts import DossierFacts, EnvironmentFact, StageFact
from penstock.report.html import dossier_html
from penstock.report.kept import REPORT, keep_facts, with_pictures
from penstock.spec.lock import Lock, decisions_digest, lock_path, write_lock
from penstock.spec.pipeline import PipelineSpec
from penstock.spec.shown import shown_spec
from penstock.store import Store, write_atomically
from penstock.summary import RunSummary, StageRun
from tasks.records import Dossier

MOST_SENTENCES = 60


def new_run_id() -> str:
    """Return a run's id: when it began, so that runs sort by time, and the head of Prefect's own id."""
    return f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{str(flow_run.id).replace('-', '')[-8:]}"


def lineage(receipts: Mapping[StageName, Receipt]) -> dict[str, Any]:
    """Return the stages' receipts so far, and each one's identity: two runs on the same data agree on these."""
    return {
        "receipts": {name: receipt.model_dump(mode="json") for name, receipt in receipts.items()},
        "identities": {name: receipt.identity() for name, receipt in receipts.items()},
    }


def keep_lock(
    path: Path,
    spec: PipelineSpec,
    known: Lock | None,
    collected: Collected,
    arrays: Arrays,
    wrangled: Wrangled,
    store: Store,
) -> Lock:
    """Return the lock that a run stands on; write it beside the spec where there is none, or decisions have changed.

    A lock that was kept to is left as it is: what it promises holds for the life of the model.
    """
    if known is not None and known.decided == decisions_digest(spec.typing, spec.wrangling):
        return known
    # A contract is proposed by those who ask for it, and kept until it is edited.
    made = lock_from(spec, collected, arrays, wrangled, store, known.expect if known is not None else None)
    if known is not None:
        # It came from the earlier lock and the new decisions; inferring from the data alone might give another one.
        since = known.typed_from if known.is_for(spec.typing) else made.typed_from
        made = made.model_copy(update={"grown": True, "typed_from": since}).sealed()
    # A spec in a place that cannot be written runs without; its lock is in the run's own folder still.
    with contextlib.suppress(OSError):
        write_lock(lock_path(path), made)
    return made


def keep_run(
    folder: Path,
    spec: PipelineSpec,
    lock: Lock,
    candidate: Candidate,
    receipts: Mapping[StageName, Receipt],
    report: DossierFacts,
    dossier: Dossier,
    summary: RunSummary,
) -> None:
    """Write a run's files, the summary last: a folder with a summary is whole."""
    _write(folder / "spec.json", spec.declared)
    _write(folder / "lock.json", lock.model_dump(mode="json"))
    _write(folder / "lineage.json", {**_circumstances(spec), **lineage(receipts)})
    keep_candidate(folder / "candidate", candidate)
    keep_facts(folder, report, dossier.figures, dossier.evaluation)
    write_atomically(folder / REPORT, dossier_html(report))
    _write(folder / "summary.json", summary.model_dump(mode="json"))


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, orjson.dumps(orjson.loads(canonical_json(value)), option=orjson.OPT_INDENT_2))


def _circumstances(spec: PipelineSpec) -> dict[str, Any]:
    """Return where the run ran, and by what."""
    return {
        "flow_run": str(flow_run.id),
        "spec": digest_of(spec.declared),
        "penstock": __version__,
        "prefect": prefect.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def summary_of(
    run_id: str,
    folder: Path,
    candidate: Candidate,
    wrangled: Wrangled,
    published: Published,
    stages: tuple[StageRun, ...],
    outcome: Outcome,
) -> RunSummary:
    """Return what a run came to."""
    trained: Trained = candidate.trained
    evaluated: Evaluated = candidate.evaluated
    verdict = evaluated.verdict
    if published.state == "refused":
        # A hold or a withdrawal refuses what the gate let in.
        verdict = verdict.model_copy(update={"passed": False, "reasons": published.reasons})
    return RunSummary(
        run_id=run_id,
        name=candidate.name,
        version=published.version,
        published=published.state in ("published", "unchanged"),
        state=published.state,
        verdict=verdict,
        metric=evaluated.metric,
        scores=evaluated.scores,
        cross_validation=evaluated.cross_validation,
        leaderboard=trained.leaderboard,
        selection=trained.selection,
        stages=stages,
        n_train=wrangled.n_train,
        n_heldout=wrangled.n_heldout,
        n_rejected=wrangled.rejected.n_rows,
        report=str(folder / REPORT),
        bundle=published.path,
        candidate=str(folder / "candidate"),
        rejected=str(folder / REJECTED) if wrangled.rejected.n_rows else None,
        expectations=outcome,
    )


def facts_of(
    dossier: Dossier,
    store: Store,
    run_id: str,
    artifacts: str,
    stages: tuple[StageRun, ...],
    outcome: Outcome,
    spec: PipelineSpec,
    path: Path,
) -> DossierFacts:
    """Return a dossier's facts with this run's own in them, as they are before it is published."""
    facts = with_pictures(orjson.loads(store.read_bytes(dossier.facts)), dossier.figures, dossier.evaluation, store)
    own: dict[str, object] = {
        "run_id": run_id,
        "made_at": now(),
        "artifacts": artifacts,
        "stages": _stage_facts(stages),
    }
    own |= {"expectations": tuple(outcome.sentences()[:MOST_SENTENCES])}
    releases = {"penstock": __version__, "prefect": prefect.__version__, "platform": platform.platform()}
    libraries = {**facts.environment.libraries, **releases}
    own |= {"environment": EnvironmentFact(libraries=libraries, seed=spec.seed)}
    private = {c.name for c in facts.columns if c.private} | {n for n, c in spec.columns.items() if c.private}
    own |= {"spec": shown_spec(spec.declared, frozenset(private)), "spec_path": str(path)}
    return facts.model_copy(update=own)


def as_published(facts: DossierFacts, summary: RunSummary) -> DossierFacts:
    """Return a dossier's facts with what only the end of the run tells."""
    end = {"state": summary.state, "version": summary.version, "verdict": summary.verdict}
    return facts.model_copy(update={**end, "stages": _stage_facts(summary.stages)})


def _stage_facts(stages: tuple[StageRun, ...]) -> tuple[StageFact, ...]:
    return tuple(StageFact(name=run.name, seconds=run.seconds, state=run.state) for run in stages)
