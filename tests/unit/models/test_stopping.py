"""Families that stop early, and what a configuration may be."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from penstock.models.families import (
    FAMILIES,
    BaseFamily,
    ExtraTreesFamily,
    ForestFamily,
    GammaFamily,
    GradientFamily,
    HistogramFamily,
    LightGBMFamily,
    PerceptronFamily,
    PoissonFamily,
    Refusal,
    TweedieFamily,
    XGBoostFamily,
)
from penstock.table import Target
from tests.unit.models.making import TARGETS

STOPPING = (LightGBMFamily, XGBoostFamily, HistogramFamily, GradientFamily, PerceptronFamily)
KINDS = [pytest.param(kind, id=str(kind.model_fields["kind"].default)) for kind in FAMILIES]


def numbers(task: str, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 4))
    score = X[:, 0] + X[:, 1] * X[:, 2] + random.normal(0, 1.5, n)
    if task == "regression":
        return X, score
    cuts = [0.5] if task == "binary" else [0.33, 0.67]
    return X, np.searchsorted(np.quantile(score, cuts), score)


def test_every_family_that_says_so_stops() -> None:
    """None is left out of the tests here; the extras' are tested where their libraries are."""
    assert {k for k in FAMILIES if k.stops_early and not k.package} == set(STOPPING)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("kind", STOPPING, ids=lambda kind: kind.__name__)
def test_learning_ends_where_held_rows_say_so(kind: type[BaseFamily], task: str) -> None:
    """In noise it ends early, the best rounds stay, and as many learned anew are the same model."""
    X, y = numbers(task)
    learn, held = slice(0, 350), slice(350, 500)
    family = kind(learning_rate=0.2) if "trees" in kind.model_fields else kind(learning_rate=0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopped = family.estimator(TARGETS[task], 350, 3, 1).fit(X[learn], y[learn], valid=(X[held], y[held]))
        again = family.with_rounds(stopped.rounds_).estimator(TARGETS[task], 350, 3, 1).fit(X[learn], y[learn])
    assert 1 <= stopped.rounds_ < 400
    assert again.rounds_ == stopped.rounds_
    told = "predict" if task == "regression" else "predict_proba"
    np.testing.assert_allclose(getattr(stopped, told)(X), getattr(again, told)(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", STOPPING, ids=lambda kind: kind.__name__)
def test_held_rows_of_unknown_labels_are_left_out(kind: type[BaseFamily]) -> None:
    """A rare label may be in the held rows alone."""
    X, y = numbers("multiclass")
    learn = np.flatnonzero(y[:350] != 2)
    model = kind().estimator(TARGETS["multiclass"], 350, 3, 1).fit(X[learn], y[learn], valid=(X[350:], y[350:]))
    assert model.predict_proba(X).shape == (500, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_count(kind: type[BaseFamily]) -> None:
    """Where columns tell nothing, the answer leans to the heavy rows."""
    # Leaves of one row have nothing to weigh.
    family = kind(smallest_leaf=0.1) if issubclass(kind, ForestFamily | ExtraTreesFamily) else kind()
    if kind.absent():
        pytest.skip(kind.absent())
    task = next(t for t in TARGETS if not family.refuses(TARGETS[t], 300, 1))
    X, asked = np.random.default_rng(1).normal(size=(2, 300, 1))
    y = np.arange(300) % 2
    weights = np.where(y == 1, 9.0, 1.0)
    values = y if task == "binary" else y + 1.0
    model = family.estimator(TARGETS[task], 300, 0, 1).fit(X, values, sample_weight=weights)
    heavy = model.predict_proba(asked)[:, 1].mean() if task == "binary" else model.predict(asked).mean() - 1
    assert heavy > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_that_is_drawn_is_one_that_can_be_written_down(kind: type[BaseFamily]) -> None:
    """Every drawn one is valid, and the same for the same generator."""
    target = Target(name="y", task="regression")
    drawn = [kind().varied(np.random.default_rng(i % 3), target, 5_000) for i in range(6)]
    assert drawn[:3] == drawn[3:]
    assert [kind.model_validate(one.model_dump()) for one in drawn] == drawn
    for one in (*drawn, *kind.portfolio(target, 5_000, 10)):
        assert 0 < one.cost(target, 5_000, 10) < 5
    assert len(set(kind.portfolio(target, 5_000, 10))) == len(kind.portfolio(target, 5_000, 10))


@pytest.mark.parametrize(
    ("kind", "bad", "why"),
    [(PoissonFamily, -1.0, "negative"), (TweedieFamily, -1.0, "negative"), (GammaFamily, 0.0, "zero or negative")],
)
def test_a_target_out_of_a_models_domain_is_refused_in_words(kind: type[BaseFamily], bad: float, why: str) -> None:
    """Such a model gives no probability to it."""
    X, y = numbers("regression")
    y = np.exp(y / 3)
    model = kind().estimator(TARGETS["regression"], 500, 0, 1).fit(X, y)
    assert np.corrcoef(np.log(model.predict(X)), np.log(y))[0, 1] > 0.3
    y[7] = bad
    with pytest.raises(Refusal, match=f"the target is {why} in 1 of 500 rows"):
        kind().estimator(TARGETS["regression"], 500, 0, 1).fit(X, y)
