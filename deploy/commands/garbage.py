"""`penstock gc`: what nobody needs any more, told by kind and size, and removed."""

from __future__ import annotations

from pathlib import Path

from deploy.commands.console import out, table
from penstock.durations import seconds_of
from penstock.errors import EXIT_OK, UserError
from penstock.garbage import collect_garbage


def gc(artifacts: Path, older_than: str | None, dry: bool) -> int:
    """Sweep, and print what went and how much room it took."""
    try:
        age = None if older_than is None else seconds_of(older_than)
    except ValueError as error:
        raise UserError("The age cannot be understood", where="--older-than", expected=str(error)) from error
    swept = collect_garbage(artifacts, age, dry=dry)
    told = table("what", "#how many", "#MB")
    for heap in swept.heaps:
        told.add_row(heap.what, f"{heap.n:,}", f"{heap.size / 1e6:,.1f}")
    out().print(told)
    verb = "would be freed" if dry else "freed"
    out().print(f"{swept.size / 1e6:,.1f} MB {verb}; {swept.n_kept:,} objects stay.")
    return EXIT_OK
