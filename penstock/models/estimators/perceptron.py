"""A multi-layer perceptron that stops early, and answers one row as it answers a batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import (
    Valid,
    known_valid,
    log_loss,
    products,
    softmax,
    squared_loss,
    two_sided,
)

Held = tuple[Floats, npt.NDArray[np.generic], Floats | None] | None


class _Perceptron(BaseEstimator):
    """Layers of rectified units, learned by Adam in scikit-learn, an epoch at a time; their weights are what is kept.

    Parameters
    ----------
    layers : sequence of int
        Units of each hidden layer.
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

    def __init__(
        self,
        *,
        layers: Sequence[int] = (64, 32),
        epochs: int = 30,
        learning_rate: float = 0.002,
        l2: float = 1e-4,
        batch: int = 256,
        most: int = 200,
        patience: int = 12,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.l2 = l2
        self.batch = batch
        self.most = most
        self.patience = patience
        self.seed = seed

    def _learn(
        self,
        build: type[Any],
        X: Floats,
        y: npt.NDArray[np.generic],
        weights: Floats | None,
        held: Held,
        loss_of: Callable[[npt.NDArray[np.generic], Floats, Floats | None], float],
        **known: Any,
    ) -> None:
        # At least ten steps an epoch, or a small table would be learned in a handful.
        batch = int(np.clip(len(X) // 10, 8, self.batch))
        net = build(
            hidden_layer_sizes=tuple(self.layers),
            alpha=self.l2,
            batch_size=min(batch, len(X)),
            learning_rate_init=self.learning_rate,
            random_state=self.seed,
        )
        self.n_features_in_ = X.shape[1]
        least, since, self.rounds_ = np.inf, 0, 0
        kept: tuple[list[Floats], list[Floats]] | None = None
        for epoch in range(1, 1 + (self.epochs if held is None else self.most)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                net.partial_fit(X, y, sample_weight=weights, **known)
            self.weights_, self.biases_ = [w.T for w in net.coefs_], list(net.intercepts_)
            if held is None:
                self.rounds_ = epoch
                continue
            loss = loss_of(held[1], self._raw(held[0], quick=True), held[2])
            if loss < least:
                least, since, self.rounds_ = loss, 0, epoch
                kept = [w.copy() for w in net.coefs_], [b.copy() for b in net.intercepts_]
            else:
                since += 1
            if since >= self.patience or not np.isfinite(loss):
                break
        coefficients, intercepts = kept or (net.coefs_, net.intercepts_)
        self.weights_ = [np.ascontiguousarray(w.T) for w in coefficients]
        self.biases_ = [np.asarray(b) for b in intercepts]

    def _raw(self, X: Floats, *, quick: bool = False) -> Floats:
        """Return the last layer's scores; `quick` ones, for the loss alone, add up as BLAS likes."""
        done = X
        for i, (weights, bias) in enumerate(zip(self.weights_, self.biases_, strict=True)):
            done = (done @ weights.T if quick else products(done, weights)) + bias
            if i < len(self.weights_) - 1:
                np.maximum(done, 0.0, out=done)
        return done


class PerceptronClassifier(ClassifierMixin, _Perceptron):
    """A perceptron for labels."""

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,); stop where `valid` says so."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        held = known_valid(valid, self.classes_)
        self._learn(MLPClassifier, X, codes, sample_weight, held, _log_loss, classes=np.arange(len(self.classes_)))
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return _likely(self._raw(X))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class PerceptronRegressor(RegressorMixin, _Perceptron):
    """A perceptron for numbers, by squared error, on a target that is scaled for the fit."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None, valid: Valid | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,); stop where `valid` says so."""
        self.centre_, spread = float(np.average(y, weights=sample_weight)), float(np.std(y))
        self.spread_ = spread if spread > 0 else 1.0
        held = known_valid(valid, None)
        if held is not None:
            held = (held[0], (held[1].astype(np.float64) - self.centre_) / self.spread_, held[2])
        self._learn(MLPRegressor, X, (y - self.centre_) / self.spread_, sample_weight, held, _squared_loss)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(self.centre_ + self.spread_ * self._raw(X)[:, 0])


def _likely(raw: Floats) -> Floats:
    return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)


def _log_loss(codes: npt.NDArray[np.generic], raw: Floats, weights: Floats | None) -> float:
    return log_loss(codes.astype(np.int64), _likely(raw), weights)


def _squared_loss(y: npt.NDArray[np.generic], raw: Floats, weights: Floats | None) -> float:
    return squared_loss(y.astype(np.float64), raw[:, 0], weights)
