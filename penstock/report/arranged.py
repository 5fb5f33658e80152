"""Which picture stands where: by its name, so that one that nobody knows yet is shown all the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from penstock.report.facts import Picture
from penstock.steps.audit import StepAudit

# The table of scores draws its intervals itself.
_TOLD = frozenset({"intervals"})
_PLACES = {
    "leaderboard": ("leaderboard", "learning-curve"),
    "champion": ("challenge", "champion"),
    "slices": ("slices",),
    "reasons": ("importance", "effects"),
}
# What the account tells beside the plan's steps (typing, joins, labels) has no number.
_PLANNED = frozenset({"row", "cell", "learned"})
_step = re.compile(r"step-(?:(\d+)(?:-|$))?(.*)")


class Evaluation(NamedTuple):
    """The pictures of the model by the section that shows them; `predictions` has those of no other section."""

    leaderboard: list[Picture]
    predictions: list[Picture]
    reasons: list[Picture]
    slices: list[Picture]
    champion: list[Picture]


def evaluation_arranged(pictures: Sequence[Picture]) -> Evaluation:
    """Return the pictures of the model by their places."""
    place_of = {name: place for place, names in _PLACES.items() for name in names}
    found: dict[str, list[Picture]] = {place: [] for place in Evaluation._fields}
    for picture in pictures:
        if picture.name not in _TOLD:
            found[place_of.get(picture.name, "predictions")].append(picture)
    return Evaluation(**found)


class Cleaning(NamedTuple):
    """The pictures of the cleaning: those of each step, in the order of the steps, and those of the whole."""

    steps: list[list[Picture]]
    whole: list[Picture]


def cleaning_arranged(pictures: Sequence[Picture], steps: Sequence[StepAudit]) -> tuple[Cleaning, list[Picture]]:
    """Return the pictures of the cleaning, each beside its step, and all others in their order.

    A picture of a step is called `step-`, the step's number in the plan from 1, its kind, or both; `before-after` is
    of the whole.
    """
    beside: list[list[Picture]] = [[] for _ in steps]
    whole, others = [], []
    for picture in pictures:
        if picture.name.startswith("before-after"):
            whole.append(picture)
        elif (found := _step.fullmatch(picture.name)) is None:
            others.append(picture)
        elif (i := _place(found[1], found[2], steps)) is not None:
            beside[i].append(picture)
        else:
            whole.append(picture)
    return Cleaning(beside, whole), others


def _place(number: str | None, kind: str, steps: Sequence[StepAudit]) -> int | None:
    """Return the step that is meant: the plan's numbered one where its kind agrees, else the only one of the kind."""
    kind = kind.replace("-", "_")
    planned = [k for k, step in enumerate(steps) if step.nature in _PLANNED]
    i = int(number) - 1 if number else -1
    if 0 <= i < len(planned) and kind in ("", steps[planned[i]].step):
        return planned[i]
    alike = [k for k, step in enumerate(steps) if step.step == kind]
    return alike[0] if len(alike) == 1 else None
