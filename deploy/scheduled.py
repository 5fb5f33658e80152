"""Registers the deployments of specs with a running Prefect server, then runs what is due until told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deploy.schedules import Deployment, deployments_of

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.flows import Flow


def main(artifacts: str, specs: list[str]) -> None:
    """Serve the specs' deployments; the server's address is in PREFECT_API_URL."""
    from prefect import serve

    made = [_deployment(d, artifacts) for d in deployments_of(Path(s).absolute() for s in specs)]
    # By default a runner that is stopped leaves its schedules paused, at the next start too.
    serve(*made, pause_on_shutdown=False, print_starting_message=False)


def _deployment(deployment: Deployment, artifacts: str) -> RunnerDeployment:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron, Interval

    from flows.refresh import refresh
    from flows.train import train

    due = [Cron(s.cron, timezone=s.timezone) for s in [deployment.schedule] if s]
    due += [Interval(seconds) for seconds in [deployment.every] if seconds]
    flow: Flow[..., Any] = refresh if deployment.flow == "refresh" else train
    made = flow.to_deployment(
        name=deployment.name,
        description=deployment.description,
        parameters={"spec": deployment.spec, "artifacts": str(Path(artifacts).absolute())},
        schedules=due,
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
    )
    return cast("RunnerDeployment", made)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
