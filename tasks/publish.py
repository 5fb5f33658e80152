"""The door of the publish stage: a judged candidate in, a version that is live out. It is never cached."""

from __future__ import annotations

import datetime as dt

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from penstock.bundle.candidate import Candidate
from penstock.receipts import Published
from tasks.caching import entered, may_pass


@task(
    name="publish",
    description="The candidate sealed, signed, and the pointer moved, if the gate lets it in.",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)
def publish(candidate: Candidate, enabled: bool, artifacts: str) -> Published:
    """Publish a candidate, unless it is live already, refused, or nobody wants it published.

    Parameters
    ----------
    candidate : Candidate
        The receipts of a run, the verdict among them.
    enabled : bool
        Whether the spec and the caller want it published.
    artifacts : str
        The artifacts directory.
    """
    entered("publish")
    if enabled:
        return candidate.publish(artifacts)
    return Published(
        state="kept",
        model=candidate.name,
        version=None,
        digest=candidate.trained.content_digest,
        sequence=None,
        generation=None,
        path=None,
        published_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        reasons=("Publishing was not asked for.",),
    )
