"""The door of the collect stage: sources in, snapshots as they came out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.tasks import exponential_backoff

from penstock.errors import SourceUnavailable
from penstock.receipts import Collected
from penstock.sources import Source, state_of
from penstock.sources import collect as snapshots_of
from penstock.store import Store
from penstock.store.writing import sha256_of
from tasks.caching import StageKey, entered, may_pass
from tasks.records import RECEIPT

LIBRARIES = ("httpx", "lxml", "numpy", "orjson", "pandas", "pyarrow", "python-calamine", "sqlalchemy")


def _states(inputs: Mapping[str, Any]) -> list[list[str]]:
    """Return where each source lies and what state it is in, and the digest of each table of fixes; no password.

    Raises
    ------
    SourceUnavailable
        The state of one cannot be told without collecting it.
    """
    states = [(source.uri, state_of(source)) for source in inputs["sources"]]
    fixes = [["fixes", sha256_of(Path(path))] for path in inputs.get("fixes", ())]
    return [[uri, _told(uri, state)] for uri, state in states] + fixes


def _told(uri: str, state: str | None) -> str:
    """Return a state that is known."""
    if state is None:
        raise SourceUnavailable("The state of a source cannot be told without collecting it", where=uri)
    return state


@task(
    name="collect",
    description="Snapshots of every source, as they came.",
    cache_policy=StageKey(
        stage="collect", code=(__name__,), libraries=LIBRARIES, beside=_states, instead_of=frozenset({"fixes"})
    ),
    result_serializer=RECEIPT,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)
def collect(sources: tuple[Source, ...], fixes: tuple[str, ...] = (), *, artifacts: str) -> Collected:
    """Read every source once.

    Parameters
    ----------
    sources : tuple of Source
        The base first.
    fixes : tuple of str
        Paths of edited tables of rejected rows.
    artifacts : str
        The artifacts directory.

    Raises
    ------
    SourceUnavailable
        A source did not answer, or changed while it was read; worth another try.
    """
    entered("collect")
    before = [state_of(source) for source in sources]
    collected = snapshots_of(sources, Store(artifacts), fixes)
    # A snapshot taken across a write would be found again under the state that the source had before it.
    for source, state in zip(sources, before, strict=True):
        if state is not None and state_of(source) != state:
            raise SourceUnavailable("The source changed while it was read", where=source.uri)
    return collected
