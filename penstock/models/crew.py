"""Who does the fits: this process, one after the other; or processes, which a deadline can end.

A thread that fits cannot be stopped, a process can. Small tables are not worth the seconds that a process needs to
start, and their fits are short enough to wait for. Whoever wants to see each fit lends an executor whose threads every
fit goes through: the flow does, and shows them.
"""

from __future__ import annotations

import pickle
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from penstock.models.training import Training

Result = TypeVar("Result")
# What is done with a training: a function of this module's importers and the rest of its arguments.
Job = tuple[Callable[..., Result], tuple[Any, ...]]
# Seconds after which it is worth the start of processes.
ALONE_FOR = 3.0


@dataclass(frozen=True)
class Work(Generic[Result]):
    """A job as an executor is given it: called without arguments, and known by a name."""

    name: str
    call: Callable[[], Result]

    def __call__(self) -> Result:
        """Do it."""
        return self.call()


class Crew(Protocol):
    """Does jobs on one training until a deadline."""

    def each(
        self, training: Training, jobs: Sequence[Job[Result]], deadline: float | None
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Yield the position of a job and its result or error, as they come; what the deadline ended is not yielded."""

    def close(self) -> None:
        """End whatever still runs, and tidy up."""


class Alone:
    """The process itself. It begins no job that, by the family's last one, would outlast the time left.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        Threads of this process that every job goes through; whoever owns them sees what is done.
    """

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor
        self._lasted: dict[object, float] = {}

    def each(
        self, training: Training, jobs: Sequence[Job[Result]], deadline: float | None
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Do the jobs in order."""
        for i, (function, rest) in enumerate(jobs):
            started = time.monotonic()
            # Jobs of one family last about as long as each other, however it is set.
            family = getattr(rest[0], "kind", None)
            if deadline is not None and started + self._lasted.get(family, 0.0) > deadline:
                continue
            try:
                done: Result | Exception = self._done(_named((function, rest), partial(function, training, *rest)))
            # Whatever ails a candidate is told on the leaderboard.
            except Exception as error:
                done = error
            self._lasted[family] = time.monotonic() - started
            yield i, done

    def _done(self, work: Work[Result]) -> Result:
        return work() if self._executor is None else self._executor.submit(work).result()

    def close(self) -> None:
        """Nothing runs."""


class Growing:
    """The process itself for the first seconds, then processes: a search that is over soon needn't wait for these.

    Parameters
    ----------
    workers : int
        How many processes.
    executor : concurrent.futures.Executor, optional
        Threads of this process that every job goes through.
    """

    def __init__(self, workers: int, executor: Executor | None = None) -> None:
        self._alone, self._together = Alone(executor), Processes(workers, executor)
        self._spent = 0.0

    def each(
        self, training: Training, jobs: Sequence[Job[Result]], deadline: float | None
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Do the jobs in order, and side by side once they have taken some seconds."""
        begun = 0
        while begun < len(jobs) and self._spent < ALONE_FOR:
            started = time.monotonic()
            for _, done in self._alone.each(training, jobs[begun : begun + 1], deadline):
                self._spent += time.monotonic() - started
                yield begun, done
            begun += 1
        if begun < len(jobs):
            for i, done in self._together.each(training, jobs[begun:], deadline):
                yield begun + i, done

    def close(self) -> None:
        """End whatever still runs, and tidy up."""
        self._together.close()


class Processes:
    """Processes of its own, killed at the deadline.

    Parameters
    ----------
    workers : int
        How many processes.
    executor : concurrent.futures.Executor, optional
        Threads of this process, at least one more than there are processes. Every job goes through them: a thread waits
        for the process, and when the deadline kills this, the thread is free.
    """

    def __init__(self, workers: int, executor: Executor | None = None) -> None:
        self.workers = workers
        self._through = executor
        self._own: Any = None  # loky's ProcessPoolExecutor, which can kill its workers and has no types
        self._folder: Path | None = None
        self._saved: dict[int, tuple[Training, Path]] = {}

    def each(
        self, training: Training, jobs: Sequence[Job[Result]], deadline: float | None
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Do the jobs side by side, beginning them in order."""
        lost = yield from self._together(training, jobs, range(len(jobs)), deadline)
        # A process that the system killed, mostly for want of memory, takes its whole pool with it, and nobody can say
        # which job it was. So each family goes on alone, and only the one that breaks its pool again has failed.
        for family in dict.fromkeys(jobs[i][1][0] for i in lost):
            own = [i for i in lost if jobs[i][1][0] == family]
            again = yield from self._together(training, jobs, own, deadline)
            for i in again:
                yield i, MemoryError("the process that fitted it was killed, most likely for want of memory")

    def _together(
        self, training: Training, jobs: Sequence[Job[Result]], chosen: Sequence[int], deadline: float | None
    ) -> Generator[tuple[int, Result | Exception], None, list[int]]:
        """Do some of the jobs, and return those that were lost with their pool."""
        path, pool = self._on_disk(training), self._pool()
        waiting, pending, lost = deque(chosen), dict[Future[Any], int](), list[int]()
        try:
            while pending or waiting:
                # One more than there are processes, so that none is idle; not all at once, since loky's shutdown
                # stumbles over jobs that it holds and has not handed out.
                while waiting and len(pending) <= self.workers and not lost:
                    i = waiting.popleft()
                    pending[self._submitted(pool, path, jobs[i])] = i
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return []
                for future in wait(pending, left, FIRST_COMPLETED).done:
                    i = pending.pop(future)
                    error = future.exception()
                    if error is not None and not isinstance(error, Exception):
                        raise error
                    if isinstance(error, BrokenExecutor):
                        lost.append(i)
                    else:
                        yield i, error if error is not None else future.result()
                if lost and not pending:
                    return sorted([*lost, *waiting])
        finally:
            # loky stumbles over futures of its own that somebody else has cancelled, too, and then leaves its workers
            # behind; those of threads that have not begun can be, and have to be before the pool is gone.
            if self._through is not None:
                for future in pending:
                    future.cancel()
            if pending or lost:
                self._kill()
        return []

    def close(self) -> None:
        """Kill the processes and remove their copy of the data."""
        self._kill()
        self._saved.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _submitted(self, pool: Executor, path: Path, job: Job[Any]) -> Future[Any]:
        try:
            if self._through is not None:
                return self._through.submit(_named(job, partial(_waited_for, pool, path, job)))
            return pool.submit(_do, str(path), job)
        except BrokenExecutor as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def _pool(self) -> Executor:
        if self._own is None:
            from joblib.externals.loky import ProcessPoolExecutor

            # Every fit has one thread: where threads outnumber processors, OpenMP spends its time waiting.
            quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            self._own = ProcessPoolExecutor(
                max_workers=self.workers, initializer=_leave_interrupts_to_the_parent, env=quiet
            )
        pool: Executor = self._own
        return pool

    def _kill(self) -> None:
        if self._own is not None:
            self._own.shutdown(wait=True, kill_workers=True)
            self._own = None

    def _on_disk(self, training: Training) -> Path:
        # Once for all jobs: a pickle for each would copy the table as often as there are fits.
        if id(training) not in self._saved:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="penstock-"))
            path = self._folder / f"{len(self._saved)}.pickle"
            with path.open("wb") as out:
                pickle.dump(training, out, protocol=pickle.HIGHEST_PROTOCOL)
            self._saved[id(training)] = (training, path)
        return self._saved[id(training)][1]


def _named(job: Job[Any], call: Callable[[], Result]) -> Work[Result]:
    first, which = (*job[1], None)[:2]
    kind = getattr(first, "kind", None)
    return Work(f"{kind} fold {which + 1}" if kind and isinstance(which, int) else "the winner", call)


def _waited_for(pool: Executor, path: Path, job: Job[Result]) -> Result:
    return pool.submit(_do, str(path), job).result()


def _leave_interrupts_to_the_parent() -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do(path: str, job: Job[Result]) -> Result:
    function, rest = job
    return function(_load(path), *rest)


@lru_cache(maxsize=1)
def _load(path: str) -> Training:
    with Path(path).open("rb") as data:
        training: Training = pickle.load(data)  # noqa: S301 - the parent wrote it, in a folder only this user can read
    return training
