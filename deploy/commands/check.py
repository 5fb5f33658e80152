"""`penstock check` and `penstock lock`: read the sources and follow the plan on paper; train nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.markup import escape

from deploy.commands.collected import show_collected
from deploy.commands.console import out
from deploy.commands.expected import show_outcome, show_proposal
from deploy.commands.plan import show_columns, show_plan
from deploy.commands.secrets import stored_secret
from deploy.commands.understood import show_understanding
from penstock.errors import SpecError
from penstock.expect.contract import Contract
from penstock.expect.last import last_counts
from penstock.inference import infer_lock
from penstock.models.checking import check_modelling
from penstock.spec.lock import lock_path, read_lock, write_lock
from penstock.spec.pipeline import load_spec
from penstock.steps.plan import Plan
from penstock.store import Store


def check(path: Path, artifacts: Path) -> int:
    """Print what was understood, what is expected and whether it holds, and the columns after every step.

    Raises
    ------
    DataError
        An expectation is not met.
    """
    spec = load_spec(path, stored_secret)
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        store = Store(folder)
        inferred = infer_lock(spec, store, read_lock(lock_path(path)), last=last_counts(artifacts, spec.name))
        show_collected(inferred.collected.snapshots, store)
        show_understanding(inferred.understanding)
        show_outcome(inferred.outcome)
        schema = inferred.table_schema(store)
        show_columns(schema, Plan(steps=inferred.lock.steps))
        if schema.target is not None:
            check_modelling(schema.target, spec.modelling, spec.typing)
    out().print("\nNothing was trained. Next: penstock run", escape(str(path)))
    return 0


def lock(path: Path, update: bool) -> int:
    """Write the lock beside the spec."""
    spec = load_spec(path, stored_secret)
    where = lock_path(path)
    if where.exists() and not update:
        raise SpecError("The lock is there already", where=str(where), todo="Infer anew with: --update")
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        known = read_lock(where) if update else None
        # A lock without a contract has none because somebody wants none.
        proposing = known is None or known.expect != Contract()
        store = Store(folder)
        inferred = infer_lock(spec, store, proposing=proposing)
        write_lock(where, inferred.lock)
        show_understanding(inferred.understanding)
        show_plan(inferred.table_schema(store), Plan(steps=inferred.lock.steps))
        show_proposal(inferred.lock.expect)
    out().print(f"\nWritten: {escape(str(where))}")
    return 0
