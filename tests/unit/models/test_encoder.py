from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from penstock.bundle.canonical import content_digest
from penstock.errors import DataError
from penstock.models.encoder import MOST_ORDINAL_LEVELS, Encoder, EncodingKind
from penstock.models.encoding.encoding import FEW_ROWS
from penstock.models.encoding.numbers import CLIP, LARGEST, MOST_SCORE
from penstock.models.families import LightGBMFamily, LinearFamily
from penstock.models.recipe import Recipe
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.table import Column, TableSchema
from tests.unit.models.making import BINARY, frame

KINDS: tuple[EncodingKind, ...] = ("ordinal", "target", "onehot", "quantile")
SAID = (
    "late again",
    "Zug fährt nicht",
    "",
    "  ",
    "東京タワー 🙂",
    "C85 C87",
    "x" * 30_000,
    "مرحبا بالعالم",
    "e\u0301té late",
)
texts = st.one_of(st.none(), st.sampled_from(["a", "b", "ä", "", "never seen", *SAID]), st.text(max_size=20))
numbers = st.one_of(
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-300, 1e300]), st.floats(-1e12, 1e12)
)
moments = st.one_of(
    st.just(np.datetime64("NaT", "us")),
    st.integers(-(10**17), 10**17).map(lambda n: np.datetime64(n, "us")),
)


def typed(**columns: object) -> pd.DataFrame:
    """Return a frame as the steps leave one: text as `str`, moments as datetime64[us], all else as float64."""
    made = {}
    for name, values in columns.items():
        plain = list(values)  # type: ignore[call-overload]  # values of any kind
        if any(isinstance(value, str) for value in plain) or all(value is None for value in plain):
            made[name] = pd.array(plain, dtype="str")
        elif isinstance(plain[0], np.datetime64):
            made[name] = np.array(plain, dtype="datetime64[us]")
        else:
            made[name] = np.array(plain, dtype=np.float64)
    return pd.DataFrame(made)


def table(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return training rows with every sort of column, and labels that each of them explains in part."""
    random = np.random.default_rng(seed)
    shop = random.integers(0, 120, n)
    said = random.choice(np.array(["late again", "all is well", "never came", "came in time"]), n)
    strength = (shop % 7 < 3) * 2.0 + (said == "late again") * 2.0 - 2.0 + random.normal(0, 0.5, n)
    when = np.datetime64("2024-01-01T00", "us") + random.integers(0, 900, n).astype("timedelta64[D]")
    size = random.normal(10, 3, n)
    size[::9] = np.nan
    columns = typed(
        size=size,
        colour=[None if i % 11 == 0 else "ab"[i % 2] for i in range(n)],
        shop=["shop" + chr(97 + i % 12) + chr(97 + i // 12) for i in shop],
        said=[None if i % 13 == 0 else f"{words} {i}" for i, words in enumerate(said)],
        flag=random.integers(0, 2, n),
    ).assign(when=when, empty=np.full(n, np.nan), same=5.0)
    return columns, (strength > 0).astype(np.int64)


@pytest.fixture(scope="module")
def fitted() -> dict[EncodingKind, Encoder]:
    """Every kind, fitted to the same rows."""
    X, y = table()
    return {kind: Encoder(kind).fit(X, y) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_sort_of_column_has_its_views(kind: EncodingKind, fitted: dict[EncodingKind, Encoder]) -> None:
    """What follows compares rows with batches, which says little of columns that came to nothing."""
    encoder = fitted[kind]
    names = encoder.feature_names
    for wanted in ("shop target", "shop count", "said words", "said length", "said has 'late'", "when", "size"):
        assert wanted in names
    assert len(set(names)) == len(names) == len(encoder.origin)
    assert set(encoder.origin) == set(encoder.columns_)
    assert all(name.startswith(origin) for name, origin in zip(names, encoder.origin, strict=True))
    assert list(encoder.get_feature_names_out()) == names
    assert ("when weekday sin" in names) == (kind in ("onehot", "quantile"))


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(numbers, texts, texts, texts, moments), min_size=1, max_size=2 * FEW_ROWS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_encodes_as_its_rows_one_at_a_time(
    kind: EncodingKind, rows: list[tuple[object, ...]], fitted: dict[EncodingKind, Encoder]
) -> None:
    """The short way for a few rows and the long way for many give the same bits."""
    size, colour, shop, said, when = zip(*rows, strict=True)
    asked = pd.DataFrame(
        {
            "size": np.array(size, dtype=np.float64),
            **{n: pd.array(list(v), dtype="str") for n, v in (("colour", colour), ("shop", shop), ("said", said))},
            "flag": np.array(size, dtype=np.float64),
            "when": np.array(when, dtype="datetime64[us]"),
            "empty": np.array(size, dtype=np.float64),
            "same": np.array(size, dtype=np.float64),
        }
    )
    encoder = fitted[kind]
    whole = encoder.transform(pd.concat([asked, asked, table(FEW_ROWS)[0]], ignore_index=True))[: len(rows)]
    single = np.vstack([encoder.transform(asked.iloc[[i]].reset_index(drop=True)) for i in range(len(rows))])
    np.testing.assert_array_equal(whole, single)
    assert whole.dtype == np.float64
    assert whole.shape[1] == len(encoder.feature_names)
    assert not np.isinf(whole).any()
    if kind in ("onehot", "quantile"):
        assert np.isfinite(whole).all()


TOLD = ("shop target", "said words")


@pytest.mark.parametrize("kind", ["ordinal", "target"])
@pytest.mark.parametrize("regression", [False, True])
def test_the_target_of_a_training_row_has_no_say_in_its_own_encoding(kind: EncodingKind, regression: bool) -> None:
    """A model would else learn by heart from training rows what no later row can tell."""
    X, y = table()
    y = y * 3.0 if regression else y
    encoder = Encoder(kind)
    before = encoder.fit_transform(X, y)
    places = [encoder.feature_names.index(name) for name in TOLD]
    for row in (0, 7, 200):
        other = y.copy()
        other[row] = y.max() - y[row]
        after = Encoder(kind).fit_transform(X, other)
        assert (after[:, places] != before[:, places]).any(axis=0).all()
        np.testing.assert_array_equal(after[row], before[row])


@pytest.mark.parametrize("kind", ["onehot", "quantile"])
def test_what_is_scaled_in_training_rows_came_from_other_rows_too(kind: EncodingKind) -> None:
    """Scaling keeps the order of the means that were taken out of fold."""
    X, y = table()
    plain, scaling = Encoder("ordinal"), Encoder(kind)
    before, after = plain.fit_transform(X, y), scaling.fit_transform(X, y)
    for name in TOLD:
        told, scaled = before[:, plain.feature_names.index(name)], after[:, scaling.feature_names.index(name)]
        assert (np.diff(scaled[np.argsort(told)]) >= 0).all()
        assert np.corrcoef(told, scaled)[0, 1] > 0.7


def test_training_rows_learn_nothing_of_a_target_by_lot() -> None:
    """Means over a row's own target would go with it closely, were there one row a level or five."""
    random = np.random.default_rng(3)
    n = 1_000
    X = typed(shop=[f"shop{i}" for i in random.integers(0, 300, n)], said=[f"word{i} more" for i in range(n)])
    found = []
    for seed in range(5):
        y = np.random.default_rng(100 + seed).integers(0, 2, n)
        encoded = Encoder("target").fit_transform(X, y)
        spread = encoded.std(axis=0) > 0
        found += [np.corrcoef(column, y)[0, 1] for column in encoded[:, spread].T]
    assert max(found) < 0.12


def test_training_rows_differ_from_later_ones_only_in_what_tells_of_the_target() -> None:
    """Without a target `fit_transform` is `fit` and `transform`; with one all else stays the same."""
    X, y = table()
    encoder = Encoder("ordinal")
    np.testing.assert_array_equal(encoder.fit_transform(X), encoder.transform(X))
    training, later = encoder.fit_transform(X, y), encoder.transform(X)
    differs = {n for n, a, b in zip(encoder.feature_names, training.T, later.T, strict=True) if (a != b).any()}
    with_gaps = {"size", "empty", "colour", "said length", "said number of words"}
    assert differs - with_gaps == {"shop target", "said words"}


def test_later_rows_get_the_map_over_all_training_rows() -> None:
    """The mean of a level, drawn to the mean of all; of a level never met the mean of all."""
    y = np.array([1.0, 0.0, 1.0, 0.0, *[0.0, 1.0] * 30]).repeat([30, 10, 5, 35, *[1] * 60])
    shops = ["good"] * 40 + ["bad"] * 40 + [f"s{i}" for i in range(60)]
    encoder = Encoder("target").fit(typed(shop=shops), y)
    at = encoder.feature_names.index("shop target")
    good, bad, unknown, single = encoder.transform(typed(shop=["good", "bad", "never met", "s0"]))[:, at]
    assert 0.65 < good < 0.75
    assert 0.125 < bad < 0.2
    assert unknown == single == pytest.approx(y.mean())


@pytest.mark.parametrize(("n_labels", "n_columns"), [(2, 1), (4, 4), (10, 10), (11, 0)])
def test_each_of_a_few_labels_has_a_mean_of_its_own(n_labels: int, n_columns: int) -> None:
    """Of two labels one says it all; very many would be columns with hardly a row behind them."""
    shop = np.arange(4_000) % 400
    encoder = Encoder("ordinal").fit(typed(shop=[f"s{i}" for i in shop]), shop % n_labels)
    assert sum("target" in name for name in encoder.feature_names) == n_columns


def test_unknown_and_missing_levels_are_nan_among_codes() -> None:
    """A tree's own way with missing values takes over; no code stands for two things."""
    encoder = Encoder("ordinal").fit(typed(c=["b", "a", None], n=[1.0, 2.0, 3.0]))
    rows = typed(c=["a", "b", "z", None], n=[np.nan, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(encoder.transform(rows), [[0.0, np.nan], [1.0, 1.0], [np.nan, 2.0], [np.nan, 3.0]])
    assert encoder.categorical == [0]
    assert encoder.feature_names == ["c", "n"]


def test_a_level_that_training_lacked_is_all_zero_among_indicators() -> None:
    """A linear model then says what it says of no level at all."""
    encoder = Encoder("onehot").fit(typed(c=["b", "a", None]))
    assert encoder.feature_names == ["c=a", "c=b", "c is missing"]
    assert encoder.origin == ["c", "c", "c"]
    np.testing.assert_array_equal(encoder.transform(typed(c=["a", "z", None])), [[1, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_numbers_are_centred_scaled_and_clipped_for_linear_models() -> None:
    """One wild value cannot swing a linear model, and a constant column divides by nothing."""
    encoder = Encoder("onehot").fit(pd.DataFrame({"n": np.arange(101.0), "same": np.full(101, 5.0)}))
    done = encoder.transform(pd.DataFrame({"n": [50.0, np.inf, np.nan], "same": [5.0, 5.0, 6.0]}))
    np.testing.assert_array_equal(done[:, 0], [0.0, CLIP, 0.0])
    np.testing.assert_array_equal(done[:, 1], [0.0, 0.0, 1.0])


def test_quantiles_make_any_column_normal() -> None:
    """However skewed, its middle is 0, its order stays, its ends are held, and equal values are equal."""
    values = np.exp(np.random.default_rng(0).normal(size=2_000) * 3)
    encoder = Encoder("quantile").fit(typed(n=values, few=np.arange(2_000) % 3))
    done = encoder.transform(typed(n=[*np.quantile(values, [0.5, 0.8413]), -1e9, np.inf], few=[0, 1, 2, 1.5]))
    np.testing.assert_allclose(done[:, 0], [0.0, 1.0, -MOST_SCORE, MOST_SCORE], atol=0.02)
    np.testing.assert_allclose(done[:, 1], [-0.967, 0.0, 0.967, 0.484], atol=0.01)
    assert (np.diff(encoder.transform(typed(n=np.sort(values), few=np.zeros(2_000)))[:, 0]) >= 0).all()


def test_infinity_is_a_very_large_number_for_trees() -> None:
    """A forest refuses infinity, and what is no single-precision number."""
    done = Encoder("ordinal").fit(typed(n=[1.0, np.inf])).transform(typed(n=[np.inf, -np.inf, 1e300, np.nan, 3.0]))
    np.testing.assert_array_equal(done[:, 0], [LARGEST, -LARGEST, LARGEST, np.nan, 3.0])


def test_a_missing_number_has_an_indicator_only_if_training_had_one() -> None:
    """An indicator that was constant in training would be noise in use."""
    with_gap = Encoder("onehot").fit(pd.DataFrame({"n": [1.0, np.nan, 3.0]}))
    without = Encoder("onehot").fit(pd.DataFrame({"n": [1.0, 2.0, 3.0]}))
    assert with_gap.feature_names == ["n", "n is missing"]
    assert with_gap.transform(pd.DataFrame({"n": [np.nan]})).tolist() == [[0.0, 1.0]]
    assert without.transform(pd.DataFrame({"n": [np.nan]})).tolist() == [[0.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_without_anything_to_learn_encode_without_a_warning(kind: EncodingKind) -> None:
    """NumPy warns of all-NaN slices; a user could do nothing about it."""
    empty = typed(
        n=[np.nan, np.nan], c=[None, None], d=[np.datetime64("NaT"), np.datetime64("NaT")], wild=[1e308, -1e308]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = Encoder(kind).fit(empty, np.array([0, 1])).transform(empty)
        assert Encoder(kind).fit(empty.iloc[:0], np.zeros(0)).transform(empty).shape[0] == 2
        assert Encoder(kind).fit(empty, np.array([1.0, 1.0])).transform(empty.iloc[:0]).shape[0] == 0
    assert len(done) == 2
    if kind in ("onehot", "quantile"):
        assert np.isfinite(done).all()


def test_more_levels_than_a_tree_can_hold_are_counted_and_averaged() -> None:
    """Histogram boosting takes 255 values of a category; so many levels become numbers instead."""
    codes = np.arange(9_000) % (MOST_ORDINAL_LEVELS + 46)
    encoder = Encoder("ordinal").fit(typed(c=[f"level {i:05}" for i in codes]), (codes % 2).astype(np.int64))
    assert encoder.categorical == []
    assert encoder.feature_names == ["c count", "c target"]
    done = encoder.transform(typed(c=["level 00001", "level 00002", "level 99999"]))
    np.testing.assert_allclose(done, [[np.log1p(30), 1.0], [np.log1p(30), 0.0], [0.0, 0.5]], atol=0.01)


def test_how_often_a_text_was_missing_is_counted_as_well() -> None:
    """What is missing is a level of its own among counts and means; one row alone says no more than none."""
    encoder = Encoder("ordinal").fit(typed(c=[None] * 7 + [f"c{i}" for i in range(40)] + ["c0"]), np.arange(48) % 2)
    counts = encoder.transform(typed(c=[None, "c0", "c1", "never met"]))[:, 0]
    np.testing.assert_array_equal(counts, np.log1p([7, 2, 0, 0]))


def test_levels_with_hardly_a_row_each_get_no_code_of_their_own() -> None:
    """A code that two rows have teaches a tree those two rows."""
    thin = Encoder("ordinal").fit(typed(c=[f"c{i % 50}" for i in range(100)]), np.arange(100) % 2)
    thick = Encoder("ordinal").fit(typed(c=[f"c{i % 50}" for i in range(300)]), np.arange(300) % 2)
    assert thin.categorical == []
    assert thick.categorical == [0]


def test_columns_may_come_in_another_order_but_not_be_absent() -> None:
    """The encoder goes by names; what is gone is named in the error."""
    rows = frame(30)
    encoder = Encoder("ordinal").fit(rows)
    np.testing.assert_array_equal(encoder.transform(rows[rows.columns[::-1]]), encoder.transform(rows))
    with pytest.raises(DataError, match="1 columns") as raised:
        encoder.transform(rows.drop(columns="size"))
    assert "'size'" in str(raised.value)


def test_a_date_is_days_and_the_parts_that_vary() -> None:
    """A plan without a calendar step still reaches a model; parts that are always the same tell nothing."""
    one = typed(t=[np.datetime64("1970-01-02T12:00"), np.datetime64("NaT")])
    np.testing.assert_array_equal(Encoder("ordinal").fit(one).transform(one), [[1.5], [np.nan]])
    days = typed(t=np.datetime64("2024-02-26T07") + np.arange(7).astype("timedelta64[D]"))
    encoder = Encoder("ordinal").fit(days)
    assert encoder.feature_names == ["t", "t month", "t day", "t weekday", "t dayofyear"]
    assert encoder.transform(days)[3].tolist() == [19_782 + 7 / 24, 2.0, 29.0, 3.0, 60.0]
    round_about = Encoder("onehot").fit(days)
    assert round_about.feature_names == [
        "t",
        *(f"t {cycle} {end}" for cycle in ("month", "weekday", "dayofyear") for end in ("sin", "cos")),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_encoder_answers_as_before_and_has_the_digest_of_its_twin(kind: EncodingKind) -> None:
    """What is sealed is told apart by its content, in whatever process it was made."""
    X, y = table()
    first, second = Encoder(kind, seed=1).fit(X, y), Encoder(kind, seed=1).fit(X.copy(), y.copy())
    stored = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(stored.transform(X), second.transform(X))
    schema = TableSchema(columns=())
    digests = {content_digest(encoder, schema, {}, {}) for encoder in (first, second, stored)}
    assert len(digests) == 1
    other = y.copy()
    other[:40] = 1 - other[:40]
    assert content_digest(Encoder(kind, seed=1).fit(X, other), schema, {}, {}) not in digests


def test_a_recipe_learns_from_what_training_rows_got_out_of_fold() -> None:
    """Fitted on means that hold its rows' own targets, a model would trust them more than later rows bear out."""
    X, y = table()
    X = X[["shop", "flag"]]
    nearest = KNeighborsClassifier(1)
    Recipe([("steps", Plan().transformer(2)), ("encode", Encoder("target")), ("model", nearest)]).fit(X, y)
    encoder = Encoder("target")
    expected = encoder.fit_transform(X[["flag", "shop"]], y)
    np.testing.assert_array_equal(nearest._fit_X, expected)
    assert (expected != encoder.transform(X)).any()


@pytest.mark.parametrize("family", [LightGBMFamily(trees=40), LinearFamily()])
def test_a_model_learns_from_the_words_of_free_text(family: LightGBMFamily | LinearFamily) -> None:
    """Each text stands in one row only; what they share is a word."""
    random = np.random.default_rng(0)
    n = 400
    late = random.integers(0, 2, n)
    notes = [f"{'delayed' if y else 'in time'}, train {random.integers(10**6)}" for y in late]
    columns = (Column(name="note", kind="text"),)
    plan = Plan(steps=propose(TableSchema(columns=columns), {})[2:])
    X = typed(note=notes)
    recipe = family.pipeline(plan, BINARY, 300, 1).fit(X[:300], late[:300])
    later = X[300:].reset_index(drop=True)
    assert (recipe.predict(later) == late[300:]).mean() > 0.95
    alone = np.vstack([recipe.predict_proba(later.iloc[[i]].reset_index(drop=True)) for i in range(5)])
    np.testing.assert_array_equal(alone, recipe.predict_proba(later)[:5])
