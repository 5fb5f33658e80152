"""The flow that reads the look-ups of a live model anew; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect.logging import get_run_logger
from pydantic import Field

from flows.called import called
from penstock.refresh.refreshing import Refreshed
from penstock.spec.lock import lock_path, read_lock
from penstock.spec.pipeline import load_spec
from tasks.refresh import refresh as refresh_door
from tasks.secrets import prefect_secret


@called("refresh", "The live model with its look-ups read anew, judged and published.")
def refresh(
    spec: Annotated[str, Field(description="The spec's path, where it runs.")] = "flows/specs/clinic.yaml",
    artifacts: Annotated[str, Field(description="Where runs publish and the service reads.")] = "artifacts",
    force: Annotated[str, Field(description="Publish against the gate; why.")] = "",
) -> Refreshed:
    """Collect what a spec's refreshed look-ups are made of, and publish the live model with them.

    Parameters
    ----------
    spec : str
        The spec's path.
    artifacts : str
        Where runs publish and the service reads.
    force : str
        A reason that overrules the gate.

    Returns
    -------
    Refreshed
        The verdict among it: a refusal is an outcome, not an error.

    Raises
    ------
    UserError
        The spec or its data is wrong, or the live model has no such look-up.
    """
    decided = load_spec(spec, prefect_secret)
    done: Refreshed = refresh_door(decided, read_lock(lock_path(Path(spec))), force, str(Path(artifacts).absolute()))
    log = get_run_logger()
    for change in done.lookups:
        log.info("%s: %s, %s keys", change.name, "changed" if change.changed else "unchanged", f"{change.n_now:,}")
    for reason in done.reasons if done.state == "refused" else ():
        log.warning("%s", reason)
    return done
