"""Which way features move the prediction: a curve for numbers and dates, points for levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import GREY, hues, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MOMENTS = 3


class Moved(NamedTuple):
    """By how much the prediction moves, for one label or a number, with the ends of the interval."""

    label: str
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


class Effect(NamedTuple):
    """One feature: places along it (seconds since 1970 of moments) or its levels, rows at each, and what moves."""

    name: str
    kind: str
    x: Sequence[float]
    levels: Sequence[str]
    n: Sequence[int]
    lines: Sequence[Moved]
    unit: str = ""


def effect_panels(effects: Sequence[Effect], what: str) -> Figure:
    """Draw one panel a feature, all on one scale.

    Parameters
    ----------
    effects : sequence of Effect
        At least one.
    what : str
        What moves, with its unit.
    """
    figure, axes = sheet(len(effects), across=3, width=10.0, height=2.5)
    labels = [line.label for line in effects[0].lines]
    colours = hues(len(labels))
    for place, (ax, effect) in enumerate(zip(axes, effects, strict=True)):
        ax.axhline(0.0, color=GREY, linestyle=":", linewidth=1.2)
        draw = _levels if effect.kind == "levels" else _curve
        draw(ax, effect, colours)
        ax.set_title(axis(effect.name, effect.unit, 30))
        ax.grid(axis="y")
        if place % 3 == 0:
            ax.set_ylabel(what)
    low, high = (min(ax.get_ylim()[0] for ax in axes), max(ax.get_ylim()[1] for ax in axes))
    for ax in axes:
        ax.set_ylim(low, high)
    if len(labels) > 1:
        handles = [ax_line for ax_line in axes[0].lines if not str(ax_line.get_label()).startswith("_")]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _curve(ax: Axes, effect: Effect, colours: Sequence[str]) -> None:
    for line, colour in zip(effect.lines, colours, strict=True):
        ax.fill_between(effect.x, line.low, line.high, color=colour, alpha=0.16, linewidth=0)
        ax.plot(effect.x, line.y, color=colour, marker=".", markersize=4, label=word(line.label, 20) or "prediction")
    if effect.kind == "time":
        places = np.linspace(effect.x[0], effect.x[-1], MOST_MOMENTS)
        ax.set_xticks(places, moments(places))
    else:
        ax.locator_params(axis="x", nbins=5)


def moments(seconds: npt.NDArray[np.float64]) -> list[str]:
    """Return moments as text, as fine as they lie apart; matplotlib's own dates end with the year 9999.

    Examples
    --------
    >>> moments(np.array([0.0, 86400.0 * 40])), moments(np.array([0.0, 3600.0]))
    (['1970-01-01', '1970-02-10'], ['01-01 00:00', '01-01 01:00'])
    """
    at = seconds.astype("datetime64[s]")
    apart = float(seconds[-1] - seconds[0])
    if apart > 4 * 365 * 86_400:
        return [str(text) for text in np.datetime_as_string(at, unit="M")]
    if apart > 4 * 86_400:
        return [str(text) for text in np.datetime_as_string(at, unit="D")]
    return [str(text)[-11:].replace("T", " ") for text in np.datetime_as_string(at, unit="m")]


def _levels(ax: Axes, effect: Effect, colours: Sequence[str]) -> None:
    step = 0.6 / max(len(effect.lines), 1)
    for k, (line, colour) in enumerate(zip(effect.lines, colours, strict=True)):
        places = np.arange(len(effect.levels)) + (k - (len(effect.lines) - 1) / 2) * step
        for place, low, high in zip(places, line.low, line.high, strict=True):
            ax.plot([place, place], [low, high], color=colour, linewidth=3, alpha=0.5, solid_capstyle="round")
        ax.plot(places, line.y, "o", color=colour, markersize=5.5, label=word(line.label, 20) or "prediction")
    names = [word(level, 14) for level in effect.levels]
    turned = sum(len(name) for name in names) > 26
    ax.set_xticks(
        range(len(names)),
        names,
        rotation=40 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor" if turned else "default",
    )
    ax.set_xlim(-0.6, len(names) - 0.4)
