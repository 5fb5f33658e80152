"""Isolated extremes are found, and heavy tails are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.steps.outliers.isolated import Isolated


def flagged(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the values that become missing, by column."""
    after = Isolated().learn(train).apply(rows)
    gone = {name: rows[name][after[name].isna() & rows[name].notna()] for name in rows}
    return {name: sorted(values.tolist()) for name, values in gone.items() if len(values)}


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    """Return the thirty genuine measurements of the sample."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).data


@pytest.mark.parametrize("seed", range(5))
def test_no_genuine_measurement_is_touched(measured, seed):
    """The thirty real columns have long tails, and not one value of them is called a mistake."""
    train = measured[np.random.default_rng(seed).random(len(measured)) < 0.8]
    assert flagged(train, measured) == {}


@pytest.mark.parametrize("n_spoiled", [1, 4])
def test_cells_a_thousand_times_too_large_are_found_in_every_column(measured, n_spoiled):
    """A slipped decimal point is found wherever it stands, and nothing else with it."""
    spoiled = measured.copy()
    at = np.random.default_rng(0).choice(len(spoiled), n_spoiled, replace=False)
    # The middle half of each column, so that a thousandfold value is impossible and not zero.
    spoiled.iloc[at] = spoiled.median().to_numpy() * 1000 * np.linspace(1, 1.3, n_spoiled)[:, None]
    found = flagged(spoiled, spoiled)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(measured.columns, n_spoiled)


def test_a_mistake_that_only_a_later_row_has_is_found_too(measured):
    """Fences are learned from clean training rows as well."""
    later = pd.DataFrame([measured.iloc[0], measured.median() * 1000, measured.iloc[2]]).reset_index(drop=True)
    found = flagged(measured, later)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(measured.columns, 1)


@pytest.mark.parametrize("n", [60, 1000, 20_000])
@pytest.mark.parametrize("seed", range(8))
def test_heavy_tails_are_left_alone(n, seed):
    """Log-normal values with sigma 1.5, exponential ones, Student's t and counts are ordinary."""
    rng = np.random.default_rng([n, seed])
    tails = pd.DataFrame(
        {
            "lognormal": rng.lognormal(0, 1.5, n),
            "exponential": rng.exponential(size=n),
            "normal": rng.normal(size=n),
            "negative": -rng.lognormal(0, 1.5, n),
            "count": rng.poisson(3, n).astype(float),
            "mostly_zero": np.where(rng.random(n) < 0.9, 0.0, rng.lognormal(8, 1, n)),
        }
    )
    assert flagged(tails, tails) == {}


def test_a_column_with_few_values_or_no_spread_has_no_fences():
    """Where nothing can be said, nothing is done."""
    few = pd.DataFrame({"few": [*range(40), 1e9], "same": [1.0] * 40 + [1e9]})
    constant = pd.DataFrame({"same": [1.0] * 400 + [1e9] * 3, "gone": [np.nan] * 403})
    assert flagged(few.astype(float), few.astype(float)) == {}
    assert flagged(constant, constant) == {}
    assert Isolated().learn(constant).describe() == {"fences": {"same": [None, None], "gone": [None, None]}}


def test_more_than_the_allowed_share_is_no_mistake_but_a_group():
    """Three hundred of ten thousand that lie far out are something, not a slip of the pen."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(size=9_700), rng.normal(1000, 1, 300)])
    assert flagged(pd.DataFrame({"x": values}), pd.DataFrame({"x": values})) == {}


def test_real_tables_lose_only_their_known_mistakes(shared):
    """Of three real tables only three cells go, and those three are impossible: a diamond of 58.9 mm, say."""
    diamonds = pd.read_csv(shared / "data/diamonds/diamonds.csv").select_dtypes("number").astype(float)
    housing = pd.read_csv(shared / "data/california_housing/housing.csv").select_dtypes("number").astype(float)
    adult = pd.read_csv(shared / "data/adult/adult-train.csv", header=None).select_dtypes("number").astype(float)
    for seed in range(3):
        train = np.random.default_rng(seed).random(len(diamonds)) < 0.8
        assert flagged(diamonds[train], diamonds) == {"y": [31.8, 58.9], "z": [31.8]}
    assert flagged(housing, housing) == {}
    assert flagged(adult, adult) == {}
