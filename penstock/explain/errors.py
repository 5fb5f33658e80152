"""What held-out errors say the model still lacks, in sentences with their numbers, and what to do about it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from penstock.judging import Judged
from penstock.metrics.residuals import (
    FEWEST,
    Estimate,
    calibration_of,
    mean_with_interval,
    memory,
    quantile_bins,
    tails,
    uneven_spread,
)
from penstock.metrics.weighted import Floats, Ints, positive_index
from penstock.table import Column

# What is told has to be beyond chance, and large enough to matter.
SIGNIFICANT = 0.01
UNEVEN, HEAVY, REMEMBERED = 1.5, 1.0, 0.1
MOST_COLUMNS, MOST_LEVELS, MOST_LABELS, MOST_ROWS = 60, 10, 5, 20_000
FEWEST_IN_BIN = 20
WORST = 3


class Bin(NamedTuple):
    """Rows of a feature's quantile bin or level, and their mean error."""

    words: str
    n: int
    bias: Estimate


def residual_facts(judged: Judged, seed: int) -> dict[str, Any]:
    """Return `residuals` with `lines` of sentences, of a model of numbers; or of probabilities.

    Parameters
    ----------
    judged : Judged
        All held-out rows and what the twin says of them.
    seed : int
        Which rows are looked at, where there are many.
    """
    if judged.target.is_classification:
        return {"residuals": {"lines": _calibration_lines(judged)}}
    error = judged.y.astype(np.float64) - judged.predicted
    if len(error) < FEWEST:
        return {"residuals": {"lines": [f"{len(error)} held-out rows are too few to look for a pattern in errors."]}}
    lines = [_bias(error), _spread(error, judged.predicted), _tails(error), *_memory(judged, error)]
    return {"residuals": {"lines": [*lines, *_by_feature(judged, error, seed)]}}


def _bias(error: Floats) -> str:
    bias = mean_with_interval(error)
    if bias.holds(0.0):
        return f"Bias: none beyond chance; errors (true less predicted) are {bias.told} on average."
    side = "low" if bias.value > 0 else "high"
    return (
        f"Bias: predictions are too {side}; errors (true less predicted) are {bias.told} on average. Look whether "
        "held-out rows are later, or of other groups, than those trained on."
    )


def _spread(error: Floats, predicted: Floats) -> str:
    found = uneven_spread(error, predicted)
    told = f"(Breusch-Pagan, p = {found.p:.2g}; upper third of predictions against lower: {found.effect:.2g} times)"
    if found.p > SIGNIFICANT or 1 / UNEVEN < found.effect < UNEVEN:
        return f"Spread: errors are about as large wherever the prediction lies {told}."
    where = "grow with" if found.effect > 1 else "shrink with"
    return (
        f"Spread: errors {where} the prediction {told}. One figure for all rows misleads: ask for `intervals`, which "
        "are as wide as the place needs, or choose a relative metric (mape, rmsle)."
    )


def _tails(error: Floats) -> str:
    found = tails(error)
    told = f"(Jarque-Bera, p = {found.p:.2g}; excess kurtosis {found.effect:.2g})"
    if found.p > SIGNIFICANT or abs(found.effect) < HEAVY:
        return f"Shape: errors are about normal {told}."
    if found.effect < 0:
        return f"Shape: errors have lighter tails than normal ones {told}; their two ends are no cause for worry."
    return (
        f"Shape: errors have heavier tails than normal ones {told}. A few rows decide the RMSE: look at the largest "
        "errors, or let `metric: mae` decide."
    )


def _memory(judged: Judged, error: Floats) -> list[str]:
    ordered = _in_time(judged, error)
    if ordered is None or len(ordered) < FEWEST:
        return []
    found = memory(ordered)
    told = f"(correlation {found.effect:.2g}, Ljung-Box p = {found.p:.2g})"
    if found.p > SIGNIFICANT or abs(found.effect) < REMEMBERED:
        return [f"Memory: an error says nothing of the next one in time {told}."]
    more = "its lags or rolling means as features" if judged.test is None else "longer lags, or what is known ahead"
    return [f"Memory: errors that follow each other in time are alike {told}. The model lacks something: add {more}."]


def _in_time(judged: Judged, error: Floats) -> Floats | None:
    """Return errors in the order of time: of a forecast those one step ahead, a column for each series."""
    if judged.test is not None:
        at = np.cumsum([0, *(window.rows.num_rows for window in judged.test.windows)])
        first = [np.flatnonzero(judged.test.steps[i:j] == 1) + i for i, j in pairwise(at)]
        n = len(first[0]) if first else 0
        return np.stack([error[rows] for rows in first]) if n and all(len(rows) == n for rows in first) else None
    column = next((c.name for c in judged.schema.columns if c.role == "time"), None)
    if column is None or column not in judged.raw.column_names:
        return None
    times = judged.schema.cast(judged.raw.select([column]), [column]).frame[column].to_numpy()
    order = np.argsort(times, kind="stable")
    return error[order[~pd.isna(times[order])]]


def _by_feature(judged: Judged, error: Floats, seed: int) -> list[str]:
    if judged.test is not None:
        return []
    rows = np.arange(len(error))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS])
    there = frozenset(judged.raw.column_names)
    columns = [c for c in judged.schema.features if c.name in there and not c.private][:MOST_COLUMNS]
    frame = judged.schema.cast(judged.raw.take(rows), [c.name for c in columns]).frame
    each = [part for column in columns for part in _parts(column, frame[column.name])]
    bins = [(words, at) for words, at in each if len(at) >= FEWEST_IN_BIN and np.ptp(error[rows][at]) > 0]
    if not bins:
        return []
    found = [Bin(words, len(at), mean_with_interval(error[rows][at], len(bins))) for words, at in bins]
    off = sorted((b for b in found if not b.bias.holds(0.0)), key=lambda b: -min(abs(b.bias.low), abs(b.bias.high)))
    if not off:
        return [f"By feature: in none of {len(bins)} quantile bins and levels is the mean error beyond chance."]
    told = "; ".join(_bin_told(b) for b in off[:WORST])
    share = f"in {len(off)} of {len(bins)} quantile bins and levels predictions are off beyond chance"
    todo = "Give the model what sets these rows apart, or let it interact there."
    return [f"By feature: {share} (95 % for all together). Worst: {told}. {todo}"]


def _bin_told(one: Bin) -> str:
    value, low, high = one.bias
    if value > 0:
        return f"too low by {one.bias.told} where {one.words} (n = {one.n:,})"
    return f"too high by {Estimate(-value, -high, -low).told} where {one.words} (n = {one.n:,})"


def _parts(column: Column, values: pd.Series) -> list[tuple[str, Ints]]:
    """Return the rows of every quantile bin of a number, or of the most frequent levels, in words and positions."""
    name = column.name
    if column.is_numeric:
        codes, edges = quantile_bins(values.to_numpy(dtype=np.float64))
        n = len(edges) + 1
        return [(_range(name, edges, i), np.flatnonzero(codes == i)) for i in range(n) if len(edges)]
    if column.kind == "datetime":
        return []
    levels = values.dropna().value_counts().index[:MOST_LEVELS]
    return [
        (f"{name} is {str(level)[:40]!r}", np.flatnonzero((values == level).to_numpy(dtype=bool, na_value=False)))
        for level in levels
    ]


def _range(name: str, edges: Floats, i: int) -> str:
    if i == 0:
        return f"{name} is at most {edges[0]:.4g}"
    if i == len(edges):
        return f"{name} is above {edges[-1]:.4g}"
    return f"{name} is above {edges[i - 1]:.4g}, up to {edges[i]:.4g}"


def _calibration_lines(judged: Judged) -> list[str]:
    shown = judged.schema.shown_target or judged.target
    codes = judged.y.astype(np.int64)
    if shown.task == "binary":
        labels = [positive_index(judged.target)]
    else:
        counts = np.bincount(codes, minlength=len(shown.labels))
        labels = sorted(np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist())
    told = []
    for k in labels:
        found = calibration_of(codes == k, judged.predicted[:, k])
        if found is not None:
            told.append(_calibrated(shown.labels[k], *found))
    return told


def _calibrated(label: str, slope: Estimate, intercept: Estimate) -> str:
    told = f"Calibration of {label!r}: slope {slope.told} (1 is right), intercept {intercept.told} (0 is right)"
    wrong = []
    if not slope.holds(1.0):
        wrong.append("too extreme" if slope.value < 1 else "too timid")
    if not intercept.holds(0.0):
        wrong.append("too low on the whole" if intercept.value > 0 else "too high on the whole")
    if not wrong:
        return f"{told}: its probabilities can be taken as they are, as far as these rows tell."
    return (
        f"{told}: its probabilities are {' and '.join(wrong)}. Choose a threshold by `cost`, and `metric: log_loss` or "
        "brier where the probabilities themselves are used."
    )
