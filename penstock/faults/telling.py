"""Columns that tell the target because they are made of it: copies, near copies, parts of it, and identifiers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.faults.finding import Finding, told
from penstock.metrics.scores import score
from penstock.metrics.weighted import Floats, Ints
from penstock.suspicion.alone import alone
from penstock.suspicion.sums import parts_of_target
from penstock.table import TableSchema, Target

# What one column alone may reach. Real measurements come close to the first (.975 in the bundled sample); the last
# is out of reach of anything but a copy of the target.
STRONG, SUSPICIOUS, PERFECT = 0.97, 0.99, 0.9999
# A near copy leaves at most so much of the error that all the other columns together leave.
OVERSHADOWS = 0.1
# Two careful people who label the same rows agree less (Cohen's kappa).
KAPPA = 0.95
MOST_ROWS, FEWEST_ROWS, MOST_CELLS = 20_000, 1_000, 1_000_000
# Pairs are tried among so many numbers, on so many rows; one of the two alone must not tell much, since classes that
# lie apart anyway are told by many a pair.
PAIRED_COLUMNS, PAIRED_COLUMNS_MANY_CLASSES, PAIRED_ROWS, LEAST_PAIRED_ROWS = 24, 10, 2_000, 100
WEAK = 0.9
# An identifier: nearly every value another; whole numbers no sparser than this. What it may tell: ROC AUC, R².
DISTINCT, SPARSE, ID_CLASS, ID_NUMBER = 0.98, 20, 0.75, 0.5
MOST_PREFIX = 4


def find_leaks(
    frame: pd.DataFrame,
    y: npt.NDArray[np.generic],
    target: Target,
    schema: TableSchema,
    known_after: Sequence[str] = (),
    *,
    seed: int,
    strengths: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Return what looks like a leak in training rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of the training rows at the plan's cut, shape (n_rows, n_columns).
    y : numpy.ndarray
        Their target, shape (n_rows,).
    target : Target
        What is predicted.
    schema : TableSchema
        The columns that a model may use.
    known_after : sequence of str
        Columns that the spec says are known only after the fact.
    seed : int
        Which rows are looked at where there are too many (20,000, or a million cells), and how they are halved.
    strengths : mapping of str to float, optional
        How well each column tells the target by itself, where that is known.
    """
    found = [*_from_the_future(schema, known_after)]
    strengths = strengths_of(frame, y, target, seed=seed) if strengths is None else strengths
    found += [_telling(name, strength, target) for name, strength in strengths.items() if strength > SUSPICIOUS]
    return tuple(found)


def strengths_of(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, *, seed: int) -> dict[str, float]:
    """Return how well each column tells the target by itself: ROC AUC, or R².

    Parameters
    ----------
    frame, y, target, seed
        As for `find_leaks`.
    """
    rows, half = _some_rows(len(y), len(frame.columns), seed)
    return {str(name): alone(frame[name].iloc[rows], y[rows], half, target) for name in frame.columns}


def find_near_copies(
    frame: pd.DataFrame,
    y: npt.NDArray[np.generic],
    target: Target,
    strengths: Mapping[str, float],
    *,
    seed: int,
) -> tuple[Finding, ...]:
    """Return columns that alone almost give the target.

    One that has as many levels as the target has labels, each nearly always beside the same label; and one that leaves
    a tenth of the error that all others together leave. An honest measurement may be very good, but then the others,
    which measure the same thing, are not so far behind.

    Parameters
    ----------
    frame, y, target, seed
        As for `find_leaks`.
    strengths : mapping of str to float
        How well each column tells the target by itself.
    """
    rows, half = _some_rows(len(y), len(frame.columns), seed)
    some, truth = frame.iloc[rows].reset_index(drop=True), y[rows]
    found = _relabelled(some, truth, target, strengths)
    seen = {finding.column for finding in found}
    close = [name for name, strength in strengths.items() if STRONG < strength <= PERFECT and name not in seen]
    for name in close:
        others = [str(c) for c in frame.columns if str(c) != name and strengths[str(c)] <= PERFECT]
        rest = _together(some[others], truth, half, target) if others else 0.0
        if 1.0 - strengths[name] > OVERSHADOWS * (1.0 - max(rest, 0.0)):
            continue
        what = (
            f"the column {name!r} alone reaches {_measure(target)} {strengths[name]:.4f}, and all {len(others)} other "
            f"columns together {rest:.4f}: it is most likely made from the target, or written down after it"
        )
        found.append(Finding(kind="near_copy", column=name, what=told(what, _leave_out(name)), blocks=True))
    return tuple(found)


def _relabelled(
    frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, strengths: Mapping[str, float]
) -> list[Finding]:
    """Return columns whose levels are the labels under other names, but for a few rows (Cohen's kappa)."""
    n_labels, found = len(target.labels), []
    for name in frame.columns if target.is_classification else ():
        codes, levels = pd.factorize(frame[name], use_na_sentinel=False)
        if len(levels) != n_labels or strengths[str(name)] > PERFECT:
            continue
        counts = np.zeros((n_labels, n_labels))
        np.add.at(counts, (codes, y.astype(np.int64)), 1.0)
        named = counts.argmax(axis=1)
        if len(set(named.tolist())) < n_labels:
            continue
        total = counts.sum()
        right = counts.max(axis=1).sum() / total
        chance = float((counts.sum(axis=1) * counts.sum(axis=0)[named]).sum()) / total**2
        if chance < 1 and (right - chance) / (1 - chance) >= KAPPA:
            what = (
                f"the column {str(name)!r} has a level for each label, and says the same as the target in {right:.1%} "
                f"of the rows ({chance:.0%} by chance): it is most likely the target, written once more"
            )
            found.append(
                Finding(kind="near_copy", column=str(name), what=told(what, _leave_out(str(name))), blocks=True)
            )
    return found


def find_parts(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, *, seed: int) -> tuple[Finding, ...]:
    """Return columns of which the target is computed: a weighted sum, or a sum, difference, product or ratio of two.

    Parameters
    ----------
    frame, y, target, seed
        As for `find_leaks`.
    """
    rows, _ = _some_rows(len(y), len(frame.columns), seed)
    some, truth = frame.iloc[rows].reset_index(drop=True), y[rows]
    if not target.is_classification:
        parts = parts_of_target(some, truth.astype(np.float64), target.name)
        if parts:
            names = [part.column for part in parts]
            what = f"the target is computed from columns that are features: {parts[0].what}"
            return (_made_of(names, what),)
    pair = _telling_pair(some.iloc[:PAIRED_ROWS], truth[:PAIRED_ROWS], target)
    return () if pair is None else (pair,)


def find_telling_ids(
    frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, *, seed: int
) -> tuple[Finding, ...]:
    """Return features that number the rows, or name them, and tell the target all the same.

    A row's number says how the file was put together; that it tells the target will not be so of new rows.

    Parameters
    ----------
    frame, y, target, seed
        As for `find_leaks`.
    """
    rows, half = _some_rows(len(y), len(frame.columns), seed)
    truth, found = y[rows], []
    least = ID_CLASS if target.is_classification else ID_NUMBER
    for name in frame.columns:
        values = frame[name]
        if not _names_rows(values):
            continue
        some = values.iloc[rows].reset_index(drop=True)
        strength = max(alone(told_by, truth, half, target) for told_by in _readings(some))
        if strength < least:
            continue
        what = (
            f"the column {str(name)!r} has another value in {values.nunique() / max(len(values), 1):.0%} of the rows, "
            f"as an identifier has, and alone reaches {_measure(target)} {strength:.2f}: rows were numbered by outcome"
        )
        todo = f"leave it out: columns: {{{name}: {{role: id}}}}"
        found.append(Finding(kind="telling_id", column=str(name), what=told(what, todo), blocks=True))
    return tuple(found)


def _names_rows(values: pd.Series[Any]) -> bool:
    there = values.dropna()
    if len(there) < 50 or there.nunique() < DISTINCT * len(there):
        return False
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return values.dtype.kind != "M"
    numbers = there.to_numpy(dtype=np.float64)
    whole = bool(np.all(numbers == np.floor(numbers)))
    return whole and float(numbers.max() - numbers.min()) < SPARSE * len(numbers)


def _readings(values: pd.Series[Any]) -> Iterator[pd.Series[Any]]:
    yield values
    if not pd.api.types.is_numeric_dtype(values.dtype):
        for size in range(1, MOST_PREFIX + 1):
            yield values.str[:size]


def _together(frame: pd.DataFrame, y: npt.NDArray[np.generic], half: Ints, target: Target) -> float:
    """Return what columns reach together, each half of the rows from what the other half shows."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    matrix = _as_numbers(frame)
    build = HistGradientBoostingClassifier if target.is_classification else HistGradientBoostingRegressor
    guessed = np.zeros((len(y), len(target.labels)) if target.is_classification else len(y))
    with threadpool_limits(limits=1):
        for side in (0, 1):
            learn, test = np.flatnonzero(half != side), np.flatnonzero(half == side)
            if target.is_classification and len(np.unique(y[learn])) < 2:
                return 0.0
            model = build(max_iter=50, early_stopping=False, random_state=0).fit(matrix[learn], y[learn])
            if target.is_classification:
                guessed[np.ix_(test, model.classes_)] = model.predict_proba(matrix[test])
            else:
                guessed[test] = model.predict(matrix[test])
    reached = score(target, "roc_auc" if target.is_classification else "r2", y, guessed)
    return reached if np.isfinite(reached) else 0.0


def _as_numbers(frame: pd.DataFrame) -> Floats:
    columns = []
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values.dtype):
            columns.append(values.to_numpy(dtype=np.float64))
        else:
            columns.append(pd.factorize(values, sort=True)[0].astype(np.float64))
    return np.column_stack(columns)


def _telling_pair(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target) -> Finding | None:
    half = np.random.default_rng(0).permutation(len(y)) % 2
    most = PAIRED_COLUMNS_MANY_CLASSES if target.task == "multiclass" else PAIRED_COLUMNS
    numbers = {
        str(name): frame[name].to_numpy(dtype=np.float64)
        for name in frame.columns
        if pd.api.types.is_numeric_dtype(frame[name].dtype) and frame[name].notna().mean() > 0.8
    }
    weak = {
        name: values
        for name, values in numbers.items()
        if np.nanstd(values) > 0 and alone(pd.Series(values), y, half, target) < WEAK
    }
    if len(y) < LEAST_PAIRED_ROWS:
        return None
    for (one, a), (two, b) in itertools.combinations(list(weak.items())[:most], 2):
        for sign, made in _combined(a, b):
            strength = _quickly(made, y, half, target)
            if strength > PERFECT:
                what = f"{one} {sign} {two} tells the target, with {_measure(target)} {strength:.5f}"
                return _made_of([one, two], what)
    return None


def _combined(a: Floats, b: Floats) -> Iterator[tuple[str, Floats]]:
    yield "-", a - b
    yield "+", a + b
    yield "*", a * b
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(b != 0, a / b, np.nan)
    if np.isfinite(ratio).mean() > 0.8:
        yield "/", np.where(np.isfinite(ratio), ratio, np.nan)


def _quickly(made: Floats, y: npt.NDArray[np.generic], half: Ints, target: Target) -> float:
    """Return what a combination reaches; by its order alone where that is enough to see that it is far off."""
    if target.task == "binary":
        known = np.where(np.isnan(made), np.nanmedian(made), made)
        area = score(target, "roc_auc", y, np.column_stack([-known, known]))
        return max(area, 1.0 - area) if np.isfinite(area) else 0.0
    if target.task == "regression":
        there = np.isfinite(made)
        if np.std(made[there]) == 0 or np.std(y[there].astype(np.float64)) == 0:
            return 0.0
        return float(np.corrcoef(made[there], y[there].astype(np.float64))[0, 1] ** 2)
    return alone(pd.Series(made), y, half, target)


def _made_of(names: Sequence[str], what: str) -> Finding:
    quoted = ", ".join(names)
    todo = f"declare what is not known beforehand: known_after: [{quoted}]"
    return Finding(kind="parts", column=names[0], what=told(what, todo), blocks=True)


def _from_the_future(schema: TableSchema, known_after: Sequence[str]) -> list[Finding]:
    late = {c.name for c in schema.columns if c.role == "known_after"} | set(known_after)
    return [
        Finding(
            kind="known_after",
            column=c.name,
            what=f"the column {c.name!r} is a feature, and the spec says that it is known only after the fact",
            blocks=True,
        )
        for c in schema.features
        if c.name in late
    ]


def _telling(name: str, strength: float, target: Target) -> Finding:
    if strength > PERFECT:
        what = (
            f"the column {name!r} alone tells the target, with {_measure(target)} {strength:.5f}: it is most likely "
            f"made from it; declare it under `known_after`, or give it the role `ignored`"
        )
        return Finding(kind="tells_all", column=name, what=what, blocks=True)
    what = f"the column {name!r} alone reaches {_measure(target)} {strength:.4f}: see that it is known beforehand"
    return Finding(kind="tells_much", column=name, what=what)


def _measure(target: Target) -> str:
    return "a ROC AUC of" if target.is_classification else "an R² of"


def _leave_out(name: str) -> str:
    return f"declare it: known_after: [{name}]"


def _some_rows(n: int, n_columns: int, seed: int) -> tuple[Ints, Ints]:
    """Return the rows that are looked at, and which half of them each is in."""
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // max(1, n_columns)))
    rows = np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).permutation(n)[:most])
    return rows, np.random.default_rng(seed).permutation(len(rows)) % 2
