"""A run's stages as they happen: each entered through its door, timed, and told to whoever watches."""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Literal, NamedTuple, Self, TypeVar, cast

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from flows.progress import Bar, shown
from penstock.errors import UserError
from penstock.receipts import STAGES, Published, Receipt, StageName
from penstock.report.words import seconds
from penstock.summary import StageRun
from tasks.caching import at

R = TypeVar("R", bound=Receipt)
Runner = Literal["threads", "processes", "dask"]
Watch = Callable[[StageName, StageRun | None], None]
_watch: ContextVar[Watch | None] = ContextVar("penstock_watch", default=None)


@contextlib.contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """Tell a function of every stage that begins (None) and ends, until the block ends."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def task_runner(name: Runner) -> TaskRunner[Any]:
    """Return one of Prefect's task runners.

    Raises
    ------
    UserError
        It needs a package that is not installed.
    """
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=2)
    if name == "processes":
        return ProcessPoolTaskRunner(max_workers=2)
    try:
        dask = import_module("prefect_dask")
    except ImportError as error:
        raise UserError(
            "The runner 'dask' is not installed",
            expected="threads, processes, or dask with its package",
            todo="pip install prefect-dask, or choose another with --runner.",
        ) from error
    return cast(TaskRunner[Any], dask.DaskTaskRunner())


class Aside(NamedTuple):
    """A stage that runs while others go on."""

    name: StageName
    future: PrefectFuture[Any]
    began: dt.datetime


class Stages:
    """The stages of one run.

    Parameters
    ----------
    artifacts : str
        The artifacts directory.
    refresh : bool
        Enter every stage, whatever is cached.
    runner : {"threads", "processes", "dask"}
        Where stages run that others need not wait for.
    """

    def __init__(self, artifacts: str, refresh: bool, runner: Runner) -> None:
        self.artifacts = artifacts
        self.refresh = refresh
        self._pool = task_runner(runner)
        self.receipts: dict[StageName, Receipt] = {}
        self._runs: dict[StageName, StageRun] = {}

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.__exit__(*error)

    @property
    def runs(self) -> tuple[StageRun, ...]:
        """What has ended, in the order of the stages."""
        return tuple(self._runs[name] for name in STAGES if name in self._runs)

    def beside(self, door: Task[..., R], *inputs: object) -> R:
        """Enter a door that is no stage: it is cached like one, and counted nowhere."""
        return cast(R, at(door, self.artifacts, self.refresh)(*inputs, artifacts=self.artifacts))

    def amend(self, name: StageName, door: Task[..., R], *inputs: object) -> R:
        """Enter a door that is no stage, and take its receipt for that of a stage from here on."""
        receipt = self.beside(door, *inputs)
        self.receipts[name] = receipt
        return receipt

    def run(self, door: Task[..., R], *inputs: object, bar: Bar | None = None, **places: object) -> R:
        """Enter a stage, or take what is cached, and return its receipt.

        Parameters
        ----------
        door : prefect.Task
            The stage.
        *inputs : object
            What its body is given.
        bar : Bar, optional
            Shows how far it has come on the run's page.
        **places : object
            Where and how it runs, which nothing that it computes hangs on.

        Raises
        ------
        Exception
            Whatever the stage's body raised in the end.
        """
        name = cast(StageName, door.name)
        self._tell(name, None)
        began = time.perf_counter()
        placed = at(door, self.artifacts, self.refresh)
        with shown(bar) if bar else contextlib.nullcontext():
            state = cast("State[R]", placed(*inputs, artifacts=self.artifacts, return_state=True, **places))
            receipt = self._ended(name, state, time.perf_counter() - began)
        if bar:
            run = self._runs[name]
            bar.end("taken from the cache" if run.state == "cached" else f"done in {seconds(run.seconds)}")
        return receipt

    def start(self, door: Task[..., R], *inputs: object) -> Aside:
        """Start a stage that the next ones need not wait for."""
        name = cast(StageName, door.name)
        self._tell(name, None)
        began = dt.datetime.now(dt.UTC)
        given = inspect.signature(door.fn).bind(*inputs, artifacts=self.artifacts).arguments
        return Aside(name, self._pool.submit(at(door, self.artifacts, self.refresh), given), began)

    def finish(self, aside: Aside) -> Any:  # the receipt's class went into the door, and a future of Prefect's lost it
        """Wait for a stage that was started, and return its receipt."""
        aside.future.wait()
        state = aside.future.state
        return self._ended(aside.name, state, (state.timestamp - aside.began).total_seconds())

    def _ended(self, name: StageName, state: State[R], seconds: float) -> R:
        receipt = state.result()
        known = "cached" if state.name == "Cached" else "completed"
        if isinstance(receipt, Published) and receipt.state == "unchanged":
            known = "unchanged"
        self.receipts[name] = receipt
        self._runs[name] = StageRun(name=name, seconds=round(max(seconds, 0.0), 4), state=known)
        self._tell(name, self._runs[name])
        return receipt

    def _tell(self, name: StageName, run: StageRun | None) -> None:
        if watch := _watch.get():
            watch(name, run)
