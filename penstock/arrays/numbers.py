"""How a column writes its numbers: decimal point or comma, thousands, and one unit or currency."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.tally import Tally
from penstock.cells import PLAIN_NUMBER
from penstock.numbertext import plain_floats
from penstock.slices import ColumnSpec
from penstock.table import Column, Kind

Decimal = Literal[".", ",", ".,"]
Thousands = Literal["", ",", ".", " ", "'"]

# A column is numeric when at least this share of its cells reads as numbers; the rest are misfits.
NUMERIC_SHARE = 0.98
# A unit or currency that stands in fewer of the cells than this is a misfit's, not the column's.
_UNIT_SHARE = 0.005

# Letters by their ranges: RE2 takes a hundred times as long to prepare itself for all that Unicode calls a letter.
_LETTERS = r"A-Za-z\x{b5}\x{c0}-\x{1fff}\x{2070}-\x{2fff}\x{3040}-\x{9fff}"
_SHAPE = (
    r"^(?P<sign>[+-]?)\s*(?P<prefix>(?:US|[CARS])?[$€£¥₹₽₩]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|Rs\.?)?\s*(?P<sign2>[+-]?)"
    r"(?P<body>\.?[0-9](?:[0-9.,'\x{a0}\x{202f} ]*[0-9])?\.?(?:[eE][+-]?[0-9]+)?)"
    rf"(?P<suffix>\s*(?:[%‰°$€£¥₹₽₩+]|[{_LETTERS}²³/°.]|[{_LETTERS}²³/%°][{_LETTERS}²³/%°0-9. *^-]{{0,14}}))?$"
)
_FORMATS: tuple[tuple[Decimal, Thousands, str], ...] = (
    (".", ",", r"^[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?$"),
    (",", "", r"^[0-9]+,[0-9]+$|^[0-9]+$"),
    (",", ".", r"^[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?$"),
    (".", " ", r"^[1-9][0-9]{0,2}(?: [0-9]{3})+(?:\.[0-9]*)?$"),
    (",", " ", r"^[1-9][0-9]{0,2}(?: [0-9]{3})+(?:,[0-9]*)?$"),
    (".", "'", r"^[1-9][0-9]{0,2}(?:'[0-9]{3})+(?:\.[0-9]*)?$"),
)
# `10,000+` is a bound, not a unit.
_NO_UNIT = ("+", ".")
_COMMA_AS_POINT = r"^[0-9]*,[0-9]+$"


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written, which share of the cells reads so, and the words that say it.

    `whole` says that all are written as whole numbers; `read` marks the distinct values that read so.
    """

    decimal: Decimal = "."
    thousands: Thousands = ""
    prefix: str = ""
    suffix: str = ""
    units: dict[str, float] = field(default_factory=dict)
    share: float = 1.0
    distinct_share: float = 1.0
    whole: bool = False
    words: tuple[str, ...] = ()
    read: Any = None

    @property
    def fits(self) -> bool:
        """Whether the column is one of numbers."""
        # A word in two out of three distinct values makes a category, however often the one number occurs.
        return self.share >= NUMERIC_SHARE and self.distinct_share > 0.5

    def column(self, name: str, kind: Kind, missing: tuple[str, ...], **more: Any) -> Column:
        """Return a column whose numbers are written so."""
        return Column(
            name=name,
            kind=kind,
            decimal=self.decimal,
            thousands=self.thousands,
            prefix=self.prefix,
            suffix=self.suffix,
            units=self.units,
            unit=(self.suffix if self.suffix not in _NO_UNIT else "") or self.prefix,
            missing=missing,
            **more,
        )


def number_format(column: Tally, decided: ColumnSpec | None = None) -> NumberFormat:
    """Find out how a column of text writes its numbers; what the user decided of it holds.

    Examples
    --------
    >>> from penstock.arrays.tally import tally
    >>> import pyarrow as pa
    >>> found = number_format(tally(pa.array(["17,99 mm", "20.5 mm", "3 mm"]), ()))
    >>> found.decimal, found.suffix, found.fits
    ('.,', 'mm', True)
    """
    decided = decided or ColumnSpec()
    if not column.distinct:
        return NumberFormat(share=0.0, distinct_share=0.0, read=np.zeros(0, dtype=bool))
    is_free = decided.decimal is None and not decided.thousands
    if is_free and plain_floats(column.texts, ()) is not None:
        return NumberFormat(
            prefix=decided.prefix or "",
            suffix=decided.suffix or "",
            units=decided.units or {},
            whole=_are_integers(column.texts),
            read=np.ones(column.distinct, dtype=bool),
        )
    read = looks_numeric(column)
    if column.share(read) < NUMERIC_SHARE and decided.kind is None and not decided.units:
        return NumberFormat(share=column.share(read), distinct_share=float(read.mean()), read=read)
    shape = shape_of(column.texts)
    prefix, ok_prefix = _one_unit(column, part_of(shape, "prefix"), read, decided.prefix)
    units = decided.units or {}
    suffix, ok_suffix = _one_unit(column, part_of(shape, "suffix"), read, decided.suffix) if not units else ("", read)
    if units:
        ok_suffix = _is_one_of(part_of(shape, "suffix"), ("", *units))
    read = read & ok_prefix & ok_suffix
    bodies = _bodies(shape)
    decimal, thousands, ok = _signs(column, bodies, read, decided)
    read = read & ok
    return NumberFormat(
        decimal=decimal,
        thousands=thousands,
        prefix=prefix,
        suffix=suffix,
        units=units,
        share=column.share(read),
        distinct_share=float(read.mean()),
        whole=not units and bool(read.any()) and _are_integers(bodies.filter(pa.array(read)), thousands),
        words=(*_sign_words(column, bodies, read, decimal, thousands), *_unit_words(prefix, suffix, units)),
        read=read,
    )


def _are_integers(texts: pa.Array, thousands: str = "") -> bool:
    pattern = rf"^[+-]?[0-9{re.escape(thousands)}]+$"
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def looks_numeric(column: Tally) -> Any:
    """Return which distinct texts look like numbers with whatever is before and behind them."""
    return _match(column.texts, _SHAPE)


def shape_of(texts: pa.Array) -> pa.Array:
    """Return the sign, prefix, body and suffix of texts that look like numbers, null for the others."""
    return pc.extract_regex(texts, _SHAPE)


def part_of(shape: pa.Array, name: str) -> pa.Array:
    """Return a part of what `shape_of` found, trimmed, blank where there is none."""
    return pc.utf8_trim_whitespace(pc.if_else(shape.is_valid(), pc.fill_null(shape.field(name), ""), ""))


def _bodies(shape: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(part_of(shape, "body"), r"[\x{a0}\x{202f}]", " ")


def _one_unit(column: Tally, units: pa.Array, read: Any, decided: str | None) -> tuple[str, Any]:
    """Return the column's one unit, and which distinct values bear that unit or none."""
    weights = unit_counts(column, units, read) if decided is None else {}
    unit = max(weights, key=lambda u: (weights[u], u)) if weights else decided or ""
    if decided is None and weights.get(unit, 0) < _UNIT_SHARE * column.n:
        unit = ""
    return unit, _is_one_of(units, ("", unit))


def unit_counts(column: Tally, units: pa.Array, read: Any) -> dict[str, int]:
    """Return how many cells bear each unit, shape (distinct,) of `units` and of the mask `read`."""
    some = pa.table({"unit": units, "n": pa.array(column.counts)}).filter(pa.array(read))
    summed = some.group_by("unit").aggregate([("n", "sum")])
    return {u: n for u, n in zip(summed["unit"].to_pylist(), summed["n_sum"].to_pylist(), strict=True) if u}


def _is_one_of(texts: pa.Array, among: tuple[str, ...]) -> Any:
    return pc.is_in(texts, value_set=pa.array(list(among), pa.string())).to_numpy(zero_copy_only=False)


def _signs(column: Tally, bodies: pa.Array, read: Any, decided: ColumnSpec) -> tuple[Decimal, Thousands, Any]:
    plain = _match(bodies, PLAIN_NUMBER)
    is_free = decided.decimal is None and decided.thousands is None
    if is_free and bool((plain | ~read).all()):
        return ".", "", plain
    fits = {(d, t): _match(bodies, p) for d, t, p in _FORMATS}
    # Under a decimal comma a dot is never a decimal point, so that plain numbers with a dot do not count.
    whole = plain & ~_match(bodies, r"\.")
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
    # A sign that the user decided leaves those ways of writing that go with it.
    options = [o for o in options if decided.decimal in (None, o[0]) and decided.thousands in (None, o[1])]
    if not options:
        return decided.decimal or ".", decided.thousands or "", plain
    weigh = [column.share(read & ok) for _, _, ok in options]
    best = max(weigh)
    equal = [option for option, weight in zip(options, weigh, strict=True) if weight == best]
    if len(equal) > 1 and equal[0][1] == ",":
        return _comma(bodies, read, equal)
    return equal[0]


def _comma(bodies: pa.Array, read: Any, equal: list[tuple[Decimal, Thousands, Any]]) -> tuple[Decimal, Thousands, Any]:
    """Decide what `1,234` means where every comma has three digits behind it: by the numbers without one."""
    has_comma = _match(bodies, ",")
    point = next((o for o in equal if o[0] in (".,", ",")), equal[0])
    with_comma = read & equal[0][2] & point[2] & has_comma
    others = read & equal[0][2] & ~has_comma
    if not others.any() or not with_comma.any():
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
    digits = pc.unique(pc.utf8_length(pc.replace_substring_regex(bodies, r"^[0-9]*\.?", "")))
    scales = set(digits.to_pylist()) - {0}
    return len(scales) == 1 and scales != {3}


def _floats(bodies: pa.Array, mask: Any) -> Any:
    return bodies.filter(pa.array(mask)).cast(pa.float64()).to_numpy(zero_copy_only=False)


def _match(texts: pa.Array, pattern: str) -> Any:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _sign_words(column: Tally, bodies: pa.Array, read: Any, decimal: str, thousands: str) -> list[str]:
    said: list[str] = []
    if "," in decimal:
        said.append(f"decimal comma in {column.count(read & _match(bodies, ',')):,} cells")
    if thousands:
        n = column.count(read & _match(bodies, f"[{re.escape(thousands)}]"))
        said.append(f"{thousands!r} between thousands in {n:,} cells")
    return said


def _unit_words(prefix: str, suffix: str, units: dict[str, float]) -> list[str]:
    said = [f"{prefix!r} before the number"] if prefix else []
    said += [f"{suffix!r} behind the number"] if suffix else []
    return said + ([f"units {', '.join(map(repr, units))} converted"] if units else [])
