"""How columns go together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from penstock.explore.association import Associated, Category, Number, associate
from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import coloured, counted, joined, left_out, named, of_points, of_rows
from penstock.plots.heatmap import heatmap
from penstock.plots.relations import clustered, rank_correlation, strongest_pairs
from penstock.plots.scatter import MOST_POINTS, Hexes, hexagons, pair_plot, scatter_pairs

# Beyond this the names of columns are too small to read.
MOST_NUMBERS = 20
MOST_CATEGORIES = 10
MOST_PAIRS = 6
MOST_PAIRED = 4
# Points and boxes of flags, which have two values, show nothing.
FEWEST_VALUES = 3
CLOSE = 0.9


def relations(sample: Sample) -> Iterator[Sketch]:
    """Give the heat map of associations, the closest pairs, and every pair of the most telling few."""
    found = [n for n in sample.numbers if sample.cut[n].nunique() > 1]
    numbers = sample.by_target(found)[:MOST_NUMBERS]
    categories = [*sample.by_groups(sample.categories)][:MOST_CATEGORIES]
    left = [n for n in (*sample.numbers, *sample.categories) if n not in {*numbers, *categories}]
    associated = _measured(sample, numbers, categories)
    if len(associated.names) > 1:
        yield _heatmap(sample, associated, left)
    yield from _closest(sample, associated)
    yield from _paired(sample, numbers)


def _measured(sample: Sample, numbers: list[str], categories: list[str]) -> Associated:
    columns = sample.columns
    # One after the other: a second core draws meanwhile, and a column being ranked is in memory several times.
    measured = [Number.of(name, columns.numbers(name)) for name in numbers]
    coded = []
    for name in categories:
        codes, levels = columns.texts(name)
        coded.append(Category.of(name, codes, len(levels)))
    target = f"{sample.target.name} (target)"
    if not sample.is_concealed and sample.target.is_classification:
        coded.insert(0, Category.of(target, sample.values.astype(np.int64), len(sample.target.labels)))
    elif not sample.is_concealed:
        measured.insert(0, Number.of(target, sample.values))
    return associate(measured, coded)


def _heatmap(sample: Sample, associated: Associated, left: list[str]) -> Sketch:
    n, names = len(associated.names), associated.names
    order = clustered(associated.spearman)
    spearman = associated.spearman[np.ix_(order, order)]
    pearson = associated.pearson[np.ix_(order, order)]
    matrix = np.where(np.tri(n, dtype=bool), pearson, spearman)
    close = np.abs(associated.spearman[np.triu_indices(n, 1)]) > CLOSE
    measures = []
    if associated.n_numbers > 1:
        measures.append("Pearson's correlation below the diagonal and Spearman's above it between numbers")
    if n - associated.n_numbers > 1:
        measures.append("Cramér's V, corrected for bias (Bergsma 2013), between categories")
    if 0 < associated.n_numbers < n:
        measures.append("the correlation ratio between a number and a category")
    told = joined(
        f"How {counted(n, 'column')} go together in {of_rows(sample)}, related ones side by side: "
        f"{'; '.join(measures)}. The latter two have no sign."
        if len(measures) > 1 or associated.n_numbers == 0
        else f"How {counted(n, 'column')} go together in {of_rows(sample)}, related ones side by side: {measures[0]}.",
        f"{counted(int(close.sum()), 'pair')} above {CLOSE}, which say the same twice."
        if close.any()
        else f"No pair is above {CLOSE}.",
        left_out(left, sample),
    )
    drawn = [names[i] for i in order]
    return Sketch("correlation", "Correlation", told, heatmap, (matrix, drawn, "association"), shortened(drawn))


def _closest(sample: Sample, associated: Associated) -> Iterator[Sketch]:
    """Give the most closely related pairs of numbers: points, or hexagons where there are too many of them."""
    there = set(sample.columns.names)
    at = [
        i
        for i, name in enumerate(associated.names[: associated.n_numbers])
        if name in there and sample.cut[name].nunique() >= FEWEST_VALUES
    ]
    matrix, names = associated.spearman[np.ix_(at, at)], [associated.names[i] for i in at]
    pairs = [(names[i], names[j], float(matrix[i, j])) for i, j in strongest_pairs(matrix, MOST_PAIRS)]
    if not pairs:
        return
    across, up, strongest = pairs[0]
    first = (
        f"The most closely related pairs among {len(names)} numeric columns, a column in two of them at most: "
        f"{named(across)} and {named(up)} with a rank correlation of {strongest:+.2f} come first."
    )
    look = "Look for bends, for bundles and for points that lie apart."
    drawn = shortened(dict.fromkeys(name for pair in pairs for name in pair[:2]))
    if sample.n_train > MOST_POINTS:
        told = (
            f"{first} Each hexagon is coloured by how many of {of_rows(sample)} lie in it, those beyond the middle 99 "
            f"% of a column at its edge. {look}"
        )
        columns = sample.columns
        cells = [Hexes.of(x, y, columns.numbers(x), columns.numbers(y), strength) for x, y, strength in pairs]
        there_are = [cell for cell in cells if cell is not None]
        if there_are:
            yield Sketch("scatter", "Related pairs", told, hexagons, (there_are, sample.units), drawn)
        return
    told = f"{first} {of_points(sample, len(sample.drawn))[:1].upper()}{of_points(sample, len(sample.drawn))[1:]}"
    told += f"{coloured(sample)}. {look}"
    frame = sample.cut[list(dict.fromkeys(name for pair in pairs for name in pair[:2]))]
    yield Sketch(
        "scatter", "Related pairs", told, scatter_pairs, (frame, pairs, sample.drawn_groups, sample.units), drawn
    )


def _paired(sample: Sample, numbers: list[str]) -> Iterator[Sketch]:
    names = [n for n in numbers if sample.cut[n].nunique() >= FEWEST_VALUES][:MOST_PAIRED]
    if len(names) < 3:
        return
    part = np.unique(np.linspace(0, len(sample.drawn) - 1, min(len(sample.drawn), MOST_POINTS)).astype(np.int64))
    frame = sample.cut[names]
    told = (
        f"Every pair of the {len(names)} numeric columns that go with the target most: points are "
        f"{of_points(sample, len(part))}{coloured(sample)}; above each stands the rank correlation. Look for pairs "
        "that part the colours where neither column does alone."
    )
    given = (frame, rank_correlation(frame), sample.drawn_groups, sample.units)
    yield Sketch("pairs", "The most telling few", told, pair_plot, given, shortened(names))
