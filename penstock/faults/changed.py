"""What is other than it was: units, gaps and labels, between the sides of a split and against the live version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from penstock.arrays.profile import Profile
from penstock.faults.finding import FORCE, Finding, told
from penstock.metrics.weighted import Floats
from penstock.table import Target

# A unit changes every quantile by one factor, a market or a fashion none by so much.
FACTOR, ALL_ALIKE = 20.0, 1.3
QUARTILES = (0.25, 0.5, 0.75)
# In one column: a gap of so many decades between two heaps of the same shape.
GAP, SAME_PLACE, SAME_WIDTH = 1.0, 0.15, 2.0
FEWEST, LEAST_SHARE, FEWEST_DISTINCT = 5, 0.01, 5
# Missing cells: so many more in a hundred, twice as many, and by so many standard errors: columns are many, and what is
# missing by chance in one of them on a small side is no fault.
SURGE, TIMES, SURE = 0.2, 2.0, 5.0
# A label with fewer rows may lie on one side by chance.
FEWEST_OF_LABEL = 5


def find_mixed_units(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Return columns of which a part of the rows is in another unit: two heaps of one shape, far apart.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of the rows of both sides.

    Examples
    --------
    >>> weight = np.random.default_rng(0).normal(70, 9, 200)
    >>> weight[::4] *= 1000
    >>> find_mixed_units(pd.DataFrame({"weight": weight}))[0].what.split(":")[0]
    "in 25% of the rows the column 'weight' is about 1,000 times what it is in the others"
    """
    found = []
    for name in _numeric(frame):
        mixed = _heaps(frame[name].to_numpy(dtype=np.float64))
        if mixed is not None:
            share, factor = mixed
            what = (
                f"in {share:.0%} of the rows the column {name!r} is about {_rounded(factor):,.0f} times what it is in "
                "the others: a part is in another unit"
            )
            found.append(_unit(name, what))
    return tuple(found)


def find_changes_between_sides(train: pd.DataFrame, heldout: pd.DataFrame) -> tuple[Finding, ...]:
    """Return columns whose unit, or whose share of missing cells, is another in held-out rows than in training rows.

    Parameters
    ----------
    train, heldout : pandas.DataFrame
        Typed features of both sides.
    """
    found = []
    for name in train.columns:
        before, now = float(train[name].isna().mean()), float(heldout[name].isna().mean())
        found += _surge(str(name), before, now, "held-out rows", "training rows", len(train), len(heldout))
    for name in _numeric(train):
        found += _changed_unit(name, _quartiles(train[name]), _quartiles(heldout[name]), "in held-out rows", "before")
    return tuple(found)


def find_changes_since(live: Profile, now: Profile, version: str) -> tuple[Finding, ...]:
    """Return columns whose unit, or share of missing cells, is another than in the rows that the live version learned.

    Parameters
    ----------
    live, now : Profile
        What the training rows of the live version and of the candidate hold.
    version : str
        The live version.
    """
    found = []
    for name, column in now.columns.items():
        old = live.column(name)
        if old is None:
            continue
        rows = old.n + old.missing, column.n + column.missing
        gone_before, gone_now = (c.missing / max(1, c.n + c.missing) for c in (old, column))
        found += _surge(name, gone_before, gone_now, "training rows", f"those of {version}", *rows)
        if old.numbers is not None and column.numbers is not None:
            ends = [_known_quartiles(c.numbers.quantiles) for c in (old, column) if c.numbers is not None]
            found += _changed_unit(name, ends[0], ends[1], "now", f"in {version}")
    return tuple(found)


def find_gone_labels(live: Sequence[str], target: Target, version: str, *, private: bool) -> tuple[Finding, ...]:
    """Return whether labels that the live version knows are not there any more.

    Parameters
    ----------
    live : sequence of str
        The labels of the live version.
    target : Target
        What is predicted now.
    version : str
        The live version.
    private : bool
        Whether labels are nobody's to see.
    """
    gone = [label for label in live if label not in target.labels]
    if not gone or not target.is_classification:
        return ()
    told_of = f"{len(gone)} of its labels" if private else ", ".join(repr(label) for label in gone[:8])
    what = f"the live version {version} knows labels of {target.name!r} that no row has any more: {told_of}"
    todo = f"see whether the source lost rows or spells labels otherwise; if it is meant: {FORCE}"
    return (Finding(kind="class_gone", column=target.name, what=told(what, todo), blocks=True),)


def find_one_sided_labels(
    known: Mapping[int, int], true: Mapping[int, int], target: Target, *, private: bool
) -> tuple[Finding, ...]:
    """Return labels that held-out rows have and training rows have not: no model can ever name them.

    Parameters
    ----------
    known, true : mapping of int to int
        By label, how many rows have it in training and held out.
    target : Target
        What is predicted.
    private : bool
        Whether labels are nobody's to see.
    """
    found = []
    for i, label in enumerate(target.labels):
        n = true.get(i, 0)
        if n and not known.get(i, 0):
            name = f"label {i + 1}" if private else repr(label)
            what = f"no training row has the label {name}, and {n} held-out rows have it"
            todo = "bring rows of it, or hold out another part: split: {heldout: 0.3}"
            blocks = n >= FEWEST_OF_LABEL
            found.append(Finding(kind="class_gone", column=target.name, what=told(what, todo), blocks=blocks))
    return tuple(found)


def find_constant_output(predicted: Floats) -> tuple[Finding, ...]:
    """Return whether a model answers all held-out rows the same.

    Parameters
    ----------
    predicted : numpy.ndarray
        Probabilities of shape (n_rows, n_labels), or values of shape (n_rows,).
    """
    if len(predicted) < 2 or bool(np.ptp(predicted, axis=0).max() > 1e-12 * max(1.0, float(np.abs(predicted).max()))):
        return ()
    what = f"the model answers all {len(predicted):,} held-out rows the same, whatever they hold"
    todo = "bring columns that differ from row to row, or give it more time: --budget"
    return (Finding(kind="constant_output", what=told(what, todo), blocks=True),)


def _numeric(frame: pd.DataFrame) -> list[str]:
    return [str(c) for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c].dtype)]


def _heaps(values: Floats) -> tuple[float, float] | None:
    """Return the share and the factor of the upper of two heaps of one shape; None where there are not two."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    if len(size) < 4 * FEWEST:
        return None
    logs = np.sort(np.log10(size))
    least = max(FEWEST, int(LEAST_SHARE * len(logs)))
    gaps = np.diff(logs)[least - 1 : len(logs) - least]
    if not len(gaps):
        return None
    at = int(gaps.argmax()) + least
    low, high = logs[:at], logs[at:]
    if logs[at] - logs[at - 1] < GAP or min(len(np.unique(low)), len(np.unique(high))) < FEWEST_DISTINCT:
        return None
    factor = float(np.median(high) - np.median(low))
    widths = [float(np.subtract(*np.quantile(part, [0.9, 0.1]))) for part in (low, high)]
    alike = min(widths) > 0 and max(widths) <= SAME_WIDTH * min(widths)
    if not alike or abs(factor - round(factor)) > SAME_PLACE:
        return None
    return len(high) / len(size), 10**factor


def _quartiles(values: pd.Series) -> list[float] | None:
    known = values.to_numpy(dtype=np.float64)
    known = known[np.isfinite(known)]
    return np.quantile(known, QUARTILES).tolist() if len(known) >= 4 * FEWEST else None


def _known_quartiles(quantiles: Sequence[float | None]) -> list[float] | None:
    from penstock.arrays.profile import QUANTILES

    by_share = dict(zip(QUANTILES, quantiles, strict=False))
    found = [by_share.get(share) for share in QUARTILES]
    return None if any(value is None for value in found) else [float(value) for value in found if value is not None]


def _changed_unit(
    name: str, before: list[float] | None, now: list[float] | None, where: str, against: str
) -> list[Finding]:
    if before is None or now is None or not all(a and b for a, b in zip(before, now, strict=True)):
        return []
    factors = [b / a for a, b in zip(before, now, strict=True)]
    least, most = min(factors), max(factors)
    if least <= 0 or most > ALL_ALIKE * least or not (least >= FACTOR or most <= 1 / FACTOR):
        return []
    factor = sorted(factors)[1]
    times = f"{_rounded(factor):,.0f} times" if factor > 1 else f"a {_ordinal(1 / factor)} of"
    what = f"the column {name!r} is about {times} what it was {against}, {where}, in every quartile"
    return [_unit(name, f"{what}: its unit has changed")]


def _unit(name: str, what: str) -> Finding:
    todo = f"bring it to one unit with a step, or say that it is right: columns: {{{name}: {{unit: …}}}} and {FORCE}"
    return Finding(kind="unit", column=name, what=told(what, todo), blocks=True)


def _surge(name: str, before: float, now: float, where: str, against: str, n: int, n_now: int) -> list[Finding]:
    if min(n, n_now) < 4 * FEWEST or now - before < SURGE or now < TIMES * before:
        return []
    share = (before * n + now * n_now) / (n + n_now)
    if now - before < SURE * np.sqrt(share * (1 - share) * (1 / n + 1 / n_now)):
        return []
    what = f"the column {name!r} is missing in {now:.0%} of the {where}, and in {before:.0%} of {against}"
    todo = f"see what became of its source, or leave it out: columns: {{{name}: {{role: ignored}}}}; else {FORCE}"
    return [Finding(kind="missing", column=name, what=told(what, todo), blocks=True)]


def _rounded(factor: float) -> float:
    near = 10.0 ** round(np.log10(factor))
    return near if abs(factor / near - 1) < 0.3 else float(f"{factor:.2g}")


def _ordinal(factor: float) -> str:
    return f"{_rounded(factor):,.0f}th"
