"""`penstock init`: look at the data once, write a short spec and its lock, and tell what was understood."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.commands.adhoc import Options, declare
from deploy.commands.collected import show_collected
from deploy.commands.console import out
from deploy.commands.expected import show_proposal
from deploy.commands.plan import show_plan
from deploy.commands.understood import show_understanding
from penstock.errors import SpecError
from penstock.inference import Inferred, infer_lock
from penstock.spec.lock import lock_path, write_lock
from penstock.spec.pipeline import spec_from
from penstock.spec.reading import write_yaml
from penstock.steps.plan import Plan
from penstock.store import Store, write_atomically

HEAD = """\
# A penstock pipeline: what you decided, no more. What was inferred lies in {lock}.
"""


def init(sources: Sequence[str], options: Options, path: Path | None) -> int:
    """Write SPEC.yaml and SPEC.lock.yaml.

    Raises
    ------
    SpecError
        The spec file is there already.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        scratch = Store(folder)
        spec_path = path or Path.cwd() / "spec.yaml"
        declared = declare(sources, options, spec_path.parent, scratch)
        if path is None:
            spec_path = Path.cwd() / f"{declared['name']}.yaml"
        if spec_path.exists():
            raise SpecError(
                "The spec is there already", where=str(spec_path), todo="Edit it, or choose another with --out."
            )
        spec = spec_from(declared, spec_path.parent)
        inferred = infer_lock(spec, scratch, proposing=True)
        text = HEAD.format(lock=lock_path(spec_path).name) + write_yaml(declared) + _asked(inferred)
        write_lock(lock_path(spec_path), inferred.lock)
        write_atomically(spec_path, text.encode())
        show_collected(inferred.collected.snapshots, scratch)
        show_understanding(inferred.understanding)
        show_plan(inferred.table_schema(scratch), Plan(steps=inferred.lock.steps))
        show_proposal(inferred.lock.expect)
    console = out()
    console.print(f"\nWritten: {spec_path} and {lock_path(spec_path).name}")
    console.print(f"Next:    penstock check {spec_path}\n         penstock run {spec_path}")
    return 0


def _asked(inferred: Inferred) -> str:
    """Return as comments the lines that would leave out what looks known only after the fact: it is not ours to say."""
    lines = [line for told in inferred.understanding for line in told.late_lines]
    return "".join(f"# Suspicious (see the lock); if it is known only after the fact: {line}\n" for line in lines)
