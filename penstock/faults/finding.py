"""One sign that something is wrong, in the user's words."""

from __future__ import annotations

from penstock.frozen import Frozen

FORCE = "penstock publish RUN --force REASON"


class Finding(Frozen):
    """One sign of a fault or a leak: `what` says what, where, how much, and what to do; `kind` is its name."""

    kind: str
    what: str
    column: str = ""
    blocks: bool = False


def told(what: str, todo: str) -> str:
    """Put what was found and what to do about it into one sentence.

    Examples
    --------
    >>> told("the model answers every row the same", "bring columns that differ")
    'the model answers every row the same; to do: bring columns that differ'
    """
    return f"{what}; to do: {todo}"
