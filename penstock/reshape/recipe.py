"""How a table is made of others, as the spec says it, and the order in which tables can be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.reshape.steps.union import AnyTableStep
from penstock.table import closest


class Recipe(Frozen):
    """A source, or another table that is made, and what is done to its rows, step by step.

    Examples
    --------
    >>> steps = [{"kind": "filter", "where": "units > 0"}, {"kind": "sort", "by": "month"}]
    >>> recipe = Recipe.model_validate({"from": "sales", "steps": steps})
    >>> recipe.takes, [step.name for step in recipe.steps]
    (('sales',), ['filter', 'sort'])
    """

    # What a user writes is a word that Python keeps for itself.
    model_config = {**Frozen.model_config, "populate_by_name": True}

    source: str = Field(alias="from")
    steps: tuple[AnyTableStep, ...] = ()

    @property
    def takes(self) -> tuple[str, ...]:
        """The tables that rows are taken from, each once."""
        return tuple(dict.fromkeys([self.source, *(name for step in self.steps for name in step.takes)]))


def order_of(recipes: Mapping[str, Recipe], sources: Sequence[str]) -> tuple[str, ...]:
    """Return the tables in an order in which each comes after those that it takes rows from.

    Raises
    ------
    SpecError
        One has the name of a source, takes rows from a table that is not there, or, through others, from itself.

    Examples
    --------
    >>> order_of({"b": Recipe(source="a"), "a": Recipe(source="raw")}, ["raw"])
    ('a', 'b')
    >>> order_of({"b": Recipe(source="a"), "a": Recipe(source="b")}, ["raw"])
    Traceback (most recent call last):
    penstock.errors.SpecError: Tables are made of each other: a, b...
    """
    for name, recipe in recipes.items():
        if name in sources:
            raise SpecError(
                f"A table has the name of a source: {name!r}", where=f"tables.{name}", todo="Give it another name."
            )
        for taken in recipe.takes:
            if taken not in sources and taken not in recipes:
                raise SpecError(
                    f"The table {name!r} takes rows from a table that is not there: {taken!r}",
                    where=f"tables.{name}",
                    expected=closest(taken, [*sources, *recipes]),
                )
    ready: list[str] = []
    left = dict(recipes)
    while left:
        made = [name for name, recipe in left.items() if all(t in sources or t in ready for t in recipe.takes)]
        if not made:
            # What only stands behind the circle is not part of it.
            circle = sorted(n for n in left if _reaches(n, n, left))
            raise SpecError(
                f"Tables are made of each other: {', '.join(circle)}",
                where=f"tables.{circle[0]}",
                expected="each made of sources, or of tables that are made before it",
                todo="Correct `from`, or the tables of a `stack`.",
            )
        ready += made
        for name in made:
            del left[name]
    return tuple(ready)


def _reaches(start: str, goal: str, recipes: Mapping[str, Recipe]) -> bool:
    seen, ahead = set[str](), list(recipes[start].takes)
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name in recipes and name not in seen:
            seen.add(name)
            ahead += recipes[name].takes
    return False
