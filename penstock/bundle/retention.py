"""Which versions of a model stay on disk, and the removal of the others.

The last `publish: {keep: N}` of the spec stay, ten by default, and with them whatever may still be needed: the live
one, those that the pointer falls back to, everything while the model is held, and every version that was live within
the last day. A service that has a version open follows the pointer within seconds and holds what it answers with in
memory: the day is for one that was away, or asked for a version by name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import suppress

from penstock.bundle.layout import Pointer
from penstock.bundle.log import MADE_LIVE, Event
from penstock.bundle.turn import Turn
from penstock.errors import PenstockError

GRACE = dt.timedelta(days=1)


def expendable(
    versions: Sequence[str], pointer: Pointer, events: Iterable[Event], keep: int, moment: dt.datetime
) -> list[str]:
    """Return the versions that nobody needs any more.

    Parameters
    ----------
    versions : sequence of str
        Those that there are, by sequence.
    pointer : Pointer
        What is live, what it falls back to, and whether the model is held.
    events : iterable of Event
        The model's log, oldest first.
    keep : int
        How many of the last stay whatever happens.
    moment : datetime.datetime
        Now. A clock that was set back makes versions younger, and so keeps them.
    """
    if pointer.holds:
        return []
    needed = {pointer.version, *pointer.previous, *versions[-keep:], *_lately_live(events, moment)}
    return [version for version in versions if version not in needed]


def _lately_live(events: Iterable[Event], moment: dt.datetime) -> set[str]:
    """Return the versions that were live at any time within the grace."""
    lately: set[str] = set()
    live: str | None = None
    for event in events:
        if event.what in MADE_LIVE and event.version is not None:
            # It ended what was live until then.
            if live is not None and not _is_past(event.at, moment):
                lately.add(live)
            live = event.version
    return lately if live is None else {*lately, live}


def _is_past(at: str, moment: dt.datetime) -> bool:
    try:
        return moment - dt.datetime.fromisoformat(at) > GRACE
    except (ValueError, TypeError):
        # Nobody can tell when: it may be now.
        return False


def sweep(mine: Turn, pointer: Pointer, keep: int) -> list[str]:
    """Remove what nobody needs any more; what the disk will not let go of stays for the next publisher.

    Parameters
    ----------
    mine : Turn
        The turn in which the pointer was moved.
    pointer : Pointer
        Where it points now.
    keep : int
        How many of the last versions stay.

    Returns
    -------
    list of str
        The versions that went.
    """
    gone: list[str] = []
    # What was published is published: no trouble in tidying up may say otherwise.
    with suppress(OSError, PenstockError):
        moment = dt.datetime.now(dt.UTC)
        for version in expendable(mine.home.versions(), pointer, mine.home.events(), keep, moment):
            mine.drop(version)
            gone.append(version)
    return gone
