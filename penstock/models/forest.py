"""Random forests whose prediction walks the trees directly: a thread pool for each row costs more than the trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from penstock.metrics.weighted import Floats


class ForestClassifier(RandomForestClassifier):
    """scikit-learn's random forest for labels; one thread in prediction."""

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return _mean_of_trees(self, X)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class ForestRegressor(RandomForestRegressor):
    """scikit-learn's random forest for numbers; one thread in prediction."""

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(_mean_of_trees(self, X)[:, 0])


def _mean_of_trees(forest: RandomForestClassifier | RandomForestRegressor, X: Floats) -> Floats:
    # The dtype that scikit-learn casts to before it compares with thresholds.
    cast = np.ascontiguousarray(X, dtype=np.float32)
    trees = forest.estimators_
    total = trees[0].tree_.predict(cast).astype(np.float64)
    for tree in trees[1:]:
        total += tree.tree_.predict(cast)
    total /= len(trees)
    return np.asarray(total)
