"""Columns of text that are numbers or dates in part: which parts there are, and what would make them one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.dates import date_formats
from penstock.arrays.numbers import looks_numeric, part_of, shape_of, unit_counts
from penstock.arrays.proposing import Value, shown
from penstock.arrays.tally import Tally

# A part smaller than this is a few odd values among levels.
_PART = 0.05
_LEAST_UNIT = 0.001
_MOST_UNITS = 4
_MOST_TOKENS = 5
# A number with any signs for its point and its thousands.
_NUMBER = r"^[0-9]*[.,]?[0-9]+(?:[eE][+-]?[0-9]+)?$|^[0-9]{1,3}(?:[,. '][0-9]{3})+(?:[.,][0-9]+)?$"
# Units of one quantity, with their factors; a column whose units are all in one family can be converted.
_FAMILIES: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("", {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "bn": 1e9, "T": 1e12, "": 1.0}),
    ("B", {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}),
    ("B", {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}),
    ("m", {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3, "in": 0.0254, "ft": 0.3048, "mi": 1609.344}),
    ("g", {"µg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1e3, "t": 1e6, "oz": 28.349523125, "lb": 453.59237}),
    ("s", {"ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "mins": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0}),
    ("l", {"ml": 1e-3, "mL": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1.0, "L": 1.0}),
    ("W", {"W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9}),
    ("Hz", {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}),
)


@dataclass(frozen=True)
class Mixture:
    """The parts of a column, told; the most frequent cells of the smaller part; and decisions that would unite them."""

    words: str
    odd: tuple[tuple[str, int], ...] = ()
    decided: Mapping[str, Value] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()


def mixture(column: Tally) -> Mixture | None:
    """Return the parts of a column of text, or None where it is of one piece.

    Examples
    --------
    >>> from penstock.arrays.tally import tally
    >>> mixture(tally(pa.array(["1", "2", "3", "4", "many"] * 9), ())).words
    "mixed: 80 % numbers, 20 % text: 'many'"
    """
    if not column.distinct:
        return None
    looks = looks_numeric(column)
    if column.share(looks) >= _PART:
        found = _numbers_among(column)
        if found is not None:
            return found
    dates = date_formats(column, at_least=_PART)
    if dates.read is not None and _PART <= dates.share < 1.0:
        return _parts(column, "dates", dates.read, "datetime")
    return None


def _numbers_among(column: Tally) -> Mixture | None:
    shape = shape_of(column.texts)
    units = part_of(shape, "suffix")
    read = _match(part_of(shape, "body"), _NUMBER)
    bare = read & pc.equal(units, "").to_numpy(zero_copy_only=False)
    weights = {u: n for u, n in unit_counts(column, units, read).items() if n >= _LEAST_UNIT * column.n}
    if len(weights) > 1 and column.share(read) >= 0.5:
        several = _several_units(column, weights, read)
        if several is not None:
            return several
    return _parts(column, "numbers", bare, "float") if _PART <= column.share(bare) < 1.0 else None


def _several_units(column: Tally, weights: Mapping[str, int], read: np.ndarray) -> Mixture | None:
    most = sorted(weights, key=lambda u: (-weights[u], u))
    family = next(((base, table) for base, table in _FAMILIES if all(u in table for u in most)), None)
    told = ", ".join(f"{u!r} in {weights[u]:,}" for u in most[:6])
    if family is None and (len(most) > _MOST_UNITS or min(weights.values()) < _PART * column.n):
        # Letters behind digits are rather codes than units that nobody knows.
        return None
    factors = {u: family[1][u] if family else 1.0 for u in most}
    rest = _rest(column, read)
    words = f"several units: {told} cells{rest.words}"
    decided: dict[str, Value] = {"units": factors, **({"unit": family[0]} if family and family[0] else {})}
    return Mixture(words, rest.odd, decided, rest.tokens)


def _parts(column: Tally, what: str, read: np.ndarray, kind: str) -> Mixture:
    rest = _rest(column, read)
    percent = min(max(round(100 * column.share(read)), 1), 99)
    examples = ", ".join(shown(text) for text, _ in rest.odd)
    words = f"mixed: {percent} % {what}, {100 - percent} % text: {examples}"
    return Mixture(words, rest.odd, {"kind": kind} if rest.tokens and percent >= 50 else {}, rest.tokens)


def _rest(column: Tally, read: np.ndarray) -> Mixture:
    odd = column.most(~read, _MOST_TOKENS + 1)
    # A few words for all that is no number stand for nothing; many, or `>20`, are values of their own.
    are_words = 0 < len(odd) <= _MOST_TOKENS and not any(c.isdigit() for text, _ in odd for c in text)
    told = f"; {column.count(~read):,} cells are text" if odd else ""
    return Mixture(told, tuple(odd[:3]), {}, tuple(text for text, _ in odd) if are_words else ())


def _match(texts: pa.Array, pattern: str) -> np.ndarray:
    found: np.ndarray = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return found
