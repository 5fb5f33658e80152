"""The pages for people: rendered here, escaped by Jinja, and asking nothing of any other host."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from deploy.service.about import lookups_told, summary, versions
from deploy.service.docs import groups_of
from deploy.service.forms import fields_of
from deploy.service.holder import Held
from deploy.service.served import Served
from penstock import __version__
from penstock.bundle.layout import ModelHome
from penstock.bundle.manifest import REPORT
from penstock.durations import roughly
from penstock.report.script import script_source

_here = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report was made elsewhere: it may show pictures and colours, search and sort its tables by the one script that is
# known here, and reach nobody.
REPORT_POLICY = (
    f"sandbox allow-scripts; default-src 'none'; script-src {script_source()}; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC = {
    "page.css": "text/css; charset=utf-8",
    "try.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@functools.cache
def _templates() -> Environment:
    made = Environment(loader=FileSystemLoader(_here / "templates"), autoescape=select_autoescape(default=True))
    made.filters["moment"] = moment
    made.filters["roughly"] = roughly
    return made


def moment(text: str | None) -> str:
    """Return an ISO moment in UTC as people read it.

    Examples
    --------
    >>> moment("2026-11-22T19:28:46Z")
    '2026-11-22 19:28 UTC'
    """
    return f"{text[:10]} {text[11:16]} UTC" if text else ""


def _page(template: str, **values: Any) -> Response:
    text = _templates().get_template(template).render(release=__version__, **values)
    return Response(text, media_type="text/html; charset=utf-8", headers={"content-security-policy": PAGE_POLICY})


def static_file(name: str) -> Response | None:
    """Return one of the files that pages need; a name is looked up, never joined to a path unseen."""
    if name not in _STATIC:
        return None
    return Response(_bytes(name), media_type=_STATIC[name], headers={"cache-control": "max-age=300"})


@functools.cache
def _bytes(name: str) -> bytes:
    return (_here / "static" / name).read_bytes()


def index_page(parts: Served, root: str) -> Response:
    """Return the list of models."""
    models = [summary(parts.holder, name) for name in parts.holder.names()]
    return _page("index.html", root=root, models=models)


async def model_page(parts: Served, name: str, root: str) -> Response:
    """Return a model's page: facts, a form to try it, scores, card and versions."""
    held = parts.holder.get(name)
    home = ModelHome(parts.settings.artifacts, name)
    serving = held.bundle.version if held is not None else None
    known = await asyncio.to_thread(versions, home, serving)
    values = _told(held, name, root) if held is not None else {}
    return _page("model.html", root=root, model=summary(parts.holder, name), versions=known, **values)


def _told(held: Held, name: str, root: str) -> dict[str, Any]:
    bundle = held.bundle
    row = bundle.example()
    labels = [str(label) for label in bundle.target.labels] if bundle.schema.shown_target == bundle.target else []
    return {
        "labels": labels if len(labels) <= 12 else [*labels[:12], f"and {len(labels) - 12} more"],
        "fields": fields_of(bundle.schema, bundle.profile, row),
        "facts": _facts(held),
        "notes": bundle.notes,
        "lookups": lookups_told(bundle),
        "scores": _scores(bundle.metrics),
        "has_report": bundle.manifest is not None and REPORT in bundle.manifest.files,
        "curl": f"POST {root}/models/{name}/predict\n" + json.dumps(row, indent=2, ensure_ascii=False),
        "card": _card(bundle.card),
    }


def _facts(held: Held) -> list[tuple[str, str]]:
    bundle = held.bundle
    told = [("Training rows", f"{bundle.profile.n_rows:,}")]
    if bundle.looking is not None and bundle.looking.last_actual is not None:
        rule = bundle.looking.rule
        told.append(("Knows actual values up to", bundle.looking.last_actual))
        told.append(("Reaches", f"{rule.length(rule.horizon)} beyond them, in steps of {rule.length(1)}"))
    manifest = bundle.manifest
    if manifest is None:
        return told
    return [("Kind of model", manifest.family.replace("_", " ")), ("Sealed", moment(manifest.created)), *told]


def _scores(metrics: Mapping[str, Any]) -> list[dict[str, str]]:  # JSON, whose shape the evaluate stage decides
    scores = metrics.get("scores")
    if not isinstance(scores, dict):
        return []
    judged_by = metrics.get("metric")
    return [
        {
            "name": str(name).replace("_", " "),
            "value": f"{score['value']:.4g}",
            "interval": f"{score['low']:.4g} to {score['high']:.4g}",
            "n": f"{score['n']:,}",
        }
        for name, score in sorted(scores.items(), key=lambda pair: (pair[0] != judged_by, pair[0]))
        if isinstance(score, dict) and {"value", "low", "high", "n"} <= score.keys()
    ]


@functools.lru_cache(maxsize=32)
def _card(text: str) -> Markup:
    """Return a card's Markdown as HTML; markup inside it stays text."""
    from markdown_it import MarkdownIt

    # The parser escapes every tag of the source and refuses links that run something, so this is safe to insert.
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(text))  # noqa: S704


def docs_page(doc: dict[str, Any], root: str) -> Response:
    """Return the OpenAPI document as a page."""
    return _page("docs.html", root=root, doc=doc, groups=groups_of(doc))
