"""`penstock report`: where a run's dossier is; opened, copied, or made anew from what the run kept."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from rich.markup import escape

from deploy.commands.console import err, out
from penstock.errors import EXIT_OK, NotFound
from penstock.report.finding import Place, dossier_place
from penstock.report.html import dossier_html
from penstock.report.kept import read_facts
from penstock.store import Store, unwritable, write_atomically


def report(called: str | None, artifacts: Path, output: Path | None, *, render: bool, show: bool) -> int:
    """Print the path of a dossier; `output` gets a copy, `render` makes it anew, `show` opens it in the browser.

    Raises
    ------
    NotFound
        There is no such run, model or version, it was cut off, or it kept no facts to make the page from.
    StoreError
        A picture is gone from the store, or the output cannot be written.
    """
    place = dossier_place(artifacts, called, rendering=render)
    page = place.page
    if render:
        page = output or page
        _write(page, _rendered(place, artifacts))
    elif output is not None:
        _write(output, page.read_bytes())
        page = output
    out().print(escape(str(page)), soft_wrap=True)
    if show and not webbrowser.open(page.absolute().as_uri()):
        err().print("No browser could be started: open the file yourself.")
    return EXIT_OK


def _rendered(place: Place, artifacts: Path) -> bytes:
    if place.folder is None:
        raise NotFound(
            f"The run that made {place.called} is gone, and its report cannot be made anew",
            where=str(artifacts / "runs"),
            todo=f"Look at the page that was sealed with the version: {place.page}",
        )
    return dossier_html(read_facts(place.folder, Store(artifacts)))


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise unwritable(path, error) from error
