"""When a stage need not run again: its inputs, its slice of the spec, its code and its libraries are what they were."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect.cache_policies import CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.logging import get_logger
from prefect.tasks import Task
from prefect.transactions import get_transaction

from penstock.errors import SourceUnavailable, UserError
from penstock.frozen import Frozen, digest_of
from penstock.receipts import Receipt, StageName
from tasks.fingerprint import Code, code_of
from tasks.records import Records

# Where and how a stage runs; what it computes does not hang on it.
PLACES = frozenset({"artifacts", "fits"})
LOG = "PENSTOCK_STAGE_LOG"


@dataclass
class StageKey(CachePolicy):
    """The key of a stage: input receipts, slices of the spec, code, versions of the libraries that matter.

    Parameters
    ----------
    stage : str
        The stage.
    code : tuple of str
        Modules that the stage begins in; all that they import counts.
    libraries : tuple of str
        Distributions whose version may change an outcome; Python's own always counts.
    beside : callable, optional
        What else the outcome hangs on, from the inputs: any JSON value.
    instead_of : frozenset of str
        Inputs that `beside` speaks for.
    """

    stage: str = ""
    code: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    beside: Callable[[Mapping[str, Any]], object] | None = None
    instead_of: frozenset[str] = frozenset()

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """Return the key, or None where the stage has to run: a source does not answer, code changed under our feet."""
        try:
            return self.key(inputs)
        except (OSError, UserError):
            # The body meets the same trouble, and tells it as it should be told.
            return None

    def key(self, inputs: Mapping[str, Any]) -> str | None:
        """Return the key for some inputs, by their names."""
        code = code_of(self.code)
        if not code.is_certain:
            get_logger("penstock").warning(
                "%s: its source was edited since this process began; not cached until it is started anew.", self.stage
            )
            return None
        return f"{self.stage}-{digest_of(self.parts(inputs, code))}"

    def parts(self, inputs: Mapping[str, Any], code: Code) -> dict[str, object]:
        """Return what the key is the digest of."""
        apart = PLACES | self.instead_of
        return {
            "inputs": {name: described(value) for name, value in inputs.items() if name not in apart},
            "beside": self.beside(inputs) if self.beside else None,
            "code": code.digest,
            "libraries": {name: version(name) for name in self.libraries},
            "python": list(sys.version_info[:2]),
        }


def described(value: object) -> object:
    """Return a JSON value that is the same for inputs that mean the same."""
    if isinstance(value, Receipt):
        return value.identity()
    if isinstance(value, Frozen):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(k): described(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [described(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def entered(stage: StageName) -> None:
    """Note that a stage's body was entered, where the environment asks for it: a line in the file it names."""
    if path := os.environ.get(LOG):
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(f"{stage}\n")


def forget_this_one() -> None:
    """Keep the result of the stage that is running out of the cache."""
    if transaction := get_transaction():
        transaction.write_on_commit = False


def at(door: Task[..., Any], artifacts: str, refresh: bool = False) -> Task[..., Any]:
    """Return a door whose results are kept below an artifacts directory.

    Parameters
    ----------
    door : prefect.Task
        A stage.
    artifacts : str
        The artifacts directory.
    refresh : bool, optional
        Enter the stage whatever is cached, and cache anew.
    """
    placed: Task[..., Any] = door.with_options(refresh_cache=refresh)
    # Prefect's constructor takes no storage that its server does not know; the engine itself asks no more than this.
    placed.result_storage = _records(artifacts)
    return placed


@lru_cache(maxsize=8)
def _records(artifacts: str) -> Records:
    return Records(artifacts=artifacts)


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's signature
    """Whether another try may help: the network, a busy server or disk; never a mistake in spec or data."""
    error = state.result(raise_on_failure=False)
    lasting = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
    if isinstance(error, UserError):
        return isinstance(error, SourceUnavailable)
    return isinstance(error, OSError) and not isinstance(error, lasting)
