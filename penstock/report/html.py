"""The dossier as one HTML file: no request, one script that it can do without, readable in the dark and on paper."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penstock import __version__
from penstock.receipts import Interval
from penstock.report import told, words
from penstock.report.arranged import cleaning_arranged, evaluation_arranged
from penstock.report.facts import DossierFacts
from penstock.report.script import policy, script
from penstock.report.usage import again, commands

_here = Path(__file__).parent / "templates"
# Pictures are drawn with more dots than they are shown with, for screens that have them.
DOTS_A_PIXEL = 1.35
# Lines of a tooltip.
MOST_NAMES = 30


def dossier_html(facts: DossierFacts) -> bytes:
    """Return a run's dossier as one self-contained HTML file in UTF-8.

    Parameters
    ----------
    facts : DossierFacts
        Everything it tells. What they hold is escaped, whatever it is.

    Returns
    -------
    bytes
        A page whose own policy forbids every request and every script but one, which searches and sorts tables;
        pictures are data URIs. Its size is bounded by the bounds of the facts.
    """
    text, tone = told.badge(facts)
    scores = sorted(facts.scores.items(), key=lambda item: item[0] != facts.metric)
    steps = told.steps(facts)
    beside, data_figures = cleaning_arranged(facts.figures, steps)
    shown = evaluation_arranged(facts.evaluation)
    return page(
        "dossier.html.j2",
        f=facts,
        sections=_sections(facts, bool(data_figures), bool(shown.slices)),
        badge={"text": text, "tone": tone},
        lead=told.lead(facts),
        challenge=told.challenge(facts),
        scores=scores,
        shown=shown,
        beside=beside,
        data_figures=data_figures,
        notable=told.notable(facts),
        steps=steps,
        examples=told.examples(facts),
        readings=[{"column": r.column, "table": r.table, "odd": how} for r, how in told.readings(facts)],
        labels_told=told.labels(facts),
        total=sum(stage.seconds for stage in facts.stages),
        longest=max((stage.seconds for stage in facts.stages), default=0.0),
        commands=commands(facts),
        again=again(facts),
    )


def _sections(facts: DossierFacts, figures: bool, slices: bool) -> list[tuple[str, str]]:
    """Return the sections that this page has, in their order."""
    every = [
        ("sources", "Sources"),
        ("columns", "Columns"),
        ("cleaning", "Cleaning"),
        ("figures", "The data" if figures or facts.n_left_out else ""),
        ("leaderboard", "Leaderboard"),
        ("coefficients", "Coefficients" if facts.coefficients else ""),
        ("scores", "Scores"),
        ("slices", "Slices" if slices or facts.slices else ""),
        ("leakage", "Leakage"),
        ("champion", "Champion"),
        ("stages", "Timings"),
        ("lineage", "Lineage"),
        ("environment", "Environment"),
        ("spec", "Spec"),
        ("use", "Use it"),
    ]
    return [(place, title) for place, title in every if title]


def page(template: str, **values: object) -> bytes:
    """Return a page of the house's look in UTF-8, self-contained and under its own policy.

    Parameters
    ----------
    template : str
        A template that extends `page.html.j2`.
    **values
        What it tells; every text is escaped.
    """
    made = _environment().get_template(template)
    return made.render(css=_css(), script=_script(), policy=_policy(), release=__version__, **values).encode()


@functools.cache
def _environment() -> Environment:
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
        "step_told": told.step_told,
        "data_uri": data_uri,
        "shown_width": shown_width,
        "span_ends": span_ends,
        "share_of": share_of,
        "names_told": names_told,
    }
    return made


@functools.cache
def _css() -> Markup:
    return Markup((_here / "dossier.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file, not data


def _policy() -> Markup:
    return Markup(policy())  # noqa: S704 - our own text, not data


def _script() -> Markup:
    return Markup(script())  # noqa: S704 - our own file, not data


def data_uri(png: bytes) -> str:
    """Return a PNG as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def shown_width(png: bytes) -> int:
    """Return how many pixels wide a PNG is to be shown."""
    width = int.from_bytes(png[16:20], "big")
    return max(1, round(width / DOTS_A_PIXEL))


def names_told(names: Mapping[str, str]) -> str:
    """Return shortened names with the full ones, a line each, for a tooltip."""
    lines = [f"{short} = {full}" for short, full in sorted(names.items())]
    rest = len(lines) - MOST_NAMES
    return "\n".join(lines[:MOST_NAMES] + ([f"and {rest:,} more"] if rest > 0 else []))


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
