"""Publishing: whatever is killed at whatever moment, a reader sees the old version or the new one, whole.

A version is built in a hidden sibling, synced, proven, and renamed to its immutable name; then the pointer is replaced
in one step. Publishers take turns by a lock, and a verdict reached against another champion than the live one is not
acted on. Old versions go when the new one is live and the log says so.
"""

from __future__ import annotations

from pathlib import Path

from penstock.bundle.bundle import Bundle
from penstock.bundle.carried import carried_of
from penstock.bundle.disk import Disk
from penstock.bundle.environment import opens_alike
from penstock.bundle.layout import Canary, Pointer, version_name, without_withdrawn
from penstock.bundle.log import Event, What, now, whoami
from penstock.bundle.manifest import is_record
from penstock.bundle.renewal import records_in, renewed_pointer
from penstock.bundle.retention import sweep
from penstock.bundle.rollback import hold, release, rollback
from penstock.bundle.seal import Parts, build_files
from penstock.bundle.sealed import Sealed, open_sealed
from penstock.bundle.turn import Turn, event, turn
from penstock.errors import BundleError, PublishConflict
from penstock.publishing import keep_of
from penstock.receipts import Published, Verdict

# All that moves a pointer can be had from here.
__all__ = ["hold", "publish", "release", "rollback"]


def publish(
    artifacts: str | Path,
    name: str,
    parts: Parts,
    verdict: Verdict,
    who: str | None = None,
    *,
    started_from: str | None = None,
    force: str = "",
    what: What = "published",
    canary: float | None = None,
    disk: Disk | None = None,
) -> Published:
    """Publish a candidate, unless the gate or a hold forbids it or it is live already.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory, or the address of a bucket: `s3://bucket/prefix`.
    name : str
        The model's name.
    parts : Parts
        What the version is made of.
    verdict : Verdict
        What the gate decided.
    who : str, optional
        Who publishes; user@host by default.
    started_from : str, optional
        The content digest of the version that the verdict was reached against, empty where none was live. By default
        whatever is live now.
    force : str
        A reason that overrules the gate and a withdrawal. It goes into manifest and log; it does not lift a hold.
    what : {"published", "refreshed"}
        What the log calls it.
    canary : float, optional
        Of the requests, the share that the version answers for now, the live one staying live. By default it goes live.
    disk : Disk, optional
        How the disk is changed.

    Returns
    -------
    Published
        `published`; `unchanged` where the same content is live, whole and made by the same libraries (the pointer then
        tells how late its look-ups were seen); or `refused`, with the reasons, and nothing on disk but a line of the
        log.

    Raises
    ------
    PublishConflict
        Another publisher moved the pointer first, or was at work all the while.
    StoreError
        The disk refused; nothing was published.
    BundleError
        The pointer cannot be trusted, or the version could not be proven; nothing was published.
    """
    who = who or whoami()
    keep = keep_of(parts.spec)
    with turn(artifacts, name, disk, first=True) as mine:
        pointer = mine.pointer()
        reasons = _refusal(pointer, parts.digest, verdict, force)
        if reasons:
            mine.note(_refused(name, parts.digest, pointer, who, "; ".join(reasons)))
            return _outcome(name, "refused", parts.digest, None, None, reasons)
        live = _live(mine, pointer, parts)
        if pointer is not None and live is not None:
            where = mine.disk.at(mine.home.version_folder(pointer.version))
            pointer = _renewed(mine, pointer, live, parts, who)
            return _outcome(name, "unchanged", parts.digest, pointer, where, verdict.reasons)
        _compare(pointer, started_from)
        moved = _next(pointer, name, mine.next_sequence(pointer), parts.digest, keep)
        folder = _lay_down(mine, moved, parts, verdict, force)
        if canary is not None and pointer is not None:
            beside = Canary(version=moved.version, digest=moved.digest, share=canary)
            live_on = pointer.model_copy(update={"generation": moved.generation, "canary": beside})
            _point(mine, live_on, folder)
            mine.note(event(moved, "canary started", who, force or "; ".join(verdict.reasons)))
            return _outcome(name, "published", parts.digest, moved, mine.disk.at(folder), verdict.reasons)
        _point(mine, moved, folder)
        mine.note(event(moved, what, who, force or "; ".join(verdict.reasons)))
        sweep(mine, moved, keep)
    return _outcome(name, "published", parts.digest, moved, mine.disk.at(folder), verdict.reasons)


def _refusal(pointer: Pointer | None, digest: str, verdict: Verdict, force: str) -> tuple[str, ...]:
    reasons: list[str] = []
    if not verdict.passed and not force:
        reasons += verdict.reasons or ("The gate did not pass the candidate",)
    if pointer is not None and pointer.holds:
        held = pointer.holds[-1]
        reasons.append(f"The model is held by {held.who}: {held.reason}. `penstock release {pointer.model}` lets go.")
    if pointer is not None and digest in pointer.withdrawn and not force:
        reasons.append("This very model was rolled back: it comes back only with a reason (publish RUN --force REASON)")
    return tuple(reasons)


def _live(mine: Turn, pointer: Pointer | None, parts: Parts) -> Sealed | None:
    """Return the live version, if it is of the same content, whole, and opens with the libraries of today."""
    if pointer is None or pointer.digest != parts.digest:
        return None
    try:
        with mine.disk.local(mine.home.version_folder(pointer.version)) as here:
            live = open_sealed(here, mine.trust, name=pointer.model, keep=is_record)
    except BundleError:
        # What is live is damaged: publishing it anew heals it.
        return None
    if live.manifest.digest != pointer.digest:
        return None
    # The same fitted state pickled by older libraries may not open with the new ones.
    return live if opens_alike(live.manifest.environment, parts.environment) else None


def _renewed(mine: Turn, pointer: Pointer, live: Sealed, parts: Parts, who: str) -> Pointer:
    found = carried_of(parts.plan, parts.tables, parts.collected)
    moved = renewed_pointer(pointer, records_in(live.files), found)
    if moved is None:
        return pointer
    mine.point(moved)
    mine.note(event(moved, "renewed", who, "its look-ups were collected again, and are unchanged"))
    return moved


def _compare(pointer: Pointer | None, started_from: str | None) -> None:
    live = pointer.digest if pointer is not None else ""
    if started_from is not None and started_from != live:
        raise PublishConflict(
            "Another publisher moved the pointer first",
            got=f"{live[:12] or 'nothing'} is live",
            expected=f"{started_from[:12] or 'nothing'}, which the candidate was judged against",
            todo="Run again: the candidate is then judged against the model that is live now.",
        )


def _next(pointer: Pointer | None, name: str, sequence: int, digest: str, keep: int) -> Pointer:
    version = version_name(sequence, digest)
    if pointer is None:
        return Pointer(generation=1, model=name, version=version, digest=digest, sequence=sequence)
    withdrawn = tuple(d for d in pointer.withdrawn if d != digest)
    return pointer.model_copy(
        update={
            "generation": pointer.generation + 1,
            "version": version,
            "digest": digest,
            "sequence": sequence,
            "previous": without_withdrawn((pointer.version, *pointer.previous), withdrawn)[: max(keep - 1, 1)],
            "withdrawn": withdrawn,
            "as_of": {},
            "canary": None,
        }
    )


def _lay_down(mine: Turn, pointer: Pointer, parts: Parts, verdict: Verdict, force: str) -> Path:
    files = build_files(pointer.model, pointer.sequence, parts, verdict, force, mine.signer)
    building = mine.build(files)
    try:
        # Proven from the disk, by the way in which every reader will open it, before anyone can see it.
        with mine.disk.local(building) as here:
            for twin in (False, True):
                Bundle.load(here, name=pointer.model, twin=twin, trusted=mine.trust)
        return mine.name(building, pointer.version)
    except Exception:
        mine.abandon(building)
        raise


def _point(mine: Turn, moved: Pointer, folder: Path) -> None:
    try:
        mine.point(moved)
    except PublishConflict:
        live = mine.pointer()
        if live is None or live.version != moved.version:
            mine.abandon(folder)
        raise


def _refused(name: str, digest: str, pointer: Pointer | None, who: str, why: str) -> Event:
    generation = pointer.generation if pointer is not None else 0
    return Event(
        at=now(),
        who=who,
        what="refused",
        why=why,
        model=name,
        version=None,
        digest=digest,
        sequence=None,
        generation=generation,
    )


def _outcome(
    name: str, state: str, digest: str, pointer: Pointer | None, where: str | None, reasons: tuple[str, ...]
) -> Published:
    return Published.model_validate(
        {
            "state": state,
            "model": name,
            "version": pointer.version if pointer else None,
            "digest": digest,
            "sequence": pointer.sequence if pointer else None,
            "generation": pointer.generation if pointer else None,
            "path": where,
            "published_at": now(),
            "reasons": reasons,
        }
    )
