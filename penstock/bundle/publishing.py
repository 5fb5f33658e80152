"""What a spec, as it was written, says of publishing: how many versions are kept, and how models are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from penstock.slices import Publishing


def keep_of(spec: Mapping[str, Any]) -> int:
    """Return how many versions a spec wants kept; the default where it cannot tell.

    Examples
    --------
    >>> keep_of({"publish": {"keep": 3}}), keep_of({"publish": True}), keep_of({})
    (3, 10, 10)
    """
    return _publishing(spec).keep


def format_of(spec: Mapping[str, Any]) -> str:
    """Return how a spec wants fitted models written; the default where it cannot tell.

    Examples
    --------
    >>> format_of({"publish": {"format": "skops"}}), format_of({})
    ('skops', 'joblib')
    """
    return _publishing(spec).format


def _publishing(spec: Mapping[str, Any]) -> Publishing:
    try:
        return Publishing.written(spec.get("publish", True))
    except ValidationError:
        return Publishing()
