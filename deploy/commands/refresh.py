"""`penstock refresh`: the look-ups of the live model read anew, judged, and published; nothing is trained."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from deploy.commands.console import out, table
from deploy.commands.secrets import stored_secret
from penstock.errors import EXIT_OK, EXIT_REFUSED
from penstock.refresh.refreshing import Refreshed
from penstock.refresh.refreshing import refresh as body
from penstock.spec.lock import lock_path, read_lock
from penstock.spec.pipeline import load_spec


def refresh(path: Path, artifacts: Path, force: str) -> int:
    """Refresh, and say what became of each look-up and of the model; exit status 3 where the gate refuses."""
    done = body(load_spec(path, stored_secret), read_lock(lock_path(path)), artifacts, force=force)
    _show(done)
    if done.state != "refused":
        return EXIT_OK
    where = "" if artifacts == Path("artifacts") else f" --artifacts {artifacts}"
    out().print(f"Version {done.before} stays live. To publish it all the same:")
    out().print(escape(f"penstock refresh {path} --force REASON{where}"))
    return EXIT_REFUSED


def _show(done: Refreshed) -> None:
    console = out()
    shown = table("look-up", "version", "#keys", "#before", "#gone", "")
    for change in done.lookups:
        counts = [f"{n:,}" for n in (change.n_now, change.n_before, change.n_lost)]
        shown.add_row(change.name, change.now, *counts, "changed" if change.changed else "unchanged")
    console.print(shown)
    told = {
        "refreshed": f"{done.name}: version {done.version} is live; it was {done.before}.",
        "unchanged": f"{done.name}: nothing changed, version {done.before} stays live with look-ups as of now.",
        "refused": f"{done.name}: not published.",
    }
    console.print(told[done.state])
    for reason in done.reasons if done.state != "unchanged" else ():
        console.print(f"  - {escape(reason)}")
