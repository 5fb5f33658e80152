"""Outliers: which numbers lie outside, by which method, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.ensemble import IsolationForest

from penstock.blocks import Blocks
from penstock.errors import PlanError
from penstock.steps.base import Known
from penstock.steps.outliers.fences import learned_fences
from penstock.steps.outliers.forest import Forest
from penstock.steps.outliers.outliers import Outliers
from penstock.table import Domain


def column(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"a": values})


MEASURED = column([*range(1, 100), 1000.0])


@pytest.mark.parametrize(
    ("method", "factor", "low", "high"),
    [
        ("iqr", 1.5, -48.5, 149.5),
        ("zscore", 2.0, None, None),
        ("mad", 3.5, None, None),
    ],
)
def test_fences_stand_where_the_textbook_has_them(method, factor, low, high) -> None:
    """Quartiles, mean and standard deviation, median and median absolute deviation."""
    values = MEASURED["a"].to_numpy()
    if method == "iqr":
        first, third = np.quantile(values, [0.25, 0.75])
        low, high = first - factor * (third - first), third + factor * (third - first)
    elif method == "zscore":
        low, high = values.mean() - factor * values.std(), values.mean() + factor * values.std()
    else:
        middle = np.median(values)
        reach = factor * 1.482602218505602 * np.median(np.abs(values - middle))
        low, high = middle - reach, middle + reach
    found = learned_fences(("a",), [values], method, factor)
    assert found.low[0] == pytest.approx(low)
    assert found.high[0] == pytest.approx(high)


def test_a_column_that_does_not_vary_has_no_fence() -> None:
    """Neither has one of two values: its rarer one is no mistake."""
    for values in ([5.0] * 50, [0.0] * 98 + [1.0] * 2, [np.nan] * 9, [0.0] * 97 + [1.0, 2.0, 3.0]):
        for method in ("iqr", "mad"):
            fences = learned_fences(("a",), [np.array(values)], method, None)
            assert (fences.low[0], fences.high[0]) == (-np.inf, np.inf)
    flag = learned_fences(("a",), [np.array([0.0] * 98 + [1.0] * 2)], "zscore", None)
    assert flag.high[0] == np.inf


def test_each_action_does_what_it_says() -> None:
    """Flag, clip, missing; a missing value is no outlier."""
    rows = column([50.0, 9_999.0, np.nan])
    flagged = Outliers().learn(MEASURED).apply(rows)
    assert flagged["a_outlier"].tolist() == [0.0, 1.0, 0.0]
    assert flagged["a"].tolist()[:2] == [50.0, 9_999.0]
    clipped = Outliers(action="clip").learn(MEASURED)
    assert clipped.apply(rows)["a"].tolist()[:2] == [50.0, clipped.rule.high[0]]
    assert Outliers(action="missing").learn(MEASURED).apply(rows)["a"].isna().tolist() == [False, True, True]
    bounds = Outliers(method="domain", domains={"a": Domain(high=60)}, action="clip").learn(MEASURED)
    assert bounds.apply(rows)["a"].tolist()[:2] == [50.0, 60.0]


def two_clouds(n: int = 500) -> pd.DataFrame:
    """Return rows along a line: no column alone tells which row lies off it."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=n) * 0.02})


def test_an_isolation_forest_ranks_rows_as_scikit_learn_does() -> None:
    """Only the last function, which powers the depth, is left out: it turns the order round and nothing else."""
    train, rows = two_clouds(), two_clouds(200) + 0.1
    learned = Outliers(method="isolation_forest").learn(train, Known(np.zeros(len(train)), seed=5))
    forest = learned.rule
    assert isinstance(forest, Forest)
    theirs = IsolationForest(n_estimators=100, max_samples=256, random_state=5).fit(train.to_numpy(np.float32))
    depths = forest.depths(rows.to_numpy())
    scores = theirs.score_samples(rows.to_numpy(np.float32))
    normal = 2.0 * (np.log(255.0) + np.euler_gamma) - 2.0 * 255.0 / 256.0
    np.testing.assert_allclose(-(2.0 ** (-depths / (100 * normal))), scores, rtol=1e-9)


def test_an_isolation_forest_finds_rows_that_no_column_gives_away() -> None:
    """At most the share of training rows that was asked for; off the line is out, on it is not."""
    train = two_clouds()
    learned = Outliers(method="isolation_forest", share=0.1).learn(train)
    assert 0.05 < learned.apply(train)["outlier"].mean() <= 0.1
    odd = pd.DataFrame({"x": [2.0, 0.0, np.nan], "y": [-2.0, 0.0, np.nan]})
    assert learned.apply(odd)["outlier"].tolist() == [1.0, 0.0, 0.0]


def test_the_same_seed_grows_the_same_forest() -> None:
    """In any process: the seed comes from the run, and that of the step moves it."""
    train, known = two_clouds(), Known(np.zeros(500), seed=1)
    one = Outliers(method="isolation_forest", trees=9).learn(train, known)
    two = Outliers(method="isolation_forest", trees=9).learn(train, known)
    other = Outliers(method="isolation_forest", trees=9, seed=1).learn(train, known)
    values = train.to_numpy()
    assert one.rule.depths(values).tolist() == two.rule.depths(values).tolist()
    assert one.rule.depths(values).tolist() != other.rule.depths(values).tolist()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=40), st.integers(1, 40))
@settings(max_examples=40)
def test_depths_of_a_row_are_the_same_in_every_batch(values, n) -> None:
    """Bit for bit, whatever stands beside it: sums are added tree by tree."""
    learned = Outliers(method="isolation_forest", trees=12).learn(two_clouds(64)[["x"]])
    matrix = np.array(values, dtype=np.float64)[:, None]
    whole = learned.rule.depths(matrix)
    parts = np.concatenate([learned.rule.depths(matrix[i : i + n]) for i in range(0, len(matrix), n)])
    assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize(
    "bad",
    [
        {"method": "domain"},
        {"domains": {"a": Domain(low=0)}},
        {"method": "domain", "domains": {"a": Domain(low=0)}, "columns": "a"},
        {"method": "domain", "domains": {"a": Domain(values=("x",))}},
        {"method": "isolation_forest", "factor": 2.0},
        {"method": "isolation_forest", "action": "clip"},
        {"factor": 0},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(bad) -> None:
    """A spec says so before any row is read."""
    with pytest.raises(ValidationError):
        Outliers(**bad)


def test_a_flag_takes_no_name_that_is_taken() -> None:
    """Nor a column that is no number."""
    with pytest.raises(PlanError, match="'a_outlier'"):
        Outliers(columns="a").columns_after({"a": "float", "a_outlier": "float"})
    with pytest.raises(PlanError, match="'outlier'"):
        Outliers(method="isolation_forest").columns_after({"a": "float", "outlier": "float"})
    with pytest.raises(PlanError, match="'city'"):
        Outliers(method="domain", domains={"city": Domain(low=0)}).columns_after({"city": "category"})


def test_absurd_values_that_training_never_saw_move_nothing() -> None:
    """What is learned is learned from the rows that are given, and applied to others as it is."""
    learned = Outliers(method="zscore").learn(MEASURED)
    before = learned.describe()
    learned.on(Blocks.of(column([1e300, -1e300])))
    assert learned.describe() == before
    assert learned.apply(column([1e300, -1e300]))["a_outlier"].tolist() == [1.0, 1.0]
