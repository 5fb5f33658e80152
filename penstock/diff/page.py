"""A comparison as a page in the dossier's look."""

from __future__ import annotations

from penstock.diff.difference import Difference
from penstock.report.html import page


def difference_html(found: Difference) -> bytes:
    """Return what changed as one self-contained HTML file in UTF-8; every text in it is escaped."""
    return page("diff.html.j2", d=found, sections=[(part.name, part.title) for part in found.changed])
