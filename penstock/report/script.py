"""The one script that a page of ours runs: it searches and sorts tables. Whoever serves such a page allows its digest.

Nothing is imported here that draws, so that a serving process may ask for the digest.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

_here = Path(__file__).parent / "templates"


@functools.cache
def script() -> str:
    """Return the script's text."""
    return (_here / "dossier.js").read_text(encoding="utf-8")


@functools.cache
def script_source() -> str:
    """Return what a Content-Security-Policy calls it.

    Examples
    --------
    >>> script_source()[:8], len(script_source())
    ("'sha256-", 53)
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()}'"


def policy() -> str:
    """Return the policy that a page of ours brings along: pictures and colours of its own, this script, no request."""
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script_source()}; "
        "base-uri 'none'; form-action 'none'"
    )
