"""Who draws: this process, and where it pays a second one beside it. The bytes are the same.

Matplotlib draws while it holds the interpreter, and its settings are the whole process's, so a thread would not help.
"""

from __future__ import annotations

import queue
import signal
import threading
from concurrent.futures import BrokenExecutor
from typing import Any, Self

from penstock.explore.sketch import Sketch
from penstock.plots.drawing import picture, warm_up

_Work = tuple[int, Sketch]


class Hands:
    """Draw figures in the order in which they come: begun by a helper at once, and by this process at the end.

    Parameters
    ----------
    helper : bool
        Whether a second process draws too. It starts while the first figures are thought out; where it cannot start,
        or ends before its time, this process draws what is left.
    """

    def __init__(self, helper: bool) -> None:
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._done: dict[int, bytes] = {}
        self._failed: Exception | None = None
        self._given = 0
        self._feeder = threading.Thread(target=self._feed, daemon=True) if helper else None

    def __enter__(self) -> Self:
        """Start the helper."""
        if self._feeder is not None:
            self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        while self._next() is not None:
            """What nobody asked for is not drawn."""
        self._dismiss()

    def give(self, sketch: Sketch) -> None:
        """Have a figure drawn."""
        self._waiting.put((self._given, sketch))
        self._given += 1

    def drawn(self) -> list[bytes]:
        """Return the PNGs of all figures, in the order in which they were given."""
        while (work := self._next()) is not None:
            self._done[work[0]] = picture(work[1].draw, work[1].given)
        self._dismiss()
        # A helper that ended before its time has put back what it was to draw.
        while (work := self._next()) is not None:
            self._done[work[0]] = picture(work[1].draw, work[1].given)
        if self._failed is not None:
            raise self._failed
        return [self._done[i] for i in range(self._given)]

    def _next(self) -> _Work | None:
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None

    def _dismiss(self) -> None:
        if self._feeder is not None and self._feeder.is_alive():
            self._waiting.put(None)
            self._feeder.join()

    def _feed(self) -> None:
        """Hand the helper one figure after the other."""
        executor, work = None, None
        try:
            executor = _executor()
            executor.submit(warm_up)
            while (work := self._waiting.get()) is not None:
                self._done[work[0]] = executor.submit(picture, work[1].draw, work[1].given).result()
        except (BrokenExecutor, OSError):
            if work is not None:
                self._waiting.put(work)
        # Whatever ails a figure is raised where figures are asked for.
        except Exception as error:
            self._failed = error
        finally:
            if executor is not None:
                executor.shutdown(wait=True, kill_workers=True)


def _executor() -> Any:  # loky's, which has no types
    # It does not run the caller's script anew in the helper, as the standard library's would.
    from joblib.externals.loky import ProcessPoolExecutor

    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return ProcessPoolExecutor(max_workers=1, initializer=_leave_interrupts_to_the_parent, env=quiet)


def _leave_interrupts_to_the_parent() -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
