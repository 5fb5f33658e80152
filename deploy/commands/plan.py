"""Print a plan on paper: what each step does, by which nature, and the columns that it leaves."""

from __future__ import annotations

from rich.markup import escape

from deploy.commands.console import out
from penstock.steps.base import Kinds
from penstock.steps.plan import Plan
from penstock.steps.union import nature_of
from penstock.table import TableSchema

# Columns that are listed by name; all are counted.
SHOWN = 60


def show_plan(schema: TableSchema, plan: Plan) -> None:
    """Print what is done to the features step by step, and why."""
    console = out()
    console.print(f"\n[bold]plan[/]: {len(schema.features)} columns go in")
    for i, step in enumerate(plan.steps, 1):
        why = f" — {escape(step.why)}" if step.why else ""
        console.print(f"  {i}. {step.name} ({nature_of(step)}){why}")


def show_columns(schema: TableSchema, plan: Plan) -> None:
    """Print the columns after every step with their kinds; `+` are added, `-` gone, `~` of another kind than before."""
    console = out()
    before: Kinds = {c.name: c.kind for c in schema.features}
    console.print(f"\n[bold]plan[/]: {len(before)} columns go in")
    console.print(f"  {escape(_listed(before))}")
    n_labels = len(schema.target.labels) if schema.target else 0
    checked = plan.check(schema, n_labels=n_labels)
    for i, (step, (name, after)) in enumerate(zip(plan.steps, checked, strict=True), 1):
        if i == plan.cut + 1:
            console.print("  [dim]from here on learned from training rows alone, anew in every fold[/]")
        changes = _changes(before, after)
        same = "" if changes else ", as before"
        console.print(f"  {i}. {name} ({nature_of(step)}): {len(after)} columns{same}")
        for change in changes:
            console.print(f"       {escape(change)}")
        if changes:
            console.print(f"     {escape(_listed(after))}")
        before = after


def _changes(before: Kinds, after: Kinds) -> list[str]:
    gone = {name: kind for name, kind in before.items() if name not in after}
    new = {name: kind for name, kind in after.items() if name not in before}
    other = {name: kind for name, kind in after.items() if before.get(name, kind) != kind}
    return [f"{mark} {_listed(columns)}" for mark, columns in (("+", new), ("-", gone), ("~", other)) if columns]


def _listed(columns: Kinds) -> str:
    shown = ", ".join(f"{name} {kind}" for name, kind in list(columns.items())[:SHOWN])
    return shown + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")
