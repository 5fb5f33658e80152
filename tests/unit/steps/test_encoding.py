"""Encoders: what they give to rows that come later, and what to the rows that they learned from."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from penstock.blocks import Blocks
from penstock.bundle.canonical import content_digest
from penstock.errors import DataError, PlanError
from penstock.steps.base import Known, Rows
from penstock.steps.encoding.encode import Encode
from penstock.steps.encoding.group_stats import GroupStats
from penstock.steps.encoding.outoffold import folds
from penstock.steps.plan import Plan
from penstock.steps.running import Held, Running, run_after
from penstock.table import Column, TableSchema

from .frames import KINDS


def _texts(*values):
    return pd.array(list(values), dtype="str")


def _noise(n=4_000, n_levels=1_000):
    """Return a target that nothing foretells, and a column of many levels."""
    rng = np.random.default_rng(11)
    city = np.array([f"c{i}" for i in range(n_levels)])[rng.integers(0, n_levels, n)]
    return pd.DataFrame({"city": pd.array(city, dtype="str")}), rng.integers(0, 2, n)


def _auc_in_sample(values, target):
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(values, target)
    return roc_auc_score(target, tree.predict_proba(values)[:, 1])


@pytest.mark.parametrize(
    "step", [Encode(smoothing=1), GroupStats(by=("city",), of="target")], ids=["encode", "group_stats"]
)
def test_pure_noise_stays_noise_to_the_rows_that_were_learned_from(step):
    """With its own target in its level's mean a row is found again by a tree; out of fold there is nothing to find."""
    frame, target = _noise()
    learned = step.learn(frame, Known(target, 2))
    leaky = learned.apply(frame).select_dtypes("number")
    protected = learned.on_training(Blocks.of(frame)).frame().select_dtypes("number")
    assert _auc_in_sample(leaky, target) > 0.7
    assert _auc_in_sample(protected, target) < 0.56


def test_a_fold_of_the_pipeline_sees_what_the_protection_gives():
    """scikit-learn fits with `fit_transform`: there the training rows get their values out of fold."""
    frame, target = _noise()
    transformer = Plan(steps=(Encode(smoothing=1),)).transformer(2)
    assert _auc_in_sample(transformer.fit_transform(frame, target), target) < 0.56
    assert _auc_in_sample(transformer.transform(frame), target) > 0.7


def test_the_clean_frame_shows_training_rows_as_a_model_sees_them():
    """Pictures are drawn of it, and would else show a relation that is only each row's own share."""
    frame, target = _noise()
    n = len(frame)
    train = np.arange(n) % 4 > 0
    rows = Rows(train, pd.DataFrame(index=range(n)), target, np.full(n, None, dtype=object))
    plan, known = Plan(steps=(Encode(smoothing=1),)), Known(target[train], 2, 0)
    start = Running(Held(frame), rows, np.arange(n), np.full(n, None, dtype=object))
    clean = run_after(plan, start, frozenset(), known)[0].frame
    transformer = plan.transformer(2).fit(frame[train], target[train])
    pd.testing.assert_frame_equal(clean[~train], transformer.transform(frame)[~train], check_exact=True)
    seen = plan.transformer(2).fit_transform(frame[train].reset_index(drop=True), target[train])
    pd.testing.assert_frame_equal(clean[train].reset_index(drop=True), seen, check_exact=True)


LEVELS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=10, max_size=30)


@given(levels=LEVELS, smoothing=st.sampled_from([0.5, 1.0, 20.0]), data=st.data())
@settings(max_examples=25)
def test_later_rows_get_the_means_that_scikit_learn_gives(levels, smoothing, data):
    """The m-estimate is the published one; a missing text is a level, and an unknown one gets the mean of all."""
    target = np.array(data.draw(st.lists(st.floats(-10, 10), min_size=len(levels), max_size=len(levels))))
    frame = pd.DataFrame({"c": _texts(*levels)})
    theirs = TargetEncoder(smooth=smoothing, target_type="continuous").fit(
        np.array(levels, dtype=object)[:, None], target
    )
    asked = ["a", "b", "c", "new", *([None] if None in levels else [])]
    expected = theirs.transform(np.array(asked, dtype=object)[:, None])[:, 0]
    found = Encode(smoothing=smoothing).learn(frame, Known(target)).apply(pd.DataFrame({"c": _texts(*asked)}))
    np.testing.assert_allclose(found["c_target"], expected, rtol=1e-9, atol=1e-9)


@given(levels=LEVELS, seed=st.integers(0, 5))
@settings(max_examples=25)
def test_a_training_row_gets_what_rows_of_other_folds_say(levels, seed):
    """Neither its own target nor that of its fold is in it: changing them changes nothing."""
    frame, blocks = pd.DataFrame({"c": _texts(*levels)}), Blocks.of(pd.DataFrame({"c": _texts(*levels)}))
    target = np.linspace(0, 1, len(levels))
    for step in (Encode(folds=3), GroupStats(by=("c",), of="target", take=("mean", "std", "max"), folds=3)):
        usual = step.learn(frame, Known(target, seed=seed)).on_training(blocks).numbers
        for inside in folds(len(levels), 3, seed):
            absurd = np.where(inside, 1e6, target)
            changed = step.learn(frame, Known(absurd, seed=seed)).on_training(blocks).numbers
            np.testing.assert_array_equal(changed[inside], usual[inside])
            assert (changed[~inside] != usual[~inside]).any()


def test_each_label_of_several_has_its_column():
    """The plan check promises as many columns as there are labels, and the shares of a level add up."""
    frame = pd.DataFrame({"city": _texts("a", "a", "b", "b", "b", "c")})
    known = Known(np.array([0, 1, 2, 2, 0, 1]), n_labels=3)
    schema = TableSchema(columns=(Column(name="city", kind="category"),))
    for step in (Encode(smoothing=0), GroupStats(by=("city",), of="target", take=("mean", "count"))):
        (_, promised), *_ = Plan(steps=(step,)).check(schema, n_labels=3)
        after = step.learn(frame, known).apply(frame)
        assert set(after.columns) == set(promised)
        assert {f"{n}_{i}" for n in ("city_target", "target_mean_by_city") for i in range(3)} & set(promised)
        shares = after[[c for c in after if c[-2:] in ("_0", "_1", "_2")]]
        assert shares.sum(axis=1).tolist() == pytest.approx([1.0] * 6)
        assert shares.iloc[0].tolist() == [0.5, 0.5, 0.0]


def test_statistics_that_order_labels_are_refused():
    """The greatest of three labels means nothing."""
    with pytest.raises(PlanError, match="cannot take the max of labels"):
        GroupStats(by=("city",), of="target", take=("mean", "max")).columns_for(KINDS, 3)


def test_the_target_and_a_column_of_that_name_are_not_mixed_up():
    """`of: target` always means what is predicted."""
    with pytest.raises(PlanError, match="tell the target from a column"):
        GroupStats(by=("city",), of="target").columns_after({"city": "category", "target": "float"})


def test_a_row_does_not_count_itself():
    """In a group of its own it looks like a row of a group that was never met, as it will be for later rows."""
    frame = pd.DataFrame({"city": _texts("a", "a", "b"), "x": [1.0, 2.0, np.nan]})
    learned = GroupStats(by=("city",), of="x", take=("count",)).learn(frame)
    assert learned.on_training(Blocks.of(frame)).frame()["x_count_by_city"].tolist() == [1.0, 1.0, 0.0]
    assert learned.apply(frame)["x_count_by_city"].tolist() == [2.0, 2.0, 0.0]


def test_shares_codes_and_levels_are_those_of_training_rows():
    """Frequency, ordinal and one-hot treat missing and unknown texts as they say."""
    train = pd.DataFrame({"c": _texts("b", "b", "a", None, None, None, "d", "b")})
    asked = pd.DataFrame({"c": _texts("a", "b", "d", "new", None)})

    def found(step):
        return step.learn(train).apply(asked).to_numpy().tolist()

    assert found(Encode(method="frequency")) == [[1 / 8], [3 / 8], [1 / 8], [0], [3 / 8]]
    np.testing.assert_equal(found(Encode(method="ordinal")), [[0], [1], [2], [np.nan], [np.nan]])
    ordered = Encode(method="ordinal", order={"c": ("d", "a", "new")})
    np.testing.assert_equal(found(ordered), [[1], [np.nan], [0], [2], [np.nan]])
    assert found(Encode(method="onehot", at_most=3)) == [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert found(Encode(method="onehot", at_most=5))[2] == [0, 0, 0, 1, 0]


def test_an_order_is_for_a_column_that_is_encoded():
    """A misspelt column in `order` would be coded in an order that nobody chose."""
    with pytest.raises(PlanError, match="did you mean 'city'"):
        Encode(method="ordinal", order={"citty": ("a",)}).columns_after(KINDS)
    with pytest.raises(ValidationError, match="each of them once"):
        Encode(method="ordinal", order={"city": ("a", "a")})
    with pytest.raises(ValidationError, match="only `method: ordinal`"):
        Encode(order={"city": ("a",)})


def test_a_name_that_is_taken_is_refused():
    """The check says so before anything is learned."""
    with pytest.raises(PlanError, match="second column 'city_target'"):
        Encode().columns_after({"city": "category", "city_target": "float"})


def test_what_single_training_rows_get_is_not_stored():
    """It is about those rows, so it is neither in a bundle nor in its digest; asking for it afterwards is an error."""
    frame, target = _noise(200, 20)
    transformer = Plan(steps=(Encode(), GroupStats(by=("city_target",), of="target"))).transformer(2).fit(frame, target)
    encoder = transformer.learned_[0]
    assert encoder.training is not None
    stored = pickle.loads(pickle.dumps(transformer))
    assert stored.learned_[0].training is None
    with pytest.raises(DataError, match="not the rows that were just learned from"):
        stored.learned_[0].on_training(Blocks.of(frame))
    with pytest.raises(DataError, match="not the rows"):
        encoder.on_training(Blocks.of(frame.iloc[:5]))
    pd.testing.assert_frame_equal(stored.transform(frame), transformer.transform(frame), check_exact=True)
    schema = TableSchema(columns=(Column(name="city", kind="category"),))
    digests = {content_digest(t, schema, t.plan, {}) for t in (transformer, stored, copy.deepcopy(transformer))}
    assert len(digests) == 1
