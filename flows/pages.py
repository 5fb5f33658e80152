"""What a run's page in Prefect's UI shows: the dossier with its figures, and the leaderboard."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger

from penstock.report.facts import DossierFacts
from penstock.report.markdown import dossier_markdown
from penstock.summary import RunSummary


def show(summary: RunSummary, facts: DossierFacts) -> None:
    """Put the run's artifacts on its page; a page that cannot be written never fails a run."""
    # Prefect's keys know small letters, digits and dashes.
    name = summary.name.replace("_", "-").strip("-")
    try:
        create_markdown_artifact(
            key=f"dossier-{name}", markdown=dossier_markdown(facts), description=f"Run {summary.run_id}"
        )
        create_table_artifact(
            key=f"leaderboard-{name}", table=_leaderboard(summary), description=f"{summary.metric}, cross-validated"
        )
    except Exception as error:
        get_run_logger().warning("The run's page could not be written: %s", error)


def _leaderboard(summary: RunSummary) -> list[dict[str, object]]:
    return [
        {
            "candidate": row.family + (" (chosen)" if row.chosen else ""),
            summary.metric: row.mean,
            "± sd": row.sd,
            "seconds": row.seconds,
            "state": row.state,
            "note": row.note,
        }
        for row in summary.leaderboard
    ]
