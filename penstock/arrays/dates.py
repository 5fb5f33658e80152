"""Which formats a column of text writes its dates and times in."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.tally import Tally

# A column is one of moments when at least this share of its cells reads as such; the rest are misfits.
DATE_SHARE = 0.98
_LOOKS = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|^\d{1,2}[ -][A-Za-z]{3,9}\.?[ ,-]|^[A-Za-z]{3,9}\.? \d{1,2},? |^\d{4}-\d{2}"
_SAMPLE = 2_000

ISO = "ISO8601"
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAYS = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
)
_SHAPES = {"%Y": r"\d{4}", "%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}", "%p": "[AaPp][Mm]", ".": r"\."}
FORMATS: tuple[str, ...] = (ISO, *(day + time for day in _DAYS for time in _TIMES))


@dataclass(frozen=True)
class DateFormats:
    """The formats that read a column, the share of cells that they read, and the words that say it."""

    formats: tuple[str, ...] = ()
    share: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the column is one of moments."""
        return self.share >= DATE_SHARE


def date_formats(column: Tally, formats: tuple[str, ...] = FORMATS, guess: bool = True) -> DateFormats:
    """Find out in which formats a column of text writes its moments.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from penstock.arrays.tally import tally
    >>> date_formats(tally(pa.array(["31.12.2024", "01.02.2025"]), ())).formats
    ('%d.%m.%Y',)
    """
    if guess and column.share(pc.match_substring_regex(column.texts, _LOOKS).to_numpy(zero_copy_only=False)) < 0.9:
        return DateFormats()
    texts = column.listed
    # A sample decides which formats come into question; every value is then read with those.
    step = max(1, len(texts) // _SAMPLE)
    shaped = pa.array(texts[::step])
    possible = [f for f in formats if pc.any(pc.match_substring_regex(shaped, _shape(f))).as_py()]
    tried = {f: reads for f in possible if (reads := _reads(texts[::step], f)).any()}
    chosen: list[str] = []
    covered = np.zeros(len(texts[::step]), dtype=bool)
    while tried:
        best = max(tried, key=lambda f: ((tried[f] & ~covered).sum(), -formats.index(f)))
        if not (tried[best] & ~covered).any():
            break
        chosen.append(best)
        covered |= tried.pop(best)
    read = np.zeros(len(texts), dtype=bool)
    for form in chosen:
        read |= _reads(texts, form)
    return DateFormats(tuple(chosen), column.share(read), _words(texts, chosen, tried))


def _shape(form: str) -> str:
    """Return a pattern that every text of a format matches: far cheaper to try than the format itself."""
    if form == ISO:
        return r"^\d{4}"
    parts = re.findall(r"%[A-Za-z]|.", form)
    return "^" + "".join(_SHAPES.get(p, r"\d{1,2}" if p.startswith("%") else p) for p in parts) + "$"


def _reads(texts: list[str], form: str) -> Any:
    with warnings.catch_warnings():
        # pandas warns of formats that leave out the year or mix zones; the outcome is judged here, cell by cell.
        warnings.simplefilter("ignore", UserWarning)
        moments = pd.to_datetime(pd.Series(texts, dtype=object), format=form, errors="coerce", utc=True)
    return moments.notna().to_numpy()


def _words(texts: list[str], chosen: list[str], other: dict[str, Any]) -> tuple[str, ...]:
    said = [f"reads as {' or '.join(chosen)}"] if chosen else []
    for form in chosen:
        twin = form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
        if twin != form and twin in other and _reads(texts, twin).all():
            said.append(f"the order of day and month is ambiguous ({twin} reads every cell too): check `formats`")
    return tuple(said)
