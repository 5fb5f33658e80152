"""Where a row stands in its file, if every line of the file is a row."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import PenstockError
from penstock.expect.outcome import Finding, Outcome
from penstock.receipts import Snapshot
from penstock.store import Store


def with_lines(outcome: Outcome, snapshots: Mapping[str, Snapshot], store: Store) -> Outcome:
    """Return an outcome whose rows have their lines in the file, counted from 1, where they are known."""
    shifts = {name: _shift(snapshots[name], store) for name in {f.table for f in outcome.findings if f.rows}}
    findings = tuple(_placed(finding, shifts.get(finding.table)) for finding in outcome.findings)
    return outcome.model_copy(update={"findings": findings})


def _placed(finding: Finding, shift: int | None) -> Finding:
    if shift is None:
        return finding
    return finding.model_copy(update={"lines": tuple(row + shift for row in finding.rows)})


def _shift(snapshot: Snapshot, store: Store) -> int | None:
    """Return what makes a row's position its line; None where lines and rows do not run side by side.

    A file of as many lines as rows, or of one more that names the columns, has one row a line: comments, blank lines
    and cells with line breaks would all make more lines.
    """
    if snapshot.kind != "csv" or len(snapshot.parts) != 1 or snapshot.n_quarantined:
        return None
    try:
        data = store.read_bytes(snapshot.parts[0].file)
    except PenstockError:
        # The line is a convenience: the rows are told all the same.
        return None
    ends = data.count(b"\n") or data.count(b"\r")
    n_lines = ends + (not data.endswith((b"\n", b"\r")))
    if n_lines == snapshot.n_rows:
        return 1
    head = data.splitlines()[0] if data else b""
    named = all(name.encode() in head for name in snapshot.table.columns)
    return 2 if n_lines == snapshot.n_rows + 1 and named else None
