"""Print what is expected of the data, and what came of it."""

from __future__ import annotations

from rich.markup import escape

from deploy.commands.console import err, out
from penstock.expect.contract import Contract
from penstock.expect.outcome import Outcome


def show_outcome(outcome: Outcome) -> None:
    """Print how many expectations are met, the warnings, and the counts that the next run is held against."""
    if not outcome.checked:
        return
    console = out()
    console.print("\n[bold]contract[/]")
    for sentence in outcome.sentences():
        console.print(f"  {escape(sentence)}")


def show_warnings(outcome: Outcome) -> None:
    """Print on stderr what is not met and is only to be told."""
    for finding in outcome.warnings:
        err().print(f"warning: {escape(finding.told())}")


def show_proposal(contract: Contract) -> None:
    """Print how many expectations the lock holds, and how to have others."""
    if contract.expectations:
        n = len(contract.expectations)
        out().print(f"  contract: {n} expectations in the lock's `expect`; what the spec says in its own goes before")
