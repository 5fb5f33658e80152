"""`penstock profile`: look at SOURCE... without a model, and write one page; then a summary, or JSON."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from deploy.commands.adhoc import Options, one_source, target_in
from deploy.commands.console import out
from penstock.errors import SpecError
from penstock.profiling import TableProfile
from penstock.profiling import profile as look_at
from penstock.profiling.words import count, percent, size
from penstock.store import Store

SHOWN = 12


def profile(sources: Sequence[str], options: Options, private: Sequence[str], page: Path | None, as_json: bool) -> int:
    """Write the page, tell what was found, and return the exit status.

    Raises
    ------
    SpecError
        The page cannot be written where it should be.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        scratch = Store(folder, durable=False)
        source, name = one_source(sources, options, scratch)
        target = target_in(source, options, scratch)
        seen = look_at(source, name=name, target=target, private=private)
    path = page or Path.cwd() / f"{name}.profile.html"
    try:
        seen.save(path)
    except OSError as error:
        got = f"{type(error).__name__}: {error.strerror or error}"
        raise SpecError(
            "The page cannot be written", where=str(path), got=got, todo="Choose another place: --output FILE.html"
        ) from error
    if as_json:
        sys.stdout.write(seen.to_json() + "\n")
        sys.stdout.flush()
    else:
        _show(seen, path)
    return 0


def _show(seen: TableProfile, path: Path) -> None:
    facts, console = seen.facts, out()
    rows, columns = count(facts.n_rows, "row"), count(len(facts.columns), "column")
    console.print(f"[bold]{escape(facts.name)}[/]: {rows}, {columns}, {size(facts.n_bytes)} in memory")
    if facts.n_cells:
        missing = percent(facts.missing_cells / facts.n_cells)
        console.print(
            f"  missing: {facts.missing_cells:,} cells ({missing}); {facts.missing.complete_rows:,} rows complete"
        )
    console.print(f"  repeated: {count(facts.duplicates.n_rows, 'row')}")
    for alert in facts.alerts[:SHOWN]:
        console.print(f"  {f'{escape(alert.column)}: ' if alert.column else ''}{escape(alert.what)}")
    if len(facts.alerts) > SHOWN:
        console.print(f"  and {len(facts.alerts) - SHOWN} more things to ask about")
    console.print(f"Written: {escape(str(path))}")
