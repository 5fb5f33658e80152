"""The keys under which Prefect files what a run shows."""

from __future__ import annotations

import re

_other = re.compile(r"[^a-z0-9]+")


def key_of(what: str, name: str) -> str:
    """Return a key: Prefect's know small letters, digits and dashes.

    Examples
    --------
    >>> key_of("dossier", "iris_2")
    'dossier-iris-2'
    """
    return f"{what}-{_other.sub('-', name.lower()).strip('-')}"
