"""Multi-layer perceptrons that stop early, and answer one row as they answer a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import (
    Valid,
    known_valid,
    log_loss,
    softmax,
    squared_loss,
    two_sided,
)
from penstock.models.estimators.side_by_side import SideBySide, Singles
from penstock.pieces import Pieces
from penstock.rowwise import layered

Held = tuple[Floats, npt.NDArray[np.generic], Floats | None] | None
# Cells of rows as pieces that are kept for all epochs: 160 MB, and twice that while they are made. Of more rows, each
# batch is made anew.
MOST_CELLS = 40_000_000
# Scores of tested rows that are kept of every epoch: 16 MB.
MOST_KEPT = 4_000_000
# exp(60) is finite in single precision.
MOST_ODDS = 60.0


class _Perceptron(BaseEstimator):
    """The mean of some networks of rectified units, learned side by side by Adam; their weights are what is kept.

    Parameters
    ----------
    layers : sequence of int
        Units of each hidden layer.
    nets : int
        How many networks there are.
    pieces : int
        Into how many pieces a column of numbers is divided at most; 0 for none.
    epochs : int
        How often all rows are gone through, where there are no rows to stop on.
    most, patience : int
        Where there are: most epochs, and how many without getting better end them.
    learning_rate : float
        Adam's.
    l2 : float
        Penalty on weights.
    batch : int
        Most rows of a step.
    seed : int
        Where the weights begin, and the order of rows.
    """

    # What was said of the rows to stop on; nothing where there were none.
    _way: Sequence[Singles] = ()

    def __init__(
        self,
        *,
        layers: Sequence[int] = (64, 32),
        nets: int = 4,
        pieces: int = 16,
        epochs: int = 30,
        learning_rate: float = 0.002,
        l2: float = 1e-4,
        batch: int = 256,
        most: int = 200,
        patience: int = 12,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.nets = nets
        self.pieces = pieces
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.l2 = l2
        self.batch = batch
        self.most = most
        self.patience = patience
        self.seed = seed

    def _learn(
        self,
        X: Floats,
        truth: Singles,
        weights: Floats | None,
        held: Held,
        answer: Callable[[Singles], Singles],
        loss_of: Callable[[npt.NDArray[np.generic], Floats, Floats | None], float],
    ) -> None:
        """Learn `truth` of shape (n_rows, n_outputs), from which the slope of the loss is how far an answer is off."""
        random = np.random.default_rng(self.seed)
        self.n_features_in_ = X.shape[1]
        self.pieces_ = Pieces.learn(X, self.pieces).data() if self.pieces else None
        rows = _Rows(X, self.pieces_)
        counts = None if weights is None else (weights / np.mean(weights)).astype(np.float32)[:, None]
        nets = SideBySide((rows.width, *self.layers, truth.shape[1]), self.nets, random)
        tested = None if held is None else _Rows(held[0], self.pieces_)
        least, since, self.rounds_, kept = np.inf, 0, 0, nets.state.copy()
        way: list[Singles] = []
        for epoch in range(1, 1 + (self.epochs if held is None else self.most)):
            for chosen in self._batches(random.permutation(len(X))):
                off = _slopes(answer, truth[chosen], None if counts is None else counts[chosen])
                nets.step(rows.of(chosen), off, self.learning_rate, self.l2)
            if held is None or tested is None:
                self.rounds_ = epoch
                continue
            scores = tested.scores(nets)
            if scores.size * self.most <= MOST_KEPT:
                way.append(scores.astype(np.float32))
            loss = loss_of(held[1], scores, held[2])
            since += 1
            if loss < least:
                least, since, self.rounds_, kept = loss, 0, epoch, nets.state.copy()
            if since >= self.patience or not np.isfinite(loss):
                break
        self.__dict__.pop("_way", None)
        if held is not None:
            nets.state[:] = kept
            self._way = way
        self.weights_, self.biases_ = nets.layers()

    def _answer(self, scores: Floats) -> Floats:
        raise NotImplementedError

    def on_the_way(self) -> list[Floats]:
        """Return what it said of the rows to stop on after each epoch; nothing where that would be too much to keep."""
        return [self._answer(scores.astype(np.float64)) for scores in self._way]

    def _batches(self, order: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
        # At least ten steps an epoch, or a small table would be learned in a handful.
        size = min(int(np.clip(len(order) // 10, 8, self.batch)), len(order))
        each = [order[start : start + size] for start in range(0, len(order), size)]
        # A step of a few rows is as large as any other; in other epochs these rows stand elsewhere.
        return each if len(each) == 1 or 2 * len(each[-1]) >= size else each[:-1]

    def _raw(self, X: Floats) -> Floats:
        """Return the mean of the networks' scores, shape (n_rows, n_outputs)."""
        pieces = getattr(self, "pieces_", None)
        return layered(X if pieces is None else Pieces.made(pieces).of(X), self.weights_, self.biases_)


class PerceptronClassifier(ClassifierMixin, _Perceptron):
    """Perceptrons for labels."""

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,); stop where `valid` says so."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        held = known_valid(valid, self.classes_)
        if len(self.classes_) > 2:
            truth, answer = np.eye(len(self.classes_), dtype=np.float32)[codes], _shares
        else:
            truth, answer = codes[:, None].astype(np.float32), _share
        self._learn(X, truth, sample_weight, held, answer, _log_loss)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self._answer(self._raw(X))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _answer(self, scores: Floats) -> Floats:
        return _likely(scores)


class PerceptronRegressor(RegressorMixin, _Perceptron):
    """Perceptrons for numbers, by squared error, on a target that is scaled for the fit."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None, valid: Valid | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,); stop where `valid` says so."""
        self.centre_, spread = float(np.average(y, weights=sample_weight)), float(np.std(y))
        self.spread_ = spread if spread > 0 else 1.0
        held = known_valid(valid, None)
        if held is not None:
            held = (held[0], (held[1].astype(np.float64) - self.centre_) / self.spread_, held[2])
        truth = ((y - self.centre_) / self.spread_).astype(np.float32)[:, None]
        self._learn(X, truth, sample_weight, held, np.asarray, _squared_loss)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._answer(self._raw(X))

    def _answer(self, scores: Floats) -> Floats:
        return np.asarray(self.centre_ + self.spread_ * scores[:, 0])


class _Rows:
    """Rows as networks take them: as pieces, in single precision, all at once where there is room for that."""

    def __init__(self, X: Floats, pieces: dict[str, Any] | None) -> None:
        self._X, self._pieces = X, None if pieces is None else Pieces.made(pieces)
        self.width = X.shape[1] if self._pieces is None else len(self._pieces.source)
        self._whole = self._made(X) if len(X) * self.width <= MOST_CELLS else None

    def of(self, chosen: npt.NDArray[np.intp]) -> Singles:
        return self._whole[chosen] if self._whole is not None else self._made(self._X[chosen])

    def scores(self, nets: SideBySide) -> Floats:
        """Return the mean of the networks' scores, shape (n_rows, n_outputs)."""
        n = len(self._X)
        step = n if self._whole is not None else max(1, MOST_CELLS // max(1, self.width))
        parts = [nets.scores(self.of(np.arange(at, min(n, at + step)))).mean(axis=0) for at in range(0, n, step)]
        return np.concatenate(parts).astype(np.float64)

    def _made(self, X: Floats) -> Singles:
        return np.asarray(X if self._pieces is None else self._pieces.of(X), dtype=np.float32)


def _slopes(
    answer: Callable[[Singles], Singles], truth: Singles, counts: Singles | None
) -> Callable[[Singles], Singles]:
    """Return how log loss and half the squared error change with scores: by how far the answer is off."""

    def slopes(scores: Singles) -> Singles:
        off = answer(scores) - truth
        return off if counts is None else off * counts

    return slopes


def _share(scores: Singles) -> Singles:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -MOST_ODDS, MOST_ODDS))))


def _shares(scores: Singles) -> Singles:
    done = np.exp(scores - scores.max(axis=2, keepdims=True))
    done /= done.sum(axis=2, keepdims=True)
    return np.asarray(done)


def _likely(raw: Floats) -> Floats:
    return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)


def _log_loss(codes: npt.NDArray[np.generic], raw: Floats, weights: Floats | None) -> float:
    return log_loss(codes.astype(np.int64), _likely(raw), weights)


def _squared_loss(y: npt.NDArray[np.generic], raw: Floats, weights: Floats | None) -> float:
    return squared_loss(y.astype(np.float64), raw[:, 0], weights)
