"""CatBoost's trees, which ask for statistics of categories that its own library alone can make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from penstock.bundle.kernel.engines.engine import Arrays, Floats
from penstock.bundle.kernel.engines.predictor import checked
from penstock.errors import BundleError


class SymmetricTrees:
    """A CatBoost model, asked on one thread.

    Parameters
    ----------
    encoding : str
        What rows it takes.
    model : bytes
        In CatBoost's own binary form.
    n_features, width : int
        Of a row, and how many scores there are.
    categorical : sequence of int
        Positions of columns that hold codes.

    Raises
    ------
    BundleError
        CatBoost is not installed, or does not know the model.
    """

    kind: ClassVar[str] = "symmetric trees"

    def __init__(self, encoding: str, model: bytes, n_features: int, width: int, categorical: Sequence[int]) -> None:
        try:
            from catboost import CatBoost, CatBoostError
        except ImportError as e:
            raise BundleError(
                "The kernel needs CatBoost", got="no catboost", todo="Install it: pip install 'penstock[catboost]'."
            ) from e
        self.encoding, self.n_features, self.width = encoding, n_features, width
        self._bytes, self._categorical = model, [int(c) for c in categorical]
        self._model = CatBoost()
        try:
            self._model.load_model(blob=model)
        except CatBoostError as e:
            raise BundleError("CatBoost refuses the kernel's model", todo="Publish the model again.") from e

    def scores(self, X: Floats) -> Floats:
        """Return log odds, scores of all labels, or values, shape (n_rows, width)."""
        rows: Any = checked(X, self.n_features)
        if self._categorical:
            # It takes whole numbers for codes, here -1 for a missing one, and those only among objects.
            rows = rows.astype(object)
            for column in self._categorical:
                rows[:, column] = np.where(np.isnan(X[:, column]), -1.0, X[:, column]).astype(np.int64)
        told = self._model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(told, dtype=np.float64).reshape(len(X), self.width)

    def data(self) -> Arrays:
        """Return the model's bytes, and what it reads."""
        return {
            "model": np.frombuffer(self._bytes, dtype=np.uint8),
            "shape": np.array([self.n_features, self.width]),
            "categorical": np.array(self._categorical, dtype=np.int64),
        }

    @classmethod
    def made(cls, encoding: str, data: Any) -> SymmetricTrees:
        """Return it from its arrays."""
        n_features, width = data["shape"].tolist()
        return cls(encoding, data["model"].tobytes(), n_features, width, data["categorical"].tolist())
