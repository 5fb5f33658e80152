"""A residual network with embeddings for codes: what is learned elsewhere is kept as arrays and answered in NumPy.

So a served model needs neither PyTorch nor TensorFlow, and a row alone has the bits that it has in a batch.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from penstock.metrics.weighted import Floats, Ints
from penstock.models.estimators.arithmetic import (
    Valid,
    known_valid,
    log_loss,
    products,
    softmax,
    squared_loss,
    two_sided,
)

Singles = npt.NDArray[np.float32]
# In standard deviations: farther out, the network would follow single rows.
CLIP = 6.0
MOST_EMBEDDED = 16


@dataclass(frozen=True)
class Batch:
    """Rows as a network reads them: scaled numbers with their flags, codes, target and weights."""

    numbers: Singles
    codes: Ints
    y: npt.NDArray[np.generic]
    weights: Singles


@dataclass(frozen=True)
class Weights:
    """What was learned: a table for each column of codes, and matrices of shape (n_out, n_in) with their biases."""

    tables: list[Singles]
    layers: list[tuple[Singles, Singles]]

    def scores(self, numbers: Singles, codes: Ints) -> Singles:
        """Return the last layer's scores, shape (n_rows, n_outputs)."""
        parts = [numbers, *(table[codes[:, i]] for i, table in enumerate(self.tables))]
        first, *middle, last = self.layers
        done = _layer(np.ascontiguousarray(np.concatenate(parts, axis=1)), first)
        np.maximum(done, 0, out=done)
        for inner, outer in zip(middle[::2], middle[1::2], strict=True):
            hidden = _layer(done, inner)
            done = done + _layer(np.maximum(hidden, 0), outer)
        return _layer(np.maximum(done, 0), last)


class Network(BaseEstimator):
    """What both libraries' networks share: how rows are read, when learning ends, and how they answer.

    Parameters
    ----------
    width, blocks : int
        Units of each layer, and how many residual blocks of two layers there are.
    dropout : float
        Share of units left out of each step.
    epochs : int
        How often all rows are gone through, where there are no rows to stop on.
    most, patience : int
        Where there are: most epochs, and how many without getting better end them.
    learning_rate, decay : float
        AdamW's.
    batch : int
        Most rows of a step.
    categorical : sequence of int
        Positions of columns that hold codes.
    seed : int
        Where the weights begin, the order of rows, and what is left out.
    """

    def __init__(
        self,
        *,
        width: int = 96,
        blocks: int = 2,
        dropout: float = 0.1,
        epochs: int = 30,
        learning_rate: float = 0.002,
        decay: float = 0.01,
        batch: int = 256,
        most: int = 150,
        patience: int = 16,
        categorical: Sequence[int] = (),
        seed: int = 0,
    ) -> None:
        self.width = width
        self.blocks = blocks
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.decay = decay
        self.batch = batch
        self.most = most
        self.patience = patience
        self.categorical = categorical
        self.seed = seed

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and a target of shape (n_rows,); stop where `valid` says so."""
        self.n_features_in_ = X.shape[1]
        self._read(X)
        labels = hasattr(self, "predict_proba")
        held = None
        if labels:
            self.classes_, truth = np.unique(y, return_inverse=True)
            held = known_valid(valid, self.classes_)
            outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        else:
            values = y.astype(np.float64)
            self.centre_, spread = float(np.average(values, weights=sample_weight)), float(np.std(values))
            self.spread_ = spread if spread > 0 else 1.0
            truth, outputs = (values - self.centre_) / self.spread_, 1
            if (known := known_valid(valid, None)) is not None:
                held = known[0], (known[1].astype(np.float64) - self.centre_) / self.spread_, known[2]
        ones = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight) / np.mean(sample_weight)
        rows = Batch(*self._inputs(X), truth, ones.astype(np.float32))
        inputs = None if held is None else self._inputs(held[0])

        def loss(weights: Weights) -> float:
            assert held is not None
            assert inputs is not None
            raw = weights.scores(*inputs).astype(np.float64)
            if labels:
                return log_loss(held[1].astype(np.int64), _likely(raw), held[2])
            return squared_loss(held[1].astype(np.float64), raw[:, 0], held[2])

        watch = Watch(self.epochs) if held is None else Watch(self.most, self.patience, loss)
        self._learn(rows, outputs, labels=labels, watch=watch)
        assert watch.kept is not None
        self.weights_, self.rounds_ = watch.kept, watch.best
        return self

    @abstractmethod
    def _learn(self, rows: Batch, outputs: int, *, labels: bool, watch: Watch) -> None:
        """Learn epoch after epoch, telling each one's weights to `watch`, until that says to end."""

    @property
    def embedded(self) -> list[tuple[int, int]]:
        """For each column of codes, how many there are, the unknown one counted, and how many numbers stand for one."""
        return [(n + 1, min(MOST_EMBEDDED, 1 + round(1.6 * n**0.4))) for n in self.levels_]

    def shapes(self, n_numbers: int, outputs: int) -> list[tuple[int, int]]:
        """Return (inputs, outputs) of every layer."""
        first = n_numbers + sum(size for _, size in self.embedded)
        return [(first, self.width), *[(self.width, self.width)] * (2 * self.blocks), (self.width, outputs)]

    def steps(self, n_rows: int, epoch: int) -> list[Ints]:
        """Return the rows of each step of an epoch, in an order of its own."""
        order = np.random.default_rng([self.seed, epoch]).permutation(n_rows)
        size = int(np.clip(n_rows // 10, 8, self.batch))
        return [order[start : start + size] for start in range(0, n_rows, size)]

    def begun(self, n_numbers: int, outputs: int) -> Weights:
        """Return the weights to begin with."""
        random = np.random.default_rng([self.seed, 2**32 - 1])
        tables = [random.normal(0, 0.1, shape).astype(np.float32) for shape in self.embedded]
        layers = []
        for n_in, n_out in self.shapes(n_numbers, outputs):
            bound = math.sqrt(3.0 / max(1, n_in))
            drawn = random.uniform(-bound, bound, (n_out, n_in))
            layers.append((drawn.astype(np.float32), np.zeros(n_out, dtype=np.float32)))
        return Weights(tables, layers)

    def _read(self, X: Floats) -> None:
        coded = sorted({int(c) for c in self.categorical})
        self.coded_, self.plain_ = coded, [i for i in range(X.shape[1]) if i not in coded]
        self.levels_ = [int(np.nanmax(X[:, c])) + 1 if (~np.isnan(X[:, c])).any() else 0 for c in coded]
        numbers = X[:, self.plain_]
        known = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers)
        self.middle_, deviation = np.nanmedian(known, axis=0), np.nanstd(known, axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        self.flagged_ = np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist()

    def _inputs(self, X: Floats) -> tuple[Singles, Ints]:
        numbers = X[:, self.plain_]
        gone = np.isnan(numbers)
        scaled = np.clip((numbers - self.middle_) / self.deviation_, -CLIP, CLIP)
        read = np.concatenate([np.where(gone, 0.0, scaled), gone[:, self.flagged_]], axis=1).astype(np.float32)
        levels = np.array(self.levels_, dtype=np.float64)
        codes = X[:, self.coded_]
        known = np.where(np.isnan(codes) | (codes >= levels) | (codes < 0), levels, codes)
        return read, known.astype(np.int64)

    def _raw(self, X: Floats) -> Floats:
        return self.weights_.scores(*self._inputs(X)).astype(np.float64)


class Labels:
    """Answer with labels."""

    classes_: npt.NDArray[np.generic]
    _raw: Any

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return _likely(self._raw(X))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class Numbers:
    """Answer with numbers."""

    centre_: float
    spread_: float
    _raw: Any

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(self.centre_ + self.spread_ * self._raw(X)[:, 0])


class Watch:
    """Says when to end, and keeps the best weights."""

    def __init__(self, most: int, patience: int = 0, loss: Any = None) -> None:
        self.most, self.patience, self.loss = most, patience, loss
        self.best, self.least = 0, math.inf
        self.kept: Weights | None = None

    def ends(self, epoch: int, weights: Weights) -> bool:
        """Take note of an epoch's weights; return whether it was the last."""
        if self.loss is None:
            self.best, self.kept = epoch, weights
        else:
            loss = self.loss(weights)
            if loss < self.least or self.kept is None:
                self.best, self.least, self.kept = epoch, loss, weights
            if not math.isfinite(loss) or epoch - self.best >= self.patience:
                return True
        return epoch >= self.most


def _layer(X: Singles, layer: tuple[Singles, Singles]) -> Singles:
    done: Any = products(X, layer[0])  # type: ignore[arg-type]  # 32 bits stay 32 bits
    return np.asarray(done + layer[1], dtype=np.float32)


def _likely(raw: Floats) -> Floats:
    return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)
