"""Ticks of dates: matplotlib's own locators end at year 9999 and begin at year 1, and data do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

US_PER_DAY = 86_400e6
Unit = Literal["Y", "M", "D", "m", "s"]
# From how many days on ticks are years, months, days or minutes.
SPANS: tuple[tuple[float, Unit], ...] = ((3650.0, "Y"), (365.0, "M"), (5.0, "D"), (0.01, "m"))


def days_of(moments: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    """Return moments as days since the start of 1970, NaN where there is none.

    Examples
    --------
    >>> days_of(np.array(["1970-01-02T12", "NaT"], dtype="datetime64[us]"))
    array([1.5, nan])
    """
    exact = moments.astype("datetime64[us]")
    days: npt.NDArray[np.float64] = np.where(np.isnat(exact), np.nan, exact.astype(np.int64) / US_PER_DAY)
    return days


def date_texts(days: npt.NDArray[np.float64], span: float) -> list[str]:
    """Return days since 1970 as texts, as exact as a span of so many days asks for.

    Examples
    --------
    >>> date_texts(np.array([0.0, 1.5]), 2.0), date_texts(np.array([-40_000.0]), 9000.0)
    (['1970-01-01 00:00', '1970-01-02 12:00'], ['1860'])
    """
    unit: Unit = next((unit for least, unit in SPANS if span > least), "s")
    at = np.round(days * US_PER_DAY).astype(np.int64).astype("datetime64[us]")
    return [str(text).replace("T", " ") for text in np.datetime_as_string(at, unit=unit)]


def date_ticks(ax: Axes, low: float, high: float, most: int = 3) -> None:
    """Put so many ticks on the lower axis, which runs from one day to another."""
    ticks = np.linspace(low, high, most + 1)[:-1] + (high - low) / (4 * most)
    ax.set_xticks(ticks, date_texts(ticks, high - low))
