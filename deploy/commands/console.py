"""Where commands write: results to stdout, everything about them to stderr; plain when nobody is watching."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def out() -> Console:
    """Return the console of results."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """Return the console of messages."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def command() -> str:
    """Return what to type for `penstock` here: its name where the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != "penstock" or shutil.which("penstock") == str(called.absolute()):
        return "penstock"
    with contextlib.suppress(ValueError):
        return str(called.absolute().relative_to(Path.cwd()))
    return str(called)


def table(*columns: str, title: str | None = None) -> Table:
    """Return a table in the house's style; a column whose title starts with `#` is a number."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column.removeprefix("#"), justify="right" if column.startswith("#") else "left")
    return made
