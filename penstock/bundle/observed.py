"""What training saw, and what a request has beside it: warnings, and cells outside a domain that the spec declares.

A few rows are looked at cell by cell, many column by column: reaching a column of a frame costs more than comparing
a handful of cells. Both give the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.bundle.predictions import Code, Note, Warned
from penstock.cells import Misfit, NotCast, parse_cell, time_text
from penstock.steps.categories.folding import Folding
from penstock.table import Column, Domain

if TYPE_CHECKING:
    import pandas as pd

    from penstock.arrays.profile import Profile

FEW_ROWS = 8


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A declared domain in terms of cast values."""

    low: float | None
    high: float | None
    allowed: frozenset[Any] | None  # floats or texts, as the column is cast

    def fits(self, value: Any) -> bool:
        """Whether a cast value lies inside."""
        if self.allowed is not None and value not in self.allowed:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class _Watched:
    """One feature: where it stands in the frame, and what is asked of it."""

    at: int
    name: str
    required: bool
    low: float | None
    high: float | None
    levels: frozenset[str] | None
    domain: _Bounds | None
    missing: Warned
    range: Warned
    unseen: Warned
    expected: str


class Observed:
    """The features of a model beside what its training rows held.

    Parameters
    ----------
    features : sequence of Column
        The columns of the frames to come, in order.
    profile : Profile
        What the training rows held.
    tidied : mapping of str to Folding
        Columns in which spellings mean the same that differ in case, blanks or accents, and in which of these.
    """

    def __init__(
        self, features: Sequence[Column], profile: Profile, tidied: Mapping[str, Folding] | None = None
    ) -> None:
        self._tidied = dict(tidied or {})
        self._all = [_watch(i, column, profile) for i, column in enumerate(features)]
        self._bounded = [w for w in self._all if w.domain is not None]
        self._plain = [w for w in self._all if w.required or w.levels is not None or w.low is not None]
        self._levels = {
            w.name: pa.array(sorted(w.levels), pa.large_string()) for w in self._all if w.levels is not None
        }
        self._folded = {
            w.name: frozenset(map(self._tidied[w.name], w.levels or ())) for w in self._all if w.name in self._tidied
        }

    def misfit(self, at: int, value: Any) -> Misfit | None:
        """Return the misfit of a single row, where its cast value of a feature lies outside the declared domain."""
        watched = self._all[at]
        if watched.domain is None or _gone(value) or watched.domain.fits(value):
            return None
        return Misfit(row=0, column=watched.name, expected=watched.expected)

    def warning(self, at: int, value: Any) -> Warned | None:
        """Return what there is to warn of in one cast value of a feature, as `notes` does for frames."""
        watched = self._all[at]
        if _gone(value):
            return watched.missing if watched.required else None
        if not self._is_odd(watched, value):
            return None
        return watched.unseen if watched.levels is not None else watched.range

    def quiet(self, at: int) -> tuple[float, float]:
        """Return the ends between which a number of a feature is in range and, as far as ends tell, in its domain."""
        watched = self._all[at]
        ends = [(watched.low, watched.high)]
        if watched.domain is not None:
            if watched.domain.allowed is not None:
                return math.inf, -math.inf
            ends.append((watched.domain.low, watched.domain.high))
        low = max((low for low, _ in ends if low is not None), default=-math.inf)
        return low, min((high for _, high in ends if high is not None), default=math.inf)

    def refused(self, at: int, values: np.ndarray) -> list[Misfit] | None:
        """Return the numbers of a feature that lie outside its declared domain, float64 of shape (n_rows,)."""
        watched = self._all[at]
        if watched.domain is None:
            return None
        rows = np.flatnonzero(~np.isnan(values) & ~_inside(watched.domain, values)).tolist()
        return [Misfit(row=row, column=watched.name, expected=watched.expected) for row in rows] or None

    def warned(self, at: int, values: np.ndarray) -> list[tuple[Warned, np.ndarray]]:
        """Return what there is to warn of in the numbers of a feature, float64 of shape (n_rows,), and in which."""
        watched = self._all[at]
        found: list[tuple[Warned, np.ndarray]] = []
        if watched.required and (gone := np.isnan(values)).any():
            found.append((watched.missing, np.flatnonzero(gone)))
        if watched.low is not None and watched.high is not None:
            odd = (values < watched.low) | (values > watched.high)
            if odd.any():
                found.append((watched.range, np.flatnonzero(odd)))
        return found

    def outside(self, frame: pd.DataFrame) -> list[Misfit]:
        """Return the cells outside their declared domains, column by column."""
        found: list[Misfit] = []
        for watched in self._bounded:
            assert watched.domain is not None
            values = frame.iloc[:, watched.at]
            if len(frame) <= FEW_ROWS:
                rows = [
                    i for i, value in enumerate(values.tolist()) if not _gone(value) and not watched.domain.fits(value)
                ]
            else:
                rows = np.flatnonzero(~values.isna().to_numpy() & ~_inside(watched.domain, values)).tolist()
            found += [Misfit(row=row, column=watched.name, expected=watched.expected) for row in rows]
        return found

    def notes(self, frame: pd.DataFrame, misfits: Sequence[Misfit]) -> list[Note]:
        """Return what is missing, unseen or out of range in a cast frame; a misfit is told elsewhere."""
        told = {(m.column, m.row) for m in misfits}
        hits = self._few(frame) if len(frame) <= FEW_ROWS else self._many(frame)
        if told:
            hits = [(w, code, [r for r in rows if (w.name, r) not in told]) for w, code, rows in hits]
        return [
            Note(getattr(watched, code), np.array(rows, dtype=np.int64)) for watched, code, rows in hits if len(rows)
        ]

    def _few(self, frame: pd.DataFrame) -> list[tuple[_Watched, str, list[int]]]:
        rows = frame.to_numpy(dtype=object).tolist()
        found: list[tuple[_Watched, str, list[int]]] = []
        for watched in self._plain:
            gone: list[int] = []
            odd: list[int] = []
            for i, row in enumerate(rows):
                value = row[watched.at]
                if _gone(value):
                    gone.append(i)
                elif self._is_odd(watched, value):
                    odd.append(i)
            if gone and watched.required:
                found.append((watched, "missing", gone))
            if odd:
                found.append((watched, "unseen" if watched.levels is not None else "range", odd))
        return found

    def _is_odd(self, watched: _Watched, value: Any) -> bool:
        if watched.levels is not None:
            return value not in watched.levels and not self._is_variant(watched, value)
        return watched.low is not None and watched.high is not None and not watched.low <= value <= watched.high

    def _is_variant(self, watched: _Watched, value: str) -> bool:
        folding = self._tidied.get(watched.name)
        return folding is not None and folding(value) in self._folded[watched.name]

    def _many(self, frame: pd.DataFrame) -> list[tuple[_Watched, str, list[int]]]:
        found: list[tuple[_Watched, str, list[int]]] = []
        arrays = [values.array for _, values in frame.items()]
        for watched in self._plain:
            values = arrays[watched.at]
            if watched.required or watched.levels is not None:
                gone = np.asarray(values.isna())
                if watched.required and gone.any():
                    found.append((watched, "missing", np.flatnonzero(gone).tolist()))
            if watched.levels is not None:
                found.append((watched, "unseen", self._unseen(watched, values, gone)))
            elif watched.low is not None and watched.high is not None:
                numbers = np.asarray(values, dtype=np.float64)
                # A missing one is neither below nor above.
                odd = (numbers < watched.low) | (numbers > watched.high)
                found.append((watched, "range", np.flatnonzero(odd).tolist()))
        return found

    def _unseen(self, watched: _Watched, values: Any, gone: np.ndarray) -> list[int]:
        text = pa.array(values, from_pandas=True)
        levels = self._levels[watched.name]
        known = pc.is_in(text, value_set=levels if levels.type == text.type else levels.cast(text.type))
        odd = np.flatnonzero(~np.asarray(known) & ~gone).tolist()
        if not odd or watched.name not in self._tidied:
            return odd
        return [i for i in odd if not self._is_variant(watched, values[i])]


def _watch(at: int, column: Column, profile: Profile) -> _Watched:
    seen = profile.range(column.name) if column.kind in ("integer", "float", "time") else None
    levels = profile.levels(column.name) if column.kind in ("category", "text") else None
    told = "" if seen is None or column.private else f", {_shown(column, seen[0])} to {_shown(column, seen[1])}"
    expected = _domain_words(column.domain) if column.domain is not None else ""
    return _Watched(
        at=at,
        name=column.name,
        required=not column.nullable and column.serve == "request",
        low=None if seen is None else seen[0],
        high=None if seen is None else seen[1],
        levels=None if levels is None else frozenset(levels),
        domain=_bounds(column),
        missing=warn("missing_field", column.name, "is missing; in training it never was"),
        range=warn("out_of_range", column.name, f"lies outside the range seen in training{told}"),
        unseen=warn("unseen_category", column.name, "is a category that training did not see"),
        expected=expected,
    )


def _shown(column: Column, number: float) -> str:
    return time_text(number) if column.kind == "time" else f"{number:g}"


def _bounds(column: Column) -> _Bounds | None:
    domain = column.domain
    if domain is None or column.kind == "datetime":
        return None
    # The spec writes values as text; they are read as the column's cells are.
    allowed = None if domain.values is None else frozenset(_read(column, text) for text in domain.values) - {None}
    ends = (domain.low, domain.high) if column.is_numeric else (None, None)
    return _Bounds(*ends, allowed)


def _read(column: Column, text: str) -> object:
    try:
        return parse_cell(column, text)
    except NotCast:
        return None


def warn(code: Code, name: str, words: str) -> Warned:
    """Return a warning about a field."""
    return Warned(code, name, f"'{name}' {words}")


def _gone(value: Any) -> bool:
    # NaN and NaT alone differ from themselves.
    return value is None or bool(value != value)  # noqa: PLR0124


def _inside(domain: _Bounds, values: Any) -> np.ndarray:
    """Return which values of a column, a series or an array, lie in a domain."""
    inside = np.ones(len(values), dtype=bool)
    if domain.allowed is not None:
        listed = list(domain.allowed)
        inside &= np.isin(values, listed) if isinstance(values, np.ndarray) else values.isin(listed).to_numpy()
    if domain.low is not None:
        inside &= np.asarray(values >= domain.low, dtype=bool)
    if domain.high is not None:
        inside &= np.asarray(values <= domain.high, dtype=bool)
    return inside


def _domain_words(domain: Domain) -> str:
    words: list[str] = []
    if domain.low is not None:
        words.append(f"at least {domain.low:g}")
    if domain.high is not None:
        words.append(f"at most {domain.high:g}")
    if domain.values is not None:
        words.append(f"one of {', '.join(domain.values[:12])}")
    return " and ".join(words)
