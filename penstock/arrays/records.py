"""The records of a numeric profile: frozen, JSON-sized, and the same whether measured at once or merged."""

from __future__ import annotations

from typing import Literal

from penstock.frozen import Frozen
from penstock.table import Kind


class Numbers(Frozen):
    """What the present numbers of a column are like; None where it is not defined.

    Everything but the counts is of the finite numbers. `zeros`, `negatives` and `infinities` are counts, `outside`
    those beyond Tukey's fences; `whole` says whether every finite number is an integer. Of a private column the range,
    the quantiles and the fences are None, for they are somebody's values.
    """

    mean: float | None = None
    sd: float | None = None
    skew: float | None = None
    kurtosis: float | None = None
    low: float | None = None
    high: float | None = None
    quantiles: tuple[float | None, ...] = ()
    zeros: int = 0
    negatives: int = 0
    infinities: int = 0
    whole: bool = False
    fences: tuple[float | None, float | None] = (None, None)
    outside: int = 0


class Level(Frozen):
    """One level of a category, and its rows."""

    value: str
    count: int


class Lengths(Frozen):
    """How many characters the texts of a column have: the fewest, the most, and all together."""

    fewest: int
    most: int
    total: int


class Spacing(Frozen):
    """How the moments of a column of dates or times follow each other.

    `order` is that of the rows. `frequency` names the step between neighbouring distinct moments that is met most
    (`daily`, `monthly`, `every 15 minutes`), `share` how many of the steps are that long, `missing_periods` how many
    periods between the first moment and the last hold none. All three are None where no step prevails.
    """

    order: Literal["ascending", "descending", "constant", "none"] = "none"
    frequency: str | None = None
    share: float | None = None
    missing_periods: int | None = None
    largest_gap_seconds: float | None = None
    largest_gap_after: str | None = None


class ColumnProfile(Frozen):
    """One column: how much is there, and what it is like by its kind.

    `n` counts the present cells. `levels` are the most frequent levels; where they are fewer than `n_levels`, the rest
    is not listed. `entropy` is Shannon's, in bits. `approximate` names the fields that merging could not keep exact.
    """

    name: str
    kind: Kind
    n: int
    missing: int
    distinct: int
    numbers: Numbers | None = None
    levels: tuple[Level, ...] = ()
    n_levels: int = 0
    entropy: float | None = None
    lengths: Lengths | None = None
    earliest: str | None = None
    latest: str | None = None
    spacing: Spacing | None = None
    private: bool = False
    approximate: tuple[str, ...] = ()


class CoMoments(Frozen):
    """Means and second moments of the complete rows: what a merge needs.

    `factor` is the upper triangle, row by row, of R with R'R the correlation matrix; `scales` are the standard
    deviations with divisor n that turn it into the covariance matrix.
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]
    factor: tuple[float, ...]


class Collinear(Frozen):
    """A numeric column that others determine, nearly or wholly, by a linear relation over the complete rows.

    `unexplained` is the share of the column's variance that the relation leaves, 1 - R squared.
    """

    column: str
    terms: dict[str, float]
    constant: float
    unexplained: float
    relation: str


class Matrix(Frozen):
    """The numeric columns together. `correlation` is Pearson's, pairwise over the rows where both are present.

    All else is of the complete rows, in which every numeric column is present and finite. `vif` are the variance
    inflation factors, None for a constant column and for one that others determine wholly.
    """

    columns: tuple[str, ...] = ()
    correlation: tuple[tuple[float | None, ...], ...] = ()
    rank: int = 0
    condition_number: float | None = None
    n_complete: int = 0
    vif: tuple[float | None, ...] = ()
    collinear: tuple[Collinear, ...] = ()
    comoments: CoMoments | None = None
    approximate: tuple[str, ...] = ()


class Profile(Frozen):
    """A frame in numbers, small enough for JSON."""

    n_rows: int
    columns: dict[str, ColumnProfile]
    matrix: Matrix = Matrix()

    def column(self, name: str) -> ColumnProfile | None:
        """Return a column's profile, or None where there is none."""
        return self.columns.get(name)

    def levels(self, name: str) -> tuple[str, ...] | None:
        """Return all levels of a category, most frequent first; None where not all of them are listed."""
        column = self.column(name)
        if column is None or column.kind not in ("category", "text") or column.n_levels > len(column.levels):
            return None
        return tuple(level.value for level in column.levels)

    def range(self, name: str) -> tuple[float, float] | None:
        """Return the lowest and highest number seen, or None."""
        column = self.column(name)
        if column is None or column.numbers is None or column.numbers.low is None or column.numbers.high is None:
            return None
        return column.numbers.low, column.numbers.high
