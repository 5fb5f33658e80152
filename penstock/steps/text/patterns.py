"""Regular expressions in RE2's syntax, whose time is linear in the text: no pattern of a spec can make a request hang.

What would need going back (a look-ahead, a reference to what was matched) is refused when the spec is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 1_000
_EMPTY = pa.array([""], pa.string())


def checked_pattern(pattern: str) -> str:
    """Return a pattern that RE2 reads.

    Raises
    ------
    ValueError
        It does not; the message says why.

    Examples
    --------
    >>> checked_pattern("(a")
    Traceback (most recent call last):
    ValueError: '(a' is no regular expression of RE2: Invalid regular expression: missing ): (a
    """
    return _tried(pattern, lambda: pc.match_substring_regex(_EMPTY, pattern))


def checked_groups(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern's groups, in the order in which they stand.

    Raises
    ------
    ValueError
        RE2 does not read it, or it has a group without a name, or none.
    """
    checked_pattern(pattern)
    if not pattern.count("(?P<") and not pattern.count("(?<"):
        raise ValueError(f"{pattern!r} names no group: what is extracted is written as (?P<name>…)")
    _tried(pattern, lambda: pc.extract_regex(_EMPTY, pattern))
    return tuple(field.name for field in pc.extract_regex(_EMPTY, pattern).type)


def checked_replacement(pattern: str, by: str) -> str:
    r"""Return a replacement that a pattern allows: \1 is its first group, \0 all that matched.

    Raises
    ------
    ValueError
        It refers to a group that there is not.
    """
    try:
        pc.replace_substring_regex(_EMPTY, pattern, by)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{by!r} cannot stand for {pattern!r}: {error}") from None
    return by


def replaced(texts: Sequence[str], pattern: str, by: str) -> list[str]:
    """Return texts with every match of a pattern replaced."""
    return list(pc.replace_substring_regex(pa.array(texts, pa.string()), pattern, by).to_pylist())


def extracted(texts: Sequence[str], pattern: str, names: Sequence[str]) -> dict[str, list[str | None]]:
    """Return, by group, what the first match in each text has there; None where nothing or an empty text is."""
    found = pc.extract_regex(pa.array(texts, pa.string()), pattern)
    return {name: [text or None for text in pc.struct_field(found, [name]).to_pylist()] for name in names}


def _tried(pattern: str, call: Any) -> str:
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern of {len(pattern):,} characters is longer than {LONGEST:,}")
    try:
        call()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{pattern!r} is no regular expression of RE2: {error}") from None
    return pattern
