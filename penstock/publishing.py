"""What a spec says of publishing: whether it is done, how many versions are kept, and how models are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from penstock.frozen import Frozen


class Publishing(Frozen):
    """Whether a version that the gate lets in goes live, how many versions of a model are kept, and in which format.

    `skops` needs the extra of that name, here and where it is served; a model that it cannot hold is written by joblib.
    """

    enabled: bool = True
    keep: int = Field(default=10, ge=1)
    format: Literal["joblib", "skops"] = "joblib"

    @classmethod
    def written(cls, value: object) -> Publishing:
        """Return what a spec's `publish` says: yes or no, or a mapping.

        Examples
        --------
        >>> Publishing.written(False).enabled, Publishing.written({"keep": 3}).keep
        (False, 3)
        """
        return cls(enabled=value) if isinstance(value, bool) else cls.model_validate(value)


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
