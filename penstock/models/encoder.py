"""From a frame of numbers and text to the one float64 array that an estimator takes, a batch or a single row."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import BaseEstimator, TransformerMixin

from penstock.errors import DataError
from penstock.metrics.weighted import Floats, Ints

# Histogram boosting bins a category into at most 255 values.
MOST_ORDINAL_LEVELS = 254
MOST_ONEHOT_LEVELS = 64
# In robust standard deviations: farther out, a linear model would follow single rows.
CLIP = 8.0
# Up to here cells are looked up one by one: a column of a frame costs 10 µs to reach, a cell of a list 0.1 µs.
FEW_ROWS = 8
UNKNOWN, MISSING = -1, -2


class Encoder(TransformerMixin, BaseEstimator):
    """Encode text by look-ups learned in training; leave numbers as they are, or scale them.

    Parameters
    ----------
    kind : {"ordinal", "onehot"}
        `ordinal`, for trees: categories come first, each as its code (levels in sorted order) with NaN for a missing or
        unknown level, then numbers untouched. `onehot`, for linear models: numbers less their median, divided by a
        robust standard deviation, clipped, missing ones at the median with an indicator beside; then one column for
        each level, all zero for an unknown one.

    Attributes
    ----------
    feature_names : list of str
        Names of the output columns.
    origin : list of str
        For each output column, the input column that it comes from.
    categorical : list of int
        Positions of output columns that hold codes.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 2.0, 4.0], "colour": pd.array(["red", "blue", None], dtype="str")})
    >>> Encoder("ordinal").fit(frame).transform(frame).tolist()
    [[1.0, 1.0], [0.0, 2.0], [nan, 4.0]]
    """

    def __init__(self, kind: Literal["ordinal", "onehot"] = "ordinal") -> None:
        self.kind = kind

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # `Any`: scikit-learn passes whatever the caller has
        """Learn levels, and for `onehot` centres and scales, of a frame of shape (n_rows, n_columns)."""
        self.columns_ = [str(c) for c in X.columns]
        is_text = [_is_text(X[c]) for c in self.columns_]
        self.text_ = [i for i, text in enumerate(is_text) if text]
        self.numeric_ = [i for i, text in enumerate(is_text) if not text]
        self.has_dates_ = any(X[c].dtype.kind == "M" for c in self.columns_)
        most = MOST_ORDINAL_LEVELS if self.kind == "ordinal" else MOST_ONEHOT_LEVELS
        self.levels_ = [_frequent_levels(X[self.columns_[i]], most) for i in self.text_]
        self.lookups_ = [{level: code for code, level in enumerate(levels)} for levels in self.levels_]
        if self.kind == "onehot":
            self._fit_onehot(X)
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return float64 of shape (n_rows, n_features_out), C-contiguous.

        Raises
        ------
        DataError
            A column that was there at fitting is not there now.
        """
        if X.columns.tolist() != self.columns_:
            X = self._in_order(X)
        codes, numbers = self._few(X) if len(X) <= FEW_ROWS and not self.has_dates_ else self._many(X)
        if self.kind == "onehot":
            return self._onehot(codes, numbers)
        done = np.empty((len(numbers), len(self.columns_)))
        k = len(self.text_)
        done[:, :k] = codes
        if k:
            block = done[:, :k]
            block[block < 0] = np.nan
        done[:, k:] = numbers
        return done

    @property
    def feature_names(self) -> list[str]:
        """Names of the output columns."""
        return [name for name, _ in self._outputs()]

    @property
    def origin(self) -> list[str]:
        """For each output column, the input column that it comes from."""
        return [column for _, column in self._outputs()]

    @property
    def categorical(self) -> list[int]:
        """Positions of the output columns that hold codes."""
        return list(range(len(self.text_))) if self.kind == "ordinal" else []

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the output names, as scikit-learn asks for them."""
        return np.array(self.feature_names, dtype=object)

    def _outputs(self) -> list[tuple[str, str]]:
        text = [self.columns_[i] for i in self.text_]
        numeric = [self.columns_[i] for i in self.numeric_]
        if self.kind == "ordinal":
            return [(c, c) for c in (*text, *numeric)]
        flags = [numeric[i] for i in self.flagged_]
        named = [(c, c) for c in numeric] + [(f"{c} is missing", c) for c in flags]
        for column, levels, flagged in zip(text, self.levels_, self.flagged_text_, strict=True):
            named += [(f"{column}={level}", column) for level in levels]
            named += [(f"{column} is missing", column)] if flagged else []
        return named

    def _in_order(self, X: pd.DataFrame) -> pd.DataFrame:
        absent = [c for c in self.columns_ if c not in X.columns]
        if absent:
            raise DataError(
                f"{len(absent)} columns that the model was fitted with are not there",
                got=", ".join(repr(str(c)) for c in X.columns[:12]),
                expected=", ".join(repr(c) for c in absent[:12]),
            )
        return X[self.columns_]

    def _few(self, X: pd.DataFrame) -> tuple[Ints, Floats]:
        rows = X.to_numpy(dtype=object).tolist()
        codes = [[_code(lookup, row[i]) for i, lookup in zip(self.text_, self.lookups_, strict=True)] for row in rows]
        numbers = [[row[i] for i in self.numeric_] for row in rows]
        n = len(rows)
        return (
            np.array(codes, dtype=np.int64).reshape(n, len(self.text_)),
            np.array(numbers, dtype=np.float64).reshape(n, len(self.numeric_)),
        )

    def _many(self, X: pd.DataFrame) -> tuple[Ints, Floats]:
        codes = np.empty((len(X), len(self.text_)), dtype=np.int64)
        for k, i in enumerate(self.text_):
            codes[:, k] = _codes(X[self.columns_[i]], self.levels_[k])
        numbers = np.empty((len(X), len(self.numeric_)))
        for k, i in enumerate(self.numeric_):
            numbers[:, k] = _as_numbers(X[self.columns_[i]])
        return codes, numbers

    def _fit_onehot(self, X: pd.DataFrame) -> None:
        codes, numbers = self._many(X)
        self.centre_, self.scale_ = _robust_scale(numbers)
        self.flagged_ = np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist()
        self.flagged_text_ = (codes == MISSING).any(axis=0).tolist()
        sizes = [len(levels) + flagged for levels, flagged in zip(self.levels_, self.flagged_text_, strict=True)]
        first = len(self.numeric_) + len(self.flagged_)
        ends = first + np.cumsum([0, *sizes])
        self.starts_, self.width_ = ends[:-1].astype(np.int64), int(ends[-1])
        # Where a missing level goes; -1 where training had none, so that it counts as unknown.
        self.missing_code_ = np.array(
            [
                len(levels) if flagged else UNKNOWN
                for levels, flagged in zip(self.levels_, self.flagged_text_, strict=True)
            ],
            dtype=np.int64,
        )

    def _onehot(self, codes: Ints, numbers: Floats) -> Floats:
        done = np.zeros((len(numbers), self.width_))
        n = len(self.numeric_)
        gone = np.isnan(numbers)
        scaled = np.clip((numbers - self.centre_) / self.scale_, -CLIP, CLIP)
        done[:, :n] = np.where(gone, 0.0, scaled)
        done[:, n : n + len(self.flagged_)] = gone[:, self.flagged_]
        if len(self.text_):
            codes = np.where(codes == MISSING, self.missing_code_, codes)
            row, column = np.nonzero(codes >= 0)
            done[row, self.starts_[column] + codes[row, column]] = 1.0
        return done


def _is_text(values: pd.Series[Any]) -> bool:
    return not (pd.api.types.is_numeric_dtype(values.dtype) or values.dtype.kind == "M")


def _code(lookup: dict[str, int], value: object) -> int:
    if isinstance(value, str):
        return lookup.get(value, UNKNOWN)
    return MISSING


def _codes(values: pd.Series[Any], levels: list[str]) -> Ints:
    text = _arrow_text(values)
    found = pc.index_in(text, value_set=pa.array(levels, pa.large_string()))
    codes = pc.fill_null(found, UNKNOWN).to_numpy(zero_copy_only=False).astype(np.int64)
    codes[text.is_null().to_numpy(zero_copy_only=False)] = MISSING
    return np.asarray(codes)


def _arrow_text(values: pd.Series[Any]) -> pa.Array:
    text = pa.array(values, from_pandas=True)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    return text.cast(pa.large_string())


def _frequent_levels(values: pd.Series[Any], most: int) -> list[str]:
    counts = Counter(
        {
            str(pair["values"]): pair["counts"]
            for pair in pc.value_counts(_arrow_text(values)).to_pylist()
            if pair["values"] is not None
        }
    )
    kept = sorted(counts, key=lambda level: (-counts[level], level))[:most]
    return sorted(kept)


def _as_numbers(values: pd.Series[Any]) -> Floats:
    if values.dtype.kind == "M":
        moments = values.to_numpy(dtype="datetime64[us]")
        days = moments.astype(np.int64) / 86_400e6
        return np.where(np.isnat(moments), np.nan, days)
    return values.to_numpy(dtype=np.float64)


def _robust_scale(numbers: Floats) -> tuple[Floats, Floats]:
    """Return medians and scales of shape (n_columns,): IQR / 1.349, the deviation where that is 0, 1 for a constant."""
    if not numbers.size:
        return np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
    known = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers)
    low, centre, high = np.nanpercentile(known, [25, 50, 75], axis=0)
    scale = (high - low) / 1.349
    scale = np.where(scale > 0, scale, np.nanstd(known, axis=0))
    return centre, np.where(scale > 1e-12 * np.maximum(np.abs(centre), 1e-300), scale, 1.0)
