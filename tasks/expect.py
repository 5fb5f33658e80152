"""The door of the data contract: typed tables in, what came of holding them to it out. It is never cached.

What is fresh depends on the clock, and how many rows there should be on the last run.
"""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from penstock.expect.contract import Terms
from penstock.expect.outcome import Outcome
from penstock.receipts import Arrays, Collected
from penstock.store import Store


@task(
    name="expect",
    description="Typed tables held to what spec and lock expect of them, before anything is learned.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def expect(terms: Terms, collected: Collected, arrays: Arrays, artifacts: str) -> Outcome:
    """Hold the tables of a run to their contract.

    Parameters
    ----------
    terms : Terms
        What is expected.
    collected, arrays
        The receipts of the first two stages.
    artifacts : str
        The artifacts directory, which knows the last run.

    Raises
    ------
    DataError
        Expectations are not met; all of them are told.
    """
    from penstock.expect.last import last_counts
    from penstock.inference import hold

    last = last_counts(artifacts, terms.pipeline)
    outcome = hold(terms, collected, arrays, last, Store(artifacts))
    for finding in outcome.warnings:
        get_run_logger().warning("%s", finding.told())
    return outcome
