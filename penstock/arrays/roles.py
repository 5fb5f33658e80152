"""What a column is for, as far as its values and its name tell: an id, something to leave out, or a feature."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from penstock.arrays.tally import Numbers, Tally
from penstock.table import Kind, Role

# Levels above this are many: they are noted, and where each is nearly a row's own the column is free text.
MANY_LEVELS = 255
_FREE_TEXT_WORDS = 4.0

_words = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_STRONG = frozenset({"id", "ids", "uuid", "guid", "identifier", "rowid", "pk"})
_WEAK = frozenset({"key", "no", "nr", "number", "num", "code", "index", "idx", "instant", "ticket", "serial", "record"})
# Fewer values may all differ by chance.
_ENOUGH = 20
# How distinct a column must be, given what its name says; exact duplicates of rows keep ids from being unique.
_DISTINCT_STRONG, _DISTINCT_WEAK, _DISTINCT_CODE = 0.5, 0.98, 0.9


class Judged(NamedTuple):
    """A role, and the words that say why."""

    role: Role
    why: str


def judge(name: str, kind: Kind, column: Tally | Numbers, whole: bool) -> Judged:
    """Return what a column is for.

    Parameters
    ----------
    name : str
        The column's name.
    kind : str
        What it holds.
    column : Tally or Numbers
        Its distinct values, or its numbers.
    whole : bool
        Whether it holds whole numbers and nothing else.
    """
    if not column.n:
        return Judged("ignored", "all missing")
    if column.is_constant:
        if column.n_missing:
            return Judged("feature", "one value where there is one")
        return Judged("ignored", "one value in all rows")
    if isinstance(column, Tally):
        return _text_role(name, column) if kind in ("category", "text") else Judged("feature", "")
    return _integer_role(name, column) if whole and kind in ("integer", "float") else Judged("feature", "")


def _hint(name: str) -> str:
    words = {w.lower() for w in _words.findall(name)}
    return "strong" if words & _STRONG else "weak" if words & _WEAK else ""


def _distinct_share(column: Tally | Numbers) -> float:
    return column.distinct / max(column.n, 1)


def _text_role(name: str, column: Tally) -> Judged:
    share = _distinct_share(column)
    hint = _hint(name)
    blank = _share_with_blanks(column)
    # Few rows make any text look unique.
    enough = column.distinct >= _ENOUGH
    is_code = enough and blank < 0.01 and share >= _DISTINCT_CODE
    if is_code and (share == 1.0 or hint or _is_coded(column)):
        return Judged("id", f"{column.distinct:,} distinct texts without blanks in {column.n:,} cells")
    if enough and hint == "strong" and share >= _DISTINCT_STRONG and blank < 0.01:
        return Judged("id", f"named like an id, {column.distinct:,} distinct texts in {column.n:,} cells")
    if is_free_text(column):
        said = "free text" if _mean_words(column) > 1.5 else "nearly a text of its own for each row"
        return Judged("ignored", f"{said}: {column.distinct:,} distinct texts in {column.n:,} cells")
    return Judged("feature", "")


def _integer_role(name: str, column: Numbers) -> Judged:
    hint = _hint(name)
    # Looked at before the distinct values are counted, which takes sorting them.
    counts = not column.n_missing and column.high - column.low + 1 == column.n
    if not (hint or counts) or (column.distinct < _ENOUGH and not (counts and hint == "strong" and column.low == 1)):
        return Judged("feature", "")
    if hint and _distinct_share(column) >= (_DISTINCT_STRONG if hint == "strong" else _DISTINCT_WEAK):
        return Judged("id", f"named like an id, {column.distinct:,} distinct whole numbers in {column.n:,} cells")
    # A year a row is a fact about the row, not its number.
    if counts and column.distinct == column.n and not (column.low >= 1500 and column.high <= 2200):
        return Judged("id", "whole numbers that count the rows")
    return Judged("feature", "")


def is_free_text(column: Tally) -> bool:
    """Whether a column of text holds sentences, or so many texts that nearly every row has its own."""
    share = _distinct_share(column)
    if column.distinct > MANY_LEVELS and share > 0.5:
        return True
    if column.distinct >= 20 and share > 0.9:
        return True
    return column.distinct > 50 and share > 0.2 and _mean_words(column) > _FREE_TEXT_WORDS


def _mean_words(column: Tally) -> float:
    blanks = pc.count_substring_regex(column.texts, r"\s+").to_numpy(zero_copy_only=False)
    return float(np.average(blanks + 1, weights=column.counts))


def _share_with_blanks(column: Tally) -> float:
    return column.share(pc.match_substring_regex(column.texts, r"\s").to_numpy(zero_copy_only=False))


def _is_coded(column: Tally) -> bool:
    """Whether texts share one shape of letters and digits, as P-00431 and P-00432 do."""
    shapes = pc.replace_substring_regex(pc.replace_substring_regex(column.texts, "[0-9]+", "9"), "[A-Za-z]+", "a")
    has_digit = column.share(pc.match_substring_regex(column.texts, "[0-9]").to_numpy(zero_copy_only=False))
    return has_digit > 0.95 and len(pc.unique(shapes)) <= max(3, column.distinct // 20)
