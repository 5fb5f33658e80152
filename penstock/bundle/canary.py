"""A canary: a version that answers a share of the requests, beside the live one."""

from __future__ import annotations

from pathlib import Path

from penstock.bundle.bundle import Bundle
from penstock.bundle.disk import Disk
from penstock.bundle.layout import Canary, Pointer
from penstock.bundle.log import whoami
from penstock.bundle.turn import event, turn
from penstock.errors import UserError


def start_canary(
    artifacts: str | Path,
    name: str,
    version: str,
    share: float,
    reason: str = "",
    who: str | None = None,
    *,
    disk: Disk | None = None,
) -> Pointer:
    """Let a version answer a share of the requests.

    It ends when the pointer moves to any version: by a publish, a rollback (`--to` the canary makes it live), or
    `end_canary`.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The model's name.
    version : str
        Which, by name or by its sequence number alone.
    share : float
        Of the requests, over 0 and below 1.
    reason, who : str
        Why, and who does it; user@host by default.
    disk : Disk, optional
        How the disk is changed.

    Raises
    ------
    NotFound
        There is no such model or version.
    UserError
        The version is live, or withdrawn, or the share is none.
    BundleError
        The version cannot be proven.
    """
    if not 0 < share < 1:
        raise UserError("A canary answers a share of the requests", got=f"{share:g}", expected="over 0 and below 1")
    who = who or whoami()
    with turn(artifacts, name, disk) as mine:
        start = mine.home.read_pointer(mine.trust)
        found = mine.home.find_version(version)
        if found == start.version:
            raise UserError(f"Version {found} is live: it answers all requests", todo="Name another version.")
        with mine.disk.local(mine.home.version_folder(found)) as here:
            bundle = Bundle.load(here, name=name, trusted=mine.trust)
        if bundle.digest in start.withdrawn:
            raise UserError(f"Version {found} was withdrawn", todo=f"Bring it back first: penstock rollback {name}")
        canary = Canary(version=found, digest=bundle.digest, share=share)
        moved = start.model_copy(update={"generation": start.generation + 1, "canary": canary})
        mine.point(moved)
        told = {"version": found, "digest": bundle.digest, "sequence": bundle.manifest and bundle.manifest.sequence}
        why = reason or f"it answers {share:.3g} of the requests"
        mine.note(event(moved, "canary started", who, why).model_copy(update=told))
    return moved


def end_canary(
    artifacts: str | Path, name: str, reason: str = "", who: str | None = None, *, disk: Disk | None = None
) -> Pointer:
    """Let the live version answer all requests again; without a canary nothing changes.

    Raises
    ------
    NotFound
        There is no such model.
    """
    who = who or whoami()
    with turn(artifacts, name, disk) as mine:
        start = mine.home.read_pointer(mine.trust)
        return start if start.canary is None else mine.change(start, "canary ended", who, reason, canary=None)
