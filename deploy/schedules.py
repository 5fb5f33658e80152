"""What is deployed of a spec: its `schedule` and its joins' `every` are the one truth; prefect.yaml is written from it.

`python -m deploy.schedules` writes prefect.yaml anew; `--check` only tells whether it would change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from penstock.durations import Duration, told
from penstock.errors import EXIT_OK, EXIT_OTHER, SpecError
from penstock.frozen import Frozen
from penstock.spec.pipeline import Schedule, load_spec
from penstock.spec.reading import write_yaml
from penstock.store import write_atomically

FlowName = Literal["train", "refresh"]
POOL = "local-process"
SPECS = Path("flows/specs")
HEAD = """\
# Written from each spec's `schedule` and `every` by `python -m deploy.schedules`; a test checks that they agree.
#   prefect work-pool create local-process --type process
#   prefect --no-prompt deploy --all
#   prefect worker start --pool local-process
"""


class Deployment(Frozen):
    """What is registered for one spec: its training by the clock, or the refresh of its look-ups `every` so often."""

    name: str
    spec: str
    schedule: Schedule | None = None
    flow: FlowName = "train"
    every: Duration | None = None

    @property
    def called(self) -> str:
        """Its name in full, as Prefect has it."""
        return f"{self.flow}/{self.name}"

    @property
    def entrypoint(self) -> str:
        """Where its flow is."""
        return f"flows/{self.flow}.py:{self.flow}"

    @property
    def description(self) -> str:
        """What the deployment's page says."""
        file = Path(self.spec).name
        if self.flow == "refresh":
            return f"Reads the look-ups of {self.name!r} anew, as {file} says, and publishes it with them."
        return f"Trains, judges and publishes {self.name!r} as {file} says."

    @property
    def due(self) -> str:
        """When it runs by itself, in words."""
        if self.every is not None:
            return f"every {told(self.every)}"
        return (
            f"{self.schedule.cron} ({self.schedule.timezone})" if self.schedule else "no schedule; run it from the UI"
        )

    @property
    def schedules(self) -> list[dict[str, Any]]:
        """Its schedules as prefect.yaml has them."""
        if self.every is not None:
            return [{"interval": int(self.every) if self.every == int(self.every) else self.every}]
        return [self.schedule.model_dump()] if self.schedule else []


def deployments_of(specs: Iterable[Path]) -> list[Deployment]:
    """Return the deployments of each spec: its training, and where it has look-ups to refresh their refresh.

    Raises
    ------
    SpecError
        A spec cannot be understood, or two have one name.
    """
    known: dict[str, str] = {}
    made: list[Deployment] = []
    for path in specs:
        spec, where = load_spec(path), path.as_posix()
        if spec.name in known:
            raise SpecError(
                f"Two specs are named {spec.name!r}",
                where=str(path),
                got=known[spec.name],
                todo="Rename one of them.",
            )
        known[spec.name] = where
        made.append(Deployment(name=spec.name, spec=where, schedule=spec.schedule))
        refreshed = [join for join in spec.joins if join.serve == "refresh"]
        if refreshed:
            every = min((join.every for join in refreshed if join.every is not None), default=None)
            made.append(Deployment(name=spec.name, spec=where, flow="refresh", every=every))
    return made


def specs_in(folder: Path) -> list[Path]:
    """Return a folder's specs, without their locks."""
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
    return sorted(p for p in found if not p.name.endswith((".lock.yaml", ".lock.yml")))


def prefect_yaml(deployments: Sequence[Deployment]) -> str:
    """Return the text of prefect.yaml; its paths are relative to the folder that it lies in."""
    return HEAD + write_yaml({"name": "penstock", "deployments": [_declared(d) for d in deployments]})


def _declared(deployment: Deployment) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "description": deployment.description,
        "entrypoint": deployment.entrypoint,
        "parameters": {"spec": deployment.spec, "artifacts": "artifacts"},
        "enforce_parameter_schema": True,
        # Runs that were due while no worker was up come one after the other; unchanged, each ends at once.
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "work_pool": {"name": POOL},
        "schedules": deployment.schedules,
    }


def main(arguments: Sequence[str]) -> int:
    """Write or check the prefect.yaml of the folder we are in."""
    path = Path("prefect.yaml")
    text = prefect_yaml(deployments_of(specs_in(SPECS)))
    same = path.exists() and path.read_text(encoding="utf-8") == text
    if "--check" in arguments:
        print(
            "prefect.yaml agrees with the specs" if same else "prefect.yaml is out of date: python -m deploy.schedules"
        )
        return EXIT_OK if same else EXIT_OTHER
    if not same:
        write_atomically(path, text.encode())
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
