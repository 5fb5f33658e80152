"""Models that are fitted to be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from penstock.explain.stage import explained
from penstock.judging import judge
from penstock.metrics.metric import metric_for
from penstock.models.families import GeneralisedFamily, LeastSquaresFamily, LogOddsFamily, coefficient_table
from penstock.models.recipe import Recipe
from penstock.models.stage import train
from penstock.models.training import fit_rows
from penstock.report.measured import Measured
from penstock.slices import Modelling
from tests.unit.models.making import run_until_trained, ships, training


@pytest.fixture(autouse=True)
def statsmodels(extra: Callable[[str], None]) -> None:
    extra(LeastSquaresFamily.absent())


def fitted(family: object, task: str) -> Recipe:
    given = training(task, n=400)
    return fit_rows(given, family, np.arange(len(given.y)))  # type: ignore[arg-type]  # one of the union, which the test asks for


def test_the_table_is_statsmodels_own() -> None:
    """Estimate, error, p and interval of every column that is not made up by others, and the diagnostics."""
    import statsmodels.api as sm

    given = training("regression", n=400)
    recipe = fit_rows(given, LeastSquaresFamily(), np.arange(len(given.y)))
    told = coefficient_table(recipe)
    assert told is not None
    json.dumps(told, allow_nan=False)
    names, encoded = recipe.steps[1][1].feature_names, recipe.encode(given.cut)
    kept = [names.index(row["name"]) for row in told["rows"][1:]]
    own = sm.OLS(given.y.astype(float), np.column_stack([np.ones(len(encoded)), encoded[:, kept]])).fit()
    for what, values in (
        ("estimate", own.params),
        ("error", own.bse),
        ("p", own.pvalues),
        ("low", own.conf_int()[:, 0]),
    ):
        np.testing.assert_allclose([row[what] for row in told["rows"]], values, rtol=1e-6, atol=1e-12)
    assert told["diagnostics"]["r2"] == pytest.approx(own.rsquared)
    assert told["diagnostics"]["condition_number"] < 1e3
    assert told["notes"] != []
    assert "columns that others make up" in told["notes"][0]


def test_a_private_column_is_told_by_its_name_alone() -> None:
    """Its levels are values, and so are their estimates."""
    told = coefficient_table(fitted(LeastSquaresFamily(), "regression"), frozenset({"colour"}))
    assert told is not None
    assert [row["name"] for row in told["rows"] if row["column"] == "colour"] == ["colour"]
    assert next(row for row in told["rows"] if row["column"] == "colour")["estimate"] is None
    assert "red" not in json.dumps(told)


def test_labels_that_a_column_tells_apart_get_shrunken_estimates_and_a_word_about_it() -> None:
    """Without a penalty they would be infinite, and their errors with them."""
    given = training("binary", n=200)
    given.cut["size"] = np.where(given.y == 1, 20.0, 5.0)
    recipe = fit_rows(given, LogOddsFamily(), np.arange(200))
    told = coefficient_table(recipe)
    assert told is not None
    assert {row["error"] for row in told["rows"]} == {None}
    assert any("tell the labels apart" in note for note in told["notes"])
    assert (recipe.predict(given.cut) == given.y).mean() > 0.99


def test_log_odds_have_a_pseudo_r2() -> None:
    """The usual measure of fit where there is no R²."""
    told = coefficient_table(fitted(LogOddsFamily(), "binary"))
    assert told is not None
    assert 0.2 < told["diagnostics"]["pseudo_r2"] < 1


def test_a_generalised_model_takes_the_distribution_of_its_target() -> None:
    """Counts are Poisson, skewed amounts gamma, all else normal."""
    given = training("regression", n=300)
    strength = given.y.astype(float)
    every = np.arange(300)
    kinds = []
    for y in (np.round(np.exp(strength / 4)), np.exp(strength / 4), strength):
        given.y[:] = y
        told = coefficient_table(fit_rows(given, GeneralisedFamily(), every))
        assert told is not None
        kinds.append(told["kind"])
    assert kinds == ["poisson", "gamma", "gaussian"]


def test_the_dossier_shows_them(tmp_path: Path) -> None:
    """A model that was fitted to be read is there to be read."""
    run = run_until_trained(ships(300, task="regression"), tmp_path, columns={"colour": {"private": True}})
    modelling = Modelling(families=("ols",), folds=2, trials=1)
    trained = train(run.wrangled, modelling, run.spec.typing, 5, run.store)
    assert trained.family == "ols"
    judged = judge(run.wrangled, trained, run.store.read_frame(run.wrangled.sides), run.store)
    told = explained(run.wrangled, trained, judged, metric_for("regression"), 3, run.store)["coefficients"]
    read = Measured.model_validate({"coefficients": told}).coefficients
    assert read is not None
    assert {"intercept", "size", "colour"} <= {row.name for row in read.rows}
    assert next(row for row in read.rows if row.name == "colour").estimate is None
    assert "red" not in json.dumps(told)
