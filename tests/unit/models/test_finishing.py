"""The last fits: part by part, so that time can leave some of them out."""

from __future__ import annotations

import time

import numpy as np
import pytest

from penstock.models.calibration import Calibration
from penstock.models.crew import Alone
from penstock.models.families import LightGBMFamily, LinearFamily
from penstock.models.finishing import finished
from penstock.models.recipe import predictions
from penstock.models.refit import planned
from penstock.models.training import fit_recipe
from tests.unit.models.making import recipe_of, training
from tests.unit.models.test_blend import member

MAPS = {"binary": (0.1, -0.1), "multiclass": (0.0, 0.1, -0.2)}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_fitted_in_parts_it_is_what_it_is_fitted_at_once(task: str) -> None:
    """To the last bit: who fits a part, and when, must not matter."""
    given = training(task)
    map_ = Calibration(slope=0.8, biases=MAPS[task]) if task in MAPS else None
    members = [member(LightGBMFamily(trees=8), 0.6), member(LinearFamily(), 0.4)]
    plan = planned(members, given, most_ms=9.0, seconds=None)
    wanted = [np.arange(len(given.y) - 40), np.arange(len(given.y))]
    recipes, kept = finished(given, plan, map_, wanted, Alone(), None)
    assert kept == plan
    n_labels = len(given.target.labels)
    for recipe, rows in zip(recipes, wanted, strict=True):
        at_once = fit_recipe(given, recipe_of(plan, given, map_), rows)
        np.testing.assert_array_equal(
            predictions(recipe, given.cut, n_labels), predictions(at_once, given.cut, n_labels)
        )


def test_when_time_is_up_every_recipe_is_of_the_same_members_whose_weights_sum_to_one() -> None:
    """A twin that is made of other members than what is served would judge another model."""
    given = training()
    members = [member(LightGBMFamily(trees=8), 0.6), member(LinearFamily(), 0.4)]
    plan = planned(members, given, most_ms=9.0, seconds=None)
    wanted = [np.arange(200), np.arange(len(given.y))]
    recipes, kept = finished(given, plan, None, wanted, Alone(), time.monotonic() - 1)
    assert [(p.family.kind, p.bags, p.weight) for p in kept] == [("lightgbm", 1, 1.0)]
    for recipe in recipes:
        assert np.isfinite(recipe.predict_proba(given.cut)).all()
        (only,) = recipe.steps[2][1].members
        assert len(only.estimators) == 1


def test_one_estimator_without_anything_around_it_stays_a_plain_recipe() -> None:
    """Nothing is put in the way of one row that need not be there."""
    given = training()
    plan = planned([member(LinearFamily(), 1.0)], given, most_ms=9.0, seconds=None)
    (recipe,), _ = finished(given, plan, None, [np.arange(len(given.y))], Alone(), None)
    assert type(recipe.steps[2][1]).__name__ != "BlendClassifier"
