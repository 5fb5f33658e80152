"""How a column writes its numbers: decimal point or comma, thousands, and one unit or currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.tally import Tally
from penstock.cells import PLAIN_NUMBER

Decimal = Literal[".", ",", ".,"]
Thousands = Literal["", ",", ".", " ", "'"]

# A column is numeric when at least this share of its cells reads as numbers; the rest are misfits.
NUMERIC_SHARE = 0.98
# A unit or currency that stands in fewer of the cells than this is a misfit's, not the column's.
_UNIT_SHARE = 0.005

_SHAPE = (
    r"^(?P<sign>[+-]?)\s*(?P<prefix>[$€£¥₹₽₩]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD)?\s*(?P<sign2>[+-]?)"
    r"(?P<body>\.?[0-9](?:[0-9.,'\x{a0}\x{202f} ]*[0-9])?\.?(?:[eE][+-]?[0-9]+)?)"
    r"(?P<suffix>\s*(?:[%‰°$€£¥₹₽₩+]|[A-Za-zµμΩ²³/°.]|[A-Za-zµμΩ²³/%°][A-Za-zµμΩ²³/%°0-9. *^-]{0,14}))?$"
)
_FORMATS: tuple[tuple[Decimal, Thousands, str], ...] = (
    (".", "", r"^[0-9]+\.?[0-9]*$|^\.[0-9]+$"),
    (".", ",", r"^[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?$"),
    (",", "", r"^[0-9]+,[0-9]+$|^[0-9]+$"),
    (",", ".", r"^[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?$"),
    (".", " ", r"^[1-9][0-9]{0,2}(?: [0-9]{3})+(?:\.[0-9]*)?$"),
    (",", " ", r"^[1-9][0-9]{0,2}(?: [0-9]{3})+(?:,[0-9]*)?$"),
    (".", "'", r"^[1-9][0-9]{0,2}(?:'[0-9]{3})+(?:\.[0-9]*)?$"),
)
_PATTERN = {(d, t): p for d, t, p in _FORMATS}
_COMMA_AS_POINT = r"^[0-9]*,[0-9]+$"


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written, which share of the cells reads so, and the words that say it."""

    decimal: Decimal = "."
    thousands: Thousands = ""
    prefix: str = ""
    suffix: str = ""
    share: float = 1.0
    distinct_share: float = 1.0
    whole: bool = False
    words: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the column is one of numbers."""
        # A word in two out of three distinct values makes a category, however often the one number occurs.
        return self.share >= NUMERIC_SHARE and self.distinct_share > 0.5


def number_format(column: Tally) -> NumberFormat:
    """Find out how a column of text writes its numbers.

    Examples
    --------
    >>> from penstock.arrays.tally import tally
    >>> import pyarrow as pa
    >>> found = number_format(tally(pa.array(["17,99 mm", "20.5 mm", "3 mm"]), ()))
    >>> found.decimal, found.suffix, found.fits
    ('.,', 'mm', True)
    """
    if not column.distinct:
        return NumberFormat(share=0.0, distinct_share=0.0)
    floats = _all_plain(column.texts)
    if floats is not None:
        return NumberFormat(whole=_are_integers(column.texts))
    shape = pc.extract_regex(column.texts, _SHAPE)
    read = shape.is_valid().to_numpy(zero_copy_only=False)
    if column.share(read) < NUMERIC_SHARE:
        return NumberFormat(share=column.share(read), distinct_share=float(read.mean()))
    prefix, ok_prefix = _one_unit(column, _field(shape, "prefix"), read)
    suffix, ok_suffix = _one_unit(column, _field(shape, "suffix"), read)
    read = read & ok_prefix & ok_suffix
    bodies = _bodies(shape)
    decimal, thousands, ok = _signs(column, bodies, read)
    read = read & ok
    return NumberFormat(
        decimal=decimal,
        thousands=thousands,
        prefix=prefix,
        suffix=suffix,
        share=column.share(read),
        distinct_share=float(read.mean()),
        whole=_are_integers(bodies.filter(pa.array(read)), thousands) if read.any() else False,
        words=(*_sign_words(column, bodies, read, decimal, thousands), *_unit_words(prefix, suffix)),
    )


def _all_plain(texts: pa.Array) -> Any:
    try:
        floats = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    # Arrow's parser also takes `inf` and `nan`.
    return floats if np.isfinite(floats).all() else None


def _are_integers(texts: pa.Array, thousands: str = "") -> bool:
    pattern = rf"^[+-]?[0-9{re.escape(thousands)}]+$"
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _field(shape: pa.Array, name: str) -> Any:
    return np.array([t.strip() for t in pc.fill_null(shape.field(name), "").to_pylist()], dtype=object)


def _bodies(shape: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.fill_null(shape.field("body"), ""), r"[\x{a0}\x{202f}]", " ")


def _one_unit(column: Tally, units: Any, read: Any) -> tuple[str, Any]:
    """Return the column's one unit, and which distinct values bear that unit or none."""
    weights: dict[str, int] = {}
    for unit, count in zip(units[read], column.counts[read], strict=True):
        if unit:
            weights[unit] = weights.get(unit, 0) + int(count)
    if not weights:
        return "", np.ones(len(units), dtype=bool)
    unit = max(weights, key=lambda u: (weights[u], u))
    if weights[unit] < _UNIT_SHARE * column.n:
        unit = ""
    return unit, (units == "") | (units == unit)


def _signs(column: Tally, bodies: pa.Array, read: Any) -> tuple[Decimal, Thousands, Any]:
    plain = _match(bodies, PLAIN_NUMBER)
    fits = {(d, t): plain_or for d, t, p in _FORMATS if (plain_or := _match(bodies, p)) is not None}
    # Under a decimal comma a dot is never a decimal point, so that plain numbers with a dot do not count.
    has_dot = _match(bodies, r"\.")
    whole = plain & ~has_dot
    options: list[tuple[Decimal, Thousands, Any]] = [
        (".", "", plain),
        (".", ",", plain | fits[".", ","]),
        (",", "", whole | fits[",", ""]),
        (",", ".", whole | fits[",", ""] | fits[",", "."]),
        (".", " ", plain | fits[".", " "]),
        (",", " ", whole | fits[",", ""] | fits[",", " "]),
        (".", "'", plain | fits[".", "'"]),
        (".,", "", plain | _match(bodies, _COMMA_AS_POINT)),
    ]
    weigh = [column.share(read & ok) for _, _, ok in options]
    best = max(weigh)
    equal = [option for option, weight in zip(options, weigh, strict=True) if weight == best]
    if len(equal) > 1 and equal[0][1] == ",":
        return _comma(bodies, read, equal)
    return equal[0]


def _comma(bodies: pa.Array, read: Any, equal: list[tuple[Decimal, Thousands, Any]]) -> tuple[Decimal, Thousands, Any]:
    """Decide what `1,234` means where every comma has three digits behind it: by the numbers without one."""
    with_comma = read & _match(bodies, ",")
    others = read & ~with_comma
    point = next((o for o in equal if o[0] in (".,", ",")), equal[0])
    if not others.any():
        return equal[0]
    plain = _floats(bodies, others)
    if (np.abs(plain) >= 1000).any():
        # Numbers above a thousand are written without a sign for it, so that the comma must be the point.
        return point
    as_thousands = _floats(pc.replace_substring(bodies, ",", ""), with_comma)
    as_point = _floats(pc.replace_substring(bodies, ",", "."), with_comma)
    middle = max(float(np.median(np.abs(plain))), 1e-9)
    far = [float(np.abs(np.log(np.maximum(np.abs(v), 1e-9) / middle)).mean()) for v in (as_thousands, as_point)]
    # The readings are a factor of a thousand, 6.9 in logarithms, apart. A point must be clearly nearer to the other
    # numbers, and still clearer where those have one number of digits behind their points, as prices do.
    needed = 6.0 if _one_scale(bodies.filter(pa.array(others))) else 3.5
    return equal[0] if far[0] - far[1] <= needed else point


def _one_scale(bodies: pa.Array) -> bool:
    digits = pc.utf8_length(pc.replace_substring_regex(bodies, r"^[0-9]*\.?", ""))
    scales = set(digits.to_pylist()) - {0}
    return len(scales) == 1 and scales != {3}


def _floats(bodies: pa.Array, mask: Any) -> Any:
    return bodies.filter(pa.array(mask)).cast(pa.float64()).to_numpy(zero_copy_only=False)


def _match(texts: pa.Array, pattern: str) -> Any:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _sign_words(column: Tally, bodies: pa.Array, read: Any, decimal: str, thousands: str) -> list[str]:
    said: list[str] = []
    if "," in decimal:
        n = int(column.counts[read & _match(bodies, ",")].sum())
        said.append(f"decimal comma in {n:,} cells")
    if thousands:
        n = int(column.counts[read & _match(bodies, f"[{re.escape(thousands)}]")].sum())
        said.append(f"{thousands!r} between thousands in {n:,} cells")
    return said


def _unit_words(prefix: str, suffix: str) -> list[str]:
    before = [f"{prefix!r} before the number"] if prefix else []
    return before + ([f"{suffix!r} behind the number"] if suffix else [])
