from __future__ import annotations

import io
import typing
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from penstock.bundle.canonical import content_digest
from penstock.metrics.scores import score
from penstock.models import families as module
from penstock.models.families import (
    FAMILIES,
    BaseFamily,
    BuiltIn,
    DummyFamily,
    ElasticNetFamily,
    ExtraTreesFamily,
    ForestFamily,
    GaussianBayesFamily,
    GradientFamily,
    HistogramFamily,
    LassoFamily,
    LightGBMFamily,
    LinearFamily,
    LogisticFamily,
    NeighboursFamily,
    OwnFamily,
    PerceptronFamily,
    RidgeFamily,
    StochasticFamily,
    TreeFamily,
    VectorsFamily,
    XGBoostFamily,
    families_for,
)
from penstock.models.recipe import predictions
from penstock.models.training import fit_rows
from penstock.steps.plan import Plan
from penstock.table import TableSchema
from tests.unit.models.making import TARGETS, frame, training

# Few trees: what holds for twenty holds for six hundred.
EVERY = (
    DummyFamily(),
    LinearFamily(),
    LightGBMFamily(trees=40),
    HistogramFamily(trees=30),
    ForestFamily(trees=25),
    ExtraTreesFamily(trees=25),
    XGBoostFamily(trees=40),
    PerceptronFamily(epochs=40),
    RidgeFamily(),
    LogisticFamily(),
    LassoFamily(),
    ElasticNetFamily(),
    StochasticFamily(),
    GaussianBayesFamily(),
    TreeFamily(),
    NeighboursFamily(),
    VectorsFamily(),
    GradientFamily(trees=40),
)
REAL = EVERY[1:]
TASKS = ("binary", "multiclass", "regression")
# Every family with every task that is its business.
PAIRS = [
    pytest.param(family, task, id=f"{family.kind}-{task}")
    for family in EVERY
    for task in TASKS
    if not family.refuses(TARGETS[task], 240, 4)
]


def test_every_family_is_in_the_union() -> None:
    """A family that is in no union could be named in no spec."""

    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(k) for k in kind.__subclasses__()))

    union = set(typing.get_args(typing.get_args(BuiltIn)[0]))
    written = {k for k in below(BaseFamily) if k.__module__.startswith(module.__name__) and "kind" in k.model_fields}  # type: ignore[attr-defined]
    # What the user names has no default name, and is looked up nowhere.
    written -= {OwnFamily}
    assert written == union, f"add to `Family` in {module.__name__}: {written - union}"
    assert set(FAMILIES) == union, f"add to `FAMILIES` in {module.__name__}: {union - set(FAMILIES)}"


@pytest.mark.parametrize(("family", "task"), PAIRS)
def test_a_batch_is_predicted_as_its_rows_one_at_a_time(family: BaseFamily, task: str) -> None:
    """Bit for bit, with unknown levels and missing values, and nothing to warn of."""
    given = training(task)
    n_labels = len(given.target.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recipe = fit_rows(given, family, np.arange(len(given.y)))
        rows = frame(30, seed=5)
        rows.loc[3, "colour"] = "never seen"
        rows.loc[4] = [np.nan, None, np.nan, None]
        whole = predictions(recipe, rows, n_labels)
        single = [predictions(recipe, rows.iloc[[i]].reset_index(drop=True), n_labels) for i in range(len(rows))]
    np.testing.assert_array_equal(whole, np.concatenate(single))
    assert np.isfinite(whole).all()
    if n_labels:
        np.testing.assert_allclose(whole.sum(axis=1), 1.0)


@pytest.mark.parametrize(("family", "task"), [pair for pair in PAIRS if pair.values[0] is not EVERY[0]])
def test_a_family_learns_what_there_is_to_learn(family: BaseFamily, task: str) -> None:
    """On rows that it has not seen it is better than the dummy by far."""
    given = training(task, n=600)
    learn, test = np.arange(400), np.arange(400, 600)
    metric = {"binary": "roc_auc", "multiclass": "roc_auc", "regression": "r2"}[task]
    guessed = predictions(fit_rows(given, family, learn), given.cut.iloc[test], len(given.target.labels))
    assert score(given.target, metric, given.y[test], guessed) > (0.5 if task == "regression" else 0.8)


CLASSIFIERS = [pair for pair in PAIRS if pair.values[1] == "binary"] + [pytest.param(RidgeFamily(), "regression")]


@pytest.mark.parametrize(("family", "task"), CLASSIFIERS)
def test_the_same_seed_gives_the_same_model(family: BaseFamily, task: str) -> None:
    """Fitted twice, and read back from its bytes, it has one content digest."""
    given = training(task)
    every = np.arange(len(given.y))
    one, other = fit_rows(given, family, every), fit_rows(given, family, every)
    sink = io.BytesIO()
    joblib.dump(one, sink)
    digests = {
        content_digest(recipe, TableSchema(columns=()), {}, {})
        for recipe in (one, other, joblib.load(io.BytesIO(sink.getvalue())))
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "family", [family for family in EVERY if not family.refuses(TARGETS["binary"], 240, 4)], ids=lambda f: f.kind
)
def test_a_recipe_is_a_scikit_learn_pipeline(family: BaseFamily) -> None:
    """It can be cloned, and its three parts are named."""
    given = training("binary")
    recipe = fit_rows(given, family, np.arange(len(given.y)))
    assert isinstance(recipe, Pipeline)
    assert [name for name, _ in recipe.steps] == ["steps", "encode", "model"]
    again = clone(recipe).fit(given.cut, given.y)
    np.testing.assert_array_equal(again.predict_proba(given.cut), recipe.predict_proba(given.cut))
    np.testing.assert_array_equal(
        recipe.classes_[recipe.predict_proba(given.cut).argmax(axis=1)], recipe.predict(given.cut)
    )


def test_a_regressor_gives_no_probabilities() -> None:
    """Whoever asks whether it does must be told the truth."""
    given = training("regression")
    for family in EVERY:
        if family.refuses(given.target, 240, 4):
            continue
        assert not hasattr(fit_rows(given, family, np.arange(len(given.y))), "predict_proba")


def test_a_label_that_the_rows_lack_has_probability_zero() -> None:
    """The columns of probabilities are the target's labels, whatever a fold held."""
    given = training("multiclass")
    without = np.flatnonzero(given.y != 1)
    for family in EVERY:
        if family.refuses(given.target, 160, 4):
            continue
        guessed = predictions(fit_rows(given, family, without), given.cut, 3)
        assert guessed.shape == (len(given.y), 3)
        assert (guessed[:, 1] == 0).all()


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_histogram_boosting_predicts_as_scikit_learns_own_way_does(task: str) -> None:
    """The short cut round its ColumnTransformer changes no bit."""
    given = training(task, plan=Plan())
    recipe = fit_rows(given, HistogramFamily(trees=30), np.arange(len(given.y)))
    model, encoded = recipe.steps[2][1], recipe.encode(given.cut)
    assert model.is_categorical_.tolist() == [True, True, False, False]
    slow = HistGradientBoostingClassifier()
    slow.__dict__.update(model.__dict__)
    np.testing.assert_array_equal(model.predict_proba(encoded), slow.predict_proba(encoded))


@pytest.mark.parametrize("task", TASKS)
def test_a_forest_predicts_as_scikit_learns_own_way_does(task: str) -> None:
    """Walking the trees directly changes nothing but the time."""
    given = training(task, plan=Plan())
    recipe = fit_rows(given, ForestFamily(trees=25), np.arange(len(given.y)))
    model, encoded = recipe.steps[2][1], recipe.encode(given.cut)
    slow = RandomForestRegressor() if task == "regression" else RandomForestClassifier()
    slow.__dict__.update(model.__dict__)
    if task == "regression":
        np.testing.assert_allclose(model.predict(encoded), slow.predict(encoded), rtol=1e-12)
    else:
        np.testing.assert_allclose(model.predict_proba(encoded), slow.predict_proba(encoded), rtol=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_linear_model_predicts_as_scikit_learns_own_way_does(task: str) -> None:
    """The softmax written out is scikit-learn's."""
    given = training(task)
    recipe = fit_rows(given, LinearFamily(), np.arange(len(given.y)))
    model, encoded = recipe.steps[2][1], recipe.encode(given.cut)
    slow = LogisticRegression()
    slow.__dict__.update(model.__dict__)
    np.testing.assert_allclose(model.predict_proba(encoded), slow.predict_proba(encoded), rtol=1e-9)


def test_families_are_tried_in_an_order_that_gives_something_good_early() -> None:
    """Whatever order the spec names them in, the dummy first and the slowest last."""
    named = families_for(("random_forest", "hist_gradient_boosting", "linear", "lightgbm"))
    assert [f.kind for f in named] == ["dummy", "linear", "lightgbm", "hist_gradient_boosting", "random_forest"]


def test_lightgbm_knows_which_columns_hold_codes() -> None:
    """Codes taken for numbers would order what has no order."""
    given = training("binary", plan=Plan())
    recipe = fit_rows(given, LightGBMFamily(trees=20), np.arange(len(given.y)))
    assert recipe.steps[2][1].categorical == [0, 1]
    assert "num_cat=0" not in recipe.steps[2][1].booster_.model_to_string().split("Tree=1", 1)[0]
