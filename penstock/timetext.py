"""Dates and times written as text: one reader for a single cell and for a million.

A text's signature is the text with its digits and letters blotted out: `31.12.2024` has `99.99.9999`. A format reads
certain signatures, each by a layout that says which characters are which digits. A request's cell costs one look-up; a
column is read with a few array operations for each of the few signatures that it has, by the same layouts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ISO = "ISO8601"
DIRECTIVES = "%Y %y %m %d %b %B %a %A %H %I %M %S %f %p %z %T %R %F"
# How a time of day may be written where no format is declared.
TIMES: tuple[str, ...] = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
DAY = 86_400_000_000
# Among offsets in minutes: none was written.
NAIVE = -(2**15)

_LONGEST = 48
_EPOCH = dt.date(1970, 1, 1).toordinal()
_MONTHS: tuple[str, ...] = ("january", "february", "march", "april", "may", "june", "july", "august", "september")
_MONTHS += ("october", "november", "december")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMES: dict[str, dict[str, int]] = {
    "b": {m[:3]: i + 1 for i, m in enumerate(_MONTHS)},
    "B": {m: i + 1 for i, m in enumerate(_MONTHS)},
    "a": {d[:3]: i for i, d in enumerate(_DAYS)},
    "A": {d: i for i, d in enumerate(_DAYS)},
    "p": {"am": 0, "pm": 1},
}
_BETWEEN = {"Y": (1, 9999), "m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12), "M": (0, 59), "S": (0, 59)}
_BETWEEN |= {"h": (0, 23), "n": (0, 59)}
_SHORT = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d"}
_SHAPES = {"Y": "9999", "y": "99", "m": "99?", "d": "99?", "H": "99?", "I": "99?", "M": "99", "S": "99", "f": "9{1,9}"}
_SHAPES |= {"b": "aaa", "B": "a{3,9}", "a": "aaa", "A": "a{6,9}", "p": "aa"}
_ZONE = r"(?:(?P<Z>a)|(?P<z>[+-])(?P<h>99)(?::?(?P<n>99))?)"
_ISO_SHAPE = (
    r"(?P<Y>9999)(?:"
    r"(?P<s>[-/.])(?P<m>99?)(?:(?P=s)(?P<d>99?)(?:(?:(?P<L0>a)| )(?P<H>99)"
    rf"(?::(?P<M>99)(?::(?P<S>99)(?:[.,](?P<f>9{{1,9}}))?)?)?(?: ?{_ZONE})?)?)?"
    r")?"
)
_ISO_COMPACT = (
    r"(?P<Y>9999)(?P<m>99)(?P<d>99)(?:(?:(?P<L0>a)| )(?P<H>99)"
    rf"(?P<M>99)(?:(?P<S>99)(?:[.,](?P<f>9{{1,9}}))?)?(?: ?{_ZONE})?)?"
)
_BLOT = {**{ord(c): "9" for c in "0123456789"}, **dict.fromkeys((*range(65, 91), *range(97, 123)), "a")}
_BLOTS = np.array([ord(_BLOT.get(c, chr(c))) if c < 128 else 0 for c in range(256)], dtype=np.uint8)


class Layout(NamedTuple):
    """One way to read the texts of a signature: directives with their places, and literal letters with theirs."""

    fields: tuple[tuple[str, int, int], ...]
    literals: tuple[tuple[int, str], ...]
    sign: str
    dated: bool


class Moment(NamedTuple):
    """Microseconds as written, since the start of 1970 or of the day, and the offset from UTC in minutes or `NAIVE`."""

    micros: int
    offset: int


class UnknownFormat(ValueError):
    """A format has a directive that is not read here."""


def read_moment(text: str, formats: tuple[str, ...]) -> Moment | None:
    """Return what a text says by the first of some formats that reads it, or None.

    Examples
    --------
    >>> read_moment("2.1.1970 00:01", ("%d.%m.%Y %H:%M",))
    Moment(micros=86460000000, offset=-32768)
    """
    if len(text) > _LONGEST or not text.isascii():
        return None
    for layout in layouts(formats, text.translate(_BLOT)):
        found = _read_one(layout, text)
        if found is not None:
            return found
    return None


def read_moments(texts: pa.Array, formats: tuple[str, ...]) -> tuple[Any, Any, Any]:
    """Read a column as `read_moment` reads each of its texts.

    Parameters
    ----------
    texts : pyarrow.Array
        Trimmed text, shape (n,); null is not read.
    formats : tuple of str
        The formats, the first to read a text going before the others.

    Returns
    -------
    tuple of numpy.ndarray
        Microseconds (int64), offsets in minutes (int32), and which texts were read (bool), each of shape (n,).
    """
    n = len(texts)
    micros, offsets, read = np.zeros(n, np.int64), np.full(n, NAIVE, np.int32), np.zeros(n, dtype=bool)
    for signature, rows, characters in _signed(texts):
        left = np.arange(len(rows))
        for layout in layouts(formats, signature):
            if not len(left):
                break
            some = characters if len(left) == len(characters) else characters[left]
            found, shift, good = _read_many(layout, some)
            at = rows[left[good]]
            micros[at], offsets[at], read[at] = found[good], shift if np.isscalar(shift) else shift[good], True
            left = left[~good]
    return micros, offsets, read


def signatures(texts: pa.Array, counts: Any) -> dict[str, int]:
    """Return the signatures of some texts, each with the sum of its texts' counts."""
    return {signature: int(counts[rows].sum()) for signature, rows, _ in _signed(texts)}


@lru_cache(maxsize=4096)
def layouts(formats: tuple[str, ...], signature: str) -> tuple[Layout, ...]:
    """Return the ways in which formats read the texts of a signature, in the order of the formats.

    Raises
    ------
    UnknownFormat
        A format has a directive other than those of `DIRECTIVES`, or none.

    Examples
    --------
    >>> layouts(("%d.%m.%Y",), "9.99.9999")[0].fields
    (('d', 0, 1), ('m', 2, 2), ('Y', 5, 4))
    """
    found = []
    for form in formats:
        for pattern, literals in compiled(form):
            match = pattern.fullmatch(signature)
            if match is not None:
                found.append(_layout(match, literals))
    return tuple(found)


@lru_cache(maxsize=1024)
def compiled(form: str) -> tuple[tuple[re.Pattern[str], dict[str, str]], ...]:
    """Return the patterns of the signatures that a format reads, and its literal letters by their group.

    Raises
    ------
    UnknownFormat
        It has a directive other than those of `DIRECTIVES`, twice the same, or none.
    """
    if form == ISO:
        return tuple((re.compile(shape), {"L0": "t"}) for shape in (_ISO_SHAPE, _ISO_COMPACT))
    full = form
    for short, long in _SHORT.items():
        full = full.replace(short, long)
    parts: list[str] = re.findall(r"%.|[^%]|%$", full, re.DOTALL)
    shape, literals, n_directives = "", {}, 0
    for i, part in enumerate(parts):
        code = part[1:]
        if len(part) == 1 or code == "%":
            literal = part[-1]
            if literal.isascii() and literal.isalnum():
                literals[f"L{i}"] = literal.lower()
                shape += f"(?P<L{i}>{'9' if literal.isdigit() else 'a'})"
            else:
                shape += re.escape(literal)
            continue
        n_directives += 1
        if code != "z" and code not in _SHAPES:
            raise UnknownFormat(part)
        # Where digits follow on digits, only padded numbers can be told apart.
        crowded = any(_is_digits(p) for p in (*parts[max(i - 1, 0) : i], *parts[i + 1 : i + 2]))
        each = _SHAPES.get(code, "").replace("99?", "99") if crowded else _SHAPES.get(code, "")
        shape += _ZONE if code == "z" else f"(?P<{code}>{each})"
    try:
        pattern = re.compile(shape)
    except re.error as error:
        raise UnknownFormat(form) from error
    if not n_directives:
        raise UnknownFormat(form)
    return ((pattern, literals),)


def _is_digits(part: str) -> bool:
    return part.isdigit() or (len(part) == 2 and part[1] in "YymdHIMSf")


def _layout(match: re.Match[str], literals: dict[str, str]) -> Layout:
    spans = {name: match.span(name) for name, value in match.groupdict().items() if value is not None}
    fields = tuple((c, a, b - a) for c, (a, b) in spans.items() if c in _SHAPES or c in "hn")
    letters = [(spans[name][0], letter) for name, letter in literals.items() if name in spans]
    letters += [(spans["Z"][0], "z")] if "Z" in spans else []
    sign = match["z"] if "z" in spans else "Z" if "Z" in spans else ""
    return Layout(fields, tuple(letters), sign, bool({"Y", "y", "m", "d", "b", "B"} & set(spans)))


def _read_one(layout: Layout, text: str) -> Moment | None:
    if any(text[at].lower() != letter for at, letter in layout.literals):
        return None
    seen: dict[str, int] = {}
    for code, start, width in layout.fields:
        piece = text[start : start + width]
        if code in _NAMES:
            named = _NAMES[code].get(piece.lower())
            if named is None:
                return None
            seen[code] = named
            continue
        value = int(piece)
        if code in _BETWEEN and not _BETWEEN[code][0] <= value <= _BETWEEN[code][1]:
            return None
        seen[code] = value if code != "f" else value * 10 ** (9 - width) // 1000
    micros = _clock(seen)
    if layout.dated:
        try:
            day = dt.date(_year(seen), seen.get("m", seen.get("b", seen.get("B", 1))), seen.get("d", 1))
        except ValueError:
            return None
        micros += (day.toordinal() - _EPOCH) * DAY
    return Moment(micros, _offset(layout, seen))


def _clock(seen: dict[str, Any]) -> Any:
    hour = seen.get("H", 0) if "H" in seen or "I" not in seen else seen["I"] % 12 + 12 * seen.get("p", 0)
    return ((hour * 60 + seen.get("M", 0)) * 60 + seen.get("S", 0)) * 1_000_000 + seen.get("f", 0)


def _year(seen: dict[str, Any]) -> Any:
    if "y" not in seen:
        return seen.get("Y", 1900)
    # The pivot of POSIX: 69 to 99 are of the twentieth century.
    return seen["y"] + 1900 + 100 * (seen["y"] < 69)


def _offset(layout: Layout, seen: dict[str, Any]) -> Any:
    if not layout.sign:
        return NAIVE
    minutes = seen.get("h", 0) * 60 + seen.get("n", 0)
    return -minutes if layout.sign == "-" else minutes


def _signed(texts: pa.Array) -> Iterator[tuple[str, Any, Any]]:
    """Give each signature of an array of text, the rows that have it, and their characters, shape (rows, length)."""
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    for length in np.unique(lengths).tolist():
        if not 0 < length <= _LONGEST:
            continue
        rows = np.flatnonzero(lengths == length)
        some = texts if len(rows) == len(texts) else texts.take(pa.array(rows))
        start = np.frombuffer(some.buffers()[1], np.int32)[some.offset]
        characters = np.frombuffer(some.buffers()[2], np.uint8)[start : start + len(rows) * length]
        characters = characters.reshape(len(rows), length)
        yield from _by_signature(rows, characters, _BLOTS[characters])


def _by_signature(rows: Any, characters: Any, blotted: Any) -> Iterator[tuple[str, Any, Any]]:
    length = characters.shape[1]
    keys = np.ascontiguousarray(blotted).view(f"S{length}").ravel()
    left = np.arange(len(rows))
    for _ in range(16):
        if not len(left):
            return
        first = keys[left[0]]
        same = keys[left] == first if len(left) < len(keys) else keys == first
        if same.all():
            every = len(left) == len(rows)
            yield _signature(first), rows if every else rows[left], characters if every else characters[left]
            return
        yield _signature(first), rows[left[same]], characters[left[same]]
        left = left[~same]
    # Texts of very many shapes: sorting them once is then cheaper than comparing all with each.
    found, which = np.unique(keys[left], return_inverse=True)
    order = np.argsort(which, kind="stable")
    for key, at in zip(found, np.split(left[order], np.cumsum(np.bincount(which))[:-1]), strict=True):
        yield _signature(key), rows[at], characters[at]


def _signature(key: bytes) -> str:
    # Bytes beyond ASCII were blotted out as zero, which no format has.
    return key.decode("latin-1")


def _read_many(layout: Layout, characters: Any) -> tuple[Any, Any, Any]:
    good = np.ones(len(characters), dtype=bool)
    for at, letter in layout.literals:
        good &= (characters[:, at] | 0x20 if letter.isalpha() else characters[:, at]) == ord(letter)
    seen: dict[str, Any] = {}
    for code, start, width in layout.fields:
        piece = characters[:, start : start + width]
        if code in _NAMES:
            seen[code], known = _named(piece, _NAMES[code])
            good &= known
            continue
        value = np.zeros(len(piece), np.int64)
        for i in range(width):
            value = value * 10 + (piece[:, i] - np.uint8(48))
        if code in _BETWEEN:
            good &= (value >= _BETWEEN[code][0]) & (value <= _BETWEEN[code][1])
        seen[code] = value if code != "f" else value * 10 ** (9 - width) // 1000
    micros = _clock(seen) + np.zeros(len(characters), np.int64)
    if layout.dated:
        month = seen.get("m", seen.get("b", seen.get("B", 1)))
        months = (np.where(good, _year(seen), 1970) - 1970) * 12 + np.where(good, month, 1) - 1
        first = months.astype("datetime64[M]").astype("datetime64[D]")
        days = first.astype(np.int64) + np.where(good, seen.get("d", 1), 1) - 1
        good &= days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) == months
        micros += days * DAY
    return micros, _offset(layout, seen), good


def _named(piece: Any, names: dict[str, int]) -> tuple[Any, Any]:
    width = piece.shape[1]
    fitting = sorted((name.encode(), number) for name, number in names.items() if len(name) == width)
    if not fitting:
        return np.ones(len(piece), np.int64), np.zeros(len(piece), dtype=bool)
    keys = np.ascontiguousarray(piece | np.uint8(0x20)).view(f"S{width}").ravel()
    known = np.array([name for name, _ in fitting])
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.array([number for _, number in fitting], np.int64)[at], known[at] == keys
