"""Columns that steps make: their names, and their place in the table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from penstock.blocks import Blocks, FloatMatrix
from penstock.errors import PlanError
from penstock.steps.base import Kinds


def add_columns(step: str, kinds: Kinds, made: Iterable[str], kind: Literal["float", "integer", "boolean"]) -> Kinds:
    """Return the columns with those that a step makes.

    Raises
    ------
    PlanError
        A name is taken.

    Examples
    --------
    >>> add_columns("count_missing", {"age": "float"}, ["missing_count"], "integer")
    {'age': 'float', 'missing_count': 'integer'}
    """
    after = dict(kinds)
    for name in made:
        if name in after:
            raise PlanError(
                f"The step `{step}` would make a second column {name!r}",
                got=f"there is a column {name!r} already",
                todo="Leave its column out of the step, or rename one at the source.",
            )
        after[name] = kind
    return after


def in_place_of(blocks: Blocks, texts: Collection[str], names: Sequence[str], values: FloatMatrix) -> Blocks:
    """Return the blocks with number columns added, and without the texts that they stand for."""
    rest = {name: column for name, column in blocks.texts.items() if name not in texts}
    return replace(blocks.with_more_numbers(names, values), texts=rest)
