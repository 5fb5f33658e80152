"""The target against every feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from penstock.explore.columns import Floats, Ints
from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import counted, joined, left_out, named, of_rows
from penstock.plots.groups import Groups, no_groups
from penstock.plots.levels import Levels
from penstock.plots.rates import Rates, Z, target_rates, wilson
from penstock.plots.relations import with_target
from penstock.plots.sheet import hues
from penstock.plots.words import word

MOST_RATES = 9
# Classes whose shares are drawn: more lines cannot be followed by eye.
MOST_CLASSES = 4
TENTHS = 10


@dataclass(frozen=True)
class Outcome:
    """What is drawn of the target: shares of some classes, or the mean.

    Attributes
    ----------
    what, told : str
        In a word beside an axis, and in a caption.
    values : ndarray of float64, shape (n_series, n_rows)
        1 where a row has the class, or the number; NaN where it is not known.
    legend : Groups
        Names and colours of the series.
    shares : bool
        Whether they are shares.
    """

    what: str
    told: str
    values: Floats
    legend: Groups
    shares: bool

    @property
    def overall(self) -> list[float]:
        """The value of all rows, one a series."""
        known = np.isfinite(self.values)
        return [float(np.mean(v[k])) if k.any() else 0.0 for v, k in zip(self.values, known, strict=True)]

    def binned(self, bins: Ints, n_bins: int) -> tuple[Floats, Floats, Floats, Ints]:
        """Return the values of bins with the ends of their 95 % intervals, and the rows of each.

        Parameters
        ----------
        bins : ndarray of int64, shape (n_rows,)
            Each row's bin, -1 for none.
        n_bins : int
            How many there are.
        """
        known = (bins >= 0) & np.isfinite(self.values).all(axis=0)
        if not known.all():
            bins = bins[known]
        n = np.bincount(bins, minlength=n_bins).astype(np.int64)
        size = n.astype(np.float64)
        found = []
        for series in self.values:
            values = series if known.all() else series[known]
            sums = np.bincount(bins, weights=values, minlength=n_bins).astype(np.float64)
            if self.shares:
                found.append(wilson(sums, size))
                continue
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = sums / size
                centred = np.bincount(bins, weights=(values - np.nan_to_num(mean)[bins]) ** 2, minlength=n_bins)
                half = Z * np.sqrt(centred / np.maximum(size - 1, 1) / size)
            found.append((mean, mean - half, mean + half))
        value, low, high = (np.stack(part) for part in zip(*found, strict=True))
        return value, low, high, n


def outcome_of(sample: Sample) -> Outcome:
    """Return what is drawn of a sample's target: the positive class, the commonest classes, or the mean."""
    target = sample.target
    name = named(target.name)
    if not target.is_classification:
        values = np.asarray(sample.values, dtype=np.float64)[None, :]
        return Outcome(f"mean {target.name}", f"the mean of {name} with its 95 % interval", values, no_groups(0), False)
    codes = sample.values.astype(np.int64)
    if target.task == "binary" and target.positive is not None:
        shown = [target.labels.index(target.positive)]
    else:
        counts = np.bincount(codes[codes >= 0], minlength=len(target.labels))
        shown = sorted(np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist())
    values = np.stack([np.where(codes >= 0, (codes == i).astype(np.float64), np.nan) for i in shown])
    labels = [target.labels[i] for i in shown]
    names = tuple(word(label, 16) for label in labels)
    legend = Groups(word(target.name), names, tuple(hues(len(shown))), np.zeros(0, dtype=np.int64))
    if len(shown) == 1:
        what = f"share of {labels[0]}"
        return Outcome(what, f"the share of {labels[0]!r} with its 95 % interval (Wilson)", values, legend, True)
    few = f"the {len(shown)} commonest classes" if len(shown) < len(target.labels) else "each class"
    return Outcome("share of class", f"the share of {few} with its 95 % interval (Wilson)", values, legend, True)


def rates(sample: Sample) -> Iterator[Sketch]:
    """Give the target against the features that go with it most, unless the target is private."""
    if sample.is_concealed:
        return
    ordered = _ordered(sample)
    drawn, left = ordered[:MOST_RATES], ordered[MOST_RATES:]
    if not drawn:
        return
    outcome = outcome_of(sample)
    numeric = set(sample.numbers)
    panels = [
        _of_numbers(sample, name, outcome) if name in numeric else _of_levels(sample, name, outcome) for name in drawn
    ]
    told = joined(
        f"{outcome.told[0].upper()}{outcome.told[1:]} against {counted(len(drawn), 'feature')}, those that go with the "
        f"target most first, in {of_rows(sample)}: numbers by tenths of their rows, categories by level; the dashed "
        "line is that of all rows. Look for features whose intervals leave it, and for ones that tell too much.",
        left_out(left, sample),
    )
    given = (panels, outcome.what, outcome.overall, outcome.legend)
    yield Sketch("rates", "The target against the features", told, target_rates, given, shortened(drawn))


def _ordered(sample: Sample) -> list[str]:
    groups = sample.drawn_groups
    numbers, categories = sample.numbers, sample.categories
    numeric = None
    if not sample.target.is_classification:
        numeric = sample.values[sample.drawn].astype(np.float64)
    strength = dict(zip(numbers, with_target(sample.cut[numbers], groups, numeric), strict=True)) if numbers else {}
    strength |= {name: v**2 for name, v in sample.by_groups(categories).items()}
    return sorted(strength, key=lambda name: -round(float(strength[name]), 9))


def _of_numbers(sample: Sample, name: str, outcome: Outcome) -> Rates:
    values = sample.columns.numbers(name)
    known = np.isfinite(values)
    there = values if known.all() else values[known]
    unit = sample.units.get(name, "")
    if not len(there):
        nothing = np.full((len(outcome.values), 0), np.nan)
        return Rates(name, unit, (), np.zeros(0), nothing, nothing, nothing, np.zeros(0, dtype=np.int64))
    inner = np.unique(np.quantile(there, np.arange(1, TENTHS) / TENTHS))
    # A bin ends with its edge, so that a heap at one value does not lie in two of them.
    bins = np.where(known, np.searchsorted(inner, values, side="left"), -1)
    value, low, high, n = outcome.binned(bins, len(inner) + 1)
    sizes = np.bincount(bins[known], minlength=len(inner) + 1)
    at = np.bincount(bins[known], weights=there, minlength=len(inner) + 1) / np.maximum(sizes, 1)
    filled = sizes > 0
    return Rates(name, unit, (), at[filled], value[:, filled], low[:, filled], high[:, filled], n[filled])


def _of_levels(sample: Sample, name: str, outcome: Outcome) -> Rates:
    codes, levels = sample.columns.texts(name)
    counts = Levels.of(name, codes, levels, np.zeros(len(codes), dtype=np.int64), 1)
    labels = [(label, True) for label in counts.labels]
    place = np.full(len(levels) + 1, len(labels), dtype=np.int64)
    at = {level: i for i, level in enumerate(counts.labels)}
    for i, level in enumerate(levels):
        place[i] = at.get(level, len(labels))
    place[-1] = len(labels) + bool(counts.n_others)
    labels += [(text, False) for text, is_level, _ in counts.bars if not is_level]
    value, low, high, n = outcome.binned(place[codes], max(len(labels), int(place.max()) + 1))
    k = len(labels)
    return Rates(name, "", tuple(labels), np.zeros(0), value[:, :k], low[:, :k], high[:, :k], n[:k])
