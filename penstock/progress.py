"""How far long work has come: noted where it is done, and shown by whoever watches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import NamedTuple


class Step(NamedTuple):
    """So many of so many; `of` is None where nobody knows how many there will be."""

    done: float
    of: float | None
    words: str

    @property
    def share(self) -> float:
        """How far it has come, between 0 and 1; 0 where that cannot be told.

        Examples
        --------
        >>> Step(3, 4, "fits").share, Step(900, None, "rows").share
        (0.75, 0.0)
        """
        return min(1.0, max(0.0, self.done / self.of)) if self.of else 0.0


Watch = Callable[[Step], None]
_watch: ContextVar[Watch | None] = ContextVar("penstock_progress", default=None)


@contextlib.contextmanager
def noted_by(watch: Watch) -> Iterator[None]:
    """Tell a function of every step that this thread notes, until the block ends.

    The function is called in the midst of the work: it returns at once, and never raises.
    """
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def watcher() -> Watch | None:
    """Return who watches this thread, for work that is divided among others."""
    return _watch.get()


def note(done: float, of: float | None, words: str) -> None:
    """Note how far the work has come; nothing happens where nobody watches."""
    if watch := _watch.get():
        watch(Step(done, of, words))
