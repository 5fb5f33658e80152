"""What a profile of a table tells: frozen records, JSON-sized whatever the number of rows."""

from __future__ import annotations

from typing import Literal

from penstock.arrays.profile import Collinear, ColumnProfile, Level
from penstock.frozen import Frozen
from penstock.table import Kind, Role

Measure = Literal["spearman", "correlation_ratio", "cramers_v"]
Sort = Literal[
    "missing", "constant", "unique", "levels", "imbalance", "skewed", "zeros", "infinite", "outliers", "misfits",
    "kind", "copy", "recoding", "collinear", "together", "duplicates", "related", "suspicious", "rows", "gaps",
]  # fmt: skip


class Alert(Frozen):
    """Something a careful reader would ask about, in a sentence; `column` is empty where it is the table's."""

    sort: Sort
    column: str
    what: str


class Histogram(Frozen):
    """Counts between edges, one fewer than those. `below` and `above` lie beyond the edges and in no bin."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0


class Texts(Frozen):
    """What the texts of a column are made of.

    `n` are the different texts that words and signs were looked for in, the first ones; the shares of `signs` are of
    the rows that hold one of these. `words` are the most frequent ones, in small letters.
    """

    n: int
    mean_length: float
    lengths: Histogram | None = None
    mean_words: float | None = None
    most_words: int = 0
    signs: dict[str, float] = {}
    words: tuple[Level, ...] = ()


class Moments(Frozen):
    """How often the dates of a column fall on a weekday (Monday first), an hour and a month; hours where there are."""

    weekdays: tuple[int, ...]
    hours: tuple[int, ...] = ()
    months: tuple[int, ...]


class ColumnLook(Frozen):
    """One column: how it was typed and why, and what it holds, over all rows.

    `tops` are the most frequent values as they are shown, and `rest` the rows that hold another; `lowest` and `highest`
    the ends of the numbers, and `deviation` the median of how far they lie from their median. `override` is a line
    of a spec that would have the column otherwise. Of a private column nothing is told but name, kind and what is
    missing.
    """

    name: str
    kind: Kind
    role: Role
    unit: str = ""
    evidence: str = ""
    counter_examples: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    override: str = ""
    private: bool = False
    misfits: int = 0
    infinities: int = 0
    n_bytes: int = 0
    profile: ColumnProfile
    is_unique: bool = False
    order: Literal["ascending", "descending", "constant", "none"] = "none"
    histogram: Histogram | None = None
    tops: tuple[Level, ...] = ()
    rest: int = 0
    lowest: tuple[Level, ...] = ()
    highest: tuple[Level, ...] = ()
    deviation: float | None = None
    texts: Texts | None = None
    moments: Moments | None = None
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether all cells that are there hold one value."""
        return self.profile.n > 0 and self.profile.distinct == 1


class Pair(Frozen):
    """How strongly two columns are related: `strength` from 0 to 1, signed for two numbers.

    `pearson` is over all rows where both are there; all else over `Relations.n_sample` rows.
    """

    one: str
    two: str
    measure: Measure
    strength: float
    pearson: float | None = None


class Cloud(Frozen):
    """Two numeric columns together: how many of all rows lie in each cell of a grid, row by row from the lowest."""

    one: str
    two: str
    x: tuple[float, float]
    y: tuple[float, float]
    width: int
    counts: tuple[int, ...]
    outside: int = 0


class Twin(Frozen):
    """A column that says what an earlier one says, in every row: the same values, or one for each."""

    column: str
    other: str
    sort: Literal["copy", "recoding"]


class Relations(Frozen):
    """The columns together. `columns` are in an order that puts related ones beside each other.

    `matrix` has the strengths, None where one cannot be told; `left_out` counts the columns that it would have had no
    room for.
    """

    columns: tuple[str, ...] = ()
    matrix: tuple[tuple[float | None, ...], ...] = ()
    measures: tuple[tuple[str, ...], ...] = ()
    n_sample: int = 0
    left_out: int = 0
    pairs: tuple[Pair, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    twins: tuple[Twin, ...] = ()
    collinear: tuple[Collinear, ...] = ()


class MissingPattern(Frozen):
    """Some columns that are missing in the same rows, all others being there; and in how many rows."""

    columns: tuple[str, ...]
    n_rows: int


class Together(Frozen):
    """Two columns that are missing together: `share` of the rows where one is missing lack both."""

    one: str
    two: str
    n_rows: int
    share: float


class Missing(Frozen):
    """Where cells are missing: `strips` holds for each column its share in each of so many spans of rows, in order."""

    columns: tuple[str, ...] = ()
    strips: tuple[tuple[float, ...], ...] = ()
    patterns: tuple[MissingPattern, ...] = ()
    n_patterns: int = 0
    complete_rows: int = 0
    together: tuple[Together, ...] = ()
    left_out: int = 0


class Repeated(Frozen):
    """A row that stands several times: where first, how often, and its cells as they came."""

    row: int
    n_rows: int
    cells: tuple[str, ...]


class Duplicates(Frozen):
    """Rows whose typed cells all equal those of an earlier row."""

    n_rows: int = 0
    n_groups: int = 0
    columns: tuple[str, ...] = ()
    examples: tuple[Repeated, ...] = ()


class Group(Frozen):
    """Rows that a column groups: how many, and the target's mean or share in them with its 95 % interval."""

    label: str
    n: int
    value: float
    low: float
    high: float


class Against(Frozen):
    """One feature against the target; `strength` and `measure` as those of a pair."""

    column: str
    measure: Measure | None = None
    strength: float | None = None
    groups: tuple[Group, ...] = ()


class TargetLook(Frozen):
    """The target: what it is, and every feature against it. `of` says what `Group.value` is of."""

    name: str
    task: str = ""
    evidence: str = ""
    note: str = ""
    of: str = ""
    overall: float | None = None
    is_share: bool = False
    features: tuple[Against, ...] = ()
    suspicious: tuple[Alert, ...] = ()


class Line(Frozen):
    """A numeric column along time: its mean in each span, None where there is no row; and its autocorrelation."""

    column: str
    means: tuple[float | None, ...]
    correlation: tuple[float, ...] = ()


class Series(Frozen):
    """The rows along the time column: how many fall into each span, and the numeric columns."""

    time: str
    edges: tuple[str, ...]
    counts: tuple[int, ...]
    lines: tuple[Line, ...] = ()
    left_out: int = 0


class Profiled(Frozen):
    """A whole table, looked at."""

    name: str
    source: str
    release: str
    n_rows: int
    n_quarantined: int = 0
    quarantined: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    missing_cells: int = 0
    n_bytes: int = 0
    columns: tuple[ColumnLook, ...] = ()
    duplicates: Duplicates = Duplicates()
    missing: Missing = Missing()
    relations: Relations = Relations()
    series: Series | None = None
    target: TargetLook | None = None
    alerts: tuple[Alert, ...] = ()

    @property
    def n_cells(self) -> int:
        """Return how many cells the table has."""
        return self.n_rows * len(self.columns)

    def column(self, name: str) -> ColumnLook:
        """Return a column by its name.

        Raises
        ------
        KeyError
            There is none.
        """
        found = next((c for c in self.columns if c.name == name), None)
        if found is None:
            raise KeyError(name)
        return found
