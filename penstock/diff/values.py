"""Two plain values compared: mappings by their keys, lists by their items, each change with the path to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from penstock.diff.difference import Change
from penstock.frozen import canonical_json

LONGEST = 160


def told(value: Any) -> str:
    """Return a plain value on one line.

    Examples
    --------
    >>> told("a"), told(["a", 1]), told({"kind": "fill"}), told(None)
    ('a', '[a, 1]', '{kind: fill}', 'none')
    """
    text = _flow(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "none"
    return " ".join(value.split()) or "''" if isinstance(value, str) else json.dumps(value)


def changes_of(before: Any, after: Any, shown: tuple[Any, Any] | None = None, path: str = "") -> Iterator[Change]:
    """Yield what differs between two plain values.

    Parameters
    ----------
    before, after : JSON values
        What is compared.
    shown : tuple, optional
        The same values as they may be told, with texts in the place of whatever is private.
    path : str
        Where the values stand.

    Examples
    --------
    >>> [(c.what, c.before, c.after) for c in changes_of({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1, 2], "c": "x"})]
    [('a', '1', '2'), ('c', '', 'x')]
    """
    old, new = shown if shown is not None else (before, after)
    # As JSON, for to Python 1 and true are equal.
    if canonical_json(before) == canonical_json(after):
        return
    if isinstance(before, dict) and isinstance(after, dict) and isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*before, *after]):
            place = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield Change(what=place, before=told(old[key]))
            elif key not in before:
                yield Change(what=place, after=told(new[key]))
            else:
                yield from changes_of(before[key], after[key], (old[key], new[key]), place)
    elif _are_records(before) and _are_records(after) and _are_records(old) and _are_records(new):
        yield from _items(before, after, (old, new), path)
    else:
        yield Change(what=path, before=told(old), after=told(new))


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _items(before: list[Any], after: list[Any], shown: tuple[Any, Any], path: str) -> Iterator[Change]:
    """Yield what differs between two lists of records: what came in, what went, and what stands in another's place."""
    texts = [[canonical_json(item) for item in items] for items in (before, after)]
    matched = SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for kind, i, j, k, m in matched.get_opcodes():
        if kind == "equal":
            continue
        pairs = min(j - i, m - k)
        for n in range(pairs):
            was, now = before[i + n], after[k + n]
            place = f"{path}[{k + n + 1}]"
            if was.get("kind") == now.get("kind"):
                named = f"{place} {now['kind']}" if "kind" in now else place
                yield from changes_of(was, now, (shown[0][i + n], shown[1][k + n]), named)
            else:
                yield Change(what=place, before=told(shown[0][i + n]), after=told(shown[1][k + n]))
        yield from (Change(what=f"{path}[{n + 1}]", before=told(shown[0][n])) for n in range(i + pairs, j))
        yield from (Change(what=f"{path}[{n + 1}]", after=told(shown[1][n])) for n in range(k + pairs, m))
