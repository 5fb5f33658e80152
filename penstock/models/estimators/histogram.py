"""scikit-learn's histogram gradient boosting on the encoder's own codes, with nothing in the way of one row."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import Valid, known_valid
from penstock.models.estimators.walking import FEW_ROWS, FlatTrees, Walked, of_histogram


class _OwnCodes(Walked):
    """Let histogram boosting take the encoder's codes as they are.

    scikit-learn puts a ColumnTransformer with an OrdinalEncoder before its trees, at 2 ms a call. On codes that the
    encoder has made (0, 1, 2, … without a gap, unknown ones NaN, categories before numbers) that is the identity.
    """

    _preprocessor: Any  # scikit-learn's ColumnTransformer, or None
    _predictors: list[list[Any]]
    _baseline_prediction: Floats
    _bin_mapper: Any
    validation_score_: Floats
    max_iter: int
    most: int
    patience: int

    def __init__(
        self,
        *,
        max_iter: int = 200,
        learning_rate: float = 0.05,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 20,
        l2_regularization: float = 1.0,
        max_features: float = 1.0,
        categorical_features: Any = None,
        random_state: int | None = None,
        most: int = 2_000,
        patience: int = 50,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]  # of scikit-learn's estimator beside this class
            max_iter=max_iter,
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
            categorical_features=categorical_features,
            random_state=random_state,
            early_stopping=False,
        )
        self.most = most
        self.patience = patience

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and a target of shape (n_rows,).

        With `valid`, up to `most` rounds end where its loss has got no better for `patience` of them; the best stay.
        """
        self.__dict__.pop("flat_", None)
        classes = np.unique(y) if hasattr(self, "predict_proba") else None
        held = known_valid(valid, classes)
        if held is None:
            super().fit(X, y, sample_weight)  # type: ignore[misc]  # the other base has it
        else:
            truth = held[1] if classes is None else classes[held[1]]
            usual, self.max_iter = self.max_iter, max(self.most, 1)
            self.early_stopping, self.n_iter_no_change = True, self.patience
            try:
                super().fit(X, y, sample_weight, X_val=held[0], y_val=truth, sample_weight_val=held[2])  # type: ignore[misc]
            finally:
                self.early_stopping, self.max_iter = False, usual
            # The first score is that of no round; scikit-learn keeps the rounds that brought nothing.
            best = int(np.argmax(np.asarray(self.validation_score_)))
            self._predictors = self._predictors[: max(1, best)]
        self.rounds_ = len(self._predictors)
        return self

    @cached_property
    def flat_(self) -> FlatTrees:
        """The trees for single rows, made when the first one comes."""
        known, position = self._bin_mapper.make_known_categories_bitsets()
        return of_histogram([tree for round_ in self._predictors for tree in round_], known, position)

    def _preprocess_X(self, X: Any, *, reset: bool) -> Any:  # the name and shape are scikit-learn's
        if reset:
            return super()._preprocess_X(X, reset=True)  # type: ignore[misc]
        return np.ascontiguousarray(X, dtype=np.float64)

    def _raw_predict(self, X: Any, n_threads: int | None = None) -> Any:
        if not getattr(self, "_in_fit", False) and len(X) <= FEW_ROWS and self._predictors:
            return self.flat_.sums(np.asarray(X, dtype=np.float64), self._baseline_prediction[0])
        return super()._raw_predict(X, n_threads=n_threads or 1)  # type: ignore[misc]


class HistogramClassifier(_OwnCodes, HistGradientBoostingClassifier):
    """scikit-learn's histogram gradient boosting for labels; `max_iter` rounds, or up to `most` where it may stop."""


class HistogramRegressor(_OwnCodes, HistGradientBoostingRegressor):
    """scikit-learn's histogram gradient boosting for numbers; `max_iter` rounds, or up to `most` where it may stop."""
