"""Each column by its kind: the target, numbers, categories, free texts, dates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from penstock.explore.columns import Floats
from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import coloured, counted, joined, left_out, named, of_rows
from penstock.plots.boxes import Box, Boxes, box_plots
from penstock.plots.groups import no_groups
from penstock.plots.histogram import LAYERS, Spread
from penstock.plots.histogram import histograms as draw_histograms
from penstock.plots.levels import Levels, level_bars
from penstock.plots.target import target_spread
from penstock.plots.words import number

# Small multiples: more would be too small to read.
MOST_SPREADS = 20
MOST_BOXES = 8
MOST_BARS = 9
MOST_TEXTS = 6
MOST_DATES = 4
# Boxes of flags, which have two values, show nothing.
FEWEST_VALUES = 3
# Below this, chance alone makes one of several columns come first.
TELLING = 0.1


def target(sample: Sample) -> Iterator[Sketch]:
    """Give the figure of the target, unless it is private."""
    of, title = sample.target, f"The target: {named(sample.target.name)}"
    if sample.is_concealed:
        return
    if of.is_classification:
        counts = np.bincount(sample.values[sample.values >= 0].astype(np.int64), minlength=len(of.labels))
        most = int(np.argmax(counts))
        caption = (
            f"How often each of {counted(len(of.labels), 'class')} of {named(of.name)} occurs in {of_rows(sample)}; "
            f"{of.labels[most]!r} is the most frequent with {counts[most] / max(counts.sum(), 1):.1%}. A class with "
            "few rows is hard to learn and to judge."
        ).replace("classs", "classes")
    else:
        known = sample.values[np.isfinite(sample.values)]
        middle = f"half of them are at or below {number(float(np.median(known)))}" if len(known) else "none is known"
        caption = (
            f"Values of {named(of.name)} in {of_rows(sample)}; {middle}. Look for a long tail, a heap at one value and "
            "two hills."
        )
    given = (of, sample.values, sample.units.get(of.name, ""))
    yield Sketch("target", title, caption, target_spread, given, shortened([of.name]))


def histograms(sample: Sample) -> Iterator[Sketch]:
    """Give the histograms of numbers, and of the lengths of free texts."""
    ordered = sample.by_target(sample.numbers)
    texts = sample.texts[:MOST_TEXTS]
    drawn = ordered[: MOST_SPREADS - len(texts)]
    spreads = [_spread(sample, name, sample.columns.numbers(name)) for name in drawn]
    spreads += [_spread(sample, f"length of {name}", _lengths(sample, name), "signs") for name in texts]
    if not spreads:
        return
    kinds = ((len(drawn), "numeric column"), (len(texts), "free text, by its length"))
    what = " and ".join(counted(n, noun) if noun.endswith("column") else f"{n:,} {noun}" for n, noun in kinds if n)
    shares = ", each group as shares of its own rows" if 1 < len(sample.groups) <= LAYERS else ""
    told = joined(
        f"The spread of {what} in {of_rows(sample)}{coloured(sample)}{shares}; the line is a smoothed density. Look "
        "for heaps, tails and groups that lie apart.",
        left_out(ordered[len(drawn) :], sample),
    )
    yield Sketch(
        "histograms", "Distributions", told, draw_histograms, (spreads, sample.legend), shortened([*drawn, *texts])
    )


def _spread(sample: Sample, name: str, values: Floats, unit: str = "") -> Spread:
    unit = unit or sample.units.get(name, "")
    return Spread.of(name, values, sample.groups.codes, len(sample.groups), unit)


def _lengths(sample: Sample, name: str) -> Floats:
    codes, levels = sample.columns.texts(name)
    lengths = np.array([*map(len, levels), np.nan])
    counted_signs: Floats = lengths[codes]
    return counted_signs


def categories(sample: Sample) -> Iterator[Sketch]:
    """Give the bars of the most frequent levels of categories."""
    strength = sample.by_groups(sample.categories)
    names = [*strength]
    if not names:
        return
    drawn, left = names[:MOST_BARS], names[MOST_BARS:]
    first = ""
    if strength[drawn[0]] > TELLING and len(names) > 1:
        first = f"{named(drawn[0])} goes most closely with the target."
    told = joined(
        f"The most frequent levels of {counted(len(drawn), 'categorical column')} in {of_rows(sample)}"
        f"{coloured(sample)}; the others are summed. Look for spellings of one thing and for levels that hardly occur.",
        first,
        left_out(left, sample),
    )
    columns = []
    for name in drawn:
        codes, levels = sample.columns.texts(name)
        columns.append(Levels.of(name, codes, levels, sample.groups.codes, len(sample.groups)))
    yield Sketch("categories", "Categories", told, level_bars, (columns, sample.legend), shortened(drawn))


def boxes(sample: Sample) -> Iterator[Sketch]:
    """Give the box plots of numbers with their fences."""
    worth = [n for n in sample.numbers if sample.cut[n].nunique() >= FEWEST_VALUES]
    ordered = sample.by_target(worth)
    drawn, left = ordered[:MOST_BOXES], ordered[MOST_BOXES:]
    if not drawn:
        return
    columns = []
    for name in drawn:
        split = sample.groups.split(sample.columns.numbers(name))
        columns.append(Boxes(name, sample.units.get(name, ""), tuple(Box.of(values) for values in split)))
    worst = max(columns, key=lambda column: column.share_far)
    most = ""
    if worst.share_far > 0:
        most = f"{named(worst.name)} has most values beyond the fences ({worst.share_far:.1%})."
    told = joined(
        f"Median, quartiles and fences (dotted, 1.5 interquartile ranges beyond the quartiles) of "
        f"{counted(len(drawn), 'numeric column')} in {of_rows(sample)}"
        f"{', one box for each group' if len(sample.groups) > 1 else ''}; points are the farthest values beyond them.",
        most,
        left_out(left, sample),
    )
    yield Sketch("boxes", "Outliers", told, box_plots, (columns, sample.legend), shortened(drawn))


def dates(sample: Sample) -> Iterator[Sketch]:
    """Give the columns of dates along time."""
    columns = [c.name for c in sample.schema.columns if c.kind == "datetime" and c.role in ("feature", "time")]
    groups = sample.groups if len(sample.groups) <= LAYERS else no_groups(sample.n_train)
    spreads: list[Spread] = []
    for name in columns:
        if name in sample.hidden:
            continue
        typed = sample.columns.moments(name) if name in sample.columns.of_kind("moment") else sample.typed(name)
        if typed is None or len(spreads) == MOST_DATES:
            continue
        moments = np.asarray(typed, dtype="datetime64[us]")
        spreads.append(Spread.of(name, moments, groups.codes, len(groups)))
    if not spreads:
        return
    names = [spread.name for spread in spreads]
    told = (
        f"{counted(len(spreads), 'column')} of dates or times along time in {of_rows(sample)}"
        f"{coloured(sample) if len(groups) > 1 else ''}. Look for holes, for a start or an end that is cut off, and "
        "for dates that cannot be."
    )
    legend = sample.legend if len(groups) > 1 else no_groups(0)
    yield Sketch("dates", "Dates", told, draw_histograms, (spreads, legend), shortened(names))
