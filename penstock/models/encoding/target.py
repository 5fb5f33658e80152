"""Means of the target where a text occurs, drawn to the mean of all rows; training rows get those of other rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats, Ints
from penstock.models.encoding.texts import Distinct, frequent
from penstock.steps.encoding.outoffold import folds

FOLDS = 5
# One column for each of more labels would be many columns, each with little to tell.
MOST_LABELS = 10
# In deviations: trees lose more by the errors of means than weak means tell them.
SURE = 5.0


def outputs_of(y: npt.NDArray[np.generic] | None) -> Floats | None:
    """Return a target as numbers to average, shape (n_rows, n_outputs).

    Floats are values. Whole numbers and booleans are labels: of two where the second is, of more where each is.

    Returns
    -------
    numpy.ndarray or None
        None where there is no target, one label only, or too many.

    Examples
    --------
    >>> outputs_of(np.array([0, 1, 1])).tolist(), outputs_of(np.array([0, 1, 2])).shape
    ([[0.0], [1.0], [1.0]], (3, 3))
    """
    if y is None or not len(y):
        return None
    if y.dtype.kind == "f":
        return y.astype(np.float64)[:, None]
    labels = np.unique(y)
    if not 2 <= len(labels) <= MOST_LABELS:
        return None
    shown = labels[1:] if len(labels) == 2 else labels
    return np.asarray(y[:, None] == shown, dtype=np.float64)


def cross_fitted(outputs: Floats, seed: int, learn: Callable[[Ints, Ints], Floats]) -> Floats:
    """Return what every row gets from a model that was learned without it, shape (n_rows, n_outputs).

    Parameters
    ----------
    outputs : numpy.ndarray
        The target, shape (n_rows, n_outputs).
    seed : int
        Which rows are in one fold; their targets have no say in it.
    learn : callable
        Takes the positions of rows to learn from and of those to answer for, and returns the answers.
    """
    values = np.empty(outputs.shape)
    for inside in folds(len(outputs), FOLDS, seed):
        if inside.any():
            values[inside] = learn(np.flatnonzero(~inside), np.flatnonzero(inside))
    return values


def credible_means(codes: Ints, n_codes: int, outputs: Floats) -> tuple[Floats, Floats]:
    """Return the mean of each output by code, drawn to the mean of all, and that mean.

    A mean of n rows counts n / (n + m), where m is how much rows of one code vary, divided by how much codes do, both
    estimated from these rows. Where codes vary no more than chance lets them, all get the mean of all.

    Parameters
    ----------
    codes : numpy.ndarray
        int64 of shape (n_rows,), from 0 to `n_codes` - 1.
    n_codes : int
        How many codes there are.
    outputs : numpy.ndarray
        Shape (n_rows, n_outputs).

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (n_codes, n_outputs) and (n_outputs,).

    References
    ----------
    Micci-Barreca, D. (2001). A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems. SIGKDD Explorations 3 (1), 27-32.

    Bühlmann, H. and Straub, E. (1970). Glaubwürdigkeit für Schadensätze. Mitteilungen der Vereinigung Schweizerischer
    Versicherungsmathematiker 70, 111-133. Equation numbers aside, m is their ratio of s² to a.

    Examples
    --------
    >>> means, prior = credible_means(np.array([0, 0, 1, 1, 1]), 3, np.array([[1.0], [1.0], [0.0], [0.0], [0.0]]))
    >>> means.ravel().tolist(), prior.tolist()
    ([1.0, 0.0, 0.4], [0.4])
    """
    n_rows, n_outputs = outputs.shape
    counts = np.bincount(codes, minlength=n_codes).astype(np.float64)
    known = np.maximum(counts, 1.0)
    n_known = int((counts > 0).sum())
    prior = outputs.mean(axis=0) if n_rows else np.zeros(n_outputs)
    means = np.tile(prior, (n_codes, 1))
    if n_rows <= n_known or n_known < 2:
        return means, prior
    for j in range(n_outputs):
        own = np.where(counts > 0, np.bincount(codes, weights=outputs[:, j], minlength=n_codes) / known, prior[j])
        within = float(((outputs[:, j] - own[codes]) ** 2).sum()) / (n_rows - n_known)
        apart = float((counts * (own - prior[j]) ** 2).sum())
        between = (apart - (n_known - 1) * within) / (n_rows - float((counts**2).sum()) / n_rows)
        if between > 0:
            trust = counts / np.maximum(counts + within / between, 1e-300)
            means[:, j] = trust * own + (1.0 - trust) * prior[j]
    return means, prior


def tells(answers: Floats, outputs: Floats) -> bool:
    """Whether answers that were given without a row's own target go with it more than chance lets them.

    Of any output the correlation over n rows is more than five times 1 / sqrt(n), which is how far it strays by chance.
    A weak column's own error costs trees more than it tells them.
    """
    return bool((correlations(answers, outputs) > SURE / np.sqrt(max(1, len(outputs)))).any())


def correlations(answers: Floats, outputs: Floats) -> Floats:
    """Return Pearson's correlation of each pair of columns, shape (n_outputs,); 0 where one is constant."""
    ours, theirs = answers - answers.mean(axis=0), outputs - outputs.mean(axis=0)
    norms = np.sqrt((ours**2).sum(axis=0) * (theirs**2).sum(axis=0))
    found: Floats = np.divide((ours * theirs).sum(axis=0), norms, out=np.zeros(len(norms)), where=norms > 1e-12)
    return found


@dataclass(frozen=True)
class TargetMeans:
    """The mean of the target where a text occurs; the mean of all for one that training rows never had."""

    lookup: dict[str, list[float]]
    missing: list[float]
    unknown: list[float]

    @property
    def dense(self) -> tuple[str, ...]:
        """One number an output."""
        n = len(self.unknown)
        return (" target",) if n == 1 else tuple(f" target {i}" for i in range(n))

    @property
    def indicators(self) -> tuple[str, ...]:
        """None."""
        return ()

    def of(self, text: str | None) -> list[float]:
        """Return the means for one text."""
        return self.lookup.get(text, self.unknown) if isinstance(text, str) else self.missing


def target_means(column: Distinct, outputs: Floats, seed: int, most: int) -> tuple[TargetMeans, Floats]:
    """Return the means over all training rows, and what those rows themselves get, shape (n_rows, n_outputs)."""
    n_codes = len(column.texts) + 1

    def learn(outside: Ints, inside: Ints) -> Floats:
        means, _ = credible_means(column.codes[outside], n_codes, outputs[outside])
        answers: Floats = means[column.codes[inside]]
        return answers

    means, prior = credible_means(column.codes, n_codes, outputs)
    counts = column.counts()
    # A text that one row has says less of itself than the mean of all does.
    lookup = {text: means[i].tolist() for i, text in frequent(column, most) if counts[i] > 1}
    view = TargetMeans(lookup, means[-1].tolist(), prior.tolist())
    return view, cross_fitted(outputs, seed, learn)
