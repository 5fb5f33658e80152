"""CatBoost on the encoder's codes; what is kept is its model's bytes, without the date and the number of the fit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import Valid, known_valid, softmax, two_sided

Held = tuple[Floats, npt.NDArray[np.generic], Floats | None] | None
# CatBoost notes down when it fitted, and gives each fit a number: no part of the model.
PASSING = ("train_finish_time", "model_guid")


class _CatBoost(BaseEstimator):
    """CatBoost behind scikit-learn's interface, with one thread in prediction.

    Parameters
    ----------
    trees : int
        Boosting rounds, where there are no rows to stop on.
    most, patience : int
        Where there are: most rounds, and how many without getting better end them.
    learning_rate : float
        Shrinkage of each round.
    depth : int
        Depth of its trees, which are symmetric.
    l2 : float
        Penalty on leaf values.
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
        depth: int = 6,
        l2: float = 3.0,
        most: int = 2_000,
        patience: int = 60,
        categorical: Sequence[int] = (),
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.trees = trees
        self.learning_rate = learning_rate
        self.depth = depth
        self.l2 = l2
        self.most = most
        self.patience = patience
        self.categorical = categorical
        self.seed = seed
        self.threads = threads

    def _train(
        self, loss: str, X: Floats, y: npt.NDArray[np.generic], weights: Floats | None, held: Held, n_outputs: int
    ) -> None:
        from catboost import CatBoost, Pool

        codes = [int(c) for c in self.categorical]
        model = CatBoost(
            {
                "loss_function": loss,
                "iterations": self.trees if held is None else self.most,
                "learning_rate": self.learning_rate,
                "depth": self.depth,
                "l2_leaf_reg": self.l2,
                "random_seed": self.seed,
                "thread_count": self.threads,
                "allow_writing_files": False,
                "verbose": 0,
            }
        )
        data = Pool(self._objects(X), y, weight=weights, cat_features=codes)
        if held is None:
            model.fit(data)
        else:
            watched = Pool(self._objects(held[0]), held[1], weight=held[2], cat_features=codes)
            model.fit(data, eval_set=watched, early_stopping_rounds=self.patience, use_best_model=True)
        told = model.get_metadata()
        for name in PASSING:
            if name in told.keys():  # noqa: SIM118 - its mapping has no `in` of its own
                del told[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.cbm")
            model.save_model(str(path))
            self.model_ = path.read_bytes()
        self.rounds_ = int(model.tree_count_)
        self.n_outputs_, self.n_features_in_ = n_outputs, X.shape[1]
        self.__dict__.pop("booster_", None)

    @cached_property
    def booster_(self) -> Any:
        """The model as CatBoost has it."""
        from catboost import CatBoost

        booster = CatBoost()
        booster.load_model(blob=self.model_)
        return booster

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("booster_", None)
        return state

    def _objects(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return numbers as they are, and codes as whole numbers, -1 for a missing one."""
        if not len(self.categorical):
            return X
        mixed = X.astype(object)
        for column in self.categorical:
            mixed[:, column] = np.where(np.isnan(X[:, column]), -1.0, X[:, column]).astype(np.int64)
        return mixed

    def _raw(self, X: Floats) -> Floats:
        told = self.booster_.predict(self._objects(X), prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(told, dtype=np.float64).reshape(len(X), self.n_outputs_)


class CatBoostClassifier(ClassifierMixin, _CatBoost):
    """CatBoost for labels."""

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,); stop where `valid` says so."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        n = len(self.classes_)
        held = known_valid(valid, self.classes_)
        self._train("Logloss" if n == 2 else "MultiClass", X, codes, sample_weight, held, 1 if n == 2 else n)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = self._raw(X)
        return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class CatBoostRegressor(RegressorMixin, _CatBoost):
    """CatBoost for numbers, by squared error."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None, valid: Valid | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,); stop where `valid` says so."""
        self._train("RMSE", X, y, sample_weight, known_valid(valid, None), 1)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._raw(X)[:, 0]
