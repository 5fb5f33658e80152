"""What any model must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sklearn.dummy import DummyClassifier, DummyRegressor

from penstock.models.families.base import BaseFamily
from penstock.models.naive import NaiveRecipe
from penstock.models.recipe import Recipe
from penstock.series.features import naive_name
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.steps.plan import Plan


class DummyFamily(BaseFamily):
    """Always the training rows' own shares, or their mean, or the seasonal naive forecast."""

    kind: Literal["dummy"] = "dummy"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a scikit-learn dummy."""
        return DummyClassifier(strategy="prior") if target.is_classification else DummyRegressor(strategy="mean")

    def pipeline(self, plan: Plan, target: Target, n_rows: int, seed: int, threads: int = 1) -> Recipe:
        """Return the unfitted pipeline; of a forecast it answers with the seasonal naive column."""
        usual = super().pipeline(plan, target, n_rows, seed, threads)
        if target.task != "forecast":
            return usual
        return NaiveRecipe(usual.steps, threads=threads, column=naive_name(target.name))
