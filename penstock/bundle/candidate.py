"""A candidate as its receipts: enough to publish it when the run is over, whatever the gate said then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock.arrays.profile import Profile
from penstock.arrays.typed import read_typed
from penstock.bundle.promises import Promises
from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.errors import BundleError, NotFound, StoreError
from penstock.frozen import Frozen, canonical_json, digest_of
from penstock.receipts import Evaluated, FileRef, FrameRef, Published, Trained, Verdict
from penstock.slices import Serving
from penstock.store import Store, write_atomically
from penstock.table import TableSchema

if TYPE_CHECKING:
    import pandas as pd

CANDIDATE = "candidate.json"
# On so many rows a kernel is held beside its pipeline.
MOST_COMPARED = 5_000


class Candidate(Frozen):
    """What a run would publish. The payloads lie in the store and are hashed when they are read.

    `started_from` is the content digest of the version that the verdict was reached against, empty where none was live.
    """

    name: str
    trained: Trained
    evaluated: Evaluated
    started_from: str
    spec: dict[str, Any]  # as the user wrote it: any YAML
    lineage: dict[str, Any]  # receipts of the stages before
    report: FileRef | None = None
    promises: Promises = Promises()

    def parts(self, store: Store) -> Parts:
        """Return what a version of it is made of.

        Raises
        ------
        StoreError
            An object is gone or altered.
        """
        trained = self.trained
        return Parts(
            schema=TableSchema.model_validate_json(store.read_bytes(trained.table_schema)),
            plan=json.loads(store.read_bytes(trained.plan)),
            profile=Profile.model_validate_json(store.read_bytes(trained.profile)),
            tables={name: store.read_table(ref) for name, ref in trained.lookups.items()},
            collected=collected_at(self.lineage),
            served=store.read_bytes(trained.served),
            twin=store.read_bytes(trained.twin),
            probe=store.read_table(trained.probe),
            digest=trained.content_digest,
            family=trained.family,
            metrics=json.loads(store.read_bytes(self.evaluated.metrics)),
            scores=self.evaluated.scores,
            baseline=self.evaluated.baseline,
            environment=json.loads(store.read_bytes(trained.environment)),
            spec=self.spec,
            lineage=self.lineage,
            report=store.read_bytes(self.report) if self.report is not None else None,
            cut=_cut_rows(self.lineage, store),
            promises=self.promises,
        )

    def publish(
        self,
        artifacts: str | Path,
        who: str | None = None,
        *,
        force: str = "",
        accept: str = "",
        to: str | Path | None = None,
        canary: float | None = None,
    ) -> Published:
        """Publish it, as `penstock.bundle.publish.publish` does; with a reason to force it, against any champion.

        `accept` is the reason why callers may be asked to change; it overrules nothing else. `to` is where it goes, if
        not into the artifacts directory that its payloads lie in: its verdict, reached here, then holds there as well.
        `canary` is the share of requests that it answers for now, beside the live version.
        """
        return publish(
            artifacts if to is None else to,
            self.name,
            self.parts(Store(artifacts)),
            accepting(self.evaluated.verdict, accept),
            who,
            started_from=None if force or to is not None else self.started_from,
            force=force,
            canary=canary,
        )


def _cut_rows(lineage: Mapping[str, Any], store: Store) -> pd.DataFrame | None:
    """Return some rows at the plan's cut; None where the lineage tells of none, or they have been swept."""
    told = lineage.get("receipts", {}).get("wrangle", {}).get("cut")
    if told is None:
        return None
    try:
        cut = read_typed(FrameRef.model_validate(told), store)
    except StoreError:
        return None
    return cut.iloc[:: 1 + len(cut) // MOST_COMPARED].reset_index(drop=True)


def collected_at(lineage: Mapping[str, Any]) -> dict[str, str]:
    """Return when each source of a run was collected, by its name, as its lineage tells; nothing where it does not."""
    snapshots = lineage.get("receipts", {}).get("collect", {}).get("snapshots", ())
    return {snapshot["name"]: snapshot["collected_at"] for snapshot in snapshots}


def as_served(trained: Trained, serving: Serving, promises: Promises | None = None) -> Trained:
    """Return what was trained with a content digest that covers how its requests are read, too.

    Without it a model that is to be stricter from now on would be the one that is live already, and stay lenient.
    """
    covered: list[Frozen] = [] if serving == Serving() else [serving]
    if promises is not None and promises != Promises():
        covered.append(promises)
    if not covered:
        return trained
    return trained.model_copy(update={"content_digest": digest_of([trained.content_digest, *covered])})


# The gate's name for its look at what callers send.
SCHEMA_CHECK = "schema"


def accepting(verdict: Verdict, reason: str) -> Verdict:
    """Return a verdict to which a changed request schema is no objection, for a reason that it then bears."""
    if not reason:
        return verdict
    checks = [_accepted(check, reason) for check in verdict.checks]
    if checks == list(verdict.checks):
        return verdict
    refusals = [str(check["reason"]) for check in checks if not check["passed"]]
    told = refusals or [str(check["reason"]) for check in checks]
    return verdict.model_copy(update={"passed": not refusals, "reasons": tuple(told), "checks": tuple(checks)})


def way_in(verdict: Verdict) -> str:
    """Return the option of `penstock publish` by which a refused candidate goes live all the same."""
    failed = {check.get("name") for check in verdict.checks if not check.get("passed")}
    return "--accept-schema-change REASON" if failed == {SCHEMA_CHECK} else "--force REASON"


def accepted_for(verdict: Verdict) -> str:
    """Return the reason why a changed request schema was accepted; empty where there was nothing to accept."""
    found = (check.get("accepted") for check in verdict.checks if check.get("name") == SCHEMA_CHECK)
    return str(next((reason for reason in found if reason), ""))


def _accepted(check: dict[str, Any], reason: str) -> dict[str, Any]:
    if check.get("name") != SCHEMA_CHECK or check.get("passed"):
        return check
    return {**check, "passed": True, "accepted": reason, "reason": f"{check['reason']} Accepted: {reason}"}


def keep_candidate(folder: Path, candidate: Candidate) -> Path:
    """Write a candidate into a directory, whole or not at all; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CANDIDATE
    write_atomically(path, canonical_json(candidate))
    return path


def read_candidate(folder: Path) -> Candidate:
    """Return the candidate that a directory keeps.

    Raises
    ------
    NotFound
        It keeps none.
    BundleError
        Its file cannot be understood.
    """
    path = folder / CANDIDATE
    try:
        return Candidate.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("There is no candidate here", where=str(folder), expected=CANDIDATE) from error
    except ValidationError as error:
        raise BundleError(
            "The candidate cannot be understood",
            where=str(path),
            got=f"{error.error_count()} unknown or wrong fields",
            todo="Run again with this release of penstock.",
        ) from error


def publish_candidate(
    folder: Path,
    artifacts: str | Path,
    *,
    force: str = "",
    accept: str = "",
    who: str | None = None,
    to: str | Path | None = None,
    canary: float | None = None,
) -> Published:
    """Publish the candidate that a directory keeps.

    Parameters
    ----------
    folder : pathlib.Path
        A run's `candidate` directory.
    artifacts : str or pathlib.Path
        The artifacts directory, whose store holds the payloads.
    force : str
        A reason that overrules the gate and a withdrawal.
    accept : str
        A reason why callers may be asked to change, which overrules that objection alone.
    who : str, optional
        Who publishes; user@host by default.
    to : str or pathlib.Path, optional
        Where it goes, if not there: another artifacts directory, or the address of a bucket.
    canary : float, optional
        Of the requests, the share that it answers for now, the live version staying live.

    Raises
    ------
    NotFound, BundleError, StoreError, PublishConflict
        As `read_candidate`, `Candidate.parts` and `publish` raise them.
    """
    return read_candidate(folder).publish(artifacts, who, force=force, accept=accept, to=to, canary=canary)
