"""Several fitted models as one estimator: a weighted mean, one calibration map, and nothing in the way of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin

from penstock.metrics.weighted import Floats
from penstock.models.calibration import Calibration
from penstock.models.encoder import Encoder
from penstock.models.recipe import with_places_of_codes
from penstock.models.scales import PLAIN, Scale

ByEncoding = Mapping[str, Floats]


class Encoders(TransformerMixin, BaseEstimator):
    """Every encoding that a blend needs, each made once.

    Parameters
    ----------
    kinds : sequence of str
        What `Encoder` calls them.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 2.0]})
    >>> {kind: array.shape for kind, array in Encoders(("ordinal", "onehot")).fit_transform(frame).items()}
    {'ordinal': (2, 1), 'onehot': (2, 1)}
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = kinds

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # `Any`: scikit-learn passes whatever the caller has
        """Learn every encoding of a frame of shape (n_rows, n_columns)."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **params: Any) -> ByEncoding:
        """Learn every encoding, and return the rows that it was learned from."""
        self.each_ = {kind: Encoder(kind) for kind in self.kinds}  # type: ignore[arg-type]  # a family's own word
        return {kind: encoder.fit_transform(X, y, **params) for kind, encoder in self.each_.items()}

    def transform(self, X: pd.DataFrame) -> ByEncoding:
        """Return float64 of shape (n_rows, n_features) for each encoding."""
        return {kind: encoder.transform(X) for kind, encoder in self.each_.items()}

    @property
    def categorical(self) -> dict[str, list[int]]:
        """For each encoding the positions of the columns that hold codes."""
        return {kind: encoder.categorical for kind, encoder in self.each_.items()}


class Member(BaseEstimator):
    """One configuration of a blend, fitted with several seeds.

    Parameters
    ----------
    estimators : sequence of estimators
        The same but for their seeds; their plain mean counts.
    encoding : str
        Which encoding they take.
    weight : float
        What it counts in the blend.
    scale : Scale
        On which it learns the target.
    smear : float
        The factor of Duan's retransformation, from out-of-fold residuals.
    """

    def __init__(
        self,
        estimators: Sequence[Any],
        *,
        encoding: str = "ordinal",
        weight: float = 1.0,
        scale: Scale = PLAIN,
        smear: float = 1.0,
    ) -> None:
        self.estimators = estimators
        self.encoding = encoding
        self.weight = weight
        self.scale = scale
        self.smear = smear

    def fit(
        self, X: ByEncoding, y: npt.NDArray[np.generic], categorical: Mapping[str, Any], sample_weight: Any = None
    ) -> Self:
        """Fit each estimator on its encoding and the target of shape (n_rows,)."""
        learned = self.scale.to(y)
        how = {} if sample_weight is None else {"sample_weight": sample_weight}
        for estimator in self.estimators:
            with_places_of_codes(estimator, categorical.get(self.encoding, []))
            estimator.fit(X[self.encoding], learned, **how)
        return self

    def estimates(self, X: ByEncoding, ask: str) -> Floats:
        """Return what the estimators' method `ask` says on average, in the target's own units."""
        rows = X[self.encoding]
        total = np.array(getattr(self.estimators[0], ask)(rows), dtype=np.float64)
        for estimator in self.estimators[1:]:
            total += getattr(estimator, ask)(rows)
        return self.scale.back(total / len(self.estimators), self.smear)


class _Blend(BaseEstimator):
    """The weighted mean of its members.

    Parameters
    ----------
    members : sequence of Member
        Whose weights sum to 1.
    calibration : Calibration, optional
        Of a classifier, what its probabilities go through last.
    categorical : mapping of str to list of int
        For each encoding the positions of columns that hold codes.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        calibration: Calibration | None = None,
        categorical: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.members = members
        self.calibration = calibration
        self.categorical = categorical

    def _fit(self, X: ByEncoding, y: npt.NDArray[np.generic], sample_weight: Any) -> None:
        for member in self.members:
            member.fit(X, y, self.categorical or {}, sample_weight)

    def taken_as_fitted(self, y: npt.NDArray[np.generic], categorical: Mapping[str, Sequence[int]]) -> Self:
        """Take members that were fitted each by itself, on rows with the given target, as the fitted whole."""
        self.categorical = categorical
        return self

    def _mean(self, X: ByEncoding, ask: str) -> Floats:
        # Element by element and in order: a row alone gives the same bits as in a batch.
        first, *rest = self.members
        total = first.weight * first.estimates(X, ask)
        for member in rest:
            total += member.weight * member.estimates(X, ask)
        return np.asarray(total)


class BlendClassifier(ClassifierMixin, _Blend):
    """The weighted mean of probabilities, calibrated."""

    def fit(self, X: ByEncoding, y: npt.NDArray[np.generic], sample_weight: Any = None) -> Self:
        """Fit every member on its encoding and labels of shape (n_rows,)."""
        self._fit(X, y, sample_weight)
        self.classes_ = np.unique(y)
        return self

    def taken_as_fitted(self, y: npt.NDArray[np.generic], categorical: Mapping[str, Sequence[int]]) -> Self:
        """Take members that were fitted each by itself, on labels of shape (n_rows,), as the fitted whole."""
        self.classes_ = np.unique(y)
        return super().taken_as_fitted(y, categorical)

    def predict_proba(self, X: ByEncoding) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        shares = self._mean(X, "predict_proba")
        return shares if self.calibration is None else self.calibration.apply(shares, self._places)

    def predict(self, X: ByEncoding) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    @property
    def _places(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.classes_, dtype=np.int64)


class BlendRegressor(RegressorMixin, _Blend):
    """The weighted mean of values."""

    def fit(self, X: ByEncoding, y: npt.NDArray[np.generic], sample_weight: Any = None) -> Self:
        """Fit every member on its encoding and values of shape (n_rows,)."""
        self._fit(X, y, sample_weight)
        return self

    def predict(self, X: ByEncoding) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._mean(X, "predict")
