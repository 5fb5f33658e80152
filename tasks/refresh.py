"""The door of the refresh: a spec's look-ups read anew, and the live model with them out. It is never cached."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from penstock.refresh.refreshing import Refreshed
from penstock.spec.lock import Lock
from penstock.spec.pipeline import PipelineSpec
from tasks.caching import may_pass


@task(
    name="refresh",
    description="Look-ups read anew, the live model judged with them, sealed, and the pointer moved.",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)
def refresh(spec: PipelineSpec, lock: Lock | None, force: str, artifacts: str) -> Refreshed:
    """Refresh the look-ups of a spec's live model.

    Parameters
    ----------
    spec : PipelineSpec
        What the user decided.
    lock : Lock, optional
        How columns read, where the store of the run that trained the model does not tell.
    force : str
        A reason that overrules the gate.
    artifacts : str
        The artifacts directory.
    """
    from penstock.refresh.refreshing import refresh as body

    return body(spec, lock, artifacts, force=force)
