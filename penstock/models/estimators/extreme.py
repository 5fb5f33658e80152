"""XGBoost's histogram method with native categories; single rows walk its trees in NumPy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import LEAST_PROBABILITY, Valid, known_valid, softmax, two_sided
from penstock.models.estimators.walking import FEW_ROWS, FlatTrees, joined

if TYPE_CHECKING:
    from xgboost import Booster

Held = tuple[Floats, npt.NDArray[np.generic], Floats | None] | None


class _XGBoost(BaseEstimator):
    """XGBoost's own training loop behind scikit-learn's interface.

    What is kept of it is the model's bytes, which are the same for the same model, and its trees as arrays.

    Parameters
    ----------
    trees : int
        Boosting rounds, where there are no rows to stop on.
    most, patience : int
        Where there are: most rounds, and how many without getting better end them.
    learning_rate : float
        Shrinkage of each round.
    depth : int
        Deepest tree; 0 for none, where `leaves` bounds it.
    leaves : int
        Most leaves, grown where they gain most; 0 for level by level.
    min_weight : float
        Least sum of second derivatives in a leaf.
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
        depth: int = 6,
        leaves: int = 0,
        min_weight: float = 1.0,
        l2: float = 1.0,
        columns: float = 0.8,
        rows: float = 0.8,
        most: int = 2_000,
        patience: int = 60,
        categorical: Sequence[int] = (),
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.trees = trees
        self.learning_rate = learning_rate
        self.depth = depth
        self.leaves = leaves
        self.min_weight = min_weight
        self.l2 = l2
        self.columns = columns
        self.rows = rows
        self.most = most
        self.patience = patience
        self.categorical = categorical
        self.seed = seed
        self.threads = threads

    def _train(
        self, X: Floats, y: npt.NDArray[np.generic], weights: Floats | None, held: Held, objective: dict[str, Any]
    ) -> None:
        import xgboost

        codes = {int(c) for c in self.categorical}
        kinds = ["c" if i in codes else "q" for i in range(X.shape[1])]
        shared = {"feature_types": kinds, "enable_categorical": bool(codes), "nthread": self.threads}
        parameters = {
            **objective,
            "tree_method": "hist",
            "learning_rate": self.learning_rate,
            "max_depth": self.depth,
            "max_leaves": self.leaves,
            "grow_policy": "lossguide" if self.leaves else "depthwise",
            "min_child_weight": self.min_weight,
            "reg_lambda": self.l2,
            "colsample_bytree": self.columns,
            "subsample": self.rows,
            "seed": self.seed,
            "nthread": self.threads,
            "verbosity": 0,
        }
        start = np.tile(self.start_, (len(X), 1)) if len(self.start_) else None
        data = xgboost.QuantileDMatrix(X, y, weight=weights, base_margin=start, **shared)
        if held is None:
            booster = xgboost.train(parameters, data, self.trees, verbose_eval=False)
        else:
            start = np.tile(self.start_, (len(held[0]), 1)) if len(self.start_) else None
            watched = xgboost.QuantileDMatrix(held[0], held[1], weight=held[2], base_margin=start, ref=data, **shared)
            stop = xgboost.callback.EarlyStopping(rounds=self.patience)
            booster = xgboost.train(
                parameters, data, self.most, evals=[(watched, "held")], callbacks=[stop], verbose_eval=False
            )
            booster = booster[: booster.best_iteration + 1]
        self.rounds_ = int(booster.num_boosted_rounds())
        self.model_ = bytes(booster.save_raw("ubj"))
        self.flat_ = of_xgboost(json.loads(bytes(booster.save_raw("json"))))
        self.n_features_in_ = X.shape[1]
        self.__dict__.pop("booster_", None)

    @cached_property
    def booster_(self) -> Booster:
        """The model as XGBoost has it, which answers batches."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.model_))
        booster.set_param({"nthread": 1})
        return booster

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("booster_", None)
        return state

    def _sums(self, X: Floats, n_outputs: int) -> Floats:
        """Return what the trees add up to, from 0; shape (n_rows, n_outputs)."""
        if len(X) <= FEW_ROWS:
            rows = np.asarray(X, dtype=np.float32)
            return self.flat_.sums(rows, np.zeros(n_outputs, dtype=np.float32)).astype(np.float64)
        told = self.booster_.inplace_predict(X, predict_type="margin", validate_features=False)
        return np.asarray(told, dtype=np.float64).reshape(len(X), n_outputs)


class XGBoostClassifier(ClassifierMixin, _XGBoost):
    """XGBoost for labels."""

    def fit(
        self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None, valid: Valid | None = None
    ) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,); stop where `valid` says so."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        shares = np.bincount(codes, weights=sample_weight) / (
            len(codes) if sample_weight is None else sum(sample_weight)
        )
        shares = np.clip(shares, LEAST_PROBABILITY, 1.0)
        # The trees begin at 0 in 32 bits, which every machine holds alike; where they start from is added afterwards.
        if len(self.classes_) == 2:
            self.start_ = np.array([np.log(shares[1] / shares[0])])
            objective: dict[str, Any] = {"objective": "binary:logistic", "base_score": 0.5}
        else:
            self.start_ = np.log(shares)
            objective = {"objective": "multi:softprob", "num_class": len(self.classes_), "base_score": 0.0}
        self._train(X, codes, sample_weight, known_valid(valid, self.classes_), objective)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = self._sums(X, len(self.start_)) + self.start_
        return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class XGBoostRegressor(RegressorMixin, _XGBoost):
    """XGBoost for numbers, by squared error, on a target that is scaled for the fit: its trees hold 32 bits."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None, valid: Valid | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,); stop where `valid` says so."""
        self.start_ = np.array([])
        self.centre_, spread = float(np.average(y, weights=sample_weight)), float(np.std(y))
        self.spread_ = spread if spread > 0 else 1.0
        held = known_valid(valid, None)
        if held is not None:
            held = (held[0], (held[1].astype(np.float64) - self.centre_) / self.spread_, held[2])
        objective = {"objective": "reg:squarederror", "base_score": 0.0}
        self._train(X, (y - self.centre_) / self.spread_, sample_weight, held, objective)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(self.centre_ + self.spread_ * self._sums(X, 1)[:, 0])


def of_xgboost(model: dict[str, Any]) -> FlatTrees:
    """Return the trees of XGBoost's JSON as flat ones; they read float32, and codes."""
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    roots, children, depth, columns = joined(
        [np.array(t["left_children"]) for t in trees],
        [np.array(t["right_children"]) for t in trees],
        {
            "feature": [np.array(t["split_indices"], dtype=np.intp) for t in trees],
            "condition": [np.array(t["split_conditions"], dtype=np.float32) for t in trees],
            "missing": [np.array(t["default_left"], dtype=bool) for t in trees],
            "coded": [_coded(t) for t in trees],
        },
    )
    coded = columns["coded"]
    condition = columns["condition"].astype(np.float32)
    return FlatTrees(
        roots=roots,
        feature=columns["feature"],
        # XGBoost goes left below the condition; here it is up to the threshold.
        threshold=np.nextafter(condition, np.float32(-np.inf)),
        missing_left=columns["missing"],
        children=children,
        values=condition.reshape(-1, 1),
        depth=depth,
        row_of=np.where(coded, np.cumsum(coded) - 1, -1).astype(np.intp) if coded.any() else None,
        goes_left=_goes_left(trees) if coded.any() else None,
    )


def _coded(tree: dict[str, Any]) -> npt.NDArray[np.bool_]:
    coded = np.zeros(len(tree["left_children"]), dtype=bool)
    coded[np.array(tree["categories_nodes"], dtype=np.intp)] = True
    return coded


def _goes_left(trees: Sequence[dict[str, Any]]) -> npt.NDArray[np.bool_]:
    """Return where codes lead at each categorical split, in the order of nodes: those that it names lead right."""
    width = 1 + max(max(t["categories"], default=0) for t in trees)
    rows = []
    for tree in trees:
        parts = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
        for _, start, size in sorted(parts):
            row = np.ones(width + 1, dtype=bool)
            row[np.array(tree["categories"][start : start + size], dtype=np.intp)] = False
            rows.append(row)
    return np.array(rows)
