"""Print what was understood of the data, the same for `init` and `run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.markup import escape

from deploy.commands.collected import show_collected
from deploy.commands.console import out
from penstock.receipts import Arrays, Collected, Wrangled
from penstock.store import Store
from penstock.summary import RunSummary
from penstock.table import Target
from penstock.understanding import Understanding, understand

SHOWN = 12
MOST_LATE = 40


def show_understanding(told: Sequence[Understanding]) -> None:
    """Print rows, target, columns left out, converted and suspicious, and the lines for the spec that are proposed."""
    console = out()
    for source in told:
        console.print(f"[bold]{escape(source.table)}[/]: {source.n_rows:,} rows, {source.n_columns} columns")
        if source.target is not None:
            console.print(f"  target: {escape(_target(source.target))}")
        _pairs("left out", source.left_out)
        _pairs("converted", source.converted)
        _pairs("suspicious", source.suspicious)
        _pairs("proposed", source.proposed)
        _late(source)


def _late(source: Understanding) -> None:
    console = out()
    for name, sentence in source.late[:MOST_LATE]:
        console.print(f"  [bold]SUSPICIOUS[/]: {escape(name)} — {escape(sentence)}")
    if len(source.late) > MOST_LATE:
        console.print(f"  [bold]SUSPICIOUS[/]: and {len(source.late) - MOST_LATE} more columns")
    for line in source.late_lines:
        console.print(f"  if that is known only after the fact, add to the spec: {escape(line)}")


def show_run(summary: RunSummary, artifacts: Path) -> None:
    """Print what a run understood, from the receipts that it left."""
    origins = orjson.loads((artifacts / "runs" / summary.run_id / "lineage.json").read_bytes())
    store = Store(artifacts)
    collected = Collected.model_validate(origins["receipts"]["collect"])
    arrays = Arrays.model_validate(origins["receipts"]["arrays"])
    show_collected(collected.snapshots, store)
    wrangled = Wrangled.model_validate(origins["receipts"]["wrangle"])
    show_understanding(understand(arrays, store, wrangled))


def _target(target: Target) -> str:
    labels = f" ({', '.join(target.labels[:8])}{', …' if len(target.labels) > 8 else ''})" if target.labels else ""
    positive = f", positive label {target.positive!r}" if target.positive else ""
    evidence = f" — {target.evidence}" if target.evidence else ""
    return f"{target.name}, {target.task}{labels}{positive}{evidence}"


def _pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    console = out()
    for name, sentence in pairs[:SHOWN]:
        console.print(f"  {title}: {escape(name)} — {escape(sentence)}")
    if len(pairs) > SHOWN:
        console.print(f"  {title}: and {len(pairs) - SHOWN} more columns")
