"""Steps that look back: what they give, against slow references, and that the future changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.blocks import Blocks
from penstock.steps.plan import Plan
from penstock.steps.time.count_before import CountBefore
from penstock.steps.time.difference import Difference
from penstock.steps.time.expanding import Expanding
from penstock.steps.time.lag import Lag
from penstock.steps.time.rolling import Rolling
from penstock.steps.time.since_last import SinceLast

from .frames import rows_of

EVERY = ("mean", "sum", "count", "min", "max", "std", "median")
# Columns: `seen` is a moment, `turn` a number, `sold` and `left` are values.
STEPS = (
    Lag(order="seen", by="shop", of="sold"),
    Lag(order="turn", by=("shop", "open"), of=("sold", "left"), k=(1, 3), gap=1.0, label="late"),
    Rolling(order="seen", by="shop", of="sold", last=3, take=EVERY),
    Rolling(order="seen", by=("shop", "open"), of=("sold", "left"), window="2 d", take=EVERY),
    Rolling(order="seen", of="left", window="3d", gap="1d", take=EVERY, label="known"),
    Rolling(order="turn", by="shop", of="left", window=2, gap=2, take=EVERY),
    Expanding(order="seen", by="shop", of="sold", take=EVERY[:-1]),
    Expanding(order="turn", of=("sold", "left"), gap=1, take=EVERY[:-1], label="late"),
    Difference(order="turn", by="shop", of="sold", take=("difference", "ratio")),
    Difference(order="seen", of="left", k=(1, 2), gap="1h"),
    SinceLast(order="seen", by="shop", unit="hours"),
    SinceLast(order="turn", by="open"),
    CountBefore(order="seen", by=("shop", "open")),
    CountBefore(order="turn", gap=2),
)
START = pd.Timestamp(2024, 2, 27)
_VALUES = st.one_of(st.just(np.nan), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))
ROWS = st.tuples(
    st.one_of(st.none(), st.integers(0, 12).map(lambda i: START + pd.Timedelta(hours=12 * i))),
    st.one_of(st.just(np.nan), st.integers(0, 5).map(float)),
    st.sampled_from(["a", "a", "b", None]),
    st.sampled_from([0.0, 1.0, np.nan]),
    _VALUES,
    _VALUES,
)


def frame_of(rows):
    """Return a typed frame of rows."""
    seen, turn, shop, is_open, sold, left = zip(*rows, strict=True) if rows else [()] * 6
    return pd.DataFrame(
        {
            "seen": pd.Series(pd.to_datetime(list(seen)), dtype="datetime64[us]"),
            "turn": np.array(turn, dtype=np.float64),
            "shop": pd.array(list(shop), dtype="str"),
            "open": np.array(is_open, dtype=np.float64),
            "sold": np.array(sold, dtype=np.float64),
            "left": np.array(left, dtype=np.float64),
        }
    )


FRAMES = st.lists(ROWS, min_size=1, max_size=25).map(frame_of)


def measure(reach):
    return pd.Timedelta(reach.replace("d", "D")) if isinstance(reach, str) else reach


def earlier(step, frame, row):
    """Return, in order, the rows of a frame that a row may see."""
    rows = frame[frame[step.order].notna()].sort_values(step.order, kind="stable")
    for name in step.by:
        rows = rows[rows[name] == row[name]]
    if step.gap is None:
        return rows[rows[step.order] < row[step.order]]
    return rows[rows[step.order] <= row[step.order] - measure(step.gap)]


def taken(take, values):
    values = values.dropna()
    if take == "count":
        return float(len(values))
    return getattr(values, take)() if len(values) else np.nan


def expected_of(step, frame, row):
    """Return what a row should be told, the slow way."""
    if pd.isna(row[step.order]) or any(pd.isna(row[name]) for name in step.by):
        return [np.nan] * len(step.made(dict.fromkeys(frame.columns, "float")))
    seen = earlier(step, frame, row)
    if isinstance(step, CountBefore):
        return [float(len(seen))]
    if isinstance(step, SinceLast):
        since = row[step.order] - seen[step.order].iloc[-1] if len(seen) else np.nan
        return [since / pd.Timedelta(hours=1) if isinstance(since, pd.Timedelta) else since]
    if isinstance(step, Lag | Difference):
        backs = {(c, k): seen[c].iloc[-k] if len(seen) >= k else np.nan for c in step.of for k in step.k}
        if isinstance(step, Lag):
            return list(backs.values())
        with np.errstate(all="ignore"):
            changes = {"difference": np.subtract, "ratio": np.divide}
            found = [changes[t](row[c], np.float64(back)) for (c, _), back in backs.items() for t in step.take]
        return [value if np.isfinite(value) else np.nan for value in found]
    if isinstance(step, Rolling) and step.last:
        seen = seen.iloc[-step.last :]
    elif isinstance(step, Rolling) and step.gap is None:
        seen = seen[seen[step.order] >= row[step.order] - measure(step.window)]
    elif isinstance(step, Rolling):
        seen = seen[seen[step.order] > row[step.order] - measure(step.gap) - measure(step.window)]
    return [taken(take, seen[column]) for column in step.of for take in step.take]


def told_by(step, learned, frame):
    return learned.apply(frame)[list(step.made(dict.fromkeys(frame.columns, "float")))]


@given(step=st.sampled_from(STEPS), train=FRAMES, frame=FRAMES)
@settings(max_examples=40)
def test_a_row_is_told_what_a_slow_search_of_earlier_training_rows_finds(step, train, frame):
    """Groups, ties, gaps, windows and missing values are as a plain filter for each row has them."""
    learned = step.learn(train)
    for rows in (train, frame):
        wanted = [expected_of(step, train, row) for _, row in rows.iterrows()]
        told = told_by(step, learned, rows).to_numpy()
        np.testing.assert_allclose(told, np.array(wanted), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("window", ["4h", "30h"])
def test_windows_and_lags_are_those_of_pandas(window):
    """On distinct times the features are what `groupby` with `shift` and `rolling` gives."""
    rng = np.random.default_rng(7)
    minutes = rng.permutation(20_000)[:3_000]
    frame = pd.DataFrame(
        {
            "seen": (START + pd.to_timedelta(minutes, unit="min")).astype("datetime64[us]"),
            "shop": pd.array(rng.choice(["a", "b", "c"], 3_000), dtype="str"),
            "sold": np.where(rng.random(3_000) < 0.1, np.nan, rng.normal(50, 20, 3_000)),
        }
    )
    after = Rolling(order="seen", by="shop", of="sold", window=window, take=EVERY).learn(frame).apply(frame)
    after["sold_lag_2"] = Lag(order="seen", by="shop", of="sold", k=2).learn(frame).apply(frame)["sold_lag_2"]
    after["sold_mean_before"] = (
        Expanding(order="seen", by="shop", of="sold").learn(frame).apply(frame)["sold_mean_before"]
    )
    for _, group in after.sort_values("seen").groupby("shop"):
        sold = group.set_index("seen")["sold"]
        rolling = sold.rolling(window, closed="left", min_periods=1)
        for take in EVERY:
            wanted = getattr(rolling, take)()
            wanted = wanted.fillna(0.0) if take == "count" else wanted
            np.testing.assert_allclose(group[f"sold_{take}_{window}"], wanted, rtol=1e-7)
        np.testing.assert_array_equal(group["sold_lag_2"], sold.shift(2))
        np.testing.assert_allclose(group["sold_mean_before"], sold.expanding().mean().shift(), rtol=1e-12)


@given(step=st.sampled_from(STEPS), train=FRAMES, other=FRAMES, until=st.integers(0, 12))
@settings(max_examples=40)
def test_the_future_changes_no_bit_of_what_rows_before_it_are_told(step, train, other, until):
    """Whatever values and rows come after a time, no feature of a row up to that time can see them."""
    bound = START + pd.Timedelta(hours=12 * until) if step.order == "seen" else until / 2
    past = train[(train[step.order] <= bound) | train[step.order].isna()]
    future = other[other[step.order] > bound]
    altered = pd.concat([future.iloc[::2], past, future.iloc[1::2]], ignore_index=True)
    rows = past.reset_index(drop=True)
    before = told_by(step, step.learn(train), rows)
    after = told_by(step, step.learn(altered), rows)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@given(train=FRAMES, history=FRAMES, other=FRAMES, until=st.integers(0, 12))
@settings(max_examples=25)
def test_no_plan_sees_the_future_neither_in_training_rows_nor_in_history(train, history, other, until):
    """The same holds for steps one after the other, for the rows that a model learns from, and for rows sent along."""
    plan = Plan(
        steps=(
            Lag(order="seen", by="shop", of="sold"),
            Rolling(order="seen", by="shop", of="sold_lag_1", window="2d", take=("sum", "std")),
            Difference(order="seen", of="left", label="all"),
            Expanding(order="seen", of=("left", "sold_lag_1_sum_2d"), take=EVERY[:-1]),
            SinceLast(order="seen", by="open"),
            CountBefore(order="seen", by="shop"),
        )
    )
    bound = START + pd.Timedelta(hours=12 * until)
    early = [frame[frame["seen"] <= bound] for frame in (train, history)]
    late = other[other["seen"] > bound]
    rows = early[0].reset_index(drop=True)
    if not len(rows):
        return
    whole = plan.transformer().fit_transform(train)
    kept = (train["seen"] <= bound).to_numpy()
    altered = pd.concat([early[0], late], ignore_index=True)
    learned = plan.transformer()
    pd.testing.assert_frame_equal(
        whole[kept].reset_index(drop=True), learned.fit_transform(altered)[: len(rows)], check_exact=True
    )
    longer = plan.transformer().fit(train).extended(history)
    changed = learned.extended(pd.concat([early[1], late.iloc[::-1]], ignore_index=True))
    pd.testing.assert_frame_equal(longer.transform(rows), changed.transform(rows), check_exact=True)


@given(step=st.sampled_from(STEPS), train=FRAMES, history=FRAMES, more=FRAMES)
@settings(max_examples=40)
def test_history_tells_what_training_rows_would_have_told(step, train, history, more):
    """Rows sent along count as if they had been there in training, in one piece or two; those known already, once."""
    # Values that tell rows apart: a row that agrees with a stored one is that row.
    frames = [train, history, more]
    for i, frame in enumerate(frames):
        frames[i] = frame.assign(sold=np.arange(len(frame)) * 8.0 + i, left=np.arange(len(frame)) * 8.0 - i)
    train, history, more = frames
    if not step.looked_at:
        # Without values rows are told apart by their times alone.
        train, history, more = (f.iloc[i::3] for i, f in enumerate([train.drop_duplicates(step.order)] * 3))
    known = step.learn(train).extended(Blocks.of(history))
    rows = pd.concat([train, history, more], ignore_index=True)
    wanted = told_by(step, step.learn(pd.concat([train, history], ignore_index=True)), rows)
    pd.testing.assert_frame_equal(told_by(step, known, rows), wanted, check_exact=True)
    pd.testing.assert_frame_equal(
        told_by(step, known.extended(Blocks.of(history)).extended(Blocks.of(train)), rows), wanted, check_exact=True
    )
    twice = told_by(step, known.extended(Blocks.of(more)), rows)
    pd.testing.assert_frame_equal(twice, told_by(step, step.learn(rows), rows), check_exact=True)


@given(step=st.sampled_from(STEPS), train=FRAMES, history=FRAMES, frame=FRAMES)
@settings(max_examples=40)
def test_rows_of_one_batch_do_not_see_each_other(step, train, history, frame):
    """A batch equals its rows one at a time, to the last bit, with history and without, and changes nothing known."""
    learned = step.learn(train)
    for known in (learned, learned.extended(Blocks.of(history))):
        whole = known.apply(frame)
        apart = pd.concat([known.apply(row) for row in rows_of(frame)], ignore_index=True)
        pd.testing.assert_frame_equal(whole, apart, check_exact=True)
    pd.testing.assert_frame_equal(learned.apply(frame), step.learn(train).apply(frame), check_exact=True)


TAILS = tuple(
    step.model_copy(update={"keep": 3}) for step in STEPS if isinstance(step, Lag | Rolling | Difference | SinceLast)
)


@given(step=st.sampled_from(TAILS), train=FRAMES, history=FRAMES)
@settings(max_examples=40)
def test_a_kept_tail_answers_for_later_rows_as_the_whole_does_and_else_says_nothing(step, train, history):
    """Cutting saves memory, never makes a wrong answer: a row whose stretch was cut away is told nothing."""
    whole, tail = step.model_copy(update={"keep": None}).learn(train), step.learn(train)
    late = train[step.order].max()
    after = train.assign(**{step.order: late + (pd.Timedelta(hours=1) if step.order == "seen" else 1.0)})
    pd.testing.assert_frame_equal(told_by(step, tail, after), told_by(step, whole, after))
    pd.testing.assert_frame_equal(tail.on_training(Blocks.of(train)).frame(), whole.apply(train), check_exact=True)
    newer = history[history[step.order] > late]
    for known, full, rows in (
        (tail, whole, train),
        (tail.extended(Blocks.of(newer)), whole.extended(Blocks.of(newer)), history),
    ):
        told, wanted = told_by(step, known, rows), told_by(step, full, rows)
        agree = np.isclose(told, wanted, rtol=1e-9, atol=1e-6, equal_nan=True)
        assert (agree | told.isna()).to_numpy().all()
