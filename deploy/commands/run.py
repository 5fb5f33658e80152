"""`penstock run`: a spec, or a spec made from SOURCE..., through the flow; then the summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import orjson

from deploy.commands.adhoc import Options, declare, is_spec
from deploy.commands.progress import stages_shown
from deploy.commands.summary import show_summary
from deploy.commands.understood import show_run
from deploy.embedded import prefect_api
from deploy.up import service_of
from flows.links import SERVICE
from penstock.errors import EXIT_OK, EXIT_REFUSED, SpecError
from penstock.frozen import Frozen
from penstock.spec.pipeline import load_spec, spec_from
from penstock.spec.reading import write_yaml
from penstock.store import Store, unwritable, write_atomically
from penstock.summary import RunSummary

HEAD = "# Written by `penstock run`; copy it elsewhere to decide more.\n"


class How(Frozen):
    """Where and how to run; but for the budget, nothing here changes what is computed."""

    artifacts: Path
    budget: float | None
    publish: bool
    refresh: bool
    runner: Literal["threads", "processes", "dask"]
    as_json: bool
    accept_schema_change: str = ""


def run(sources: Sequence[str], options: Options | None, name: str | None, how: How) -> int:
    """Run, print what came of it, and return the exit status."""
    _must_be_writable(how.artifacts)
    if is_spec(sources):
        path = Path(sources[0])
        spec = load_spec(path)
        if options is not None or name not in (None, spec.name):
            raise SpecError(
                "--target and --name belong to data, not to a spec",
                where=str(path),
                todo="Write them into the spec, or name the data instead of the spec.",
            )
    elif options is None:
        raise SpecError(
            "There is no target",
            where=" ".join(sources),
            todo="Name the column to predict: penstock run SOURCE --target COLUMN",
        )
    else:
        path = _spec_of(sources, options, how.artifacts)
    summary = _through_the_flow(path, how)
    if not how.as_json:
        show_run(summary, how.artifacts)
        show_summary(summary, how.artifacts)
    else:
        sys.stdout.write(orjson.dumps(summary.contract()).decode() + "\n")
        sys.stdout.flush()
    return EXIT_REFUSED if summary.state == "refused" else EXIT_OK


def _through_the_flow(path: Path, how: How) -> RunSummary:
    # Before Prefect is imported: nothing is told to the world, and its console lines, tracebacks of a user's mistake
    # among them, make way for our own. The log in Prefect's UI stays whole.
    from tasks.outward import keep_in

    keep_in()
    if service := service_of(how.artifacts):
        os.environ.setdefault(SERVICE, service)
    if not os.environ.get("PENSTOCK_DEBUG"):
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    with stages_shown() as watch:
        embedded = prefect_api()
        # What follows takes seconds, too: the server starts meanwhile.
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.stages import watched_by
        from flows.train import train

        settings = {PREFECT_API_URL: embedded.address()} if embedded else {}
        with watched_by(watch), temporary_settings(settings):
            summary: RunSummary = train(
                str(path),
                artifacts=str(how.artifacts),
                budget=how.budget,
                publish=how.publish,
                refresh=how.refresh,
                runner=how.runner,
                accept_schema_change=how.accept_schema_change,
            )
            return summary


def _spec_of(sources: Sequence[str], options: Options, artifacts: Path) -> Path:
    """Write the spec of an ad-hoc run below the artifacts, where the next run of that name finds its lock again."""
    folder = artifacts / "specs"
    declared = declare(sources, options, folder, Store(artifacts))
    spec = spec_from(declared, folder)
    path = folder / f"{spec.name}.yaml"
    data = (HEAD + write_yaml(declared)).encode()
    if not (path.exists() and path.read_bytes() == data):
        write_atomically(path, data)
    return path


def _must_be_writable(artifacts: Path) -> None:
    probe = artifacts / ".writable"
    try:
        write_atomically(probe, b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(artifacts, error) from error
