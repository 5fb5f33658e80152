"""A model's log: one line for everything that was done to it, and never one taken away."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import socket
from typing import Literal

from pydantic import ValidationError

from penstock.frozen import Frozen, canonical_json

What = Literal[
    "published",
    "refreshed",
    "renewed",
    "refused",
    "rolled back",
    "held",
    "released",
    "withdrawn",
    "canary started",
    "canary ended",
]
# After these the version that the event names is the one that is live.
MADE_LIVE: frozenset[What] = frozenset({"published", "refreshed", "rolled back"})


class Event(Frozen):
    """Who did what, when and why.

    A version that differs from the one before in its look-up tables alone is `refreshed`; one whose look-ups were found
    to be unchanged is `renewed`, and stays.

    `generation` is that of the pointer afterwards; 0 where there was none.
    """

    at: str
    who: str
    what: What
    why: str
    model: str
    version: str | None
    digest: str
    sequence: int | None
    generation: int

    def to_line(self) -> bytes:
        """Return the event's line, with its end."""
        return canonical_json(self) + b"\n"


def parse_log(data: bytes) -> list[Event]:
    """Return the events of a log, oldest first. A line that cannot be read was cut short by a crash: it is left out."""
    events: list[Event] = []
    for line in data.split(b"\n"):
        try:
            events.append(Event.model_validate(json.loads(line)))
        except (ValueError, ValidationError, RecursionError):
            continue
    return events


def now() -> str:
    """Return the time, UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def whoami() -> str:
    """Return who is at work, as user@host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a number that has no name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
