"""Imputing gives what scikit-learn's imputers give, and for a batch what its rows get one at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - the import is what allows the next
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import BayesianRidge

from penstock.steps.base import Known
from penstock.steps.missing.impute import Impute
from penstock.steps.missing.rounds import SETTLED

NAMES = ["height", "weight", "age", "dose"]


def _table(n, seed, gaps=0.25):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 2))
    values = hidden @ rng.normal(size=(2, 4)) * [10.0, 5.0, 1.0, 300.0] + [170.0, 70.0, 40.0, 1e4]
    values += rng.normal(size=values.shape)
    values[rng.random(values.shape) < gaps] = np.nan
    return pd.DataFrame(values, columns=NAMES)


def _scale(train):
    return train.mean().to_numpy(), train.std().to_numpy()


@pytest.mark.parametrize("k", [1, 5, 400])
def test_neighbours_give_what_scikit_learn_gives(k):
    """On standardised columns nan-euclidean neighbours and their mean are scikit-learn's, for empty rows too."""
    train, asked = _table(300, 1), _table(200, 2, gaps=0.5)
    asked.iloc[0] = np.nan
    mean, deviation = _scale(train)
    theirs = KNNImputer(n_neighbors=k).fit((train.to_numpy() - mean) / deviation)
    expected = theirs.transform((asked.to_numpy() - mean) / deviation) * deviation + mean
    found = Impute(neighbours=min(k, 100), rows=300).learn(train)
    if k > 100:
        found = type(found)(found.names, found.standard, found.donors, k)
    np.testing.assert_allclose(found.apply(asked).to_numpy(), expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:.*Early stopping criterion not reached")
def test_rounds_give_what_scikit_learn_gives():
    """The same predictions in the same order, replayed by plain sums."""
    train, asked = _table(300, 3), _table(200, 4, gaps=0.5)
    asked.iloc[0] = np.nan
    mean, deviation = _scale(train)
    scaled = (train.to_numpy() - mean) / deviation
    theirs = IterativeImputer(
        BayesianRidge(), max_iter=50, tol=SETTLED, random_state=0,
        min_value=np.nanmin(scaled, axis=0), max_value=np.nanmax(scaled, axis=0),
    ).fit(scaled)  # fmt: skip
    expected = theirs.transform((asked.to_numpy() - mean) / deviation) * deviation + mean
    learned = Impute(method="iterative", rounds=50).learn(train)
    assert len(learned.target) > len(NAMES)
    np.testing.assert_allclose(learned.apply(asked).to_numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("method", ["knn", "iterative"])
def test_a_large_batch_gives_the_bits_of_its_rows_alone(method):
    """A matrix product would not: how it adds up depends on how many rows there are."""
    train, asked = (pd.concat([_table(n, seed + k).add_suffix(str(k)) for k in range(8)], axis=1)
                    for n, seed in ((1_000, 5), (2_500, 60)))  # fmt: skip
    learned = Impute(method=method, rows=1_000).learn(train)
    whole = learned.apply(asked)
    for i in (0, 1, 7, 1_234, 2_499):
        pd.testing.assert_frame_equal(
            learned.apply(asked.iloc[[i]].reset_index(drop=True)), whole.iloc[[i]].reset_index(drop=True),
            check_exact=True,
        )  # fmt: skip


def test_of_donors_equally_far_the_first_counts():
    """Ties are common where columns hold few values, and a model must not depend on how a sort treats them."""
    train = pd.DataFrame({"a": [1.0, 1.0, 1.0, 5.0], "b": [10.0, 20.0, 30.0, 40.0]})
    learned = Impute(neighbours=2).learn(train)
    assert learned.apply(pd.DataFrame({"a": [1.0], "b": [np.nan]}).astype(float))["b"].tolist() == pytest.approx([15.0])


def test_the_rows_that_are_looked_at_are_chosen_by_the_seed():
    """Of many rows a bounded number travels with the model, the same ones for the same seed."""
    train, target = _table(500, 7), np.zeros(500)
    step = Impute(rows=50)
    first, again, other = (step.learn(train, Known(target, seed=seed)) for seed in (1, 1, 2))
    assert len(first.donors) <= 50
    np.testing.assert_array_equal(first.donors, again.donors)
    assert not np.array_equal(first.donors, other.donors, equal_nan=True)


@pytest.mark.parametrize("method", ["knn", "iterative"])
def test_columns_that_say_nothing_get_their_mean(method):
    """A constant column gets its constant, one without any value 0, and neither stops the others."""
    train = _table(60, 8).assign(constant=np.where(np.arange(60) % 3, 4.2, np.nan), empty=np.nan)
    filled = Impute(method=method).learn(train).apply(train)
    assert not filled.isna().any(axis=None)
    assert filled["constant"].to_numpy() == pytest.approx(4.2)
    assert (filled["empty"] == 0).all()
