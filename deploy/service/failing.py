"""Which versions failed too often once they were asked: known to every worker of a service, whichever found it out."""

from __future__ import annotations

import logging
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from deploy.service.prove import Which

log = logging.getLogger("penstock.service")

_MARK = "failing-"


class Failing:
    """The versions that are not followed again, by model, for as long as the service runs.

    Parameters
    ----------
    shared : pathlib.Path, optional
        A directory that all workers of one service have, and that goes with them. A file in it, whose name says all,
        tells the others; nothing is written to the artifacts.
    """

    def __init__(self, shared: Path | None) -> None:
        self._shared = shared
        self._known: dict[str, frozenset[Which]] = {}

    def of(self, name: str) -> Set[Which]:
        """Return those of a model."""
        return self._known.get(name, frozenset())

    def add(self, name: str, which: Which) -> None:
        """Note one, and tell the others."""
        self._known[name] = frozenset({*self.of(name), which})
        if self._shared is not None:
            try:
                (self._shared / f"{_MARK}{name}@{which[0]}@{which[1]}").touch()
            except OSError as error:
                log.error("the other workers cannot be told of a version that fails: %s", error.strerror)

    def listen(self) -> None:
        """Take in what other workers have noted."""
        if self._shared is None:
            return
        with suppress(OSError):
            for path in self._shared.glob(f"{_MARK}*"):
                name, version, digest = path.name.removeprefix(_MARK).split("@")
                self._known[name] = frozenset({*self.of(name), (version, digest)})
