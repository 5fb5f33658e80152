"""The door of the collect stage: sources in, snapshots as they came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.tasks import exponential_backoff

from penstock.errors import SourceUnavailable
from penstock.receipts import Collected
from penstock.sources import Source, state_of
from penstock.sources import collect as snapshots_of
from penstock.store import Store
from tasks.caching import StageKey, entered, may_pass
from tasks.records import RECEIPT


def _states(inputs: Mapping[str, Any]) -> list[list[str]]:
    """Return where each source lies and what state it is in; a password is in neither."""
    return [[source.uri, state_of(source)] for source in inputs["sources"]]


@task(
    name="collect",
    description="Snapshots of every source, as they came.",
    cache_policy=StageKey(
        stage="collect", code=(__name__,), libraries=("numpy", "pandas", "pyarrow", "sqlalchemy"), beside=_states
    ),
    result_serializer=RECEIPT,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)
def collect(sources: tuple[Source, ...], artifacts: str) -> Collected:
    """Read every source once.

    Parameters
    ----------
    sources : tuple of Source
        The base first.
    artifacts : str
        The artifacts directory.

    Raises
    ------
    SourceUnavailable
        A source did not answer, or changed while it was read; worth another try.
    """
    entered("collect")
    files = [source for source in sources if getattr(source, "path", None)]
    before = [state_of(source) for source in files]
    collected = snapshots_of(sources, Store(artifacts))
    # A snapshot taken across a write would be found again under the state that the file had before it.
    for source, state in zip(files, before, strict=True):
        if state_of(source) != state:
            raise SourceUnavailable("The source changed while it was read", where=source.uri)
    return collected
