"""`penstock trace`: a cleaned cell back to its raw value."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from rich.markup import escape

from deploy.commands.console import out
from penstock.errors import EXIT_OK, SpecError
from penstock.lineage.finding import stem_of
from penstock.lineage.trace import CellTrace, Trace
from penstock.lineage.tracing import Tracer
from penstock.store import Store


def trace(
    called: str,
    artifacts: Path,
    row: int | None,
    line: int | None,
    column: str | None,
    version: str | None,
    *,
    private: bool,
    as_json: bool,
) -> int:
    """Print where a row's cells came from, how they were read, and what each step made of them.

    Raises
    ------
    SpecError
        Neither a row nor a line is named, or both.
    NotFound
        There is no such run or model.
    DataError
        There is no such row or column.
    """
    if (row is None) == (line is None):
        raise SpecError(
            "Which row is meant?",
            got="both --row and --line" if row is not None else "neither --row nor --line",
            expected="--row N, counted from 0 as the report does, or --line N of the file, as in rejected.csv",
        )
    tracer = Tracer(stem_of(artifacts, called, version), Store(artifacts), private=private)
    found = tracer.trace(row if row is not None else tracer.row_at(line or 0), column)
    if as_json:
        sys.stdout.write(orjson.dumps(found.model_dump(mode="json")).decode() + "\n")
        sys.stdout.flush()
    else:
        _show(found)
    return EXIT_OK


def _show(found: Trace) -> None:
    console = out()
    line = f", line {found.line:,}" if found.line is not None else ""
    console.print(f"[bold]{escape(found.table)}[/]: row {found.row:,} of {escape(found.file)}{line}")
    console.print(f"  side: {found.side}; target: {_value(found.target)}")
    if found.rejected:
        console.print(f"  rejected: {escape(found.rejected)}; no step saw it")
    if found.flagged:
        console.print(f"  flagged: {escape(found.flagged)}; predicted with a warning")
    for cell in found.cells:
        _show_cell(cell, found)


def _show_cell(cell: CellTrace, found: Trace) -> None:
    console = out()
    console.print(f"\n[bold]{escape(cell.column)}[/]")
    if cell.table:
        line = f", line {cell.line:,}" if cell.line is not None else ""
        console.print(f"  from:  {escape(cell.table)} where {escape(cell.key)} ({escape(cell.file)}{line})")
    if cell.corrected:
        console.print(f"  came:  {_value(cell.came)}, corrected by a fix")
    if not cell.added:
        read = f"   ({escape(cell.read)})" if cell.read else ""
        console.print(f"  raw:   {_value(cell.raw)}{read}")
    if cell.typed is not None:
        console.print(f"  typed: {_value(cell.typed)}")
    if cell.added:
        console.print(f"  added: by {cell.added}")
    for change in cell.changes:
        console.print(f"  step {change.number}, {change.step}: {_value(change.before)} → {_value(change.after)}")
    if cell.gone:
        console.print(f"  gone:  taken out by {cell.gone}")
    elif not found.rejected and (cell.typed is not None or cell.added or cell.changes or cell.final is not None):
        console.print(f"  final: {_value(cell.final)}")


def _value(text: str | None) -> str:
    return "missing" if text is None else escape(repr(text))
