"""How a version does: how often it was asked, how often it failed by its own fault, and when a burst is one."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from deploy.service.settings import Settings


@dataclass(slots=True)
class Pulse:
    """The calls and failures of one served version.

    Several threads may count at once; one lost count in a thousand changes nothing of what it is for.
    """

    since: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    calls: int = 0
    failures: int = 0
    _window: float = field(default_factory=time.monotonic)
    _calls_before: int = 0
    _failures_before: int = 0

    def called(self) -> None:
        """Count a call."""
        self.calls += 1
        self.used = time.monotonic()

    def failed(self) -> None:
        """Count a failure that is no caller's fault."""
        self.failures += 1

    @property
    def on_probation(self) -> bool:
        """Whether anybody still looks for bursts."""
        return self.since > -math.inf

    def end_probation(self) -> None:
        """Look for bursts no longer."""
        self.since = -math.inf

    def bursts(self, settings: Settings, now: float) -> bool:
        """Whether so many calls fail that an earlier version should answer; asked at every look at the pointers.

        A version is on probation for a while after it came. Failures count within windows one after another, and make
        a burst when they are many both in number and as a share of the calls.
        """
        if not settings.burst_errors or now - self.since > settings.probation_seconds:
            return False
        calls, failures = self.calls - self._calls_before, self.failures - self._failures_before
        if failures >= settings.burst_errors and failures >= settings.burst_share * calls:
            return True
        if now - self._window >= settings.burst_seconds:
            self._window, self._calls_before, self._failures_before = now, self.calls, self.failures
        return False
