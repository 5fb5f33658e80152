"""`penstock check` and `penstock lock`: read the sources and follow the plan on paper; train nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.markup import escape

from deploy.commands.collected import show_collected
from deploy.commands.console import out
from deploy.commands.secrets import stored_secret
from deploy.commands.understood import show_understanding
from penstock.errors import SpecError
from penstock.inference import Inferred, infer_lock
from penstock.spec.lock import lock_path, read_lock, write_lock
from penstock.spec.pipeline import load_spec
from penstock.steps.plan import Plan
from penstock.store import Store


def check(path: Path) -> int:
    """Print what was understood, and the columns after every step."""
    spec = load_spec(path, stored_secret)
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        store = Store(folder)
        inferred = infer_lock(spec, store, read_lock(lock_path(path)))
        show_collected(inferred.collected.snapshots, store)
        show_understanding(inferred.understanding)
        _show_plan(inferred, store)
    out().print("\nNothing was trained. Next: penstock run", escape(str(path)))
    return 0


def lock(path: Path, update: bool) -> int:
    """Write the lock beside the spec."""
    spec = load_spec(path, stored_secret)
    where = lock_path(path)
    if where.exists() and not update:
        raise SpecError("The lock is there already", where=str(where), todo="Infer anew with: --update")
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        inferred = infer_lock(spec, Store(folder))
        write_lock(where, inferred.lock)
        show_understanding(inferred.understanding)
    out().print(f"\nWritten: {escape(str(where))}")
    return 0


def _show_plan(inferred: Inferred, store: Store) -> None:
    from penstock.table import TableSchema

    console = out()
    schema = TableSchema.model_validate_json(store.read_bytes(inferred.wrangled.table_schema))
    plan = Plan(steps=inferred.lock.steps)
    console.print(f"\n[bold]plan[/]: {len(schema.features)} columns go in")
    for kind, columns in plan.check(schema):
        shown = ", ".join(list(columns)[:8]) + (" …" if len(columns) > 8 else "")
        console.print(f"  {kind}: {len(columns)} columns ({escape(shown)})")
