"""The plan from its cut on as a scikit-learn transformer: what every fold fits, and what every request runs through."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from penstock.blocks import Blocks
from penstock.errors import DataError
from penstock.steps.base import CellStep, Known, Learned, LearnedStep
from penstock.steps.plan import Plan
from penstock.table import closest


class PlanTransformer(TransformerMixin, BaseEstimator):
    """Learn the steps from the cut on, one after the other, and apply them.

    Parameters
    ----------
    plan : Plan
        The whole plan; its steps before the cut are not run here.
    n_labels : int
        How many labels the target has; 0 for a regression.
    seed : int
        What a step's random choices grow from.

    Attributes
    ----------
    learned_ : list of Learned or CellStep
        What runs, in order.
    feature_names_in_ : numpy.ndarray
        The columns at the cut, object array of shape (n_features_in_,).
    feature_names_out_ : tuple of str
        The columns that `transform` gives, numbers before texts.

    Examples
    --------
    >>> import pandas as pd
    >>> from penstock.steps.missing.fill import Fill
    >>> transformer = PlanTransformer(Plan(steps=(Fill(),))).fit(pd.DataFrame({"age": [30.0, 40.0, 50.0]}))
    >>> transformer.transform(pd.DataFrame({"age": [None, 7.0]}))["age"].tolist()
    [40.0, 7.0]
    """

    def __init__(self, plan: Plan, n_labels: int = 0, seed: int = 0) -> None:
        self.plan = plan
        self.n_labels = n_labels
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn from training rows.

        Parameters
        ----------
        X : pandas.DataFrame
            Typed frame at the cut, shape (n_rows, n_features).
        y : numpy.ndarray, optional
            The target, shape (n_rows,), for steps that learn from it.
        """
        self._learn(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> pd.DataFrame:
        """Learn from training rows, and return them as a model should see them.

        They differ from what `transform` gives where a step learns from the target: its values are out of fold.
        """
        return self._learn(X, y).frame()

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return rows as the steps leave them.

        Parameters
        ----------
        X : pandas.DataFrame
            Typed frame at the cut, shape (n_rows, n_features); its columns in any order.

        Returns
        -------
        pandas.DataFrame
            float64 and `str` columns, shape (n_rows, n_features_out), with a range index.

        Raises
        ------
        DataError
            A column that was there at the fit is absent.
        """
        check_is_fitted(self, "learned_")
        blocks = Blocks.of(self._ordered(X))
        for step in self.learned_:
            blocks = step.on(blocks)
        return blocks.frame()

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the columns that `transform` gives."""
        check_is_fitted(self, "learned_")
        return np.array(self.feature_names_out_, dtype=object)

    def describe(self) -> list[dict[str, Any]]:
        """Return what every step learned as JSON-able values."""
        check_is_fitted(self, "learned_")
        pairs = zip(self.plan.learned, self.learned_, strict=True)
        return [
            {"step": step.name, "learned": learned.describe() if isinstance(learned, Learned) else None}
            for step, learned in pairs
        ]

    def extended(self, X: pd.DataFrame) -> Self:
        """Return a fitted transformer that knows more recent rows as well.

        Parameters
        ----------
        X : pandas.DataFrame
            History at the cut, shape (n_rows, n_features): rows that lie before those to be predicted.
        """
        check_is_fitted(self, "learned_")
        blocks = Blocks.of(self._ordered(X))
        learned: list[Learned | CellStep] = []
        for step in self.learned_:
            longer_step = step.extended(blocks) if isinstance(step, Learned) else step
            learned.append(longer_step)
            # A later step that looks back gets of these rows what it would have got, had they been training rows.
            blocks = longer_step.on(blocks)
        longer = copy(self)
        longer.learned_ = learned
        return longer

    def _learn(self, X: pd.DataFrame, y: object) -> Blocks:
        blocks = Blocks.of(X)
        known = None if y is None else Known(np.asarray(y), self.n_labels, self.seed)
        learned: list[Learned | CellStep] = []
        for step in self.plan.learned:
            if isinstance(step, LearnedStep):
                took = step.learn_from(blocks, known)
                learned.append(took)
                blocks = took.on_training(blocks)
            elif isinstance(step, CellStep):
                learned.append(step)
                blocks = step.on(blocks)
        self.learned_ = learned
        self.feature_names_in_ = np.array(X.columns.tolist(), dtype=object)
        self.n_features_in_ = X.shape[1]
        self.feature_names_out_ = blocks.names
        return blocks

    def _ordered(self, X: pd.DataFrame) -> pd.DataFrame:
        expected = self.feature_names_in_.tolist()
        given = X.columns.tolist()
        if given == expected:
            return X
        absent = [name for name in expected if name not in set(given)]
        if absent:
            raise DataError(
                f"The rows lack the column {absent[0]!r}" + (f" and {len(absent) - 1} more" if absent[1:] else ""),
                expected=closest(absent[0], given),
                todo="Cast them by the model's schema first.",
            )
        ordered: pd.DataFrame = X[expected]
        return ordered
