"""Why an answer is what it is, through a sealed bundle: raw columns, every family, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deploy.commands.predict import predict
from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from penstock.errors import BundleError, RequestError
from penstock.models.families import (
    BaseFamily,
    ForestFamily,
    HistogramFamily,
    LightGBMFamily,
    LinearFamily,
    PerceptronFamily,
    XGBoostFamily,
)
from penstock.reasons import Explanation, explain
from tests.unit.bundle.making import PASSED, make, raw_rows, small

EXACT = (LinearFamily, LightGBMFamily, XGBoostFamily, ForestFamily, HistogramFamily)


def sealed(artifacts: Path, kind: type[BaseFamily], task: str = "binary") -> Bundle:
    publish(artifacts, "churn", make(task, family=small(kind), n=100, report=None).parts, PASSED)
    return Bundle.load(artifacts / "models" / "churn")


def there(explanations: list[Explanation | None]) -> list[Explanation]:
    return [e for e in explanations if e is not None]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("kind", EXACT, ids=lambda kind: str(kind.model_fields["kind"].default))
def test_contributions_of_raw_columns_sum_to_the_score(kind: type[BaseFamily], task: str, artifacts: Path) -> None:
    """Calculated for trees and linear models, and the score is the one that is answered."""
    bundle = sealed(artifacts, kind, task)
    rows = raw_rows(5, 3)
    answers = bundle.predict(rows)
    for i, told in enumerate(there(explain(bundle, rows))):
        assert told.method == "exact"
        score = answers.estimates[i] if task == "regression" else answers.probabilities[i].max()  # type: ignore[index]
        if task == "binary":
            score = answers.estimates[i, 1]
        assert told.score == score
        assert told.base + sum(told.contributions.values()) == pytest.approx(told.score, abs=1e-12)
        assert set(told.contributions) == {"age", "income", "member", "city", "since", "share", "secret"}


def test_a_model_that_is_no_sum_is_explained_by_draws_and_says_so(artifacts: Path) -> None:
    """The same ones each time, with how sure they are."""
    bundle = sealed(artifacts, PerceptronFamily)
    rows = raw_rows(2, 3)
    first, again = there(explain(bundle, rows)), there(explain(bundle, rows))
    assert first == again
    for told in first:
        assert (told.method, told.error > 0) == ("sampled", True)
        assert told.base + sum(told.contributions.values()) == pytest.approx(told.score, abs=1e-12)
        assert told.to_json()["standard_error"] == told.error


def test_reasons_are_the_largest_contributions_in_words(artifacts: Path) -> None:
    """Without the values of cells: these are the caller's, and may be private."""
    told = there(explain(sealed(artifacts, LinearFamily), raw_rows(1, 3)))[0]
    largest = next(iter(told.contributions))
    assert abs(told.contributions[largest]) == max(abs(v) for v in told.contributions.values())
    way = "raises" if told.contributions[largest] > 0 else "lowers"
    assert told.reasons[0].startswith(f"{largest} {way} the probability of yes by ")


def test_a_row_without_a_prediction_has_no_explanation(artifacts: Path) -> None:
    """There is nothing to explain, and the other rows are not to suffer."""
    bundle = sealed(artifacts, LinearFamily)
    good = raw_rows(1, 3).to_pylist()[0]
    told = explain(bundle, [{**good, "age": "old"}, good])
    assert told[0] is None
    assert told[1] is not None


def test_more_rows_than_can_be_explained_are_refused(artifacts: Path) -> None:
    """Before any of them has cost anything."""
    bundle = sealed(artifacts, LinearFamily)
    with pytest.raises(RequestError, match="more rows than can be explained"):
        explain(bundle, raw_rows(1_001, 3))


def test_a_bundle_that_is_not_sealed_has_nothing_to_compare_with() -> None:
    """Said in words, not as an attribute that is missing."""
    with pytest.raises(BundleError, match="no such file"):
        explain(make("binary", family=small(LinearFamily), n=60, report=None).bundle, raw_rows(1))


def test_a_column_that_the_answer_does_not_hang_on_adds_nothing(artifacts: Path) -> None:
    """Identifiers are none of the contributions, and a contribution of exactly nothing is no reason."""
    told = there(explain(sealed(artifacts, LightGBMFamily), raw_rows(4, 3)))
    assert all("customer" not in t.contributions for t in told)
    assert all(np.isfinite(list(t.contributions.values())).all() for t in told)


def test_a_file_of_answers_is_explained_column_by_column(artifacts: Path, tmp_path: Path) -> None:
    """One column a contribution, in the schema's order, and the row that has no answer has none of them."""
    bundle = sealed(artifacts, LinearFamily)
    rows = raw_rows(4, 3).to_pandas()
    rows.loc[1, "age"] = "old"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    done = predict("churn", tmp_path / "rows.csv", tmp_path / "out.csv", artifacts, None, "ids", explain=True)
    told = pd.read_csv(tmp_path / "out.csv")
    added = [name for name in told.columns if name.startswith("contribution_")]
    assert done == 0
    assert added == [f"contribution_{c.name}" for c in bundle.schema.columns if c.name not in ("customer", "left")]
    sums = told["base"] + told[added].sum(axis=1)
    np.testing.assert_allclose(sums.drop(1), told["probability_yes"].drop(1), atol=1e-9)
    assert told.loc[1, ["base", *added]].isna().all()
    assert set(told["contributions_are"].dropna()) == {"exact"}
