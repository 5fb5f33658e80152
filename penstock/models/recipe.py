"""A candidate as one scikit-learn Pipeline: learned steps, encoder, estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from threadpoolctl import threadpool_limits

from penstock.metrics.weighted import Floats

# What estimators call the parameter that names their columns of codes.
CATEGORICAL = ("categorical", "categorical_features")


def _gives_probabilities(recipe: Recipe) -> bool:
    return hasattr(recipe.steps[2][1], "predict_proba")


class Recipe(Pipeline):
    """The pipeline `steps`, `encode`, `model`, fitted with a fixed number of threads.

    It is a scikit-learn Pipeline, with two differences: the encoder tells the model which of its columns hold codes,
    and prediction calls the three parts directly, since the general routing costs more than a small model does.

    Parameters
    ----------
    steps : list of (str, object)
        The three parts: a transformer of frames, an `Encoder`, and an estimator.
    threads : int
        How many threads BLAS and OpenMP may use in fitting; the fitted model depends on it in the last bits.
    """

    def __init__(self, steps: list[tuple[str, Any]], *, threads: int = 1) -> None:
        super().__init__(steps)
        self.threads = threads

    def fit(self, X: pd.DataFrame, y: npt.NDArray[np.generic], **params: Any) -> Self:
        """Fit the parts in sequence on a frame of shape (n_rows, n_columns) and a target of shape (n_rows,)."""
        (_, steps), (_, encoder), (_, model) = self.steps
        with threadpool_limits(limits=self.threads):
            frame = steps.fit_transform(X, y)
            encoded = encoder.fit_transform(frame, y)
            known = model.get_params(deep=False)
            model.set_params(**{name: encoder.categorical for name in CATEGORICAL if name in known})
            model.fit(encoded, y, **params)
        return self

    def encode(self, X: pd.DataFrame) -> Floats:
        """Return what the estimator sees: float64 of shape (n_rows, n_features)."""
        encoded: Floats = self.steps[1][1].transform(self.steps[0][1].transform(X))
        return encoded

    def predict(self, X: pd.DataFrame, **params: Any) -> npt.NDArray[np.generic]:
        """Return label indices or values, shape (n_rows,)."""
        return np.asarray(self.steps[2][1].predict(self.encode(X), **params))

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: pd.DataFrame, **params: Any) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return np.asarray(self.steps[2][1].predict_proba(self.encode(X), **params))


def predictions(recipe: Recipe, X: pd.DataFrame, n_labels: int) -> Floats:
    """Return probabilities of shape (n_rows, n_labels), or values of shape (n_rows,) where there are no labels.

    A label that a fold's training rows lacked gets probability 0.
    """
    if not n_labels:
        return np.asarray(recipe.predict(X), dtype=np.float64)
    own: Floats = recipe.predict_proba(X)
    classes = recipe.steps[2][1].classes_
    if len(classes) == n_labels:
        return own
    whole = np.zeros((len(own), n_labels))
    whole[:, np.asarray(classes, dtype=np.int64)] = own
    return whole
