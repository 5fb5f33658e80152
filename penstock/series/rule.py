"""The rule of a forecast: which columns make the series, its step, and how far features look back."""

from __future__ import annotations

from penstock.durations import told
from penstock.frozen import Frozen
from penstock.series.widths import Widths

# The look-up table of a forecast's bundle, and what its columns are said to come from.
HISTORY = "history"
# Where the rule stands in a plan's JSON.
SERIES = "series"
# Values right before the last actual one.
BEFORE = 5
# The column that tells how far ahead a row lies.
STEPS_AHEAD = "steps_ahead"
MICRO = 1_000_000


class SeriesRule(Frozen):
    """How rows are series. It never changes while a model lives.

    `every` and `phase` are in seconds: moments lie at `phase` and whole numbers of steps from it, counted from the
    start of 1970. `horizon`, `seasons` and `season` (the main one) are in steps. `cycles` are how many seasons back
    features look. `past` are the columns whose values are looked at no later than at the last actual value. `scales`
    are, by series, the mean absolute error of the seasonal naive forecast on training rows, `scale` the one of a series
    that training did not have. `widths` are those of prediction intervals, where they are asked for.
    """

    time: str
    clock: str | None = None
    group: str | None = None
    target: str
    every: float
    phase: float = 0.0
    horizon: int
    known_ahead: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    season: int = 1
    cycles: int = 2
    scales: dict[str, float] = {}
    scale: float = 1.0
    intervals: float | None = None
    widths: Widths | None = None

    @property
    def depth(self) -> int:
        """How many steps before the last actual value the features look."""
        return max(BEFORE, self.cycles * max((*self.seasons, self.season)))

    @property
    def tail(self) -> int:
        """How many steps of a series travel with its model."""
        return self.depth + self.horizon + 1

    @property
    def windows(self) -> tuple[int, ...]:
        """The lengths, in steps, of the windows that end at the last actual value."""
        return self.seasons or (BEFORE + 2,)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the base that say which row of which series a row is."""
        return tuple(name for name in (self.group, self.time, self.clock) if name is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a history."""
        return (*self.keys, self.target, *self.past)

    def scale_of(self, group: str) -> float:
        """Return the scale of a series."""
        return self.scales.get(group, self.scale)

    def length(self, steps: int) -> str:
        """Return so many steps as a length of time.

        Examples
        --------
        >>> SeriesRule(time="ts", target="y", every=3600.0, horizon=48).length(48)
        '2d'
        """
        return told(steps * self.every)
