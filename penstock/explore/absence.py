"""What is missing, and what stands there twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.explore.sample import Sample
from penstock.explore.sketch import Sketch, shortened
from penstock.explore.told import counted, joined, named, of_rows
from penstock.plots.copies import copies
from penstock.plots.missing import MOST_COLUMNS, MOST_PATTERNS, Absence, missingness
from penstock.steps.audit import Audit

# Columns that a pattern tells of.
MOST_TOGETHER = 60
# How often rows occur: once, twice, three, four, five to nine times, and more often.
TIMES = (1, 2, 3, 4, 5, 10)
OFTEN = ("once", "twice", "3 times", "4 times", "5 to 9 times", "10 times or more")


def missing(sample: Sample) -> Iterator[Sketch]:
    """Give the shares of missing values and the patterns in which they are missing."""
    gone = {}
    for name in sample.columns.names:
        where = sample.columns.missing(name)
        if where is not None:
            gone[name] = where
    if not gone:
        return
    counts = {name: int(where.sum()) for name, where in gone.items()}
    order = sorted(gone, key=lambda name: -counts[name])
    drawn, left = order[:MOST_COLUMNS], order[MOST_COLUMNS:]
    patterns, times, more = _patterns([gone[name] for name in drawn])
    absence = Absence(tuple(drawn), tuple(counts[name] for name in drawn), sample.n_train, patterns, times, more)
    share = counts[drawn[0]] / sample.n_train
    told = joined(
        f"{len(order):,} of {counted(len(sample.columns.names), 'column')} with missing values before they are filled, "
        f"{named(drawn[0])} with most ({share:.1%} of {of_rows(sample)}); to the right, which are missing together, "
        "and in how many rows. Look for columns that are always missing together: they have one cause.",
        f"The {len(left):,} columns with fewer are left out." if left else "",
    )
    yield Sketch("missing", "Missing values", told, missingness, (absence,), shortened(drawn, 26))


def _patterns(gone: list[npt.NDArray[np.bool_]]) -> tuple[npt.NDArray[np.bool_], tuple[int, ...], int]:
    """Return the commonest patterns, how many rows have each, and how many have others."""
    codes = np.zeros(len(gone[0]), dtype=np.int64)
    for i, where in enumerate(gone[:MOST_TOGETHER]):
        codes |= where.astype(np.int64) << i
    distinct, counts = np.unique(codes[codes > 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    top = order[:MOST_PATTERNS]
    bits = np.arange(len(gone[:MOST_TOGETHER]))
    patterns = (distinct[top][:, None] >> bits) & 1 > 0
    return patterns, tuple(counts[top].tolist()), int(counts[order[MOST_PATTERNS:]].sum())


def duplicates(sample: Sample, audit: Audit) -> Iterator[Sketch]:
    """Give how many rows occur how often, where any occurs twice or a step has taken copies out."""
    entries = [entry for entry in audit.steps if entry.step == "duplicates"]
    removed = sum(entry.rows_in - entry.rows_out for entry in entries)
    times = np.unique(_hashes(sample), return_counts=True)[1]
    if not removed and times.max(initial=1) == 1:
        return
    place = np.searchsorted(TIMES, times, side="right") - 1
    distinct = np.bincount(place, minlength=len(TIMES))
    rows = np.bincount(place, weights=times, minlength=len(TIMES)).astype(np.int64)
    most = int(np.flatnonzero(distinct).max(initial=0)) + 1
    labels, bars, all_rows = list(OFTEN[:most]), distinct[:most].tolist(), rows[:most].tolist()
    if removed:
        labels, bars, all_rows = [*labels, "taken out"], [*bars, 0], [*all_rows, removed]
    more = int(rows[1:].sum())
    told = joined(
        f"How often rows occur that equal each other in {counted(len(sample.columns.names), 'column')} and the target: "
        f"{more:,} of {of_rows(sample)} have an equal.",
        f"The step `duplicates` had taken {counted(removed, 'further copy').replace('copys', 'copies')} out."
        if removed
        else "",
        *(f"It tells: {entry.note}." for entry in entries if entry.note and not sample.hidden),
        "Look for one row that occurs very often: it weighs as much as all its copies.",
    )
    yield Sketch("duplicates", "Duplicates", told, copies, (labels, bars, all_rows))


def _hashes(sample: Sample) -> npt.NDArray[np.uint64]:
    """Return a number for each row that equal rows share, and hardly any others."""
    hashes = pd.util.hash_array(np.asarray(sample.values, dtype=np.float64))
    for name in sample.columns.names:
        if sample.columns.kind(name) == "text":
            part = pd.util.hash_array(sample.columns.texts(name)[0])
        elif sample.columns.kind(name) == "moment":
            part = pd.util.hash_array(sample.columns.moments(name).astype(np.int64))
        else:
            part = pd.util.hash_array(sample.columns.numbers(name))
        hashes = hashes * np.uint64(1_000_003) ^ part
    return hashes
