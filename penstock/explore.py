"""The explore stage: a bounded set of figures of the training rows, and a sentence on each.

Held-out rows are never looked at. However long or wide the table, at most 5,000 rows and 400 columns are read into
memory, and at most twelve columns a figure are drawn; captions say what was left out. Columns that the spec declares
private are not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.plots.groups import Groups, groups_of, no_groups
from penstock.plots.relations import (
    category_with_groups,
    changed,
    clustered,
    rank_correlation,
    strongest_pairs,
    with_target,
)
from penstock.plots.words import listed, number
from penstock.receipts import Explored, Figure, FrameRef, Wrangled
from penstock.store import Store
from penstock.table import TableSchema, Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST_ROWS = 5_000
MOST_COLUMNS = 400
MOST_PANELS = 12
# Boxes and scatter plots of flags, which have two values, show nothing.
FEWEST_VALUES = 3
MOST_PAIRS = 6
MOST_CHANGED = 6


@dataclass(frozen=True)
class Drawn:
    """A figure on its way to the store."""

    name: str
    title: str
    caption: str
    drawing: Drawing


@dataclass(frozen=True)
class Sample:
    """Training rows, at most 5,000 of them, as they were read, at the cut, and clean."""

    read: pd.DataFrame
    cut: pd.DataFrame
    clean: pd.DataFrame
    schema: TableSchema
    target: Target
    values: npt.NDArray[Any]
    groups: Groups
    n_train: int
    unread: int
    units: dict[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        """Names of the clean numeric columns."""
        return [str(n) for n in self.clean.columns if pd.api.types.is_numeric_dtype(self.clean[n])]

    @property
    def dates(self) -> list[str]:
        """Names of the clean columns of dates and times."""
        return [str(n) for n in self.clean.columns if pd.api.types.is_datetime64_any_dtype(self.clean[n])]

    @property
    def categories(self) -> list[str]:
        """Names of the clean columns of categories; free text and names of groups are none."""
        passed = {c.name for c in self.schema.columns if c.kind == "text" or c.role in ("id", "group")}
        drawn = {*self.numbers, *self.dates, *passed}
        return [str(n) for n in self.clean.columns if n not in drawn]


def explore(wrangled: Wrangled, seed: int, store: Store) -> Explored:
    """Draw the training rows and put the pictures into the store.

    Parameters
    ----------
    wrangled : Wrangled
        The wrangle stage's receipt.
    seed : int
        Chooses the rows where there are more than 5,000.
    store : Store
        Where the tables are and the pictures go.

    Returns
    -------
    Explored
        PNGs of at most 100 kB, the same bytes for the same receipt and seed.
    """
    from penstock.plots.png import png_bytes
    from penstock.plots.sheet import styled

    sample = take_sample(wrangled, seed, store)
    figures = []
    with styled():
        for drawn in _drawings(sample):
            file = store.put_bytes(png_bytes(drawn.drawing), "png", "image/png")
            figures.append(Figure(name=drawn.name, title=drawn.title, caption=drawn.caption, file=file))
    return Explored(figures=tuple(figures), n_rows=len(sample.clean))


def take_sample(wrangled: Wrangled, seed: int, store: Store) -> Sample:
    """Read the training rows to be drawn.

    Parameters
    ----------
    wrangled : Wrangled
        The wrangle stage's receipt.
    seed : int
        Chooses the rows where there are more than 5,000.
    store : Store
        Where the tables are.
    """
    schema = TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema))
    assert schema.target is not None
    if schema.target.is_classification:
        # The labels of a private target are drawn as their numbers.
        schema = schema.model_copy(update={"target": schema.shown_target})
    assert schema.target is not None
    sides = store.read_table(wrangled.sides)
    train = np.flatnonzero(np.asarray(sides["side"].to_numpy(zero_copy_only=False) == "train"))
    rows = train
    if len(train) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(train, MOST_ROWS, replace=False))
    hidden = tuple(c.name for c in schema.columns if c.private)
    values = np.asarray(sides["target"].take(pa.array(rows)).to_numpy(zero_copy_only=False))
    # The thirds of a private number would tell its values.
    concealed = schema.target.name in hidden and not schema.target.is_classification
    groups = no_groups(len(rows)) if concealed else groups_of(schema.target, values)
    clean, unread = _part(wrangled.clean, rows, hidden, store)
    cut, _ = _part(wrangled.cut, rows, hidden, store)
    known = [c for c in schema.features if c.name in wrangled.raw.columns and c.name in clean.columns]
    raw = store.read_table(wrangled.raw).select([c.name for c in known]).take(pa.array(rows))
    read = schema.cast(raw, [c.name for c in known]).frame if known else pd.DataFrame(index=pd.RangeIndex(len(rows)))
    units = {c.name: c.unit or c.suffix.strip() or c.prefix.strip() for c in schema.columns}
    return Sample(
        _drawable(read), cut, _drawable(clean), schema, schema.target, values, groups, len(train), unread, units
    )


def _part(ref: FrameRef, rows: npt.NDArray[np.int64], hidden: Sequence[str], store: Store) -> tuple[pd.DataFrame, int]:
    # Steps name what they derive from a column after it, so a private column's name hides its derivatives too.
    shown = [name for name in ref.columns if not any(name.startswith(h) for h in hidden)]
    table = store.read_table(ref).select(shown[:MOST_COLUMNS]).take(pa.array(rows))
    return table.to_pandas(), max(len(shown) - MOST_COLUMNS, 0)


def _drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame without numbers so large or so small that the ticks of an axis overflow."""
    numbers = frame.select_dtypes("number")
    size = numbers.abs()
    safe = numbers.where((size < 1e30) | numbers.isna(), np.nan).where((size > 1e-30) | numbers.isna(), 0.0)
    return frame.assign(**{str(name): safe[name] for name in numbers.columns})


def _drawings(sample: Sample) -> Iterator[Drawn]:
    makers: tuple[Callable[[Sample], Drawn | None], ...] = (
        _target,
        _histograms,
        _categories,
        _boxes,
        _scatter,
        _correlation,
        _missing,
        _before_after,
    )
    for make in makers:
        if len(sample.clean) and (drawn := make(sample)) is not None:
            yield drawn


def _target(sample: Sample) -> Drawn | None:
    from penstock.plots.target import target_spread

    target = sample.target
    if not target.is_classification:
        if len(sample.groups) == 1 and any(c.private and c.name == target.name for c in sample.schema.columns):
            return None
        known = sample.values[np.isfinite(sample.values)]
        middle = f"half of them are at or below {number(float(np.median(known)))}" if len(known) else "none is known"
        caption = f"Values of {target.name} in {_rows(sample)}; {middle}."
    else:
        counts = np.bincount(sample.values[sample.values >= 0].astype(np.int64), minlength=len(target.labels))
        most = int(np.argmax(counts))
        share = counts[most] / max(counts.sum(), 1)
        caption = (
            f"{len(target.labels)} classes of {target.name} in {_rows(sample)}; "
            f"{target.labels[most]!r} is the most frequent with {share:.1%}."
        )
    drawing = target_spread(target, sample.values, sample.units.get(target.name, ""))
    return Drawn("target", f"The target: {target.name}", caption, drawing)


def _histograms(sample: Sample) -> Drawn | None:
    from penstock.plots.histogram import histograms

    names, _ = _most_related(sample)
    dates = sample.dates[: 2 if names else MOST_PANELS]
    names = [*names[: MOST_PANELS - len(dates)], *dates]
    if not names:
        return None
    drawn = len(names) - len(dates)
    left = _most_related(sample, most=drawn)[1]
    what = " and ".join(_count(n, noun) for n, noun in ((drawn, "numeric column"), (len(dates), "date")) if n)
    told = f"The spread of {what} in {_rows(sample)}{_coloured(sample)}. {_left_out(left, sample)}"
    return Drawn(
        "histograms", "Distributions", told.strip(), histograms(sample.clean, names, sample.groups, sample.units)
    )


def _categories(sample: Sample) -> Drawn | None:
    from penstock.plots.levels import level_bars

    strength = {name: category_with_groups(sample.clean[name], sample.groups) for name in sample.categories}
    names = sorted(strength, key=lambda n: -strength[n])
    if not names:
        return None
    drawn, left = names[:MOST_PANELS], names[MOST_PANELS:]
    # Below this, chance alone makes one of several columns come first.
    first = f" {drawn[0]} goes most closely with the target." if strength[drawn[0]] > 0.1 and len(names) > 1 else ""
    told = f"The most frequent levels of each category in {_rows(sample)}{_coloured(sample)}.{first}"
    told = f"{told} {_left_out(left, sample)}"
    return Drawn("categories", "Categories", told.strip(), level_bars(sample.clean, drawn, sample.groups))


def _boxes(sample: Sample) -> Drawn | None:
    from penstock.plots.boxes import box_plots

    names, left = _most_related(sample, distinct=FEWEST_VALUES)
    if not names:
        return None
    told = (
        f"Median, quartiles and far values (points beyond 1.5 interquartile ranges) in {_rows(sample)}"
        f"{', one box for each group' if len(sample.groups) > 1 else ''}. {_left_out(left, sample)}"
    )
    return Drawn("boxes", "Outliers", told.strip(), box_plots(sample.clean, names, sample.groups, sample.units))


def _scatter(sample: Sample) -> Drawn | None:
    from penstock.plots.scatter import scatter_pairs

    names, _ = _most_related(sample, distinct=FEWEST_VALUES, most=60)
    frame = sample.clean[names]
    matrix = rank_correlation(frame)
    pairs = [(names[i], names[j], float(matrix[i, j])) for i, j in strongest_pairs(matrix, MOST_PAIRS)]
    if not pairs:
        return None
    across, up, strongest = pairs[0]
    told = (
        f"The most closely related pairs among {len(names)} numeric columns, a column in two of them at most"
        f"{_coloured(sample)}: {across} and {up} with a rank correlation of {strongest:+.2f} come first."
    )
    return Drawn("scatter", "Related pairs", told, scatter_pairs(frame, pairs, sample.groups, sample.units))


def _correlation(sample: Sample) -> Drawn | None:
    from penstock.plots.heatmap import MOST_COLUMNS as MOST_READABLE
    from penstock.plots.heatmap import heatmap

    names, left = _most_related(sample, distinct=2, most=MOST_READABLE)
    if len(names) < 2:
        return None
    matrix = rank_correlation(sample.clean[names])
    order = clustered(matrix)
    close = int(np.sum(np.abs(matrix[np.triu_indices(len(names), 1)]) > 0.9))
    told = (
        f"Rank correlations of {len(names)} numeric columns, related ones side by side; "
        f"{_count(close, 'pair')} above 0.9 in size. {_left_out(left, sample)}"
    )
    return Drawn(
        "correlation", "Correlation", told.strip(), heatmap(matrix[np.ix_(order, order)], [names[i] for i in order])
    )


def _missing(sample: Sample) -> Drawn | None:
    from penstock.plots.missing import MOST_COLUMNS as MOST_BARS
    from penstock.plots.missing import missingness

    if not len(sample.cut.columns):
        return None
    missing = sample.cut.isna().to_numpy()
    counts = missing.sum(axis=0)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    if not order:
        return None
    drawn = order[:MOST_BARS]
    names = [str(sample.cut.columns[i]) for i in drawn]
    rest = f" The {len(order) - len(drawn):,} columns with fewer are left out." if len(order) > len(drawn) else ""
    told = (
        f"{len(order):,} of {_count(len(counts), 'column')} with missing values before they are filled, {names[0]} "
        f"with most ({counts[drawn[0]] / len(missing):.1%} of {_rows(sample)}); to the right, which are missing "
        f"together.{rest}"
    )
    return Drawn("missing", "Missing values", told, missingness(missing[:, drawn], names))


def _before_after(sample: Sample) -> Drawn | None:
    from penstock.plots.cleaning import before_after

    counts: dict[str, int] = {}
    replaced: dict[str, bool] = {}
    for column in sample.read.columns:
        if not pd.api.types.is_datetime64_any_dtype(sample.read[column]):
            cells = changed(sample.read[column], sample.clean[column])
            counts[str(column)] = int(cells.sum())
            replaced[str(column)] = bool((cells & sample.read[column].notna().to_numpy()).any())
    # Values that were replaced come before gaps that were filled: they are what a reader should check.
    names = [n for n in sorted(counts, key=lambda n: (not replaced[n], -counts[n])) if counts[n]][:MOST_CHANGED]
    if not names:
        return None
    rest = sum(1 for n in counts.values() if n) - len(names)
    told = (
        f"What the cleaning steps changed in {_rows(sample)}, as it was read and as it came out, columns with replaced "
        f"values first: {names[0]} had {_count(counts[names[0]], 'cell')} changed."
        + (f" {_count(rest, 'further column')} changed too." if rest else "")
    )
    return Drawn(
        "before-after", "Before and after cleaning", told, before_after(sample.read, sample.clean, names, sample.units)
    )


def _most_related(sample: Sample, distinct: int = 1, most: int = MOST_PANELS) -> tuple[list[str], list[str]]:
    """Return the numeric columns of enough distinct values that the target explains most, and those left out."""
    names = sample.numbers
    if distinct > 1:
        names = [n for n in names if sample.clean[n].nunique() >= distinct]
    numeric = None if sample.target.is_classification or len(sample.groups) < 2 else sample.values.astype(np.float64)
    strength = with_target(sample.clean[names], sample.groups, numeric)
    order = np.argsort(-np.round(strength, 9), kind="stable")
    ordered = [names[i] for i in order]
    return ordered[:most], ordered[most:]


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _rows(sample: Sample) -> str:
    drawn = len(sample.clean)
    return f"{drawn:,} of {sample.n_train:,} training rows" if drawn < sample.n_train else f"{drawn:,} training rows"


def _coloured(sample: Sample) -> str:
    return f", coloured by {sample.groups.title}" if len(sample.groups) > 1 else ""


def _left_out(left: Sequence[str], sample: Sample) -> str:
    unread = f" {sample.unread:,} further columns of the wide table were not read." if sample.unread else ""
    if not left:
        return unread.strip()
    return f"Left out, as the target explains less of them: {listed(list(left))}.{unread}"
