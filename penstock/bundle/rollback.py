"""Going back to a version, and holding a model as it is: the pointer moves, versions never change."""

from __future__ import annotations

from pathlib import Path

from penstock.bundle.bundle import Bundle
from penstock.bundle.disk import Disk
from penstock.bundle.layout import Hold, Pointer, sequence_of, without_withdrawn
from penstock.bundle.log import MADE_LIVE, now, whoami
from penstock.bundle.turn import Turn, event, turn
from penstock.errors import BundleError, NotFound, UserError


def rollback(
    artifacts: str | Path,
    name: str,
    to: str | None = None,
    reason: str = "",
    who: str | None = None,
    *,
    disk: Disk | None = None,
) -> Pointer:
    """Make an earlier version live again. The digest that is left is withdrawn.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The model's name.
    to : str, optional
        The version to go to, by name or by its sequence number alone. By default the nearest previous one that can be
        proven. It may be a later one too: going forward withdraws nothing.
    reason : str
        Why; needed to go to a withdrawn version.
    who : str, optional
        Who does it; user@host by default.
    disk : Disk, optional
        How the disk is changed.

    Returns
    -------
    Pointer
        The new pointer, its generation risen.

    Raises
    ------
    NotFound
        There is no such model or version, or none to go back to.
    UserError
        The version is live already, or it is withdrawn and no reason was given.
    BundleError
        The version cannot be proven.
    """
    who = who or whoami()
    with turn(artifacts, name, disk) as mine:
        start, lost = _start(mine, to)
        target = _proven(mine, mine.home.find_version(to)) if to else _nearest(mine, start)
        if target.version == start.version and not lost:
            raise UserError(f"Version {target.version} is live already", todo="Name another with --to.")
        if target.digest in start.withdrawn and not reason:
            raise UserError(
                f"Version {target.version} was withdrawn", todo="Give the reason why it may come back: --reason REASON"
            )
        moved = _moved_to(start, target)
        mine.point(moved)
        events = [event(moved, "rolled back", who, reason)]
        if start.digest in set(moved.withdrawn) - set(start.withdrawn):
            left = {"version": start.version, "digest": start.digest, "sequence": start.sequence}
            events.append(event(moved, "withdrawn", who, reason).model_copy(update=left))
        mine.note(*events)
    return moved


def _start(mine: Turn, to: str | None) -> tuple[Pointer, bool]:
    """Return the pointer; where it cannot be trusted and a version is named, what the log tells of it, and True."""
    try:
        return mine.home.read_pointer(mine.trust), False
    except BundleError:
        events = mine.home.events()
        last = next((e for e in reversed(events) if e.what in MADE_LIVE), None)
        if to is None or last is None or last.version is None:
            raise
    told = Pointer(
        generation=max(e.generation for e in events) + 1,
        model=mine.home.name,
        version=last.version,
        digest=last.digest,
        sequence=sequence_of(last.version),
        previous=tuple(v for v in reversed(mine.home.versions()) if v != last.version),
        withdrawn=tuple(dict.fromkeys(e.digest for e in events if e.what == "withdrawn")),
    )
    return told, True


def _nearest(mine: Turn, start: Pointer) -> Bundle:
    failures: list[str] = []
    for version in start.previous:
        try:
            return _proven(mine, version)
        except BundleError as error:
            failures.append(f"{version}: {error.what}")
    raise NotFound(
        f"Model {start.model!r} has no earlier version to go back to",
        where=str(mine.home.versions_folder),
        got="; ".join(failures) or f"{start.version} is the only one that is not withdrawn",
        expected=f"one of {', '.join(mine.home.versions()[-8:])}, named with --to",
    )


def _proven(mine: Turn, version: str) -> Bundle:
    with mine.disk.local(mine.home.version_folder(version)) as here:
        return Bundle.load(here, name=mine.home.name, trusted=mine.trust)


def _moved_to(start: Pointer, target: Bundle) -> Pointer:
    assert target.manifest is not None
    sequence = target.manifest.sequence
    back = sequence < start.sequence
    withdrawn = [d for d in start.withdrawn if d != target.digest]
    if back and start.digest != target.digest:
        withdrawn.append(start.digest)
    gone = tuple(dict.fromkeys(withdrawn))
    chain = start.previous if back else (start.version, *start.previous)
    if target.version in chain:
        chain = chain[chain.index(target.version) + 1 :]
    elif back:
        chain = tuple(v for v in chain if sequence_of(v) < sequence)
    return start.model_copy(
        update={
            "generation": start.generation + 1,
            "version": target.version,
            "digest": target.digest,
            "sequence": sequence,
            "previous": without_withdrawn(chain, gone),
            "withdrawn": gone,
            "as_of": {},
            "canary": None,
        }
    )


def hold(artifacts: str | Path, name: str, reason: str, who: str | None = None, *, disk: Disk | None = None) -> Pointer:
    """Let nothing new be published under a name until it is released; going back stays possible.

    Raises
    ------
    UserError
        No reason was given.
    NotFound
        There is no such model.
    """
    if not reason.strip():
        raise UserError("A hold needs a reason", todo=f"penstock hold {name} --reason REASON")
    who = who or whoami()
    with turn(artifacts, name, disk) as mine:
        start = mine.home.read_pointer(mine.trust)
        held = (*start.holds, Hold(reason=reason, who=who, at=now()))
        return mine.change(start, "held", who, reason, holds=held)


def release(
    artifacts: str | Path, name: str, reason: str = "", who: str | None = None, *, disk: Disk | None = None
) -> Pointer:
    """Lift every hold; a model that is not held is left as it is.

    Raises
    ------
    NotFound
        There is no such model.
    """
    who = who or whoami()
    with turn(artifacts, name, disk) as mine:
        start = mine.home.read_pointer(mine.trust)
        return mine.change(start, "released", who, reason, holds=()) if start.holds else start
