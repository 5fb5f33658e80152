"""One deployment a spec: the spec's `schedule` is the one truth, and prefect.yaml is written from it.

`python -m deploy.schedules` writes prefect.yaml anew; `--check` only tells whether it would change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from penstock.errors import EXIT_OK, EXIT_OTHER, SpecError
from penstock.frozen import Frozen
from penstock.spec.pipeline import Schedule, load_spec
from penstock.spec.reading import write_yaml
from penstock.store import write_atomically

FLOW = "train"
ENTRYPOINT = "flows/train.py:train"
POOL = "local-process"
SPECS = Path("flows/specs")
HEAD = """\
# Written from each spec's `schedule` by `python -m deploy.schedules`; a test checks that they agree.
#   prefect work-pool create local-process --type process
#   prefect --no-prompt deploy --all
#   prefect worker start --pool local-process
"""


class Deployment(Frozen):
    """What is registered for one spec."""

    name: str
    spec: str
    schedule: Schedule | None

    @property
    def description(self) -> str:
        """What the deployment's page says."""
        return f"Trains, judges and publishes {self.name!r} as {Path(self.spec).name} says."


def deployments_of(specs: Iterable[Path]) -> list[Deployment]:
    """Return the deployment of each spec.

    Raises
    ------
    SpecError
        A spec cannot be understood, or two have one name.
    """
    made: dict[str, Deployment] = {}
    for path in specs:
        spec = load_spec(path)
        if spec.name in made:
            raise SpecError(
                f"Two specs are named {spec.name!r}",
                where=str(path),
                got=made[spec.name].spec,
                todo="Rename one of them.",
            )
        made[spec.name] = Deployment(name=spec.name, spec=path.as_posix(), schedule=spec.schedule)
    return list(made.values())


def specs_in(folder: Path) -> list[Path]:
    """Return a folder's specs, without their locks."""
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
    return sorted(p for p in found if not p.name.endswith((".lock.yaml", ".lock.yml")))


def prefect_yaml(deployments: Sequence[Deployment]) -> str:
    """Return the text of prefect.yaml; its paths are relative to the folder that it lies in."""
    return HEAD + write_yaml({"name": "penstock", "deployments": [_declared(d) for d in deployments]})


def _declared(deployment: Deployment) -> dict[str, Any]:
    schedule = deployment.schedule
    return {
        "name": deployment.name,
        "description": deployment.description,
        "entrypoint": ENTRYPOINT,
        "parameters": {"spec": deployment.spec, "artifacts": "artifacts"},
        "enforce_parameter_schema": True,
        # Runs that were due while no worker was up come one after the other; unchanged, each ends at once.
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "work_pool": {"name": POOL},
        "schedules": [schedule.model_dump()] if schedule else [],
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
