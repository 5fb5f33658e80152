"""The fits of a search as Prefect task runs: threads that the flow owns, and no stage's."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.logging import get_logger
from prefect.states import Completed, Failed

P = ParamSpec("P")
T = TypeVar("T")
# A task run costs Prefect's server 27 ms of a processor, and this process 3: fits that are over sooner than this share
# one, so that recording takes no more than some hundredths of the time that is there to fit.
SHARED_SECONDS = 2.0
# A task run whose thread is given nothing for so long is over.
LULL = 0.25
# How long the flow waits at its end for a fit that nobody waits for any more.
LAST_SECONDS = 5.0


class _Fit(NamedTuple):
    """A fit that waits for its turn, and who waits for it."""

    name: str
    call: Callable[[], Any]
    future: Future[Any]

    def do(self) -> BaseException | None:
        """Do it, and return what it failed with."""
        if not self.future.set_running_or_notify_cancel():
            return CancelledError()
        try:
            done = self.call()
        # Whoever waits for it gets what it raised, whatever that is.
        except BaseException as error:
            self.future.set_exception(error)
            return error
        self.future.set_result(done)
        return None


class Fits(Executor):
    """Threads that do fits, each in a task run named after it.

    Made and closed by the flow, in whose context the task runs stand. Fits wait for no other fits, and there is always
    a thread for one more: the train stage, which waits for fits, is in none of them.
    """

    def __init__(self) -> None:
        self._context = copy_context()
        self._waiting: SimpleQueue[_Fit | None] = SimpleQueue()
        self._free = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a fit in a thread that is free, or in a new one.

        Parameters
        ----------
        fn : callable
            With an attribute `name`, it is shown under that.
        *args, **kwargs : object
            What it is given.
        """
        future: Future[T] = Future()
        self._waiting.put(_Fit(str(getattr(fn, "name", "fit")), partial(fn, *args, **kwargs), future))
        if not self._free.acquire(blocking=False):
            self._threads.append(threading.Thread(target=self._work, name="fits", daemon=True))
            self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads: those at work when their fit is over, which is waited for some seconds."""
        while cancel_futures:
            try:
                fit = self._waiting.get_nowait()
            except Empty:
                break
            if fit is not None:
                fit.future.cancel()
        for _ in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + LAST_SECONDS
        for thread in self._threads if wait else ():
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (fit := self._waiting.get()) is not None:
            try:
                self._context.copy().run(together, fit.name, partial(self._shared, fit), return_state=True)
            except Exception as error:
                get_logger("penstock").debug("A fit could not be recorded: %s", error)
            if not fit.future.done():
                fit.do()
                self._free.release()

    def _shared(self, fit: _Fit) -> list[tuple[str, BaseException | None]]:
        """Do a fit, and those that come until it is time for another task run."""
        until = time.monotonic() + SHARED_SECONDS
        done = []
        while True:
            done.append((fit.name, fit.do()))
            self._free.release()
            if time.monotonic() >= until:
                return done
            try:
                more = self._waiting.get(timeout=LULL)
            except Empty:
                return done
            if more is None:
                self._waiting.put(None)
                return done
            fit = more


# Their results are kept one by one by the search itself: what is known already is not fitted, and is no task run.
@task(name="fits", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def together(name: str, work: Callable[[], list[tuple[str, BaseException | None]]]) -> State[None]:
    """Do fits that share a task run.

    Parameters
    ----------
    name : str
        The first one's, which the task run bears until it is known how many there are.
    work : callable
        Does them, and returns the name of each and what it failed with.
    """
    from joblib.externals.loky.process_executor import ShutdownExecutorError

    from penstock.models.families import Refusal

    done = work()
    context = TaskRunContext.get()
    if len(done) > 1 and context is not None:
        context.task_run.name = f"{name} and {len(done) - 1} more"
    words = _told(done)
    # What the time was not enough for is no failure: it was never begun, or its process was ended. Nor is a table that
    # is none of a family's business. Prefect logs every state as an error that is not of the type `Completed`.
    over = (CancelledError, BrokenExecutor, ShutdownExecutorError, Refusal)
    if any(error is not None and not isinstance(error, over) for _, error in done):
        return Failed(message=words)
    stopped = all(error is not None for _, error in done)
    return Completed(name="Stopped", message=words) if stopped else Completed(message=words)


def _told(done: list[tuple[str, BaseException | None]]) -> str:
    """Say what was done, errors by their type alone: what they say may quote the data.

    Examples
    --------
    >>> _told([("linear fold 1", None), ("linear fold 2", None), ("lightgbm fold 1", ValueError("17.5"))])
    '3 fits: 2 linear, 1 lightgbm; 1 ended in ValueError'
    """
    kinds = Counter(name.partition(" fold ")[0] for name, _ in done)
    what = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    ends = Counter(type(error).__name__ for _, error in done if error is not None)
    told = "".join(f"; {n} ended in {kind}" for kind, n in ends.items())
    return f"{len(done)} fit{'s' if len(done) > 1 else ''}: {what}{told}"
