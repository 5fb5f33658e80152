"""The dossier as one HTML file: no script, no request, readable in the dark and on paper."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import __version__
from penstock.receipts import Interval
from penstock.report import told, words
from penstock.report.facts import DossierFacts
from penstock.report.usage import commands

if TYPE_CHECKING:
    from jinja2 import Environment

_here = Path(__file__).parent / "templates"
# Pictures are drawn with more dots than they are shown with, for screens that have them.
DOTS_A_PIXEL = 1.35


def dossier_html(facts: DossierFacts) -> bytes:
    """Return a run's dossier as one self-contained HTML file in UTF-8.

    Parameters
    ----------
    facts : DossierFacts
        Everything it tells. What they hold is escaped, whatever it is.

    Returns
    -------
    bytes
        A page whose own policy forbids scripts and every request; pictures are data URIs. Its size is bounded by the
        bounds of the facts.
    """
    text, tone = told.badge(facts)
    scores = sorted(facts.scores.items(), key=lambda item: item[0] != facts.metric)
    page = _environment().get_template("dossier.html.j2")
    made = page.render(
        f=facts,
        css=_css(),
        release=__version__,
        badge={"text": text, "tone": tone},
        lead=told.lead(facts),
        challenge=told.challenge(facts),
        scores=scores,
        board=[p for p in facts.evaluation if p.name == "leaderboard"],
        # The table of scores draws its intervals itself.
        measured=[p for p in facts.evaluation if p.name not in {"leaderboard", "intervals"}],
        notable=told.notable(facts),
        steps=told.steps(facts),
        examples=told.examples(facts),
        readings=[{"column": r.column, "table": r.table, "odd": how} for r, how in told.readings(facts)],
        labels_told=told.labels(facts),
        total=sum(stage.seconds for stage in facts.stages),
        longest=max((stage.seconds for stage in facts.stages), default=0.0),
        commands=commands(facts),
    )
    return made.encode()


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "metric": words.metric_title,
        "number": words.number,
        "between": words.between,
        "percent": words.percent,
        "seconds": words.seconds,
        "count": words.count,
        "clipped": words.clipped,
        "cell": told.cell,
        "found": told.found,
        "most_changed": told.most_changed,
        "data_uri": data_uri,
        "shown_width": shown_width,
        "span_ends": span_ends,
        "share_of": share_of,
    }
    return made


@functools.cache
def _css() -> object:
    from markupsafe import Markup

    return Markup((_here / "dossier.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file, not data


def data_uri(png: bytes) -> str:
    """Return a PNG as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def shown_width(png: bytes) -> int:
    """Return how many pixels wide a PNG is to be shown."""
    width = int.from_bytes(png[16:20], "big")
    return max(1, round(width / DOTS_A_PIXEL))


def share_of(value: float, most: float) -> str:
    """Return a value as a percentage of the largest one, for the width of a bar."""
    return f"{100 * value / most:.1f}" if most > 0 else "0"


def span_ends(score: Interval, baseline: Interval | None) -> dict[str, str]:
    """Return where intervals begin and end between 3 and 97, on one scale for both; empty where they are points."""
    every = [score.low, score.high, *((baseline.low, baseline.high) if baseline else ())]
    low, width = min(every), max(every) - min(every)
    if not width > 0:
        return {}

    def place(value: float) -> str:
        return f"{3 + 94 * (value - low) / width:.2f}"

    ends = {"low": place(score.low), "high": place(score.high)}
    return ends | ({"base_low": place(baseline.low), "base_high": place(baseline.high)} if baseline else {})
