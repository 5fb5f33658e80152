"""How strongly columns of mixed kinds go together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata, spearmanr

from penstock.explore import association
from penstock.explore.association import Category, Number, associate, cramer

N = 400


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_numbers_have_both_correlations_over_the_rows_known_of_both(rng):
    """They are those of pandas, pair by pair."""
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=list("abc"))
    frame["d"] = frame["a"] ** 3 - 2
    frame.loc[frame.index % 5 == 0, "b"] = np.nan
    frame.loc[frame.index % 3 == 0, "d"] = np.nan
    found = associate([Number.of(n, frame[n].to_numpy()) for n in frame], [])
    assert found.pearson == pytest.approx(frame.corr().to_numpy(), abs=1e-5)
    ranks = frame.rank()
    assert found.spearman == pytest.approx(ranks.corr().to_numpy(), abs=1e-4)
    whole = frame[["a", "c"]]
    assert found.spearman[0, 2] == pytest.approx(spearmanr(whole).statistic, abs=1e-4)


@settings(max_examples=30)
@given(arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e30, 1e30) | st.sampled_from([0.0, 1.0, -1.0])))
def test_ranks_of_sixteen_bits_keep_the_order(values):
    """Equals stay equal, and what is larger is never ranked below."""
    ranks = Number.of("x", values).ranks.astype(float)
    assert (ranks > 0).all()
    exact = rankdata(values)
    order = np.argsort(exact)
    assert (np.diff(ranks[order])[np.diff(exact[order]) > 0] > 0).all()
    assert (np.diff(ranks[order])[np.diff(exact[order]) == 0] == 0).all()


def test_chunks_do_not_matter(rng, monkeypatch):
    """A table is looked at part by part."""
    values, codes = rng.normal(size=(3, N)), rng.integers(-1, 4, N)
    values[0, ::7] = np.nan
    columns = [Number.of(str(i), v) for i, v in enumerate(values)], [Category.of("c", codes, 4)]
    whole = associate(*columns)
    monkeypatch.setattr(association, "CHUNK", 37)
    parts = associate(*columns)
    assert parts.pearson == pytest.approx(whole.pearson)
    assert parts.spearman == pytest.approx(whole.spearman)


def test_a_category_explains_a_number_by_the_correlation_ratio(rng):
    """Eta is the root of the variance between the levels over the whole."""
    codes = rng.integers(-1, 3, N)
    values = np.where(codes == 2, 5.0, 0.0) + rng.normal(size=N)
    values[:20] = np.nan
    found = associate([Number.of("x", values)], [Category.of("c", codes, 3)])
    known = pd.DataFrame({"c": codes, "x": values})[codes >= 0].dropna()
    means = known.groupby("c")["x"].transform("mean")
    expected = np.sqrt(((means - known["x"].mean()) ** 2).sum() / ((known["x"] - known["x"].mean()) ** 2).sum())
    assert found.pearson[0, 1] == found.spearman[1, 0] == pytest.approx(expected, abs=1e-5)


def test_cramers_v_is_corrected_for_bias(rng):
    """Noise of many levels has none, a copy has one, and the plain V of noise would be far from 0."""
    noise, other = rng.integers(0, 15, N), rng.integers(0, 15, N)
    first, second = Category.of("a", noise, 15), Category.of("b", other, 15)
    assert cramer(first, second) < 0.1
    assert cramer(first, Category.of("copy", noise, 15)) == pytest.approx(1.0)
    assert cramer(first, Category.of("one", np.zeros(N, dtype=np.int64), 1)) == 0.0
    assert cramer(first, Category.of("none", np.full(N, -1), 0)) == 0.0


def test_levels_beyond_the_fiftieth_are_taken_together(rng):
    """A thousand categories are fifty, and no row is lost."""
    codes = np.concatenate([rng.integers(0, 1000, 5000), np.full(9, -1)])
    column = Category.of("c", codes, 1000)
    assert column.n_levels == 50
    assert column.codes.max() == 49
    assert int((column.codes >= 0).sum()) == 5000
    assert (column.codes[-9:] == -1).all()


def test_a_constant_goes_with_nothing():
    """Neither rounding nor a division by nothing makes a relation."""
    one, gone = np.full(N, 0.1), np.full(N, np.nan)
    found = associate(
        [Number.of("one", one), Number.of("gone", gone), Number.of("x", np.arange(N) * 1.0)],
        [Category.of("c", np.arange(N) % 2, 2)],
    )
    assert found.pearson[0, 1:].tolist() == [0.0] * 3
    assert found.spearman[1, 2:].tolist() == [0.0] * 2
    assert np.isfinite(found.pearson).all()
