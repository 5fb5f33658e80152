"""`penstock diff`: what changed between two runs, or two versions of a model."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from rich.markup import escape

from deploy.commands.console import out
from penstock.diff.comparing import difference
from penstock.diff.difference import Change, Difference
from penstock.diff.page import difference_html
from penstock.diff.sides import pair_of
from penstock.errors import EXIT_OK
from penstock.store import unwritable, write_atomically


def diff(one: str, other: str | None, artifacts: Path, html: Path | None, *, as_json: bool) -> int:
    """Print what changed; `html` gets it as a page.

    Raises
    ------
    NotFound
        There is no such run, model or version, or nothing to compare it with.
    StoreError
        What a run left in the store is gone, or the page cannot be written.
    """
    found = difference(pair_of(artifacts, one, other))
    if html is not None:
        try:
            write_atomically(html, difference_html(found))
        except OSError as error:
            raise unwritable(html, error) from error
    if as_json:
        sys.stdout.write(orjson.dumps(found.model_dump(mode="json")).decode() + "\n")
        sys.stdout.flush()
    else:
        _show(found)
    if html is not None and not as_json:
        out().print(f"\nPage: {escape(str(html))}", soft_wrap=True)
    return EXIT_OK


def _show(found: Difference) -> None:
    console = out()
    console.print(escape(found.lead()))
    for part in found.changed:
        console.print(f"\n[bold]{part.title}[/]")
        for change in part.changes:
            console.print(f"  {_told(change)}")
        if part.more:
            console.print(f"  and {part.more:,} more")


def _told(change: Change) -> str:
    signs = [sign for sign, text in (("-", change.before), ("+", change.after)) if text]
    texts = [escape(text) for text in (change.before, change.after) if text]
    moved = " → ".join(texts) if len(texts) == 2 else " ".join([*signs, *texts])
    note = f"  ({escape(change.note)})" if change.note else ""
    return f"{escape(change.what)}: {moved}{note}"
