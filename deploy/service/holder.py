"""What is being served: one immutable record a model, replaced by a single assignment.

A request takes a model's record once and keeps to it, so its answer is of one version whatever happens meanwhile; the
old bundle is freed after the last request that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.service.pulse import Pulse
from penstock.bundle.bundle import Bundle

State = Literal["ready", "degraded", "loading", "idle", "refused"]


@dataclass(frozen=True, slots=True)
class Held:
    """A proven bundle, and the generation of the pointer that led to it.

    `instead_of` names the version that the pointer meant, where this one stands in for it; `size` are the bytes of
    memory that it is counted for.
    """

    bundle: Bundle
    generation: int
    since: str
    instead_of: str = ""
    size: int = 0
    pulse: Pulse = field(default_factory=Pulse)
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A canary: who answers a share of the requests."""

    held: Held
    share: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the version that a model's pointer names is not the one that is served."""

    version: str
    digest: str
    reason: str
    quarantined: bool


class Holder:
    """The models of one process. Written by the watcher alone, on the event loop; read by every request."""

    def __init__(self, default: str | None = None) -> None:
        self._default = default
        self._held: dict[str, Held] = {}
        self._trouble: dict[str, Trouble] = {}
        self._known: frozenset[str] = frozenset()
        self._idle: frozenset[str] = frozenset()
        self.revision = 0

    def get(self, name: str) -> Held | None:
        """Return what is served under a name."""
        return self._held.get(name)

    def trouble(self, name: str) -> Trouble | None:
        """Return why a model's pointer is not followed, if it is not."""
        return self._trouble.get(name)

    def names(self) -> list[str]:
        """Return the names of all models that are served or waited for, sorted."""
        return sorted(self._known | self._held.keys() | self._trouble.keys())

    def default(self) -> str | None:
        """Return the model that `/predict` means: the one that the settings name, else the only one."""
        names = self.names()
        if self._default is not None:
            return self._default
        return names[0] if len(names) == 1 else None

    def state(self, name: str) -> State:
        """Return how a model stands."""
        held = self._held.get(name)
        if held is not None:
            return "degraded" if name in self._trouble or held.instead_of else "ready"
        if name in self._trouble:
            return "refused"
        return "idle" if name in self._idle else "loading"

    @property
    def ready(self) -> bool:
        """Whether any model can answer; one that waits for its first call can, once none is loaded before it."""
        states = {self.state(name) for name in self.names()} if not self._held else set()
        return bool(self._held) or ("idle" in states and "loading" not in states)

    @property
    def degraded(self) -> bool:
        """Whether any model is other than its pointer says."""
        return any(self.state(name) in ("degraded", "refused") for name in self.names())

    def held(self) -> Mapping[str, Held]:
        """Return all that is held, by name."""
        return self._held

    def know(self, names: frozenset[str], idle: frozenset[str] = frozenset()) -> None:
        """Note which models lie in the artifacts, and which of them are loaded when they are asked."""
        self._idle = idle
        if names != self._known:
            self._known = names
            self.revision += 1

    def put(self, name: str, held: Held) -> None:
        """Serve a bundle from now on."""
        self._held = {**self._held, name: held}
        self.revision += 1

    def blame(self, name: str, trouble: Trouble | None) -> None:
        """Note why a pointer is not followed, or that it is."""
        others = {k: v for k, v in self._trouble.items() if k != name}
        self._trouble = others if trouble is None else {**others, name: trouble}

    def drop(self, name: str) -> None:
        """Serve a model no longer."""
        self._held = {k: v for k, v in self._held.items() if k != name}
        self.blame(name, None)
        self.revision += 1
