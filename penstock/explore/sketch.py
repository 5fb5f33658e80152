"""A figure before it is drawn: a function, what it takes, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Names of this length are drawn in full wherever they stand.
SHORT = 20


@dataclass(frozen=True)
class Sketch:
    """What a figure needs, small enough to be sent to another process.

    Attributes
    ----------
    name, title, caption : str
        What the receipt says of it.
    draw : callable
        A function of a module of `penstock.plots`.
    given : tuple
        What it takes.
    names : dict of str to str
        The full names of columns that are drawn shortened.
    """

    name: str
    title: str
    caption: str
    draw: Callable[..., Figure]
    given: tuple[Any, ...]
    names: dict[str, str] = field(default_factory=dict)


def shortened(names: Iterable[str], width: int = SHORT) -> dict[str, str]:
    """Return the names that do not fit, by how they begin.

    Examples
    --------
    >>> shortened(["age", "a_name_that_is_long"], 10)
    {'a_name_th…': 'a_name_that_is_long'}
    """
    return {word(name, width).replace("\\$", "$"): name for name in names if len(name) > width}
