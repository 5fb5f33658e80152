"""Which formats a column of text writes its dates and times in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow.compute as pc

from penstock.arrays.tally import Tally
from penstock.timetext import ISO, NAIVE, TIMES, compiled, layouts, read_moments, signatures

# A column is one of moments when at least this share of its cells reads as such; the rest are misfits.
DATE_SHARE = 0.98
_LOOKS = (
    r"^(?:[A-Za-z]{3,9},? )?"
    r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}\.?[ ,-]|[A-Za-z]{3,9}\.? \d{1,2},? |\d{4}-\d{2})"
)
_LOOKS_TIME = r"^\d{1,2}(?::\d{2}){1,2}(?:\.\d{1,9})?(?: ?[AaPp][Mm])?$"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")
# Of formats that read the same cells the first is taken.
_DAYS = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%d. %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%Y-%b-%d",
    "%b-%d-%Y",
    "%a, %d %b %Y",
    "%a %d %b %Y",
    "%A, %B %d, %Y",
    "%A, %d %B %Y",
)
_COMPACT = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
FORMATS: tuple[str, ...] = (
    ISO,
    *(day + clock for day in _DAYS for clock in _CLOCKS),
    *(f"{day}T{clock.strip()}" for day in _DAYS[:7] for clock in _CLOCKS[1:4]),
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%b %d %H:%M:%S %Y",
    *(f"{day}{clock} %z" for day in _DAYS[2:8] for clock in _CLOCKS[1:3]),
)


@dataclass(frozen=True)
class DateFormats:
    """The formats that read a column, the share of cells that they read, and the words that say it.

    `other` is a format that reads the column with day and month the other way round, where it cannot be told which is
    meant. `read` marks the distinct values that read.
    """

    formats: tuple[str, ...] = ()
    share: float = 0.0
    words: tuple[str, ...] = ()
    other: str = ""
    read: Any = None

    @property
    def fits(self) -> bool:
        """Whether the column is one of moments."""
        return self.share >= DATE_SHARE


def date_formats(column: Tally, at_least: float = 0.9) -> DateFormats:
    """Find out in which formats a column of text writes its moments.

    A column of which a smaller share than `at_least` looks like dates is not looked at any closer.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from penstock.arrays.tally import tally
    >>> date_formats(tally(pa.array(["31.12.2024", "01.02.2025"]), ())).formats
    ('%d.%m.%Y',)
    """
    looks = pc.match_substring_regex(column.texts, _LOOKS).to_numpy(zero_copy_only=False)
    if column.share(looks) < at_least:
        return DateFormats()
    shapes = [s for s in signatures(column.texts, column.counts) if _of_any_format().fullmatch(s)]
    formats = [f for f in FORMATS if any(layouts((f,), shape) for shape in shapes)]
    reads = {}
    for form in formats:
        reads[form] = read_moments(column.texts, (form,))[2]
        if form == ISO and reads[form].all():
            break
    zoned = any(layout.sign for shape in shapes for layout in layouts(tuple(formats), shape))
    return _chosen(column, reads, zoned)


@cache
def _of_any_format() -> re.Pattern[str]:
    """Return what every signature that some format reads matches: text has as many signatures as rows."""
    shapes = (pattern.pattern for form in FORMATS for pattern, _ in compiled(form))
    bare = (re.sub(r"\?P<\w+>", "?:", shape).replace("(?P=s)", "[-/.]") for shape in shapes)
    return re.compile("|".join(f"(?:{shape})" for shape in bare))


def compact_dates(column: Tally) -> DateFormats:
    """Find out whether every cell is a date written in digits alone."""
    for form in _COMPACT:
        read = read_moments(column.texts, (form,))[2]
        if len(read) and read.all():
            return DateFormats((form,), 1.0, (f"reads as {form}",), read=read)
    return DateFormats()


def time_formats(column: Tally) -> DateFormats:
    """Find out whether a column of text holds times of day.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from penstock.arrays.tally import tally
    >>> time_formats(tally(pa.array(["12:30", "9:05 PM"]), ())).fits
    True
    """
    looks = pc.match_substring_regex(column.texts, _LOOKS_TIME).to_numpy(zero_copy_only=False)
    if column.share(looks) < DATE_SHARE:
        return DateFormats()
    read = read_moments(column.texts, TIMES)[2]
    shapes = signatures(column.texts, column.counts)
    used = [f for f in TIMES if any(layouts((f,), shape) for shape in shapes)]
    return DateFormats((), column.share(read), (f"time of day as {' or '.join(used)}",), read=read)


def _chosen(column: Tally, reads: dict[str, Any], zoned: bool) -> DateFormats:
    order = {form: i for i, form in enumerate(reads)}
    left, chosen = dict(reads), []
    covered = np.zeros(column.distinct, dtype=bool)
    while left:
        best = max(left, key=lambda f: (column.count(left[f] & ~covered), -order[f]))
        if not (left[best] & ~covered).any():
            break
        chosen.append(best)
        covered |= left.pop(best)
        # Both orders of day and month in one column would make a guess of every date that reads either way.
        left.pop(_turned(best), None)
    words, other = _order_words(column, chosen, reads)
    words = [*([f"reads as {' or '.join(chosen)}"] if chosen else []), *words, *_century(chosen)]
    words += _offset_words(column, tuple(chosen)) if zoned else []
    return DateFormats(tuple(chosen), column.share(covered), tuple(words), other, covered)


def _turned(form: str) -> str:
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _order_words(column: Tally, chosen: list[str], reads: dict[str, Any]) -> tuple[list[str], str]:
    said, other = [], ""
    for form in chosen:
        twin = _turned(form)
        if twin == form or twin not in reads:
            continue
        so, turned = reads[form], reads[twin]
        only, against, both = (column.count(mask) for mask in (so & ~turned, turned & ~so, so & turned))
        if not only and not against:
            said.append(
                f"the order of day and month is ambiguous: {both:,} cells read as {form} and {both:,} as {twin}, "
                "none only one way: check `formats`"
            )
            other = twin
        elif against or both:
            said.append(
                f"order of day and month: {only:,} cells read only as {form}, {against:,} only as {twin}, "
                f"{both:,} either way"
            )
            other = other or (twin if against else "")
    return said, other


def _century(chosen: list[str]) -> list[str]:
    return ["two-digit years are read as 1969 to 2068"] if any("%y" in form for form in chosen) else []


def _offset_words(column: Tally, formats: tuple[str, ...]) -> list[str]:
    _, offsets, read = read_moments(column.texts, formats)
    found = {int(o): column.count(read & (offsets == o)) for o in np.unique(offsets[read]).tolist()}
    naive = found.pop(NAIVE, 0)
    if not found:
        return []
    most = sorted(found, key=lambda o: (-found[o], o))
    if len(most) == 1 and not naive:
        return [f"offset {_offset(most[0])}: converted to UTC"]
    told = ", ".join(f"{_offset(o)} in {found[o]:,}" for o in most[:4]) + (" and others" if len(most) > 4 else "")
    without = f", none in {naive:,} (read in `timezone`, or UTC)" if naive else ""
    return [f"mixed offsets: {told} cells{without}: converted to UTC"]


def _offset(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
