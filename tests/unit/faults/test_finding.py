"""Each kind of fault by itself: what is found, what is not, and that the words say what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.arrays.profile import profile_frame
from penstock.faults.changed import (
    find_changes_between_sides,
    find_changes_since,
    find_constant_output,
    find_gone_labels,
    find_mixed_units,
    find_one_sided_labels,
)
from penstock.faults.copies import find_near_rows
from penstock.faults.encoded import find_encoded
from penstock.faults.finding import Finding
from penstock.faults.groups import find_undeclared_groups
from penstock.faults.order import find_time_overlap
from penstock.faults.telling import find_near_copies, find_parts, find_telling_ids, strengths_of
from penstock.table import Column, TableSchema, Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
THREE = Target(name="y", task="multiclass", labels=("a", "b", "c"))
NUMBER = Target(name="y", task="regression")
N = 600


@pytest.fixture
def random() -> np.random.Generator:
    """Return the same numbers in every test."""
    return np.random.default_rng(3)


@pytest.fixture
def honest(random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return honest rows and their labels."""
    y = random.integers(0, 2, N)
    return pd.DataFrame({c: y * 0.7 + random.normal(0, 1, N) for c in "abcd"}), y


def blocked(found: tuple[Finding, ...]) -> list[str]:
    """Return the columns that block, each with a way out in its sentence."""
    assert all("; to do: " in f.what for f in found if f.blocks)
    return [f.column for f in found if f.blocks]


def near_copies(frame: pd.DataFrame, y: np.ndarray, target: Target) -> list[str]:
    return blocked(find_near_copies(frame, y, target, strengths_of(frame, y, target, seed=1), seed=1))


def test_a_column_that_is_the_target_but_for_a_few_rows_blocks(honest, random) -> None:
    """As labels of another name, and as a number that the others do not come near."""
    frame, y = honest
    wrong = random.random(N) < 0.01
    seldom = np.where(wrong, 1 - y, y)
    frame = frame.assign(again=pd.array(np.where(seldom == 1, "P", "N"), dtype="str"))
    assert near_copies(frame, y, BINARY) == ["again"]
    assert near_copies(frame.assign(again=seldom + random.normal(0, 0.1, N)), y, BINARY) == ["again"]
    assert near_copies(frame.drop(columns="again"), y, BINARY) == []


def test_a_very_good_measurement_beside_others_as_good_does_not_block(random) -> None:
    """Classes that lie apart are told by each of several columns."""
    y = random.integers(0, 2, N)
    frame = pd.DataFrame({c: y * 4.0 + random.normal(0, 1, N) for c in "abc"})
    assert strengths_of(frame, y, BINARY, seed=1)["a"] > 0.99
    assert near_copies(frame, y, BINARY) == []


def test_two_columns_of_which_the_target_is_made_block(honest, random) -> None:
    """A balance below nothing is the label; guests and members are the users."""
    frame, y = honest
    due = random.gamma(2, 50, N)
    paid = due + np.where(y == 1, 1, -1) * random.gamma(2, 5, N)
    (found,) = find_parts(frame.assign(paid=paid, due=due), y, BINARY, seed=1)
    assert found.blocks
    assert "paid - due tells the target" in found.what
    assert "known_after: [paid, due]" in found.what
    assert find_parts(frame, y, BINARY, seed=1) == ()
    counts = pd.DataFrame(random.integers(0, 90, (N, 3)).astype(float), columns=["guests", "members", "heat"])
    (found,) = find_parts(counts, (counts["guests"] + counts["members"]).to_numpy(), NUMBER, seed=1)
    assert "y = guests + members" in found.what


def test_an_identifier_that_tells_the_target_blocks_and_one_that_does_not_passes(honest, random) -> None:
    """Numbers given label by label, and a code whose first letter is the label."""
    frame, y = honest
    order = np.argsort(y + random.normal(0, 0.4, N), kind="stable")
    account = np.empty(N)
    account[order] = 1000.0 + np.cumsum(random.integers(1, 5, N))
    code = pd.array([f"{'MB'[k]}{i:04}" for k, i in zip(y, random.permutation(N), strict=True)], dtype="str")
    assert blocked(find_telling_ids(frame.assign(account=account), y, BINARY, seed=1)) == ["account"]
    assert blocked(find_telling_ids(frame.assign(code=code), y, BINARY, seed=1)) == ["code"]
    assert find_telling_ids(frame.assign(account=random.permutation(account)), y, BINARY, seed=1) == ()


def test_rows_that_were_rounded_block_and_neighbours_do_not(honest, random) -> None:
    """A tenth of the held-out rows are training rows with the last digits cut off."""
    frame, y = honest
    train, held = frame.iloc[:450], frame.iloc[450:].copy()
    held.iloc[:15] = train.iloc[:15].round(3).to_numpy()
    true = y[450:].copy()
    true[:15] = y[:15]
    assert blocked(find_near_rows(train, held, y[:450], true, BINARY, seed=1)) == [""]
    assert find_near_rows(train, frame.iloc[450:], y[:450], y[450:], BINARY, seed=1) == ()
    true[:15] = 1 - y[:15]
    assert blocked(find_near_rows(train, held, y[:450], true, BINARY, seed=1)) == []


def test_rows_that_agree_in_a_frequent_value_are_no_copies(random) -> None:
    """Visitors who looked at nothing are alike without being the same."""
    y = (random.random(N) < 0.02).astype(int)
    idle = random.random(N) < 0.6
    frame = pd.DataFrame({c: np.where(idle, 0.0, random.exponential(1, N)) for c in "abc"})
    frame["d"] = random.normal(0, 1, N)
    assert find_near_rows(frame.iloc[:450], frame.iloc[450:], y[:450], y[450:], BINARY, seed=1) == ()


@pytest.mark.parametrize("role", ["id", "feature"])
def test_an_undeclared_group_of_one_target_blocks(role: str, random) -> None:
    """Four visits of one patient, measured nearly alike, with one diagnosis."""
    who = np.repeat(np.arange(150), 4)
    truth = random.integers(0, 2, 150)[who]
    frame = pd.DataFrame({c: random.normal(0, 1, 150)[who] + random.normal(0, 0.2, N) for c in "abc"})
    names = pd.DataFrame({"patient": pd.array([f"P{i}" for i in who], dtype="str")})
    is_train = random.random(N) < 0.75
    ids = frozenset({"patient"} if role == "id" else ())
    (found,) = find_undeclared_groups(names, frame, truth, is_train, BINARY, ids)
    assert found.blocks
    assert found.what.endswith("group: patient")
    mixed = random.permutation(truth)
    assert find_undeclared_groups(names, frame, mixed, is_train, BINARY, ids) == ()
    if role == "feature":
        apart = pd.DataFrame({c: random.normal(0, 1, N) for c in "abc"})
        assert find_undeclared_groups(names, apart, truth, is_train, BINARY, ids) == ()


def test_rows_that_follow_each_other_block_where_they_were_split_at_random(random) -> None:
    """Episodes of one label; no order at all passes; and a split by time passes where it was one."""
    times = np.arange(N, dtype=float)
    y = (np.arange(N) // 40) % 2
    is_train = random.random(N) < 0.75
    asked = {"by_time": False, "seed": 1}
    (found,) = find_time_overlap("at", times, y, is_train, BINARY, **asked)
    assert found.blocks
    assert "split: {by: time, time: at}" in found.what
    assert find_time_overlap("at", random.permutation(times), y, is_train, BINARY, **asked) == ()
    asked["by_time"] = True
    assert find_time_overlap("at", times, y, times < 450, BINARY, **asked) == ()
    (found,) = find_time_overlap("at", times, y, (times < 450) | (times > 590), BINARY, **asked)
    assert found.what.startswith("9 training rows are from the time of the held-out rows")


@pytest.mark.parametrize("how", ["plain", "smoothed", "left_out"])
def test_means_of_the_target_over_all_rows_block(how: str, honest, random) -> None:
    """A mean by site, one drawn towards the mean of all, and one that leaves out the row's own target."""
    frame, y = honest
    site = pd.Series(random.integers(0, 60, N))
    sums, n = (pd.Series(y).groupby(site).transform(take) for take in ("sum", "count"))
    rate = {"plain": sums / n, "smoothed": (sums + 5 * y.mean()) / (n + 5), "left_out": (sums - y) / (n - 1)}[how]
    frame = frame.assign(rate=rate.round(6), site=pd.array([f"S{i}" for i in site], dtype="str"))
    assert blocked(find_encoded(frame, y, BINARY)) == ["rate"]
    assert find_encoded(frame.assign(rate=random.permutation(rate)), y, BINARY) == ()


def test_a_frequent_number_that_happens_to_be_near_the_share_of_a_label_is_no_mean(random) -> None:
    """Gains are nothing for most, and thousands for some: beside these a fifth is as good as nothing."""
    y = (random.random(N) < 0.2).astype(int)
    gains = np.where(random.random(N) < 0.9, 0.0, random.choice([2500.0, 7000.0, 15_000.0, 99_999.0], N))
    gains += np.where(gains > 0, random.integers(0, 6, N) * 10.0, 0.0)
    assert find_encoded(pd.DataFrame({"gains": gains}), y, BINARY) == ()


def test_a_part_of_the_rows_in_another_unit_blocks_and_codes_for_missing_do_not(random) -> None:
    """Grams among kilograms; but 99999 for unknown, and a wide spread of sizes, are no units."""
    weight = random.normal(70, 9, N)
    frame = pd.DataFrame(
        {
            "weight": np.where(random.random(N) < 0.3, weight * 1000, weight),
            "coded": np.where(random.random(N) < 0.3, 99_999.0, weight),
            "wide": random.lognormal(3, 3, N),
        }
    )
    assert blocked(find_mixed_units(frame)) == ["weight"]


def test_what_changed_between_the_sides_blocks(random) -> None:
    """A split by time finds the day on which a sensor was replaced."""
    train = pd.DataFrame(
        {"heat": random.normal(20, 3, N), "wet": random.normal(50, 9, N), "dry": random.normal(1, 9, N)}
    )
    held = train.assign(heat=train["heat"] * 1000, wet=train["wet"].where(random.random(N) < 0.4))
    found = find_changes_between_sides(train, held)
    assert sorted(blocked(found)) == ["heat", "wet"]
    assert "about 1,000 times" in next(f.what for f in found if f.column == "heat")
    assert find_changes_between_sides(train, train.sample(frac=0.3, random_state=1)) == ()


def test_what_changed_since_the_live_version_blocks(random) -> None:
    """Its profile travels with it; of a private column only that it changed is told."""
    columns = tuple(Column(name=c, kind="float", private=c == "own") for c in ("heat", "wet", "own"))
    schema = TableSchema(columns=columns)
    before = pd.DataFrame({c.name: random.normal(20, 3, N) for c in columns})
    now = before.assign(heat=before["heat"] / 1000, own=before["own"].where(random.random(N) < 0.5))
    live, changed = profile_frame(before, schema), profile_frame(now, schema)
    found = find_changes_since(live, changed, "3-abc")
    assert sorted(blocked(found)) == ["heat", "own"]
    assert "a 1,000th of what it was in 3-abc" in next(f.what for f in found if f.column == "heat")
    assert find_changes_since(live, live, "3-abc") == ()


def test_labels_that_are_gone_block_and_private_ones_are_counted() -> None:
    """A label that held-out rows alone have cannot be learned; a few rows of it may be chance."""
    (found,) = find_gone_labels(("a", "b", "c", "z"), THREE, "2-x", private=False)
    assert found.blocks
    assert found.what.startswith("the live version 2-x knows labels of 'y' that no row has any more: 'z'")
    (hidden,) = find_gone_labels(("a", "b", "c", "z"), THREE, "2-x", private=True)
    assert "'z'" not in hidden.what
    assert find_gone_labels(("a", "b"), THREE, "2-x", private=False) == ()
    assert [f.blocks for f in find_one_sided_labels({0: 9, 1: 9}, {0: 3, 2: 7}, THREE, private=False)] == [True]
    assert [f.blocks for f in find_one_sided_labels({0: 9, 1: 9}, {0: 3, 2: 2}, THREE, private=False)] == [False]


def test_a_model_that_says_the_same_of_every_row_blocks(random) -> None:
    """Whatever it is fed."""
    assert blocked(find_constant_output(np.full((50, 2), 0.5))) == [""]
    assert blocked(find_constant_output(np.full(50, 7.1))) == [""]
    assert find_constant_output(random.random((50, 2))) == ()
