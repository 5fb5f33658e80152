"""Print what should be known of collected sources: rows set aside, files passed over."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from deploy.commands.console import out
from penstock.receipts import Snapshot
from penstock.store import Store

_SHOWN = 3


def show_collected(snapshots: Sequence[Snapshot], store: Store) -> None:
    """Print a line for each source that has something to tell; the rest goes without saying."""
    console = out()
    for taken in snapshots:
        for remark in taken.remarks:
            console.print(f"[bold]{escape(taken.name)}[/]: {escape(remark)}")
        if taken.quarantine is None:
            continue
        whole = taken.n_rows + taken.n_quarantined
        rows = store.read_table(taken.quarantine)
        aside = f"{taken.n_quarantined:,} of {whole:,} rows cannot be parsed and are set aside"
        console.print(f"[bold]{escape(taken.name)}[/]: {aside}")
        for row in rows.slice(0, _SHOWN).to_pylist():
            place = row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
            console.print(f"  {escape(place)}: {escape(row['reason'])}")
        if taken.n_quarantined > _SHOWN:
            console.print(f"  and {taken.n_quarantined - _SHOWN:,} more: {store.root}/{taken.quarantine.path}")
