"""The commands for keeping house: what is swept, and which keys are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.arguments import Artifacts

upkeep = typer.Typer()


@upkeep.command()
def gc(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Let go of runs and results not touched for so long: 90d."),
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; remove nothing.")] = False,
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Remove what no version, run or result needs any more; safe beside runs that are going on."""
    from deploy.commands.garbage import gc as body

    return body(artifacts, older_than, dry)
