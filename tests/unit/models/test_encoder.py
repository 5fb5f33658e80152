from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError
from penstock.models.encoder import CLIP, FEW_ROWS, MOST_ORDINAL_LEVELS, Encoder
from tests.unit.models.making import frame

texts = st.one_of(st.none(), st.sampled_from(["a", "b", "ä", "", "never seen", "x" * 50]))
numbers = st.one_of(st.just(float("nan")), st.floats(-1e12, 1e12), st.sampled_from([0.0, -0.0, 1e-300]))


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(texts, numbers, texts, numbers), min_size=1, max_size=3 * FEW_ROWS))
@pytest.mark.parametrize("kind", ["ordinal", "onehot"])
def test_a_batch_encodes_as_its_rows_one_at_a_time(kind: str, rows: list[tuple[object, ...]]) -> None:
    """The short way for a few rows and the long way for many give the same bits."""
    given_rows = pd.DataFrame(rows, columns=["colour", "size", "place", "weight"])
    table = given_rows.astype({"colour": "str", "place": "str", "size": "float64", "weight": "float64"})
    seen = pd.DataFrame(
        {
            "colour": pd.array(["a", "b", "ä", None, "a"], dtype="str"),
            "size": [1.0, 2.0, np.nan, 4.0, 1e12],
            "place": pd.array(["", "a", "b", "b", "b"], dtype="str"),
            "weight": [0.0, 0.0, 0.0, 0.0, 0.0],
        }
    )
    encoder = Encoder(kind).fit(seen)  # type: ignore[arg-type]
    whole = encoder.transform(table)
    single = np.vstack([encoder.transform(table.iloc[[i]].reset_index(drop=True)) for i in range(len(table))])
    np.testing.assert_array_equal(whole, single)
    assert whole.dtype == np.float64
    assert whole.flags.c_contiguous
    assert whole.shape[1] == len(encoder.feature_names) == len(encoder.origin)


def test_unknown_and_missing_levels_are_nan_among_codes() -> None:
    """A tree's own way with missing values takes over; no code stands for two things."""
    encoder = Encoder("ordinal").fit(pd.DataFrame({"c": pd.array(["b", "a", None], dtype="str"), "n": [1.0, 2.0, 3.0]}))
    rows = pd.DataFrame({"c": pd.array(["a", "b", "z", None], dtype="str"), "n": [np.nan, 1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(encoder.transform(rows), [[0.0, np.nan], [1.0, 1.0], [np.nan, 2.0], [np.nan, 3.0]])
    assert encoder.categorical == [0]
    assert encoder.feature_names == ["c", "n"]


def test_a_level_that_training_lacked_is_all_zero_among_indicators() -> None:
    """A linear model then says what it says of no level at all."""
    encoder = Encoder("onehot").fit(pd.DataFrame({"c": pd.array(["b", "a", None], dtype="str")}))
    assert encoder.feature_names == ["c=a", "c=b", "c is missing"]
    assert encoder.origin == ["c", "c", "c"]
    rows = pd.DataFrame({"c": pd.array(["a", "z", None], dtype="str")})
    np.testing.assert_array_equal(encoder.transform(rows), [[1, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_numbers_are_centred_scaled_and_clipped_for_linear_models() -> None:
    """One wild value cannot swing a linear model, and a constant column divides by nothing."""
    values = np.arange(101.0)
    encoder = Encoder("onehot").fit(pd.DataFrame({"n": values, "same": np.full(101, 5.0)}))
    done = encoder.transform(pd.DataFrame({"n": [50.0, 1e9, np.nan], "same": [5.0, 5.0, 6.0]}))
    np.testing.assert_array_equal(done[:, 0], [0.0, CLIP, 0.0])
    np.testing.assert_array_equal(done[:, 1], [0.0, 0.0, 1.0])


def test_a_missing_number_has_an_indicator_only_if_training_had_one() -> None:
    """An indicator that was constant in training would be noise in use."""
    with_gap = Encoder("onehot").fit(pd.DataFrame({"n": [1.0, np.nan, 3.0]}))
    without = Encoder("onehot").fit(pd.DataFrame({"n": [1.0, 2.0, 3.0]}))
    assert with_gap.feature_names == ["n", "n is missing"]
    assert without.transform(pd.DataFrame({"n": [np.nan]})).tolist() == [[0.0]]


def test_a_column_that_is_all_missing_encodes_without_a_warning() -> None:
    """NumPy warns of all-NaN slices; a user could do nothing about it."""
    empty = pd.DataFrame({"n": [np.nan, np.nan], "c": pd.array([None, None], dtype="str")})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("ordinal", "onehot"):
            done = Encoder(kind).fit(empty).transform(empty)  # type: ignore[arg-type]
            assert len(done) == 2
    assert np.isfinite(Encoder("onehot").fit(empty).transform(empty)).all()


def test_ten_thousand_levels_keep_the_frequent_ones() -> None:
    """Histogram boosting takes 255 values of a category; the rest counts as unknown."""
    names = [f"level {i:05}" for i in range(10_000)]
    often = ["often"] * 50
    encoder = Encoder("ordinal").fit(pd.DataFrame({"c": pd.array([*names, *often], dtype="str")}))
    codes = encoder.transform(pd.DataFrame({"c": pd.array(["often", "level 09999"], dtype="str")}))[:, 0]
    assert len(encoder.levels_[0]) == MOST_ORDINAL_LEVELS
    assert codes[0] >= 0
    assert np.isnan(codes[1])


def test_columns_may_come_in_another_order_but_not_be_absent() -> None:
    """The encoder goes by names; what is gone is named in the error."""
    table = frame(30)
    encoder = Encoder("ordinal").fit(table)
    np.testing.assert_array_equal(encoder.transform(table[table.columns[::-1]]), encoder.transform(table))
    with pytest.raises(DataError, match="1 columns") as raised:
        encoder.transform(table.drop(columns="size"))
    assert "'size'" in str(raised.value)


def test_a_date_is_a_number_of_days() -> None:
    """A plan without a calendar step still reaches a model."""
    moments = np.array(["1970-01-02T12:00", "NaT"], dtype="datetime64[us]")
    done = Encoder("ordinal").fit(pd.DataFrame({"t": moments})).transform(pd.DataFrame({"t": moments}))
    np.testing.assert_array_equal(done, [[1.5], [np.nan]])
