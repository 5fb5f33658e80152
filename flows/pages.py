"""What a run's page in Prefect's UI shows: the dossier with its figures, tables, and where to look further."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger

from flows.keys import key_of
from flows.links import Link, links_of
from penstock.report import told
from penstock.report.facts import DossierFacts
from penstock.report.markdown import dossier_markdown, escaped
from penstock.report.words import metric_title, percent
from penstock.summary import RunSummary

_in_word = re.compile(r"(?<=\w)\\_(?=\w)")


def show(summary: RunSummary, facts: DossierFacts) -> None:
    """Put the run's artifacts on its page; a page that cannot be written never fails a run.

    They are the run's own, not its stages': a run that found every stage in the cache shows them all.
    """
    links = links_of(summary, facts.artifacts)
    _tried(lambda: _markdown(summary, facts, links))
    _tried(
        lambda: create_table_artifact(
            key=key_of("leaderboard", summary.name),
            table=leaderboard(summary),
            description=f"Candidates, cross-validated by {metric_title(summary.metric)}",
        )
    )
    _tried(
        lambda: create_table_artifact(
            key=key_of("cleaning", summary.name),
            table=cleaning(facts),
            description="What each step did; every request is cleaned by the same steps",
        )
    )
    for link in links:
        _tried(partial(_link, link, summary.name))


def _tried(put: Callable[[], object]) -> None:
    try:
        put()
    # One that Prefect refuses takes no other with it.
    except Exception as error:
        get_run_logger().warning("A part of the run's page could not be written: %s", type(error).__name__)


def _markdown(summary: RunSummary, facts: DossierFacts, links: list[Link]) -> None:
    create_markdown_artifact(
        key=key_of("dossier", summary.name),
        markdown=dossier_markdown(facts, [(link.title, link.url, link.told) for link in links]),
        description=f"Run {summary.run_id}",
    )


def _link(link: Link, name: str) -> None:
    create_link_artifact(link.url, escaped(link.title), key=key_of(link.what, name), description=link.told)


def leaderboard(summary: RunSummary) -> list[dict[str, object]]:
    """Return the leaderboard's rows."""
    return [
        {
            "candidate": cell(row.words) + (" (chosen)" if row.chosen else ""),
            metric_title(summary.metric): _rounded(row.mean),
            "± sd": _rounded(row.sd),
            "seconds": row.seconds,
            "outcome": cell(row.outcome or row.state),
        }
        for row in summary.leaderboard
    ]


def cell(text: str) -> str:
    r"""Return a text for a cell of a table: Prefect's pages take it for markdown.

    Examples
    --------
    >>> cell("mean_area (3), *x* <b>")
    'mean_area (3), \\*x\\* \\<b\\>'
    """
    # Inside of a word it is nothing special, and names have it.
    return _in_word.sub("_", escaped(text, 400))


def _rounded(value: float | None) -> float | None:
    """Return a number as short as it can be compared."""
    return None if value is None else float(f"{value:.5g}")


def cleaning(facts: DossierFacts) -> list[dict[str, object]]:
    """Return the rows of the cleaning's audit: names and counts, no value of the data."""
    rows: list[dict[str, object]] = [
        {
            "step": cell(step.step),
            "kind": step.nature,
            "rows in": step.rows_in,
            "rows out": step.rows_out,
            "cells changed": step.cells_changed,
            "most changed": cell(told.most_changed(step)),
            "share": percent(step.share),
            "held-out rows flagged": step.flagged,
            "seconds": round(step.seconds, 3),
        }
        for step in told.steps(facts)
    ]
    return rows or [{"step": "none", "kind": "", "rows in": facts.audit.n_rows, "rows out": facts.audit.n_rows}]
