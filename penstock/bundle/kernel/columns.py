"""Steps that treat each column by itself, as what they make of one cell: the form in which a row is fastest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.steps.base import CellStep, Learned
from penstock.steps.categories.rare import OTHER, RareLearned
from penstock.steps.categories.tidy import TidyLearned
from penstock.steps.missing.fill import FillLearned
from penstock.steps.missing.flags import flag_name
from penstock.steps.outliers.isolated import IsolatedLearned
from penstock.steps.time.calendar import Calendar
from penstock.steps.values.bounds import Bounds
from penstock.steps.values.drop import Drop
from penstock.steps.values.rename import Rename
from penstock.steps.values.select import Select

Runs = Learned | CellStep
Respell = Callable[[str | None], str | None]


@dataclass(frozen=True)
class Number:
    """A number that comes of the one in place `at`: missing outside its ends; `fill` for a missing one.

    With `flags` it is 1 where that one is missing or outside, else 0.
    """

    at: int
    low: float = -math.inf
    high: float = math.inf
    fill: float = math.nan
    flags: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a value may still be missing."""
        return not self.flags and math.isnan(self.fill)

    def within(self, low: float, high: float) -> Number | None:
        """Return the number, missing outside two ends; None where it has been filled before."""
        return replace(self, low=max(self.low, low), high=min(self.high, high)) if self.is_open else None


@dataclass(frozen=True)
class Text:
    """A text that comes of the one in place `at`, respelled in turn."""

    at: int
    respell: tuple[Respell, ...] = ()

    def of(self, text: str | None) -> str | None:
        """Return what becomes of a text."""
        for each in self.respell:
            text = each(text)
        return text


@dataclass(frozen=True)
class Layout:
    """The columns of a table between two steps, each by what it comes of.

    `calendars` are those that have run, in order, each for one moment: the place of that moment, the first place of the
    numbers that are made, which stand behind those of the cast row, and the step.
    """

    numbers: dict[str, Number]
    moments: dict[str, int]
    texts: dict[str, Text]
    calendars: tuple[tuple[int, int, Calendar], ...] = ()
    n_numbers: int = 0

    @classmethod
    def of(cls, numbers: Sequence[str], moments: Sequence[str], texts: Sequence[str]) -> Layout:
        """Return the layout of a cast row."""
        return cls(
            {name: Number(i) for i, name in enumerate(numbers)},
            {name: i for i, name in enumerate(moments)},
            {name: Text(i) for i, name in enumerate(texts)},
            n_numbers=len(numbers),
        )


def laid_out(layout: Layout, steps: Sequence[Runs]) -> Layout | None:
    """Return the layout behind some steps, or None where one of them looks at more than a cell.

    Parameters
    ----------
    layout : Layout
        The cast row's.
    steps : sequence of Learned or CellStep
        What runs, in order.
    """
    for step in steps:
        apply = _FORMS.get(type(step))
        after = None if apply is None else apply(layout, step)
        if after is None:
            return None
        layout = after
    return layout


def _within(layout: Layout, fences: Mapping[str, tuple[float, float]]) -> Layout | None:
    numbers = dict(layout.numbers)
    for name, (low, high) in fences.items():
        held = numbers[name].within(low, high)
        if held is None:
            return None
        numbers[name] = held
    return replace(layout, numbers=numbers)


def _isolated(layout: Layout, step: IsolatedLearned) -> Layout | None:
    pairs = zip(step.low.tolist(), step.high.tolist(), strict=True)
    return _within(layout, dict(zip(step.names, pairs, strict=True)))


def _bounds(layout: Layout, step: Bounds) -> Layout | None:
    if step.action != "missing":
        return None
    ends = {
        name: (-math.inf if d.low is None else d.low, math.inf if d.high is None else d.high)
        for name, d in step.domains.items()
        if d.values is None
    }
    held = _within(layout, ends)
    listed = {name: frozenset(d.values) for name, d in step.domains.items() if d.values is not None}
    return None if held is None else _respelled(held, {name: _only(known) for name, known in listed.items()})


def _only(known: frozenset[str]) -> Respell:
    return lambda text: text if text in known else None


def _fill(layout: Layout, step: FillLearned) -> Layout | None:
    numbers = dict(layout.numbers)
    for name, value in zip(step.names, step.values.tolist(), strict=True):
        # What has been filled before has nothing missing.
        if numbers[name].is_open:
            numbers[name] = replace(numbers[name], fill=value)
    for name in step.flagged:
        before = layout.numbers[name]
        if not before.is_open:
            return None
        numbers[flag_name(name)] = replace(before, flags=True)
    filled = {name: _filled(text) for name, text in step.texts.items()}
    return _respelled(replace(layout, numbers=numbers), filled)


def _filled(standing_in: str) -> Respell:
    return lambda text: standing_in if text is None else text


def _tidy(layout: Layout, step: TidyLearned) -> Layout:
    def respelling(known: Mapping[str, str]) -> Respell:
        return lambda text: None if text is None else known.get(step.folding(text), text)

    return _respelled(layout, {name: respelling(known) for name, known in step.spellings.items()})


def _rare(layout: Layout, step: RareLearned) -> Layout:
    def keeping(kept: Mapping[str, int]) -> Respell:
        return lambda text: text if text is None or text in kept else OTHER

    return _respelled(layout, {name: keeping(kept) for name, kept in step.levels.items()})


def _respelled(layout: Layout, changes: Mapping[str, Respell]) -> Layout:
    changed = {name: Text(t.at, (*t.respell, changes[name])) for name, t in layout.texts.items() if name in changes}
    return replace(layout, texts={**layout.texts, **changed})


def _calendar(layout: Layout, step: Calendar) -> Layout:
    names = tuple(layout.moments) if step.columns is None else step.columns
    numbers, place = dict(layout.numbers), layout.n_numbers
    each: list[tuple[int, int, Calendar]] = []
    for name in names:
        alone = step.model_copy(update={"columns": (name,), "keep": False})
        each.append((layout.moments[name], place, alone))
        for made in alone.columns_after({name: "datetime"}):
            numbers[made] = Number(place)
            place += 1
    moments = layout.moments if step.keep else {n: at for n, at in layout.moments.items() if n not in names}
    return replace(layout, numbers=numbers, moments=moments, calendars=(*layout.calendars, *each), n_numbers=place)


def _drop(layout: Layout, step: Drop) -> Layout:
    return _without(layout, lambda name: name not in step.columns)


def _select(layout: Layout, step: Select) -> Layout:
    return _without(layout, lambda name: name in step.columns)


def _without(layout: Layout, stays: Callable[[str], bool]) -> Layout:
    return replace(
        layout,
        numbers={n: v for n, v in layout.numbers.items() if stays(n)},
        moments={n: v for n, v in layout.moments.items() if stays(n)},
        texts={n: v for n, v in layout.texts.items() if stays(n)},
    )


def _rename(layout: Layout, step: Rename) -> Layout:
    new = step.columns
    return replace(
        layout,
        numbers={new.get(n, n): v for n, v in layout.numbers.items()},
        moments={new.get(n, n): v for n, v in layout.moments.items()},
        texts={new.get(n, n): v for n, v in layout.texts.items()},
    )


# A step that is none of these runs on blocks of one row, which gives the same more slowly.
# Each takes the steps of its own class.
_FORMS: dict[type, Callable[[Layout, Any], Layout | None]] = {
    IsolatedLearned: _isolated,
    Bounds: _bounds,
    FillLearned: _fill,
    TidyLearned: _tidy,
    RareLearned: _rare,
    Calendar: _calendar,
    Drop: _drop,
    Select: _select,
    Rename: _rename,
}
