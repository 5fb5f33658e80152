"""From a function of this package and what it takes to the bytes of a picture, in any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock.plots.copies import copies
from penstock.plots.png import png_bytes
from penstock.plots.sheet import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(draw: Callable[..., Figure], given: tuple[Any, ...]) -> bytes:
    """Draw a figure in the house's style and return its PNG.

    Parameters
    ----------
    draw : callable
        A function of a module of this package.
    given : tuple
        What it takes.
    """
    with styled():
        return png_bytes(draw(*given))


def warm_up() -> None:
    """Load what drawing needs, and draw a little, before the first figure comes."""
    picture(copies, (("once",), (1,), (1,)))
