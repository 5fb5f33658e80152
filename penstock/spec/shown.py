"""A spec's text for readers: as it was written, without values of private columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.spec.reading import write_yaml

PRIVATE = "(private)"
MOST_CHARACTERS = 60_000
# What a private column's own entry may tell, for it is no value of the column.
_OPEN = frozenset(
    {"kind", "role", "private", "serve", "table", "column", "columns", "on", "by", "into", "use", "gives"}
)
# A password in an address that was written out instead of named by ${env:...} or ${secret:...}.
_password = re.compile(r"(://[^/\s:@]*:)(?!\$\{)[^@/\s]+@")


def shown_spec(declared: Mapping[str, Any], private: frozenset[str]) -> str:
    """Return a spec as YAML in which nothing tells values of private columns, nor a password in an address.

    Parameters
    ----------
    declared : mapping
        The spec as it was written: secrets are names in it.
    private : frozenset of str
        The private columns. What the spec says of their values (ranges, replacements, texts that mean missing) reads
        `(private)`.

    Examples
    --------
    >>> spec = {"columns": {"pay": {"private": True, "missing": ["-99"]}}, "source": "sql://me:word@host/db"}
    >>> print(shown_spec(spec, frozenset({"pay"})), end="")
    columns:
      pay:
        private: true
        missing: [(private)]
    source: sql://me:***@host/db
    """
    text = write_yaml(masked_spec(declared, private))
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[:MOST_CHARACTERS].rpartition("\n")[0] + "\n# The rest is left out here; the run's folder has it.\n"


def masked_spec(declared: Mapping[str, Any], private: frozenset[str]) -> dict[str, Any]:
    """Return a spec, or a plan, of the same shape that tells no value of a private column."""
    shown: dict[str, Any] = _shown(dict(declared), private)
    if declared.get("target") in private and "positive" in shown:
        shown["positive"] = PRIVATE
    for place in (shown, shown.get("model")):
        if declared.get("target") in private and isinstance(place, dict) and "cost" in place:
            # It may name labels.
            place["cost"] = PRIVATE
    return shown


def _shown(value: Any, private: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, private) if key in private else _shown(item, private) for key, item in value.items()}
    if isinstance(value, list):
        return [
            _masked(item, private) if isinstance(item, dict) and _mentions(item, private) else _shown(item, private)
            for item in value
        ]
    return _password.sub(r"\1***@", value) if isinstance(value, str) else value


def _masked(value: Any, private: frozenset[str], key: str | None = None) -> Any:
    """Return what is said of a private column, its names left and its values not; `key` is None for the whole of it."""
    if isinstance(value, dict):
        # The keys of a table of replacements, or of units, are values themselves.
        if key is not None and key not in _OPEN:
            return PRIVATE
        return {name: _masked(item, private, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, private, key) if not isinstance(item, dict) else PRIVATE for item in value]
    if key in _OPEN or isinstance(value, bool) or value in private:
        return value
    return PRIVATE


def _mentions(value: Any, private: frozenset[str]) -> bool:
    """Whether a step, a join or an expectation speaks of a private column, be it within an expression."""
    if isinstance(value, dict):
        return any(_mentions(part, private) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(_mentions(part, private) for part in value)
    return isinstance(value, str) and any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value) for name in private)
