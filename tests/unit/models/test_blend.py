"""What is served: the members of an ensemble as one estimator behind one encoder of several kinds."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from penstock.bundle.canonical import content_digest
from penstock.models.blend import Encoders, Member
from penstock.models.calibration import Calibration
from penstock.models.candidates import Configured
from penstock.models.concluding import Chosen
from penstock.models.families import Family, ForestFamily, LightGBMFamily, LinearFamily
from penstock.models.recipe import Recipe, predictions
from penstock.models.refit import MOST_BAGS, planned
from penstock.models.scales import PLAIN, Scale, log_scale
from penstock.models.training import Training, fit_recipe, fit_rows
from penstock.table import TableSchema
from tests.unit.models.making import recipe_of, training


def member(family: Family, weight: float, scale: Scale = PLAIN, **more: Any) -> Chosen:
    """Return a chosen configuration that stopped nowhere and takes no time."""
    told: dict[str, Any] = {"rounds": 0, "smear": 1.0, "cost_ms": 0.5, "seconds": 0.1}
    return Chosen(Configured(family, scale), weight, **{**told, **more})


def blend(
    given: Training, members: list[Chosen], calibration: Calibration | None = None, most_ms: float = 9.0
) -> Recipe:
    """Return an unfitted recipe."""
    return recipe_of(planned(members, given, most_ms=most_ms, seconds=None), given, calibration)


def every(given: Training) -> np.ndarray:
    return np.arange(len(given.y))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_blend_is_the_weighted_mean_of_its_members(task: str) -> None:
    """Each on its own encoding, each fitted as it would be alone."""
    given = training(task)
    families = (LinearFamily(), LightGBMFamily(trees=8))
    members = [member(families[0], 0.75), member(families[1], 0.25)]
    whole = fit_recipe(given, blend(given, members, most_ms=1.0), every(given))
    n_labels = len(given.target.labels)
    alone = [predictions(fit_rows(given, family, every(given)), given.cut, n_labels) for family in families]
    np.testing.assert_allclose(predictions(whole, given.cut, n_labels), 0.75 * alone[0] + 0.25 * alone[1], rtol=1e-12)
    assert set(whole.steps[1][1].each_) == {"onehot", "ordinal"}


def test_a_row_alone_is_the_row_in_a_batch_and_survives_pickling() -> None:
    """To the last bit, calibration and all; and its digest hangs on neither."""
    given = training("multiclass")
    map_ = Calibration(slope=0.8, biases=(0.0, 0.1, -0.2))
    recipe = blend(given, [member(LinearFamily(), 0.4), member(LightGBMFamily(trees=8), 0.6)], map_)
    fitted = fit_recipe(given, recipe, every(given))
    batch = fitted.predict_proba(given.cut)
    rows = np.vstack([fitted.predict_proba(given.cut.iloc[[i]]) for i in range(30)])
    np.testing.assert_array_equal(rows, batch[:30])
    sink = io.BytesIO()
    joblib.dump(fitted, sink)
    again = joblib.load(io.BytesIO(sink.getvalue()))
    np.testing.assert_array_equal(again.predict_proba(given.cut), batch)
    digests = [content_digest(r, TableSchema(columns=()), {}, {}) for r in (fitted, again)]
    assert digests[0] == digests[1]
    assert (fitted.predict(given.cut) == batch.argmax(axis=1)).all()


def test_seeds_are_as_many_as_one_row_has_time_for_and_only_where_they_matter() -> None:
    """A linear model is the same with every seed."""
    given = training()
    members = [member(LightGBMFamily(), 0.6), member(LinearFamily(), 0.4, cost_ms=0.1)]
    assert [p.bags for p in planned(members, given, most_ms=1.7, seconds=None)] == [3, 1]
    assert [p.bags for p in planned(members, given, most_ms=99.0, seconds=None)] == [MOST_BAGS, 1]


def test_forests_get_no_more_seeds_than_a_bundle_can_hold() -> None:
    """Of many rows each seed of a forest of small leaves is millions of nodes; boosting's are few."""
    given = dataclasses.replace(training("regression"), n_sized=4_000)
    large = member(ForestFamily(smallest_leaf=0.0001, trees=200), 0.6)
    bags = [p.bags for p in planned([large, member(LightGBMFamily(), 0.4)], given, most_ms=99.0, seconds=None)]
    assert bags == [3, MOST_BAGS]
    few = dataclasses.replace(given, n_sized=500)
    assert [p.bags for p in planned([large], few, most_ms=99.0, seconds=None)] == [MOST_BAGS]


def test_where_time_is_short_seeds_go_first_and_then_the_members_that_weigh_least() -> None:
    """One member is always fitted, and what is left weighs one."""
    given = training()
    members = [member(LightGBMFamily(), 0.6), member(ForestFamily(), 0.3, seconds=5.0), member(LinearFamily(), 0.1)]
    short = planned(members, given, most_ms=99.0, seconds=0.4)
    assert [(p.chosen.configured.family.kind, p.bags) for p in short] == [("lightgbm", 2)]
    assert short[0].weight == 1.0
    assert len(planned(members, given, most_ms=99.0, seconds=1e-9)) == 1


def test_seeds_are_averaged() -> None:
    """So that chance in a fit counts less."""
    given = training("regression")
    family = LightGBMFamily(trees=10)
    several = fit_recipe(given, blend(given, [member(family, 1.0)]), every(given))
    estimators = several.steps[2][1].members[0].estimators
    assert len({e.seed for e in estimators}) == MOST_BAGS
    rows = several.encode(given.cut)["ordinal"]
    single = [e.predict(rows) for e in estimators]
    assert (single[0] != single[1]).any()
    np.testing.assert_allclose(several.predict(given.cut), np.mean(single, axis=0), rtol=1e-12)


def test_rounds_are_what_the_folds_stopped_at_and_some_more_for_more_rows() -> None:
    """All rows are half as many again as two of three folds."""
    given = training("regression")
    (plan,) = planned([member(LightGBMFamily(), 1.0, rounds=100)], given, most_ms=0.6, seconds=None)
    assert plan.rounds == round(100 * 1.5**0.3)
    fitted = fit_recipe(given, recipe_of([plan], given, None), every(given))
    assert fitted.steps[2][1].booster_.num_trees() == plan.rounds


def test_a_member_on_a_logarithm_answers_in_the_targets_own_units() -> None:
    """And it is larger by the factor of the retransformation."""
    given = training("regression")
    object.__setattr__(given, "y", np.exp(given.y))
    scale = log_scale(given.target, given.y)
    assert scale is not None
    plain, smeared = (
        fit_recipe(given, blend(given, [member(LinearFamily(), 1.0, scale, smear=s)]), every(given)).predict(given.cut)
        for s in (1.0, 1.25)
    )
    np.testing.assert_allclose(smeared, 1.25 * plain)
    assert np.corrcoef(np.log(plain), np.log(given.y))[0, 1] > 0.8


def test_scikit_learn_can_clone_it() -> None:
    """The learning curve fits the same recipe on fewer rows."""
    given = training()
    recipe = blend(given, [member(LinearFamily(), 0.5), member(LightGBMFamily(trees=5), 0.5)])
    again = clone(recipe.steps[2][1])
    assert [type(m) for m in again.members] == [Member, Member]
    assert isinstance(clone(recipe.steps[1][1]), Encoders)
