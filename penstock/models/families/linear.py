"""Linear models: what they are told, and where they may be used."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.encoder import EncodingKind
from penstock.models.families.base import BaseFamily
from penstock.models.families.drawing import scaled
from penstock.table import Target

# Milliseconds, measured: of a product of two vectors and a softmax, and of each thousand of coefficients.
PRODUCT = 0.02
THOUSAND = 0.003


class ScaledFamily(BaseFamily):
    """What all models of scaled numbers and one column for each level have in common."""

    encoding: ClassVar[EncodingKind] = "onehot"

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return PRODUCT + THOUSAND * n_features * max(1, len(target.labels)) / 1000


class ShrunkenFamily(ScaledFamily):
    """What the linear models with an L2 penalty share."""

    # Of classification; ridge regression chooses its own penalty.
    c: float = Field(default=0.5, gt=0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another strength of the penalty; ridge regression chooses its own."""
        return self.model_copy(update={"c": scaled(rng, 0.003, 30.0)}) if target.is_classification else self

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a regularised linear model."""
        from penstock.models.estimators.linear import PENALTIES, Logistic, Ridge

        return Logistic(C=self.c, max_iter=300) if target.is_classification else Ridge(alphas=PENALTIES)


class LinearFamily(ShrunkenFamily):
    """Logistic or ridge regression, whichever the target needs."""

    kind: Literal["linear"] = "linear"


class RidgeFamily(ScaledFamily):
    """Ridge regression, whose penalty is chosen by leave-one-out error."""

    kind: Literal["ridge"] = "ridge"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs numbers to predict, where it has labels."""
        return super().refuses(target, n_rows, n_features) or numbers_only(target, "logistic")

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return ridge regression."""
        from penstock.models.estimators.linear import PENALTIES, Ridge

        return Ridge(alphas=PENALTIES)


class LogisticFamily(ShrunkenFamily):
    """Logistic regression with an L2 penalty."""

    kind: Literal["logistic"] = "logistic"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs labels to predict, where it has numbers."""
        return super().refuses(target, n_rows, n_features) or labels_only(target, "ridge")


class SparseFamily(ScaledFamily):
    """What lasso and elastic net share: a penalty that sets coefficients to zero."""

    # Of classification; regression chooses its own penalty.
    c: float = Field(default=0.5, gt=0)
    share: ClassVar[float] = 1.0

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another strength of the penalty; regression chooses its own."""
        return self.model_copy(update={"c": scaled(rng, 0.01, 10.0)}) if target.is_classification else self

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a sparse linear model."""
        from penstock.models.estimators.linear import Logistic, Sparse

        if target.is_classification:
            return Logistic(C=self.c, l1_ratio=self.share, max_iter=300, random_state=seed)
        return Sparse(l1_ratio=self.share, alphas=40, eps=1e-4, max_iter=2_000, random_state=seed)


class LassoFamily(SparseFamily):
    """Linear or logistic regression with an L1 penalty."""

    kind: Literal["lasso"] = "lasso"


class ElasticNetFamily(SparseFamily):
    """Linear or logistic regression with half an L1 and half an L2 penalty."""

    kind: Literal["elastic_net"] = "elastic_net"
    share: ClassVar[float] = 0.5


class StochasticFamily(ScaledFamily):
    """Logistic or linear regression by averaged stochastic gradients."""

    kind: Literal["sgd"] = "sgd"
    alpha: float = Field(default=1e-4, gt=0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another strength of the penalty."""
        return self.model_copy(update={"alpha": scaled(rng, 1e-6, 1e-1)})

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a linear model that is learned a row at a time."""
        from penstock.models.estimators.linear import StochasticClassifier, StochasticRegressor

        shared = {"alpha": self.alpha, "average": True, "max_iter": 60, "tol": 1e-4, "random_state": seed}
        if target.is_classification:
            return StochasticClassifier(loss="log_loss", **shared)
        return StochasticRegressor(**shared)


def numbers_only(target: Target, instead: str) -> str:
    """Return why a family for numbers has no business with labels; empty where it has."""
    return f"it predicts numbers, and the target has labels: use {instead}" if target.is_classification else ""


def labels_only(target: Target, instead: str) -> str:
    """Return why a family for labels has no business with numbers; empty where it has."""
    return "" if target.is_classification else f"it predicts labels, and the target is a number: use {instead}"
