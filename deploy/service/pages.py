"""The pages for people: rendered here, escaped by Jinja, and asking nothing of any other host."""

from __future__ import annotations

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from deploy.service.about import lookups_told, summary
from deploy.service.docs import groups_of
from deploy.service.forms import MAX_SHOWN, Field, fields_of
from deploy.service.headline import headline, metric_title, scores
from deploy.service.holder import Held
from deploy.service.problems import Problem
from deploy.service.served import Served
from deploy.service.tried import Tried
from deploy.service.verdicts import chronicle
from penstock import __version__
from penstock.bundle.layout import ModelHome
from penstock.bundle.manifest import REPORT
from penstock.durations import roughly

_here = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STATIC = {
    "page.css": "text/css; charset=utf-8",
    "try.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@functools.cache
def _templates() -> Environment:
    made = Environment(loader=FileSystemLoader(_here / "templates"), autoescape=select_autoescape(default=True))
    made.filters["moment"] = moment
    made.filters["roughly"] = roughly
    made.filters["clipped"] = clipped
    made.filters["ago"] = ago
    return made


def moment(text: str | None) -> str:
    """Return an ISO moment in UTC as people read it.

    Examples
    --------
    >>> moment("2026-11-22T19:28:46Z")
    '2026-11-22 19:28 UTC'
    """
    return f"{text[:10]} {text[11:16]} UTC" if text else ""


def ago(seconds: float) -> str:
    """Return how long ago something was, as people say it.

    Examples
    --------
    >>> ago(20), ago(3600), ago(3 * 86_400)
    ('just now', '1 hour ago', '3 days ago')
    """
    for noun, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {noun}{'' if n == 1 else 's'} ago"
    return "just now"


def clipped(text: object, most: int) -> str:
    """Return a text of at most so many signs.

    Examples
    --------
    >>> clipped("a long name", 6)
    'a lon…'
    """
    line = str(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def _page(template: str, status: int = 200, **values: Any) -> Response:
    text = _templates().get_template(template).render(release=__version__, **values)
    headers = {"content-security-policy": PAGE_POLICY}
    return Response(text, status, media_type="text/html; charset=utf-8", headers=headers)


def static_file(name: str) -> Response | None:
    """Return one of the files that pages need; a name is looked up, never joined to a path unseen."""
    if name not in _STATIC:
        return None
    return Response(_bytes(name), media_type=_STATIC[name], headers={"cache-control": "max-age=300"})


@functools.cache
def _bytes(name: str) -> bytes:
    return (_here / "static" / name).read_bytes()


def index_page(parts: Served, root: str) -> Response:
    """Return the list of models, each with its headline figures."""
    models = []
    for name in parts.holder.names():
        held = parts.holder.get(name)
        models.append(summary(parts.holder, name) | {"headline": headline(held) if held is not None else None})
    return _page("index.html", root=root, models=models, default=parts.holder.default())


def fields_for(held: Held) -> list[Field]:
    """Return a model's form with the example in it."""
    bundle = held.bundle
    return fields_of(bundle.schema, bundle.profile, bundle.example())


async def model_page(
    parts: Served, name: str, root: str, fields: list[Field] | None = None, answer: Tried | None = None
) -> Response:
    """Return a model's page: headline figures, a form to try it, scores, card, versions with verdicts.

    Parameters
    ----------
    parts : Served
        The app's parts.
    name : str
        A model that there is.
    root : str
        What stands before every address.
    fields : list of Field, optional
        The form as it was sent; by default the example.
    answer : Tried, optional
        What came of sending it.
    """
    held = parts.holder.get(name)
    home = ModelHome(parts.settings.artifacts, name)
    serving = held.bundle.version if held is not None else None
    past = await asyncio.to_thread(chronicle, home, serving)
    values = _told(held, fields) if held is not None else {}
    status = answer.status if answer is not None else 200
    several = len(parts.holder.names()) > 1
    model = summary(parts.holder, name)
    return _page("model.html", status, root=root, model=model, past=past, answer=answer, several=several, **values)


def _told(held: Held, fields: list[Field] | None) -> dict[str, Any]:
    bundle = held.bundle
    row = bundle.example()
    labels = [str(label) for label in bundle.target.labels] if bundle.schema.shown_target == bundle.target else []
    form = fields if fields is not None else fields_for(held)
    found = scores(bundle.metrics)
    return {
        "labels": labels if len(labels) <= 12 else [*labels[:12], f"and {len(labels) - 12} more"],
        "fields": form,
        "n_shown": MAX_SHOWN,
        "headline": headline(held),
        "facts": _facts(held),
        "notes": bundle.notes,
        "lookups": lookups_told(bundle),
        "scores": found,
        "aim": bundle.metrics.get("aim", {}).get("lines", ()),
        "off": next((s["value"] for s in found if s["name"] == metric_title("mae")), ""),
        "has_report": bundle.manifest is not None and REPORT in bundle.manifest.files,
        "example": json.dumps(row, indent=2, ensure_ascii=False),
        "card": _card(bundle.card),
    }


def _facts(held: Held) -> list[tuple[str, str]]:
    bundle = held.bundle
    told = []
    if bundle.looking is not None and bundle.looking.last_actual is not None:
        rule = bundle.looking.rule
        told.append(("Knows actual values up to", bundle.looking.last_actual))
        told.append(("Reaches", f"{rule.length(rule.horizon)} beyond them, in steps of {rule.length(1)}"))
    shown = bundle.schema.shown_target
    if shown is not None and shown.positive is not None:
        told.append(("Positive label", shown.positive))
    if bundle.interval_level is not None:
        told.append(("low and high hold", f"{bundle.interval_level:.0%} of what comes true"))
    if bundle.manifest is None:
        return told
    return [("Kind of model", bundle.manifest.family.replace("_", " ")), *told]


@functools.lru_cache(maxsize=32)
def _card(text: str) -> Markup:
    """Return a card's Markdown as HTML; markup inside it stays text, and its headings are below the page's."""
    from markdown_it import MarkdownIt

    # The parser escapes every tag of the source and refuses links that run something, so this is safe to insert.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - as above


def key_page(problem: Problem, root: str) -> Response:
    """Return what a browser shows when its user has given no key, or a wrong one."""
    made = _page("key.html", problem.status, root=root)
    made.headers.update(problem.headers)
    return made


def docs_page(doc: dict[str, Any], root: str) -> Response:
    """Return the OpenAPI document as a page."""
    return _page("docs.html", root=root, doc=doc, groups=groups_of(doc))
