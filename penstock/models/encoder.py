"""From a frame of numbers and text to the one float64 array that an estimator takes, a batch or a single row."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from penstock.metrics.weighted import Floats
from penstock.models.encoding.column import TextColumn, TextRules
from penstock.models.encoding.dates import Moments
from penstock.models.encoding.encoding import Encoding, moments_at
from penstock.models.encoding.numbers import RankNormal, Robust, bound
from penstock.models.encoding.target import outputs_of
from penstock.models.encoding.texts import Distinct

EncodingKind = Literal["ordinal", "target", "onehot", "quantile"]

# Histogram boosting bins a category into at most 255 values.
MOST_ORDINAL_LEVELS = 254
MOST_ONEHOT_LEVELS = 64
# Codes of two levels are an indicator; among more, a tree that knows no categories would cut at their alphabet.
MOST_PLAIN_LEVELS = 2

RULES: dict[EncodingKind, TextRules] = {
    "ordinal": TextRules(codes=MOST_ORDINAL_LEVELS),
    "target": TextRules(codes=MOST_PLAIN_LEVELS),
    "onehot": TextRules(indicators=MOST_ONEHOT_LEVELS),
    "quantile": TextRules(indicators=MOST_ONEHOT_LEVELS),
}


class Encoder(TransformerMixin, BaseEstimator, Encoding):
    """Encode texts and dates by what training told of them; leave numbers as they are, or scale them.

    Parameters
    ----------
    kind : {"ordinal", "target", "onehot", "quantile"}
        How a column is encoded.

        - `ordinal`, for trees that know categories: these come first, each as its code (levels in sorted order) with
          NaN for a missing or unknown level, then numbers untouched.
        - `target`, for trees that know none: instead of codes of more than two levels the mean of the target where a
          level occurs.
        - `onehot`, for linear models: numbers less their median, divided by a robust standard deviation, clipped; a
          missing one is at the median, with an indicator beside; then one column for each level, all zero for an
          unknown one.
        - `quantile`, for models that want smooth columns of one size: as `onehot`, but numbers become the normal scores
          of their ranks.

        A column of more levels than these hold (254, 2, 64, 64) gets means of the target and how frequent a level is;
        one of several words also what its words say of the target, its length, and indicators of frequent words. Dates
        become days, and parts of the calendar that vary; for `onehot` and `quantile` as sines and cosines.
    seed : int
        Which training rows are in one fold when means of the target are taken out of fold.

    Attributes
    ----------
    feature_names : list of str
        Names of the output columns.
    origin : list of str
        For each output column, the input column that it comes from.
    categorical : list of int
        Positions of output columns that hold codes.

    Notes
    -----
    What `fit_transform` gives for training rows differs from what `transform` gives for the same rows as later ones:
    whatever has to do with the target comes from other training rows only, so that no row sees its own.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 2.0, 4.0], "colour": pd.array(["red", "blue", None], dtype="str")})
    >>> Encoder("ordinal").fit(frame).transform(frame).tolist()
    [[1.0, 1.0], [0.0, 2.0], [nan, 4.0]]
    """

    def __init__(self, kind: EncodingKind = "ordinal", seed: int = 0) -> None:
        self.kind = kind
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # `Any`: scikit-learn passes whatever the caller has
        """Learn from a frame of shape (n_rows, n_columns) and, where there is one, a target of shape (n_rows,).

        Whole numbers and booleans are labels, floats are values. Without a target no mean of it is among the outputs.
        """
        self._learn(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **params: Any) -> Floats:
        """Learn, and return the training rows as a model should see them, shape (n_rows, n_features_out)."""
        return self.scaled(self._learn(X, y))

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return float64 of shape (n_rows, n_features_out), C-contiguous.

        Raises
        ------
        DataError
            A column that was there at fitting is not there now.
        """
        return self.encoded(X)

    @property
    def feature_names(self) -> list[str]:
        """Names of the output columns."""
        return [name for name, _ in self.outputs_]

    @property
    def origin(self) -> list[str]:
        """For each output column, the input column that it comes from."""
        return [column for _, column in self.outputs_]

    @property
    def categorical(self) -> list[int]:
        """Positions of the output columns that hold codes."""
        return list(range(self.n_codes_))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the output names, as scikit-learn asks for them."""
        return np.array(self.feature_names, dtype=object)

    @property
    def _scales(self) -> bool:
        return self.kind in ("onehot", "quantile")

    def _learn(self, X: pd.DataFrame, y: Any) -> Floats:
        self.columns_ = [str(c) for c in X.columns]
        outputs = outputs_of(None if y is None else np.asarray(y))
        places: dict[str, list[int]] = {"numbers": [], "moments": [], "texts": []}
        for i, dtype in enumerate(X.dtypes):
            kind = "moments" if dtype.kind == "M" else "numbers" if pd.api.types.is_numeric_dtype(dtype) else "texts"
            places[kind].append(i)
        self.number_at_, self.moment_at_, self.text_at_ = places["numbers"], places["moments"], places["texts"]
        self.moments_ = [Moments.learn(moments_at(X, i), self._scales) for i in self.moment_at_]
        learned = [
            TextColumn.learn(Distinct.of(X[self.columns_[i]]), outputs, RULES[self.kind], self.seed)
            for i in self.text_at_
        ]
        self.texts_ = [column for column, _ in learned]
        self.scaler_: Robust | RankNormal | None = None
        self.flagged_: list[int] = []
        made: list[Moments | TextColumn] = [*self.moments_, *self.texts_]
        self.n_codes_ = sum(column.codes is not None for column in self.texts_)
        self.n_dense_ = len(self.number_at_) + sum(len(part.dense) for part in made)
        self.n_indicators_ = sum(len(part.indicators) for part in made)
        encoded = self._many(X, [training for _, training in learned])
        if self._scales:
            numbers = encoded[:, self.n_codes_ : self.n_codes_ + self.n_dense_]
            bound(numbers)
            self.scaler_ = (Robust if self.kind == "onehot" else RankNormal).learn(numbers)
            self.flagged_ = np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist()
            encoded = np.concatenate([encoded, np.empty((len(X), len(self.flagged_)))], axis=1)
        self.outputs_ = self._named()
        return encoded

    def _named(self) -> list[tuple[str, str]]:
        """Return the name of each output column, and the input column that it comes from."""
        numbers, moments, texts = (
            [self.columns_[i] for i in at] for at in (self.number_at_, self.moment_at_, self.text_at_)
        )
        made: list[tuple[str, Moments | TextColumn]] = [*zip(moments, self.moments_, strict=True)]
        made += zip(texts, self.texts_, strict=True)
        codes = [(name, name) for name, column in zip(texts, self.texts_, strict=True) if column.codes is not None]
        dense = [(name, name) for name in numbers]
        dense += [(name + end, name) for name, part in made for end in part.dense]
        flags = [(f"{dense[i][0]} is missing", dense[i][1]) for i in self.flagged_]
        indicators = [(name + end, name) for name, part in made for end in part.indicators]
        return [*codes, *dense, *indicators, *flags]
