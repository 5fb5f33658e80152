"""scikit-learn's exact gradient boosting, which looks at every threshold."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import Valid, known_valid, log_loss, softmax, squared_loss, two_sided
from penstock.models.estimators.walking import FEW_ROWS, FlatTrees, Walked, of_sklearn


class _Gradient(Walked):
    """Its trees cannot miss a value, so a missing one becomes a number below all others, which a split can tell."""

    estimators_: npt.NDArray[np.object_]
    learning_rate: float
    n_estimators: int
    most: int
    patience: int

    def __init__(
        self,
        *,
        n_estimators: int = 200,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        min_samples_leaf: int = 5,
        subsample: float = 0.8,
        max_features: float = 0.5,
        random_state: int | None = None,
        most: int = 1_000,
        patience: int = 30,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]  # of scikit-learn's estimator beside this class
            n_estimators=n_estimators,
            learning_rate=learning_rate,
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            subsample=subsample,
            max_features=max_features,
            random_state=random_state,
        )
        self.most = most
        self.patience = patience

    @cached_property
    def flat_(self) -> FlatTrees:
        """The trees for single rows, made when the first one comes."""
        return of_sklearn([tree.tree_ for tree in self.estimators_.ravel()])

    def _boost(
        self,
        X: Floats,
        y: npt.NDArray[np.generic],
        sample_weight: Floats | None,
        held: tuple[Floats, npt.NDArray[np.generic], Floats | None] | None,
    ) -> None:
        self.__dict__.pop("flat_", None)
        known = np.where(np.isnan(X).all(axis=0), 0.0, X)
        least = np.nanmin(known, axis=0)
        # Thresholds are of 32 bits: the step has to be seen there.
        self.below_ = least - np.maximum(1.0, 0.01 * np.abs(least))
        filled = self._filled(X)
        watch = None if held is None else _Watch(self._filled(held[0]), held[1], held[2], self.patience)
        usual = self.n_estimators
        try:
            self.n_estimators = usual if watch is None else max(self.most, 1)
            super().fit(filled, y, sample_weight, monitor=watch)  # type: ignore[misc]  # the other base has it
        finally:
            self.n_estimators = usual
        if watch is not None:
            self.estimators_ = self.estimators_[: watch.best + 1]
        self.n_estimators_ = self.rounds_ = len(self.estimators_)
        self.start_ = np.asarray(self._raw_predict_init(filled[:1])[0], dtype=np.float64)  # type: ignore[attr-defined]

    def _filled(self, X: Floats) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(np.where(np.isnan(X), self.below_, X), dtype=np.float32)

    def _sums(self, X: Floats) -> Floats:
        rows = self._filled(X)
        if len(rows) <= FEW_ROWS:
            return np.asarray(self.flat_.sums(rows, self.start_, self.learning_rate), dtype=np.float64)
        total = np.tile(self.start_, (len(rows), 1))
        for round_ in self.estimators_:
            for k, tree in enumerate(round_):
                total[:, k] += tree.tree_.predict(rows)[:, 0] * self.learning_rate
        return total


class _Watch:
    """Ends the rounds where the loss of held rows has got no better for a while."""

    def __init__(
        self, X: npt.NDArray[np.float32], y: npt.NDArray[np.generic], weights: Floats | None, patience: int
    ) -> None:
        self.X, self.y, self.weights, self.patience = X, y, weights, patience
        self.best, self.least = 0, np.inf
        self.raw: Floats | None = None

    def __call__(self, i: int, model: Any, frame: Any) -> bool:
        """Take note of a round that has just been learned."""
        if self.raw is None:
            self.raw = np.asarray(model._raw_predict_init(self.X), dtype=np.float64)
        for k, tree in enumerate(model.estimators_[i]):
            self.raw[:, k] += model.learning_rate * tree.tree_.predict(self.X)[:, 0]
        loss = self._loss(self.raw, labels=hasattr(model, "predict_proba"))
        if loss < self.least:
            self.best, self.least = i, loss
        return i - self.best >= self.patience

    def _loss(self, raw: Floats, *, labels: bool) -> float:
        if not labels:
            return squared_loss(self.y.astype(np.float64), raw[:, 0], self.weights)
        likely = two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)
        return log_loss(self.y.astype(np.int64), likely, self.weights)


class GradientClassifier(_Gradient, GradientBoostingClassifier):
    """Gradient boosting for labels; `n_estimators` rounds, or up to `most` where it may stop."""

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,); stop where `valid` says so."""
        self._boost(X, y, sample_weight, known_valid(valid, np.unique(y)))
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = self._sums(X)
        return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class GradientRegressor(_Gradient, GradientBoostingRegressor):
    """Gradient boosting for numbers, by squared error; `n_estimators` rounds, or up to `most` where it may stop."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None, valid: Valid | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,); stop where `valid` says so."""
        self._boost(X, y, sample_weight, known_valid(valid, None))
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._sums(X)[:, 0]
