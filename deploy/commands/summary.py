"""Print what came of a run: stages, leaderboard, scores, verdict, and what to type next."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from deploy.commands.console import command, out, table
from deploy.commands.expected import show_outcome
from penstock.bundle.candidate import way_in
from penstock.summary import RunSummary

LARGE = 10_000
MOST_CANDIDATES = 12


def show_summary(summary: RunSummary, artifacts: Path) -> None:
    """Print a run's summary for a person."""
    console = out()
    stages = table("stage", "#seconds", "state")
    for stage in summary.stages:
        stages.add_row(stage.name, f"{stage.seconds:.2f}", stage.state)
    console.print()
    console.print(stages)
    console.print()
    console.print(_leaderboard(summary))
    for line in summary.selection:
        console.print(escape(line), style="dim")
    console.print()
    console.print(_scores(summary))
    show_outcome(summary.expectations)
    console.print()
    _verdict(summary, artifacts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"


def _spread(sd: float) -> str:
    return f"{sd:,.0f}" if sd >= LARGE / 100 else f"{sd:.2g}"


def _leaderboard(summary: RunSummary) -> Table:
    board = table("candidate", f"#{summary.metric} (cross-validation)", "#± sd", "#seconds", "", title="Leaderboard")
    rows = summary.leaderboard
    if len(rows) > MOST_CANDIDATES:
        rows = tuple(row for row in rows if row.state != "skipped")[:MOST_CANDIDATES]
    for row in rows:
        mean = "—" if row.mean is None else _number(row.mean)
        sd = "" if row.sd is None else _spread(row.sd)
        note = "; ".join(filter(None, ["chosen", row.outcome])) if row.chosen else row.outcome
        board.add_row(escape(row.words), mean, sd, f"{row.seconds:.1f}", escape(note))
    more = len(summary.leaderboard) - len(rows)
    if more > 0:
        board.caption = f"and {more} more, all of them in the report"
    return board


def _scores(summary: RunSummary) -> Table:
    title = (
        f"Scores on {summary.n_heldout:,} held-out rows ({summary.n_train:,} trained on, {summary.n_rejected} rejected)"
    )
    scores = table("metric", "#score", "95 % interval", "#cross-validation", title=title)
    for name, score in summary.scores.items():
        cv = summary.cross_validation.get(name)
        scores.add_row(
            f"{name} *" if name == summary.metric else name,
            _number(score.value),
            f"{_number(score.low)} … {_number(score.high)}",
            f"{_number(cv[0])} ± {_spread(cv[1])}" if cv else "",
        )
    return scores


def _verdict(summary: RunSummary, artifacts: Path) -> None:
    console = out()
    colour = "green" if summary.verdict.passed else "red"
    console.print(f"Verdict: [{colour}]{'passed' if summary.verdict.passed else 'refused'}[/]")
    for reason in summary.verdict.reasons:
        console.print(f"  - {escape(reason)}")
    where = "" if artifacts == Path("artifacts") else f" --artifacts {artifacts}"
    if summary.state == "refused":
        console.print(f"Not published. The candidate is kept: {summary.candidate}")
        way = f"penstock publish {summary.run_id} {way_in(summary.verdict)}{where}"
        console.print(f"To publish it all the same: {way}")
    elif summary.state == "kept":
        console.print(f"Not published, as asked. The candidate is kept: {summary.candidate}")
        console.print(f"To publish it: penstock publish {summary.run_id}{where}")
    else:
        state = "the same model is live already" if summary.state == "unchanged" else "published"
        console.print(f"Model:   {summary.name}, version {summary.version} ({state})")
    console.print(f"Report:  {summary.report}")
    if summary.rejected:
        console.print(f"Rejected rows: {summary.rejected}")
        console.print("  Correct its cells, or write yes under _drop, and name it in the spec: fixes: [FILE]")
    console.print()
    console.print(f"Serve it:      {command()} serve{where}")
    console.print(f"Your own file: {command()} run my.csv --target COLUMN")
