"""Lines for the spec: what to write where an inference is to be otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from penstock.arrays.sentinels import Sentinel
from penstock.arrays.tally import NULL
from penstock.slices import ColumnSpec

_PLAIN = re.compile(r"[A-Za-z_µ°][\w .µ°-]*", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_SHOWN = 40

Value = str | float | Sequence[str] | Mapping[str, float]


def line(name: str, table: str = "", why: str = "", **decided: Value) -> str:
    """Return the line of a spec that decides something about a column.

    Examples
    --------
    >>> line("size", units={"k": 1000.0, "M": 1e6}, missing=["Varies with device"])
    'columns: {size: {units: {k: 1000, M: 1000000}, missing: [Varies with device]}}'
    >>> line("x", missing=["-200"], why="12 cells")
    "columns: {x: {missing: ['-200']}}  # 12 cells"
    """
    named = f"{table}_{name}" if table else name
    body = ", ".join(f"{key}: {_written(value)}" for key, value in decided.items())
    return f"columns: {{{quoted(named)}: {{{body}}}}}" + (f"  # {why}" if why else "")


def shown(text: str) -> str:
    """Return a value as it is shown in evidence: in quotes, and not too long.

    Examples
    --------
    >>> shown("a" * 60)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'"
    """
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def missing_list(gone: Mapping[str, int], decided: ColumnSpec, *more: str) -> list[str]:
    """Return what to declare as missing: what is declared takes the place of the usual tokens, so those are said again.

    Parameters
    ----------
    gone : mapping of str to int
        The tokens that occur.
    decided : ColumnSpec
        What is declared already.
    *more : str
        Further tokens.
    """
    met = sorted((t for t in gone if t not in ("", NULL)), key=lambda t: (-gone[t], t))
    return list(dict.fromkeys((*(met if decided.missing is None else decided.missing), *more)))


def far_lines(
    name: str, far: Sequence[Sentinel], gone: Mapping[str, int], decided: ColumnSpec, table: str = ""
) -> tuple[str, ...]:
    """Return the line that declares numbers as missing that lie far from all others."""
    if not far:
        return ()
    tokens = missing_list(gone, decided, *(s.token for s in far))
    return (line(name, table, "; ".join(s.words for s in far), missing=tokens),)


def _written(value: Value) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(k)}: {_number(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(quoted(v) for v in value) + "]"
    return _number(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def quoted(text: str) -> str:
    """Return a text as YAML has it in a list or as a key.

    Examples
    --------
    >>> quoted("plain"), quoted("no"), quoted("a: b")
    ('plain', "'no'", "'a: b'")
    """
    if _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _WORDS:
        return text
    if text.isprintable() and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)
