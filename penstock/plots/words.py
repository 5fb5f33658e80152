"""Words that are safe to draw: column names and labels come from anybody's data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAMILY = "DejaVu Sans"
# Looked for on this machine, for the scripts that DejaVu Sans lacks.
FURTHER = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Microsoft YaHei",
)
BOX = "\u25a1"
NONE = "\u2014"
CUT = "…"


@cache
def installed_families() -> tuple[str, ...]:
    """Return which further font families this machine has."""
    from matplotlib.font_manager import fontManager

    names = set(fontManager.get_font_names())
    return tuple(name for name in FURTHER if name in names)


@cache
def _drawable(family: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())


def word(text: object, width: int = 28) -> str:
    r"""Return a text as one line of at most `width` signs that matplotlib draws as they are.

    A dollar sign would start a formula, and a letter that no font has would raise a warning at every drawing.

    Examples
    --------
    >>> word("cost in\n$")
    'cost in \\$'
    >>> word("abcdefghij", width=6)
    'abcde…'
    """
    line = " ".join(str(text).split())
    if len(line) > width:
        line = line[: width - 1].rstrip() + CUT
    return "".join(c if c.isascii() or _is_drawable(c) else BOX for c in line if c.isprintable()).replace("$", r"\$")


def full_names(figure: Figure, names: Iterable[str]) -> dict[str, str]:
    """Return the names that a figure shows the beginning of, by what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn with `word`.
    names : iterable of str
        All names that may stand in it.
    """
    from matplotlib.text import Text

    texts = [text.get_text() for text in figure.findobj(Text)]
    begun = {text.partition(CUT)[0].split("\n")[-1] for text in texts if CUT in text}
    if not begun:
        return {}
    whole = {word(name, len(name) + 1): name for name in names}
    return {
        beginning.replace("\\$", "$") + CUT: name
        for beginning in sorted(begun)
        for shown, name in whole.items()
        if beginning and shown.startswith(beginning)
    }


def _is_drawable(sign: str) -> bool:
    return any(ord(sign) in _drawable(family) for family in (FAMILY, *installed_families()))


def axis(name: str, unit: str = "", width: int = 28) -> str:
    """Return an axis label: the name, and the unit in brackets.

    Examples
    --------
    >>> axis("radius", "mm")
    'radius [mm]'
    """
    return f"{word(name, width)} [{word(unit, 10)}]" if unit else word(name, width)


def listed(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    """Return names as a phrase, cut where it would grow long.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = [" ".join(str(n).split())[:40] for n in names[:most]]
    rest = len(names) - len(shown)
    if rest > 0:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits, large ones in full.

    Examples
    --------
    >>> number(0.98765), number(0.5), number(123456.7), number(1e-9), number(None)
    ('0.9877', '0.5000', '123,457', '0', '—')
    """
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    if size < 1e-5:
        return "0"
    if size >= 1e15:
        return f"{value:.{digits - 1}e}"
    if size >= 10 ** (digits - 1) or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"
