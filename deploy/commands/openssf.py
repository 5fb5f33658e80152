"""`penstock openssf`: a version signed and verified as OpenSSF's model signing has it."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from deploy.commands.console import out
from penstock.bundle import openssf
from penstock.errors import EXIT_OK


def sign(name: str, artifacts: Path, key: Path, version: str | None) -> int:
    """Sign, and say where the signature lies."""
    path = openssf.sign(artifacts, name, key, version)
    out().print(f"Version {path.stem} of {name} is signed: {escape(str(path))}")
    return EXIT_OK


def verify(name: str, artifacts: Path, key: Path, version: str | None) -> int:
    """Verify, and say what held."""
    folder = openssf.verify(artifacts, name, key, version)
    out().print(f"Version {folder.name} of {name} is what that key signed.")
    return EXIT_OK
