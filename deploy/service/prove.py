"""A pointer's way to a bundle that may be served: verify, load, replay, warm up; all of it off the event loop."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from typing import Literal

from deploy.service.envelope import told_without_values
from deploy.service.holder import Held, Trial
from deploy.service.room import need
from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, Pointer
from penstock.bundle.log import MADE_LIVE
from penstock.bundle.sealed import read_manifest
from penstock.errors import BundleError, NotFound, PenstockError, StoreError, Tampered

log = logging.getLogger("penstock.service")

# How far a cold start looks back for a version that can be proven.
MAX_FALLBACKS = 20
FAILED = "It failed too often once it was asked"

# Makes room for so many bytes beside so many that have to stay, or raises BundleError.
MakeRoom = Callable[[int, int], None]
# A version and its digest.
Which = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of following a pointer.

    `held` is what to serve from now on (None: keep what there is). `reason` tells why the pointed version is not it;
    `kind` says what the watcher does next: nothing, wait for another pointer, or try again.
    """

    kind: Literal["followed", "refused", "returned", "later"]
    held: Held | None = None
    version: str = ""
    digest: str = ""
    reason: str = ""


def any_room(_needed: int, _kept: int) -> None:
    """Let everything in."""


def follow(
    home: ModelHome, now: Held | None, make_room: MakeRoom = any_room, failing: Set[Which] = frozenset()
) -> Outcome:
    """Do what a model's pointer says, as far as it can be proven.

    Parameters
    ----------
    home : ModelHome
        Where the model lies.
    now : Held, optional
        What is served at the moment; None on a cold start, which falls back along the pointer's `previous`.
    make_room : callable, optional
        Makes room in memory before a version is read.
    failing : set of (str, str)
        The versions that failed too often once they were asked: none of them is followed again.

    Returns
    -------
    Outcome
        Nothing is raised: a pointer that cannot be followed must not stop the others.
    """
    try:
        pointer = home.read_pointer()
    except Exception as error:
        outcome = _told(home, error, "", "")
        return outcome if now is not None else _cold(home, None, outcome, make_room)
    if (pointer.version, pointer.digest) in failing:
        outcome = Outcome("refused", None, pointer.version, pointer.digest, FAILED)
        return outcome if now is not None else _cold(home, pointer, outcome, make_room)
    if now is None:
        return _load(home, pointer, None, make_room)
    same = (pointer.version, pointer.digest) == (now.bundle.version, now.bundle.digest)
    if _is_stale(pointer, now, same):
        log.error("model %s: a pointer of an older generation was put back; it is not followed", home.name)
        reason = f"The pointer's generation {pointer.generation} is not newer than {now.generation}, which is served"
        return Outcome("refused", None, pointer.version, pointer.digest, reason)
    if same:
        # The same version under a new generation (a hold, a release, look-ups seen unchanged): nothing to load.
        held = replace(now, bundle=now.bundle.renewed(pointer.as_of), generation=pointer.generation, instead_of="")
        held = replace(held, trial=_trial(home, pointer, make_room, held))
        return Outcome("followed", held, pointer.version, pointer.digest)
    return _load(home, pointer, now, make_room)


def go_back(home: ModelHome, now: Held, make_room: MakeRoom = any_room) -> Outcome:
    """Find the version that answered well before one that fails; the pointer stays as it is.

    Returns
    -------
    Outcome
        `returned`; `held` is None where no earlier version can be proven.
    """
    outcome = Outcome("returned", None, now.bundle.version, now.bundle.digest, FAILED)
    try:
        pointer = home.read_pointer()
    except Exception as error:
        log.error("model %s: there is no way back: %s", home.name, _reason(error))
        return outcome
    return _cold(home, pointer, outcome, make_room, now)


def _is_stale(pointer: Pointer, now: Held, same: bool) -> bool:
    """Whether a pointer is older than the one that is served: a copy put back by hand, or by somebody else."""
    if pointer.generation != now.generation:
        return pointer.generation < now.generation
    # A stand-in was taken for this very generation: the version that it names may be tried again.
    return not same and not now.instead_of


def _load(home: ModelHome, pointer: Pointer, now: Held | None, make_room: MakeRoom) -> Outcome:
    try:
        bundle = _proven(home, pointer.version, pointer.digest, make_room, now).renewed(pointer.as_of)
    except Exception as error:
        outcome = _told(home, error, pointer.version, pointer.digest)
        return outcome if now is not None else _cold(home, pointer, outcome, make_room)
    held = held_now(bundle, pointer.generation)
    held = replace(held, trial=_trial(home, pointer, make_room, held))
    return Outcome("followed", held, pointer.version, pointer.digest)


def _trial(home: ModelHome, pointer: Pointer, make_room: MakeRoom, now: Held) -> Trial | None:
    """Return the pointer's canary; one that cannot be proven is done without, and said."""
    if pointer.canary is None:
        return None
    meant = (pointer.canary.version, pointer.canary.digest)
    if now.trial is not None and (now.trial.held.bundle.version, now.trial.held.bundle.digest) == meant:
        return Trial(now.trial.held, pointer.canary.share)
    try:
        bundle = _proven(home, *meant, make_room, now)
    except Exception as error:
        _told(home, error, *meant)
        return None
    log.info("model %s: version %s answers %.3g of the requests", home.name, meant[0], pointer.canary.share)
    return Trial(held_now(bundle, pointer.generation), pointer.canary.share)


def held_now(bundle: Bundle, generation: int, instead_of: str = "") -> Held:
    """Return the record of a bundle that is served from now on."""
    size = need(bundle.manifest) if bundle.manifest is not None else 0
    return Held(bundle, generation, _now(), instead_of, size)


def pinned(home: ModelHome, version: str, make_room: MakeRoom) -> Held:
    """Load and prove a version that a caller names.

    Raises
    ------
    PenstockError
        It is not there, or cannot be proven.
    """
    return held_now(_proven(home, version, None, make_room, None), 0)


def _proven(home: ModelHome, version: str, digest: str | None, make_room: MakeRoom, now: Held | None) -> Bundle:
    folder = home.version_folder(version)
    # The signed manifest tells how large it is before anything large is read.
    make_room(need(read_manifest(folder, Trust.standard())), 0 if now is None else now.size)
    bundle = Bundle.load(folder, name=home.name)
    if digest is not None and bundle.digest != digest:
        raise Tampered("The bundle is not the one that the pointer names", got=bundle.digest[:12], expected=digest[:12])
    warm_up(bundle)
    return bundle


def warm_up(bundle: Bundle) -> None:
    """Answer the example row by itself, as most callers ask, so that none of them pays for a first call.

    Raises
    ------
    BundleError
        The answer is no number.
    """
    answers = bundle.predict([dict(bundle.example())])
    if not answers.is_finite:
        raise BundleError("The model's answers are no numbers", todo="Train it again.")


def _cold(
    home: ModelHome, pointer: Pointer | None, outcome: Outcome, make_room: MakeRoom, now: Held | None = None
) -> Outcome:
    """Find an earlier version that holds, because none is served yet, or the one that is fails."""
    for version, digest in _earlier(home, pointer):
        try:
            bundle = _proven(home, version, digest, make_room, now)
        except Exception as error:
            log.warning("model %s: version %s cannot stand in: %s", home.name, version, _reason(error))
            continue
        generation = pointer.generation if pointer is not None else 0
        held = held_now(bundle, generation, outcome.version or "the version of an unreadable pointer")
        return replace(outcome, held=held)
    return outcome


def _earlier(home: ModelHome, pointer: Pointer | None) -> Iterator[tuple[str, str | None]]:
    """Give the versions that were live before, nearest first, and their digests where they are known."""
    if pointer is not None:
        yield from ((version, None) for version in pointer.previous[:MAX_FALLBACKS])
        return
    # Nothing signed tells what was live: the log does. It chooses between signed versions only.
    try:
        events = sorted(home.events(), key=lambda event: event.generation, reverse=True)
    except Exception as error:
        log.warning("model %s: its log cannot be read: %s", home.name, _reason(error))
        return
    withdrawn: set[str] = set()
    given: list[str] = []
    for event in events:
        if event.what == "withdrawn":
            withdrawn.add(event.digest)
        live = event.what in MADE_LIVE and event.version is not None
        if live and event.version not in given and event.digest not in withdrawn and len(given) < MAX_FALLBACKS:
            given.append(str(event.version))
            yield str(event.version), event.digest


def _told(home: ModelHome, error: Exception, version: str, digest: str) -> Outcome:
    """Tell apart what another try may mend (a disk, memory, files still on their way) from what it cannot."""
    # The log is the operator's: it may have paths and what to do, which the status that anybody reads has not.
    told = " ".join(str(error).split()) if isinstance(error, PenstockError) else told_without_values(error)
    log.error("model %s: %s is not served: %s", home.name, version or "what its pointer names", told)
    passing = isinstance(error, StoreError | NotFound | OSError | MemoryError)
    return Outcome("later" if passing else "refused", None, version, digest, _reason(error))


def _reason(error: Exception) -> str:
    """Return a sentence that may be shown to anybody: no paths, no data."""
    return error.what if isinstance(error, PenstockError) else f"{type(error).__name__} while it was being proven"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
