"""The kinds that a column may be, tried in turn: boolean, number, moment, category, text."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.dates import DateFormats, date_formats
from penstock.arrays.numbers import NUMERIC_SHARE, NumberFormat, number_format
from penstock.arrays.roles import MANY_LEVELS, is_free_text
from penstock.arrays.tally import PLACEHOLDERS, Tally
from penstock.slices import ColumnSpec
from penstock.table import Column, Kind

# Pairs of words that make a boolean, true first; a column must hold exactly such a pair, in any case.
BOOLEAN_WORDS: tuple[tuple[str, str], ...] = (
    *(("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f"), ("on", "off")),
    *(("ja", "nein"), ("oui", "non"), ("sí", "no"), ("si", "no")),
)
_DATE_NAME = ("date", "day", "time", "timestamp", "dt")


class Kinds:
    """The kinds a column may be, tried in turn."""

    def __init__(self, name: str, column: Tally, tokens: tuple[str, ...], decided: ColumnSpec) -> None:
        self.name = name
        self.tally = column
        self.tokens = tokens
        self.decided = decided
        self.words: list[str] = []
        self.whole = False

    def column(self) -> Column:
        """Return the column as its values read, with no role yet."""
        kind = self.decided.kind
        if self.tally.native is not None and kind is None:
            return self._native(self.tally.native)
        if kind in ("category", "text"):
            return self._text(kind)
        if kind in ("integer", "float"):
            return self._number(kind, *self._best_number())
        if kind == "boolean":
            return self._boolean() or self._two_words()
        if kind == "datetime":
            return self._moment(*self._best_dates(guess=False))
        return self._guess()

    def _guess(self) -> Column:
        if not self.tally.distinct:
            return self._text("category")
        boolean = self._boolean()
        if boolean is not None:
            return boolean
        form, column, tokens = self._best_number()
        if form.fits and not self._is_code(form):
            if form.whole and self._is_dated(column):
                return self._moment(DateFormats(("%Y%m%d",), 1.0, ("reads as %Y%m%d",)), column, tokens)
            return self._number("integer" if form.whole else "float", form, column, tokens)
        dates, column, tokens = self._best_dates(guess=True)
        if dates.fits:
            return self._moment(dates, column, tokens)
        return self._text("text" if is_free_text(self.tally) else "category")

    def _native(self, kind: pa.DataType) -> Column:
        self.words.append(f"stored as {kind}")
        if pa.types.is_boolean(kind):
            return self._make("boolean")
        if pa.types.is_integer(kind):
            self.whole = True
            return self._make("integer")
        if pa.types.is_floating(kind):
            return self._make("float")
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return self._make("datetime")
        self.words.append("lists, structures and bytes have no place in a table of features")
        return self._make("text")

    def _make(self, kind: Kind, **updates: Any) -> Column:
        return Column(name=self.name, kind=kind, missing=updates.pop("missing", self.tokens), **updates)

    def _boolean(self) -> Column | None:
        folded = sorted({t.casefold() for t in self.tally.listed}) if self.tally.distinct <= 8 else []
        for true, false in BOOLEAN_WORDS:
            if folded == sorted((true, false)):
                self.words.append(f"two words: {true}, {false}")
                return self._make("boolean", true_words=(true,), false_words=(false,))
        return None

    def _two_words(self) -> Column:
        folded = sorted({t.casefold() for t in self.tally.listed})[:3]
        if len(folded) != 2:
            return self._make("boolean")
        known = next((p for p in BOOLEAN_WORDS if p[0] in folded or p[1] in folded), None)
        true = known[0] if known and known[0] in folded else next(w for w in folded[::-1] if not known or w != known[1])
        false = next(w for w in folded if w != true)
        self.words.append(f"{true!r} is true, {false!r} is false")
        return self._make("boolean", true_words=(true,), false_words=(false,))

    def _best_number(self) -> tuple[NumberFormat, Tally, tuple[str, ...]]:
        form = number_format(self.tally)
        if form.share == 1.0:
            return form, self.tally, self.tokens
        # Words that stand for nothing hide a column of numbers; they are missing only where the rest are numbers.
        placeholders = self.tally.present(PLACEHOLDERS)
        rest = self.tally.without(placeholders) if placeholders else self.tally
        if placeholders and rest.distinct:
            inner = number_format(rest)
            if inner.share >= NUMERIC_SHARE:
                return inner, rest, (*self.tokens, *placeholders)
        return form, self.tally, self.tokens

    def _best_dates(self, guess: bool) -> tuple[DateFormats, Tally, tuple[str, ...]]:
        given = self.decided.formats
        if given is not None:
            return DateFormats(given, 1.0, (f"reads as {' or '.join(given)}",)), self.tally, self.tokens
        placeholders = self.tally.present(PLACEHOLDERS)
        column = self.tally.without(placeholders) if placeholders else self.tally
        return date_formats(column, guess=guess), column, (*self.tokens, *placeholders)

    def _number(
        self, kind: Literal["integer", "float"], form: NumberFormat, column: Tally, tokens: tuple[str, ...]
    ) -> Column:
        self.whole = form.whole
        self._replace(column, tokens)
        self.words.extend(form.words or (("whole numbers",) if form.whole else ("numbers",)))
        if form.share < 1.0:
            misfits = column.n - round(form.share * column.n)
            self.words.append(f"{misfits:,} cells are no numbers")
        return self._make(
            kind,
            decimal=form.decimal,
            thousands=form.thousands,
            prefix=form.prefix,
            suffix=form.suffix,
            unit=form.suffix or form.prefix,
            missing=tokens,
        )

    def _moment(self, dates: DateFormats, column: Tally, tokens: tuple[str, ...]) -> Column:
        self._replace(column, tokens)
        self.words.extend(dates.words)
        if dates.share < 1.0:
            misfits = column.n - round(dates.share * column.n)
            self.words.append(f"{misfits:,} cells are no dates")
        formats = () if dates.formats == ("ISO8601",) else dates.formats
        return self._make("datetime", formats=formats, missing=tokens)

    def _replace(self, column: Tally, tokens: tuple[str, ...]) -> None:
        more = [t for t in tokens if t not in self.tokens]
        if more:
            self.words.append(f"{', '.join(map(repr, more))} read as missing")
        self.tally = column

    def _text(self, kind: Literal["category", "text"]) -> Column:
        n = self.tally.distinct
        if kind == "category" and n:
            high = ", a high number of levels" if n > MANY_LEVELS else ""
            self.words.append(f"{n:,} levels{high}")
        return self._make(kind)

    def _is_code(self, form: NumberFormat) -> bool:
        """Whether digits are a code, as a postal code is: one length of three or more, and a leading zero."""
        if not form.whole or form.words:
            return False
        lengths = pc.unique(pc.utf8_length(self.tally.texts))
        if len(lengths) != 1 or lengths[0].as_py() < 3:
            return False
        leads = bool(pc.any(pc.starts_with(self.tally.texts, "0")).as_py())
        if leads:
            self.words.append("digits of one length with leading zeros: a code")
        return leads

    def _is_dated(self, column: Tally) -> bool:
        name = self.name.lower()
        if not any(w in name for w in _DATE_NAME) or not bool(
            pc.all(pc.match_substring_regex(column.texts, r"^(?:19|20)[0-9]{6}$")).as_py()
        ):
            return False
        return date_formats(column, ("%Y%m%d",), guess=False).share == 1.0
