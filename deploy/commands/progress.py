"""A line for the stage that is at work, where somebody is watching; nothing elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from deploy.commands.console import err
from penstock.receipts import STAGES, StageName
from penstock.summary import StageRun

Watch = Callable[[StageName, StageRun | None], None]


@contextlib.contextmanager
def stages_shown() -> Iterator[Watch]:
    """Yield a function that is told of every stage that begins (None) and ends."""
    console = err()
    at_work: list[StageName] = []
    with console.status("starting Prefect") as status:

        def watch(name: StageName, ended: StageRun | None) -> None:
            if ended is None:
                at_work.append(name)
            else:
                at_work.remove(name)
                if console.is_terminal:
                    console.print(f"  {name:9s} {ended.seconds:7.2f} s  {ended.state}", style="dim")
            known = [f"{n} ({STAGES.index(n) + 1} of {len(STAGES)})" for n in at_work]
            status.update(", ".join(known) or "finishing")

        yield watch
