"""Which training rows go, and why; which stay although they look alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.errors import DataError, PlanError
from penstock.steps.base import Rows
from penstock.steps.rows.content import cell_hashes, folded, row_hashes
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.filter import Filter
from penstock.steps.rows.keeping import same_rows, surplus
from penstock.steps.rows.near import near_rows
from penstock.steps.rows.outliers import RejectOutliers
from penstock.steps.rows.sample import Sample, drawn_rows
from penstock.table import Domain

from .frames import ROWS, frame_of


def known(frame: pd.DataFrame, train: list[bool] | None = None, **more: object) -> Rows:
    """Return what is known of rows beside their features."""
    n = len(frame)
    facts = {
        "train": np.ones(n, dtype=bool) if train is None else np.array(train),
        "beside": pd.DataFrame(index=range(n)),
        "target": np.zeros(n),
        "misfit": np.full(n, None, dtype=object),
    }
    return Rows(**{**facts, **more})


def kept(step, frame: pd.DataFrame, rows: Rows) -> list[int]:
    """Return the positions of the rows that stay."""
    return np.flatnonzero(step.kept(frame, rows)[0]).tolist()


ORDERS = pd.DataFrame(
    {
        "price": [5.0, 6.0, 7.0, 7.0, 1.0],
        "seen": pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-03", None, "2024-01-01"]).as_unit("us"),
        "note": pd.array(["a", None, None, "c", "d"], dtype="str"),
    }
)
IDS = pd.DataFrame({"order": pd.array(["x", "x", "x", "y", None], dtype="str")})


@pytest.mark.parametrize(
    ("settings_", "stay"),
    [
        ({"keep": "first"}, [0, 3, 4]),
        ({"keep": "last"}, [2, 3, 4]),
        # Rows 1 and 2 are equally new: the earlier one stays.
        ({"keep": "newest", "by": "seen"}, [1, 3, 4]),
        ({"keep": "newest", "by": "price"}, [2, 3, 4]),
        ({"keep": "complete"}, [0, 3, 4]),
    ],
)
def test_of_rows_with_one_key_one_is_kept(settings_, stay) -> None:
    """The key may be an id, which is no feature; a row that lacks it is no copy of anything."""
    rows = known(ORDERS, others=IDS)
    assert kept(Duplicates(key="order", **settings_), ORDERS, rows) == stay


def test_rows_with_one_key_on_two_sides_both_stay() -> None:
    """A held-out row judges, and a training row teaches: neither stands in for the other."""
    rows = known(ORDERS, [True, False, False, True, True], others=IDS)
    step = Duplicates(key="order")
    assert kept(step, ORDERS, rows) == [0, 1, 2, 3, 4]
    assert step.reasons(ORDERS, rows).tolist() == [None, None, "another row with the same 'order' is kept", None, None]


def test_a_key_that_is_not_there_is_named() -> None:
    """Whether among features or beside them; and a text tells nothing newer."""
    step = Duplicates(key="ordr", keep="newest", by="note")
    with pytest.raises(PlanError, match="'ordr'"):
        step.check_beside({"note": "text"}, {"order": "integer"})
    with pytest.raises(PlanError, match="what is newer"):
        step.model_copy(update={"key": ("order",)}).check_beside({"note": "text"}, {"order": "integer"})


@pytest.mark.parametrize("bad", [{"keep": "newest"}, {"keep": "complete"}, {"keep": "newest", "key": "a"}, {"by": "a"}])
def test_settings_that_cannot_be_meant_are_refused(bad) -> None:
    """A spec says so before any row is read."""
    with pytest.raises(ValidationError):
        Duplicates(**bad)


def wide(n: int = 40) -> pd.DataFrame:
    """Return rows that have nothing in common."""
    rng = np.random.default_rng(0)
    data = {f"c{j}": rng.normal(size=n) for j in range(4)}
    return pd.DataFrame({**data, "city": pd.array([f"city {i}" for i in range(n)], dtype="str")})


def test_rows_that_nearly_equal_another_are_told_and_stay() -> None:
    """By their rows in the source: one that differs in a single column, and one that is only spelled otherwise."""
    frame = wide()
    frame.loc[7] = frame.loc[3]
    frame.loc[7, "c2"] = 99.0
    frame.loc[9] = frame.loc[5]
    frame.loc[9, ["city", "c0", "c1"]] = ["CÍTY-5", frame.loc[5, "c0"] * (1 + 1e-9), frame.loc[5, "c1"] * (1 - 1e-9)]
    rows, at = known(frame), np.arange(len(frame)) + 100
    step = Duplicates()
    note = step.note(frame, rows, at, step.reasons(frame, rows))
    assert note.startswith("4 of the training rows (10.0%) nearly equal another one")
    assert "rows 103 and 107, 105 and 109" in note
    assert kept(step, frame, rows) == list(range(len(frame)))
    assert Duplicates(near=False).note(frame, rows, at, np.full(len(frame), None, object)) == ""
    assert "city" not in note


def test_held_out_rows_and_exact_copies_are_not_near() -> None:
    """Copies go anyway, and what is held out is not looked at."""
    frame = wide()
    frame.loc[7] = frame.loc[3]
    frame.loc[9] = frame.loc[5]
    frame.loc[9, "c1"] = 0.0
    train = [i != 9 for i in range(len(frame))]
    step, rows = Duplicates(), known(frame, train)
    assert step.note(frame, rows, np.arange(len(frame)), step.reasons(frame, rows)) == ""


@given(rows=st.lists(ROWS, min_size=1, max_size=8))
@settings(max_examples=40)
def test_near_rows_are_those_that_a_pair_by_pair_comparison_finds(rows) -> None:
    """Hashes, sums and subtraction stand in for every pair of rows."""
    frame = frame_of(rows * 2)
    copies = frame.duplicated().to_numpy()
    near = near_rows(frame, copies)
    texts = [n for n in frame if frame[n].dtype.kind not in "fM"]
    plain = [[None if pd.isna(v) else v for v in row] for row in frame[~copies].itertuples(index=False, name=None)]

    def alike(a: list, b: list) -> bool:
        # A number that is rounded is a matter of its own; here the texts are what is folded.
        spelled = [
            (x is not None and y is not None and folded(x) == folded(y)) if name in texts and x != y else x == y
            for name, x, y in zip(frame.columns, a, b, strict=True)
        ]
        return sum(x != y for x, y in zip(a, b, strict=True)) <= 1 or all(spelled)

    at_least = sum(any(i != j and alike(a, b) for j, b in enumerate(plain)) for i, a in enumerate(plain))
    assert near.count >= at_least
    if all(float(v).is_integer() for n in ("age", "dose") for v in frame[n].dropna()):
        assert near.count == at_least


def test_equal_cells_have_equal_hashes_whatever_the_table() -> None:
    """Both zeros, and every NaN; the same text in another table; and columns are told apart."""
    one = pd.DataFrame({"a": [0.0, -0.0, np.nan], "b": pd.array(["x", "y", None], dtype="str")})
    other = pd.DataFrame({"a": [np.nan, 0.0, 5.0], "b": pd.array([None, "x", "z"], dtype="str")})
    first, second = row_hashes(cell_hashes(one), 3), row_hashes(cell_hashes(other), 3)
    assert first[2] == second[0]
    assert first[0] == second[1]
    assert len({*first.tolist(), *second.tolist()}) == 4


@given(
    groups=st.lists(st.integers(0, 3), min_size=1, max_size=20),
    scores=st.lists(st.one_of(st.just(np.nan), st.integers(-2, 2).map(float)), min_size=20, max_size=20),
)
@settings(max_examples=40)
def test_the_row_with_the_highest_score_stays_and_of_equals_the_earlier(groups, scores) -> None:
    """As a loop over the rows would have it."""
    given_scores = np.array(scores[: len(groups)])
    best: dict[int, int] = {}
    for i, group in enumerate(groups):
        mine = -np.inf if np.isnan(given_scores[i]) else given_scores[i]
        held = best.get(group)
        theirs = None if held is None else -np.inf if np.isnan(given_scores[held]) else given_scores[held]
        if theirs is None or mine > theirs:
            best[group] = i
    gone = surplus(np.array(groups), "newest", given_scores)
    assert np.flatnonzero(~gone).tolist() == sorted(best.values())


@given(rows=st.lists(ROWS, min_size=1, max_size=8))
@settings(max_examples=30)
def test_equal_rows_have_one_number(rows) -> None:
    """Missing equals missing, as pandas has it."""
    frame = frame_of(rows * 2)
    codes = pd.Series(same_rows(frame))
    assert codes.duplicated().tolist() == frame.duplicated().tolist()


def test_a_filter_keeps_training_rows_for_which_its_condition_holds() -> None:
    """It may name a column that is no feature; held-out rows stay, and are flagged."""
    frame = pd.DataFrame({"age": [30.0, 15.0, np.nan, 12.0]})
    rows = known(frame, [True, True, True, False], others=pd.DataFrame({"site": [1.0, 1.0, 2.0, 2.0]}))
    step = Filter(where="age >= 18 and site == 1")
    assert step.asks == ("age", "site")
    assert kept(step, frame, rows) == [0, 3]
    assert step.reasons(frame, rows)[3] == "not so: age >= 18 and site == 1"


def test_a_filter_that_leaves_nothing_says_what_the_rows_hold() -> None:
    """Step, condition and the first values, but none that is private."""
    frame = pd.DataFrame({"age": [30.0, 15.0], "name": pd.array(["Ann", "Bo"], dtype="str")})
    with pytest.raises(DataError) as told:
        Filter(where="age > 200 or name == 'Cy'").reasons(frame, known(frame, private=frozenset({"name"})))
    text = str(told.value)
    assert "`filter` leaves no training row" in text
    assert "age > 200" in text
    assert "{age: 30, name: (private)}" in text
    assert "Ann" not in text


def test_a_condition_that_does_not_fit_the_columns_is_refused_by_the_plan() -> None:
    """An unknown column, a value that is no truth value, and a text that is no expression."""
    with pytest.raises(PlanError, match="'agee'"):
        Filter(where="agee > 1").check_beside({"age": "integer"}, {})
    with pytest.raises(PlanError, match="does not fit"):
        Filter(where="age + 1").check_beside({"age": "integer"}, {})
    with pytest.raises(ValidationError, match="ends where a value"):
        Filter(where="age >")


def numbers(n: int) -> pd.DataFrame:
    """Return n different rows."""
    return pd.DataFrame({"a": np.arange(n) * 1.0})


def test_a_sample_does_not_hang_on_the_place_of_a_row() -> None:
    """Turned round or grown, the table keeps the rows that were drawn; another seed draws others."""
    frame, step = numbers(400), Sample(share=0.25)
    drawn = set(frame["a"][kept(step, frame, known(frame))])
    assert 60 < len(drawn) < 140
    turned = frame[::-1].reset_index(drop=True)
    assert set(turned["a"][kept(step, turned, known(turned))]) == drawn
    grown = numbers(500)
    assert {a for a in grown["a"][kept(step, grown, known(grown))] if a < 400} == drawn
    assert set(frame["a"][kept(Sample(share=0.25, seed=1), frame, known(frame))]) != drawn


def test_equal_rows_are_not_drawn_all_or_none() -> None:
    """A table of a few categories would otherwise lose whole categories."""
    frame = pd.DataFrame({"a": [1.0] * 400})
    assert 60 < len(kept(Sample(share=0.25), frame, known(frame))) < 140


def test_a_stratified_sample_has_the_labels_in_their_shares() -> None:
    """Of a rare label too; and of a quantity every tenth."""
    frame, rare = numbers(1000), np.arange(1000) % 50 == 0
    labels = known(frame, target=rare.astype(np.int64))
    for step in (Sample(n=100, stratify=True), Sample(share=0.1, stratify=True)):
        at = kept(step, frame, labels)
        assert (len(at), int(rare[at].sum())) == (100, 2)
    amounts = known(frame, target=np.arange(1000.0) ** 2)
    at = np.array(kept(Sample(n=100, stratify=True), frame, amounts))
    assert np.bincount(at // 100).tolist() == [10] * 10


def test_a_sample_draws_from_training_rows_alone() -> None:
    """No held-out row is objected to, and `n` counts training rows."""
    frame, train = numbers(100), [i % 2 == 0 for i in range(100)]
    step = Sample(n=10)
    reasons = step.reasons(frame, known(frame, train))
    assert sum(r is None for r, t in zip(reasons, train, strict=True) if t) == 10
    assert all(r is None for r, t in zip(reasons, train, strict=True) if not t)
    assert len(kept(Sample(n=1000), frame, known(frame))) == 100


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(1, 40))
@settings(max_examples=40)
def test_as_many_rows_are_drawn_as_are_asked_for(strata, n) -> None:
    """Whatever the strata; of each about its share."""
    draw = np.random.default_rng(0).integers(0, 2**63, len(strata)).astype(np.uint64)
    drawn = drawn_rows(draw, np.array(strata), n, None)
    assert drawn.sum() == min(n, len(strata))
    for stratum in set(strata):
        own = np.array(strata) == stratum
        assert abs(drawn[own].sum() - own.sum() * min(n, len(strata)) / len(strata)) < 1


@pytest.mark.parametrize("method", ["iqr", "zscore", "mad", "isolation_forest"])
def test_what_rejects_outliers_is_learned_from_training_rows(method) -> None:
    """Absurd held-out rows move no fence, and are flagged by those of training rows."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    frame.loc[0, "a"] = 50.0
    frame.loc[200:, :] = 1e6
    train = [i < 200 for i in range(300)]
    step = RejectOutliers(method=method)
    reasons = step.reasons(frame, known(frame, train))
    assert reasons[0] is not None
    assert all(r is not None for r in reasons[200:])
    alone = step.reasons(frame[:200], known(frame[:200]))
    assert reasons[:200].tolist() == alone.tolist()
    assert sum(r is not None for r in alone) < 20


def test_a_rejected_outlier_is_told_by_its_column_never_by_its_value() -> None:
    """The first column that objects is named."""
    frame = pd.DataFrame({"a": [1.0, 2.0, -5.0], "b": [1.0, 999.0, 999.0]})
    step = RejectOutliers(method="domain", domains={"a": Domain(low=0), "b": Domain(high=10)})
    told = step.reasons(frame, known(frame)).tolist()
    assert told == [None, "an outlier in 'b' (domain)", "an outlier in 'a' (domain)"]
    with pytest.raises(PlanError, match="'a'"):
        step.columns_after({"b": "float"})
