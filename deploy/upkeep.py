"""The commands for keeping house: what else goes live, what is swept, and which keys are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.arguments import AcceptChange, Artifacts, Model

upkeep = typer.Typer()


@upkeep.command()
def publish(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run whose candidate was kept.")],
    force: Annotated[str | None, typer.Option("--force", metavar="REASON", help="Publish against the gate.")] = None,
    accept_schema_change: AcceptChange = None,
    artifacts: Artifacts = Path("artifacts"),
    to: Annotated[str | None, typer.Option(help="Where it goes, if not there: DIR or s3://BUCKET/PREFIX.")] = None,
    canary: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Answer this share of requests for now.")
    ] = None,
) -> int:
    """Publish the candidate that a run kept."""
    from deploy.commands import models as body

    return body.publish(run_id, artifacts, force, accept_schema_change or "", to, canary)


@upkeep.command()
def canary(
    name: Model,
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="None ends the canary.")] = None,
    share: Annotated[float, typer.Option(help="Of the requests, over 0 and below 1.")] = 0.05,
    reason: Annotated[str, typer.Option(help="Why; it stands in the model's log.")] = "",
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Let a version answer a share of the requests beside the live one."""
    from deploy.commands import models as body

    return body.canary(name, artifacts, version, share, reason)


@upkeep.command("service-key")
def service_key(name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; logs show it.")]) -> int:
    """Make a key for those who ask the service, and print it with the entry by which the service knows it."""
    from deploy.commands.service_key import service_key as body

    return body(name)


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


@upkeep.command()
def mirror(
    address: Annotated[str, typer.Argument(metavar="s3://BUCKET/PREFIX", help="Where models are published.")],
    artifacts: Artifacts = Path("artifacts"),
    every: Annotated[float | None, typer.Option(help="Go on, and look again after so many seconds.")] = None,
) -> int:
    """Bring the live models of a bucket into a directory of this machine, to serve them from there."""
    from deploy.commands.mirror import mirror as body

    return body(address, artifacts, every)


keys = typer.Typer(help="Which key signs here, and whose signatures count.", no_args_is_help=True)
upkeep.add_typer(keys, name="keys")


@keys.command()
def make() -> int:
    """Make the key that this user signs with, unless there is one; the first run that publishes would do so, too."""
    from deploy.commands.keys import make as body

    return body()


@keys.command()
def show() -> int:
    """Tell which key this user signs with."""
    from deploy.commands.keys import show as body

    return body()


@keys.command("list")
def listed() -> int:
    """List the keys whose signatures count here."""
    from deploy.commands.keys import listed as body

    return body()


@keys.command()
def trust(file: Annotated[Path, typer.Argument(metavar="FILE.pub", help="A public key.")]) -> int:
    """Open what the owner of a public key has signed."""
    from deploy.commands.keys import trust as body

    return body(file)


@keys.command()
def distrust(key: Annotated[str, typer.Argument(metavar="ID", help="As `penstock keys list` has it.")]) -> int:
    """Open nothing any more that a key has signed."""
    from deploy.commands.keys import distrust as body

    return body(key)


@keys.command()
def rotate() -> int:
    """Sign with a new key from now on; the old one's signatures count until it is distrusted."""
    from deploy.commands.keys import rotate as body

    return body()


openssf = typer.Typer(
    help="OpenSSF model signing of a version's folder (the extra model-signing).", no_args_is_help=True
)
upkeep.add_typer(openssf, name="openssf")
Version = Annotated[str | None, typer.Option(help="Another version than the current one.")]


@openssf.command("sign")
def openssf_sign(
    name: Model,
    key: Annotated[Path, typer.Option(help="An elliptic-curve private key in PEM.")],
    version: Version = None,
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Sign a published version for tools that ask for this kind of signature."""
    from deploy.commands.openssf import sign as body

    return body(name, artifacts, key, version)


@openssf.command("verify")
def openssf_verify(
    name: Model,
    key: Annotated[Path, typer.Option(help="The public key in PEM.")],
    version: Version = None,
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Check such a signature."""
    from deploy.commands.openssf import verify as body

    return body(name, artifacts, key, version)
