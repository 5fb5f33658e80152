"""The kinds that a column may be, tried in turn: number, boolean, moment, time of day, category, text."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa

from penstock.arrays.dates import DateFormats, date_formats, time_formats
from penstock.arrays.decisions import implied_kind
from penstock.arrays.found import MOST_ODD, Asked, Found, Words, are_no, counted, read
from penstock.arrays.numbers import NUMERIC_SHARE, NumberFormat, number_format
from penstock.arrays.plain import code_words, has_exponents, native_numbers, plain_numbers, text_of
from penstock.arrays.roles import is_free_text
from penstock.arrays.tally import Numbers, Tally
from penstock.casting import plain_chunks
from penstock.slices import ColumnSpec
from penstock.table import Kind
from penstock.timetext import ISO

# Pairs of words that make a boolean, true first; a column must hold exactly such a pair, in any case.
BOOLEAN_WORDS: tuple[tuple[str, str], ...] = (
    *(("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f"), ("on", "off"), ("enabled", "disabled")),
    *(("ja", "nein"), ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"), ("sí", "no"), ("si", "no")),
    *(("verdadero", "falso"), ("sim", "não"), ("verdadeiro", "falso"), ("ja", "nee"), ("vero", "falso")),
    *(("tak", "nie"), ("да", "нет"), ("是", "否")),
)
_MOST_WORDS = 8


def find_kind(name: str, raw: pa.ChunkedArray, tokens: tuple[str, ...], decided: ColumnSpec) -> Found:
    """Find out what a column holds and how its values read.

    Parameters
    ----------
    name : str
        Its name: digits are a date only where the name says so.
    raw : pyarrow.ChunkedArray
        Its raw values, shape (n_rows,).
    tokens : tuple of str
        The texts that mean that there is no value.
    decided : ColumnSpec
        What the user decided of it.
    """
    asked = Asked(name, plain_chunks(raw), tokens, decided)
    kind = decided.kind or implied_kind(decided)
    if kind in ("category", "text"):
        return text_of(asked, kind)
    if kind == "boolean":
        return _boolean(asked) or _two_words(asked)
    if kind in ("datetime", "time"):
        return _moments(asked, kind)
    if not asked.is_text:
        return _native(asked, kind)
    return plain_numbers(asked, kind) or (_written(asked, kind, *_best_number(asked)) if kind else _guess(asked))


def _native(asked: Asked, kind: Kind | None) -> Found:
    stored = asked.raw.type
    words: Words = (f"stored as {stored}",)
    if pa.types.is_integer(stored) or pa.types.is_floating(stored):
        return native_numbers(asked, kind, words)
    if kind is not None:
        return _written(asked, kind, *_best_number(asked))
    if pa.types.is_timestamp(stored) or pa.types.is_date(stored):
        zone = stored.tz if pa.types.is_timestamp(stored) else None
        words += (f"moments of {zone} converted to UTC",) if zone else ()
        return read(asked, asked.column("datetime", timezone=asked.decided.timezone or ""), words)
    if pa.types.is_time(stored):
        return read(asked, asked.column("time"), words)
    if pa.types.is_boolean(stored):
        return counted(asked, asked.column("boolean"), words)
    words += ("lists, structures and bytes have no place in a table of features",)
    return Found(asked.column("text"), asked.tally, words, is_feature=False)


def _guess(asked: Asked) -> Found:
    column = asked.tally
    if not column.distinct:
        return text_of(asked, "category")
    boolean = _boolean(asked)
    if boolean is not None:
        return boolean
    form, rest, tokens = _best_number(asked)
    if form.share == 1.0 and not form.words:
        # Plain numbers behind a beginning that did not look like it.
        plain = plain_numbers(asked, None, sampled=False)
        if plain is not None:
            return plain
    if form.fits:
        return _written(asked, None, form, rest, tokens)
    return _best_dates(asked) or text_of(asked, "text" if is_free_text(column) else "category")


def _boolean(asked: Asked) -> Found | None:
    column = asked.tally
    folded = sorted({t.casefold() for t in column.listed}) if column.distinct <= _MOST_WORDS else []
    for true, false in BOOLEAN_WORDS:
        if folded == sorted((true, false)):
            made = asked.column("boolean", true_words=(true,), false_words=(false,))
            return counted(asked, made, (f"two words: {true}, {false}",))
    return None


def _two_words(asked: Asked) -> Found:
    """Return a column that the user decided to be boolean, whatever its two words are."""
    decided = asked.decided
    folded = sorted({t.casefold() for t in asked.tally.listed}) if asked.tally.distinct <= _MOST_WORDS else []
    if len(folded) != 2 or decided.true_words or decided.false_words:
        return counted(asked, asked.column("boolean"), ())
    known = next((p for p in BOOLEAN_WORDS if p[0] in folded or p[1] in folded), None)
    others = [w for w in folded[::-1] if not known or w != known[1]]
    true = known[0] if known and known[0] in folded else others[0]
    false = next(w for w in folded if w != true)
    made = asked.column("boolean", true_words=(true,), false_words=(false,))
    return counted(asked, made, (f"{true!r} is true, {false!r} is false",))


def _best_number(asked: Asked) -> tuple[NumberFormat, Tally, tuple[str, ...]]:
    column = asked.tally
    form = number_format(column, asked.decided)
    if form.share == 1.0:
        return form, column, asked.tokens
    # Words that stand for nothing hide a column of numbers; they are missing only where the rest are numbers.
    rest, tokens = _without_placeholders(asked)
    if rest is not column:
        inner = number_format(rest, asked.decided)
        if inner.share >= NUMERIC_SHARE:
            return inner, rest, tokens
    return form, column, asked.tokens


def _without_placeholders(asked: Asked) -> tuple[Tally, tuple[str, ...]]:
    placeholders = tuple(asked.tally.counted(asked.placeholders))
    rest = asked.tally.without(placeholders) if placeholders else asked.tally
    return (rest, (*asked.tokens, *placeholders)) if rest.distinct else (asked.tally, asked.tokens)


def _written(asked: Asked, kind: Kind | None, form: NumberFormat, column: Tally, tokens: tuple[str, ...]) -> Found:
    """Return a column of numbers that are written with more than digits, sign and point, or with words among them."""
    unread = ~form.read if form.read is not None else np.zeros(column.distinct, dtype=bool)
    made = form.column(asked.name, "float", tokens)
    found = read(asked, made, (*asked.told_tokens(tokens), *form.words), column.encoded)
    if kind is None and form.whole and not form.words:
        code = code_words(column.texts.filter(pa.array(~unread)), found.values)
        if code:
            return text_of(asked, "category", code)
    assert isinstance(found.seen, Numbers)
    whole = bool(found.seen.n) and found.seen.is_whole and not has_exponents(asked)
    words = found.words if form.words else (*found.words, "whole numbers" if whole else "numbers")
    if unread.any():
        words = (*words, are_no(column.count(unread), "number"))
    if kind == "integer" and not whole:
        found = read(asked, made.model_copy(update={"kind": "integer"}), words, column.encoded)
    elif kind == "integer" or (kind is None and whole):
        found = replace(found, column=made.model_copy(update={"kind": "integer"}))
    return replace(found, words=words, whole=whole, odd=tuple(column.most(unread, MOST_ODD)) or found.odd)


def _moments(asked: Asked, kind: Literal["datetime", "time"]) -> Found:
    """Return a column that the user decided to hold moments or times of day."""
    given = asked.decided.formats or ()
    if not asked.is_text:
        zone = asked.decided.timezone or ""
        made = asked.column(kind, formats=given, timezone=zone if kind == "datetime" else "")
        return _told_misfits(read(asked, made, (f"stored as {asked.raw.type}",)))
    column, tokens = _without_placeholders(asked)
    if not given and kind == "datetime":
        return _dates(asked, date_formats(column, at_least=0.0), column, tokens, kind)
    words = f"reads as {' or '.join(given)}" if given else "reads as times of day"
    return _dates(asked, DateFormats(given, words=(words,)), column, tokens, kind)


def _best_dates(asked: Asked) -> Found | None:
    rest, tokens = _without_placeholders(asked)
    dates = date_formats(rest)
    if dates.fits:
        return _dates(asked, dates, rest, tokens, "datetime")
    times = time_formats(rest)
    return _dates(asked, times, rest, tokens, "time") if times.fits else None


def _dates(asked: Asked, dates: DateFormats, column: Tally, tokens: tuple[str, ...], kind: Kind) -> Found:
    formats = () if dates.formats == (ISO,) else dates.formats
    zone = (asked.decided.timezone or "") if kind == "datetime" else ""
    made = asked.column(kind, tokens, formats=formats, timezone=zone)
    found = read(asked, made, (*asked.told_tokens(tokens), *dates.words), column.encoded)
    return replace(_told_misfits(found), other=dates.other)


def _told_misfits(found: Found) -> Found:
    if not len(found.misfits):
        return found
    what = "date" if found.column.kind == "datetime" else "time of day"
    return replace(found, words=(*found.words, are_no(len(found.misfits), what)))
