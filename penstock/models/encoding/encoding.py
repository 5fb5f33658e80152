"""A fitted encoding: from a frame, or the cells of a row, to the array that an estimator takes. It learns nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from penstock.errors import DataError
from penstock.metrics.weighted import Floats
from penstock.models.encoding.column import TextColumn
from penstock.models.encoding.dates import Moments
from penstock.models.encoding.numbers import RankNormal, Robust, bound
from penstock.models.encoding.texts import Distinct

# Up to here cells are looked up one by one: a column of a frame costs 10 µs to reach, a cell of a list 0.1 µs.
FEW_ROWS = 8
# What an encoding is, by the names of its attributes.
STATE = (
    "columns_",
    "number_at_",
    "moment_at_",
    "text_at_",
    "moments_",
    "texts_",
    "scaler_",
    "flagged_",
    "n_codes_",
    "n_dense_",
    "n_indicators_",
)


class Encoding:
    """What stands for rows in an array: codes, numbers, indicators, and flags of missing numbers, in this order.

    Attributes
    ----------
    columns_ : list of str
        The columns that it was learned from.
    number_at_, moment_at_, text_at_ : list of int
        Which of them are numbers, moments and texts.
    moments_, texts_ : list
        What was learned of moments and texts.
    scaler_ : Robust or RankNormal, optional
        How numbers are scaled.
    flagged_ : list of int
        Which numbers have a column that says where they are missing.
    n_codes_, n_dense_, n_indicators_ : int
        How many columns there are of each sort.
    """

    columns_: list[str]
    number_at_: list[int]
    moment_at_: list[int]
    text_at_: list[int]
    moments_: list[Moments]
    texts_: list[TextColumn]
    scaler_: Robust | RankNormal | None
    flagged_: list[int]
    n_codes_: int
    n_dense_: int
    n_indicators_: int

    def encoded(self, X: pd.DataFrame) -> Floats:
        """Return float64 of shape (n_rows, n_features_out), C-contiguous.

        Raises
        ------
        DataError
            A column that was there at fitting is not there now.
        """
        if X.columns.tolist() != self.columns_:
            X = self._in_order(X)
        return self.scaled(self._few(X) if 0 < len(X) <= FEW_ROWS else self._many(X))

    def _in_order(self, X: pd.DataFrame) -> pd.DataFrame:
        absent = [c for c in self.columns_ if c not in X.columns]
        if absent:
            raise DataError(
                f"{len(absent)} columns that the model was fitted with are not there",
                got=", ".join(repr(str(c)) for c in X.columns[:12]),
                expected=", ".join(repr(c) for c in absent[:12]),
            )
        return X[self.columns_]

    def _few(self, X: pd.DataFrame) -> Floats:
        moments = [part.of(moments_at(X, i)).tolist() for i, part in zip(self.moment_at_, self.moments_, strict=True)]
        rows: list[list[float]] = []
        flags = [0.0] * len(self.flagged_)
        for row, cells in enumerate(X.to_numpy(dtype=object).tolist()):
            codes: list[float] = []
            dense = [cells[i] for i in self.number_at_]
            indicators: list[float] = []
            for part, values in zip(self.moments_, moments, strict=True):
                dense += values[row][: len(part.dense)]
                indicators += values[row][len(part.dense) :]
            for i, column in zip(self.text_at_, self.texts_, strict=True):
                column.add(cells[i], codes, dense, indicators)
            rows.append(codes + dense + indicators + flags)
        return np.array(rows, dtype=np.float64).reshape(len(rows), -1)

    def _many(self, X: pd.DataFrame, training: list[dict[int, Floats]] | None = None) -> Floats:
        """Return codes, numbers, indicators and room for flags; training rows with what they get out of fold."""
        n_codes, n_dense = self.n_codes_, self.n_dense_
        made = np.empty((len(X), n_codes + n_dense + self.n_indicators_ + len(self.flagged_)))
        code, number, indicator = 0, n_codes, n_codes + n_dense

        def put(place: int, values: Floats) -> int:
            made[:, place : place + values.shape[1]] = values
            return place + int(values.shape[1])

        for i in self.number_at_:
            number = put(number, X.iloc[:, i].to_numpy(dtype=np.float64)[:, None])
        for i, part in zip(self.moment_at_, self.moments_, strict=True):
            values = part.of(moments_at(X, i))
            number = put(number, values[:, : len(part.dense)])
            indicator = put(indicator, values[:, len(part.dense) :])
        for k, (i, column) in enumerate(zip(self.text_at_, self.texts_, strict=True)):
            codes, dense, indicators = column.of(Distinct.of(X.iloc[:, i]))
            code, first, number = put(code, codes), number, put(number, dense)
            indicator = put(indicator, indicators)
            for place, values in (training[k] if training else {}).items():
                put(first + place, values)
        return made

    def scaled(self, made: Floats) -> Floats:
        """Scale the numbers in place, and flag those that are missing."""
        numbers = made[:, self.n_codes_ : self.n_codes_ + self.n_dense_]
        bound(numbers)
        if self.scaler_ is not None:
            gone = np.isnan(numbers)
            numbers[...] = np.where(gone, 0.0, self.scaler_.of(numbers))
            if self.flagged_:
                made[:, -len(self.flagged_) :] = gone[:, self.flagged_]
        return made


def moments_at(X: pd.DataFrame, place: int) -> np.ndarray:
    """Return a column of moments, datetime64[us] of shape (n_rows,)."""
    return X.iloc[:, place].to_numpy(dtype="datetime64[us]")
