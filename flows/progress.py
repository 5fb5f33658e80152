"""How far a long stage has come, on the run's page: a bar that moves every other second, and says how it ended."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_logger

from flows.keys import key_of
from penstock.errors import PenstockError
from penstock.progress import Step, noted_by
from penstock.receipts import StageName
from penstock.report.markdown import escaped
from penstock.report.words import seconds

# A stage that is over before is told once, at its end.
PATIENCE = 1.0
# Each time is a request to Prefect's API, and a line in its database.
EVERY = 2.0
# A server that does not answer must not keep the run waiting.
_LAST_WORD = 5.0


class Bar:
    """The progress of one stage.

    Parameters
    ----------
    stage : str
        The stage.
    model : str
        The model's name.
    budget : float, optional
        The seconds that it may take: time tells how far it has come, too.
    """

    def __init__(self, stage: StageName, model: str, budget: float | None = None) -> None:
        self._stage = stage
        self._key = key_of("progress", f"{stage}-{model}")
        self._budget = budget
        self._began = time.monotonic()
        self._step = Step(0, None, "")
        self._most = 0.0
        self._shown: UUID | None = None
        self._over = threading.Event()
        # With the run's own context: by it Prefect knows which run the artifact belongs to.
        self._thread = threading.Thread(
            name=self._key, target=copy_context().run, args=(self._keep_showing,), daemon=True
        )

    def note(self, step: Step) -> None:
        """Take note of a step; a thread of the bar's own shows it."""
        self._step = step

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def end(self, how: str) -> None:
        """Show that the stage is over."""
        self._stop(100.0, how)

    def fail(self, error: BaseException) -> None:
        """Show how far the stage came, and that it failed there."""
        # What other errors say may quote the data.
        what = error.what if isinstance(error, PenstockError) else type(error).__name__
        self._stop(self._percent(), f"failed after {seconds(self._elapsed())}: {escaped(what)}")

    def _stop(self, percent: float, words: str) -> None:
        self._over.set()
        self._thread.join(_LAST_WORD)
        if not self._thread.is_alive():
            self._put(percent, words)

    def _keep_showing(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            words = escaped(self._step.words) or "at work"
            self._put(self._percent(), f"{words}; {self._elapsed():.0f} s")
            wait = EVERY

    def _percent(self) -> float:
        timed = self._elapsed() / self._budget if self._budget else 0.0
        # A bar never goes back, and is full when the stage is over.
        self._most = max(self._most, min(0.99, max(self._step.share, timed)))
        return round(100 * self._most, 1)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _put(self, percent: float, words: str) -> None:
        told = f"{self._stage}: {words}"
        try:
            if self._shown is None:
                self._shown = cast(UUID, create_progress_artifact(percent, key=self._key, description=told))
            else:
                update_progress_artifact(self._shown, percent, description=told)
        except Exception as error:
            # No bar is worth a run.
            get_logger("penstock").debug("The progress of %s could not be shown: %s", self._stage, error)


@contextlib.contextmanager
def shown(bar: Bar) -> Iterator[Bar]:
    """Show the progress of the stage that is entered in the block; who enters it says how it ended."""
    bar.start()
    try:
        with noted_by(bar.note):
            yield bar
    except BaseException as error:
        bar.fail(error)
        raise
