"""Gradient boosting as this project uses it: native categories, fixed threads, and nothing in the way of one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from penstock.metrics.weighted import Floats

if TYPE_CHECKING:
    from lightgbm import Booster


class _LightGBM(BaseEstimator):
    """LightGBM's own training loop behind scikit-learn's interface.

    LightGBM's scikit-learn classes give every array feature names and then warn that arrays have none; they also read
    the thread count of prediction from the fit. Here arrays are arrays, and prediction has one thread.

    Parameters
    ----------
    trees : int
        Boosting rounds.
    learning_rate : float
        Shrinkage of each round.
    leaves : int
        Most leaves of a tree.
    min_rows : int
        Fewest rows of a leaf.
    l2 : float
        Penalty on leaf values.
    columns, rows : float
        Share of columns for each tree, and of rows for each round.
    categorical : sequence of int
        Positions of columns that hold codes.
    seed, threads : int
        The fitted model depends on both, and on nothing else but the data.
    """

    def __init__(
        self,
        *,
        trees: int = 300,
        learning_rate: float = 0.05,
        leaves: int = 31,
        min_rows: int = 20,
        l2: float = 1.0,
        columns: float = 0.8,
        rows: float = 0.8,
        categorical: Sequence[int] = (),
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_rows = min_rows
        self.l2 = l2
        self.columns = columns
        self.rows = rows
        self.categorical = categorical
        self.seed = seed
        self.threads = threads

    def _train(self, X: Floats, y: npt.NDArray[np.generic], objective: dict[str, Any], weight: Floats | None) -> None:
        import lightgbm

        # A leaf of twenty rows is much of a table of a hundred.
        min_rows = max(2, min(self.min_rows, len(X) // 20))
        parameters = {
            **objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": min_rows,
            "lambda_l2": self.l2,
            "feature_fraction": self.columns,
            "bagging_fraction": self.rows,
            "bagging_freq": 1 if self.rows < 1 else 0,
            "cat_smooth": 20.0,
            "min_data_per_group": min(100, 5 * min_rows),
            "seed": self.seed,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
            # Prediction must not depend on what else was set: missing stays missing, zero stays zero.
            "use_missing": True,
            "zero_as_missing": False,
        }
        codes = [int(c) for c in self.categorical]
        data = lightgbm.Dataset(X, label=y, weight=weight, categorical_feature=codes, params=parameters)
        self.booster_: Booster = lightgbm.train(parameters, data, num_boost_round=self.trees)
        self.n_features_in_ = X.shape[1]

    def _values(self, X: Floats) -> Floats:
        return np.asarray(self.booster_.predict(X, num_threads=1, validate_features=False), dtype=np.float64)


class LightGBMClassifier(ClassifierMixin, _LightGBM):
    """LightGBM for labels."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features), and labels and weights of shape (n_rows,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) == 2:
            objective: dict[str, Any] = {"objective": "binary"}
        else:
            objective = {"objective": "multiclass", "num_class": len(self.classes_)}
        self._train(X, codes, objective, sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        values = self._values(X)
        return np.column_stack([1.0 - values, values]) if values.ndim == 1 else values

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class LightGBMRegressor(RegressorMixin, _LightGBM):
    """LightGBM for numbers, by squared error."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features), and values and weights of shape (n_rows,)."""
        self._train(X, y, {"objective": "regression"}, sample_weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._values(X)


class _OwnCodes:
    """Let histogram boosting take the encoder's codes as they are.

    scikit-learn puts a ColumnTransformer with an OrdinalEncoder before its trees, at 2 ms a call. On codes that the
    encoder has made (0, 1, 2, … without a gap, unknown ones NaN, categories before numbers) that is the identity.
    """

    _preprocessor: Any  # scikit-learn's ColumnTransformer, or None

    def _preprocess_X(self, X: Any, *, reset: bool) -> Any:  # the name and shape are scikit-learn's
        if reset:
            return super()._preprocess_X(X, reset=True)  # type: ignore[misc]
        return np.ascontiguousarray(X, dtype=np.float64)

    def _raw_predict(self, X: Any, n_threads: int | None = None) -> Any:
        return super()._raw_predict(X, n_threads=n_threads or 1)  # type: ignore[misc]


class HistogramClassifier(_OwnCodes, HistGradientBoostingClassifier):
    """scikit-learn's histogram gradient boosting for labels."""


class HistogramRegressor(_OwnCodes, HistGradientBoostingRegressor):
    """scikit-learn's histogram gradient boosting for numbers."""
