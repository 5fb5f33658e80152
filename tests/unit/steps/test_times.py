"""Look-ups as of a time, and of windows before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError, SpecError
from penstock.slices import Join
from penstock.steps.relations.lookup import NOTHING_ODD

from .relating import days, joined, source, taken

HOUR = 3_600_000_000
KEYS = st.sampled_from(["a", "b", "c"])
EVENTS = st.lists(st.tuples(KEYS, st.integers(0, 30), st.integers(-3, 3)), min_size=1, max_size=25)
ASKED = st.lists(
    st.tuples(st.one_of(st.none(), KEYS, st.just("z")), st.one_of(st.none(), st.integers(-2, 35))), min_size=1
)


def hours(numbers):
    """Return moments: hours from a day on."""
    return pa.array([None if n is None else n * HOUR for n in numbers], pa.timestamp("us")).cast(pa.timestamp("us"))


def base_of(asked):
    """Return rows that ask for keys at hours."""
    return source("base", {"k": pa.array([k for k, _ in asked], pa.string()), "at": hours(t for _, t in asked)}, base=1)


def events_of(events, name="events"):
    """Return rows of keys at hours, with values."""
    columns = {"k": [k for k, _, _ in events], "when": hours(t for _, t, _ in events), "v": [v for _, _, v in events]}
    return source(name, columns)


def one_per_moment(events):
    """Leave one event for each key and hour."""
    return list({(k, t): (k, t, v) for k, t, v in events}.values())


@given(EVENTS, ASKED, st.sampled_from([0, 1, 5]), st.sampled_from([None, 0, 4]))
@settings(max_examples=40)
def test_the_latest_row_known_by_then_is_found(events, asked, lag, within):
    """At or before the row's time less the lag, not older than `within`; never a later one."""
    events = one_per_moment(events)
    join = {"table": "events", "on": "k", "as_of": {"at": "when"}, "lag": f"{lag}h"}
    join |= {} if within is None else {"within": f"{within}h"}
    wanted = []
    for key, at in asked:
        known = [(t, v) for k, t, v in events if k == key and at is not None and t <= at - lag]
        latest = max(known, default=None)
        wanted.append(latest[1] if latest and (within is None or latest[0] >= at - lag - within) else None)
    if all(v is None for v in wanted):
        with pytest.raises(DataError, match="No row of 'base' finds a row of 'events'"):
            joined(base_of(asked), [events_of(events)], join)
        return
    done = joined(base_of(asked), [events_of(events)], join)
    assert taken(done, "events_v") == wanted
    lookup, raw = done.lookups["events"], base_of(asked).raw
    few = [lookup.extend_columns(raw.slice(i, 1).to_pydict(), 1)["events_v"][0] for i in range(len(asked))]
    assert few == wanted


@given(EVENTS, ASKED, st.sampled_from([0, 3]), st.sampled_from([None, 2, 10]))
@settings(max_examples=40)
def test_a_window_holds_the_rows_before_a_moment(events, asked, lag, window):
    """Rows at or after the row's time never count, nor do those before the window."""
    made = {"n": "count", "total": {"sum": "v"}, "high": {"max": "v"}, "kinds": {"distinct": "v"}, "end": {"last": "v"}}
    made["up"] = {"count": True, "where": "v > 0"}
    made = {k: v if window is None else {**({"count": True} if v == "count" else v), "window": f"{window}h"}
            for k, v in made.items()}  # fmt: skip
    join = {"table": "events", "on": "k", "as_of": {"at": "when"}, "lag": f"{lag}h", "aggregate": made}
    wanted = []
    for key, at in asked:
        inside = [
            (t, i, v)
            for i, (k, t, v) in enumerate(events)
            if k == key and at is not None and t < at - lag and (window is None or t >= at - lag - window)
        ]
        values = [v for _, _, v in sorted(inside)]
        if key is None or at is None:
            wanted.append((None,) * 6)
            continue
        up = sum(v > 0 for v in values)
        ends = (max(values), len(set(values)), values[-1]) if values else (None, 0, None)
        wanted.append((len(values), float(sum(values)), *ends, up))
    base, table = base_of(asked), events_of(events)
    early = [at is not None and any(k == key and t < at - lag for k, t, _ in events) for key, at in asked]
    if not any(early):
        with pytest.raises(DataError, match="No row of 'base' finds"):
            joined(base, [table], join)
        return
    done = joined(base, [table], join)
    names = [f"events_{name}" for name in made]
    assert list(zip(*(taken(done, name) for name in names), strict=True)) == wanted
    lookup = done.lookups["events"]
    alone = [lookup.extend_columns(base.raw.slice(i, 1).to_pydict(), 1) for i in range(len(asked))]
    assert [tuple(row[name][0] for name in names) for row in alone] == wanted


def test_no_change_of_the_future_of_a_table_is_seen():
    """Features of a row stay as they are to the last bit, whatever the tables come to hold from its time on."""
    rng = np.random.default_rng(4)
    n = 400
    frame = pd.DataFrame({"k": rng.choice(list("abc"), n), "when": rng.permutation(n), "v": rng.normal(size=n)})
    asked = [(str(k), int(t)) for k, t in zip(rng.choice(list("abc"), 200), rng.integers(20, 200, 200), strict=True)]
    takes = {t: {t: "v", "window": w} for t, w in zip(
        ("sum", "mean", "std", "min", "max", "first", "last", "distinct"), ["9d", "3d"] * 4, strict=True)}  # fmt: skip
    plain = {"table": "events", "on": "k", "as_of": {"at": "when"}}
    given = []
    for altered in (False, True):
        now = frame.copy()
        if altered:
            later = now["when"] >= 200
            now.loc[later, "v"] = rng.normal(1e9, 1e6, int(later.sum()))
            now = pd.concat([now, now[later].assign(when=now["when"] + 1000)])
        columns = {"k": now["k"].tolist(), "when": hours(now["when"].tolist()), "v": now["v"].tolist()}
        as_of = joined(base_of(asked), [source("events", columns)], plain)
        window = joined(base_of(asked), [source("events", columns)], {**plain, "aggregate": takes})
        given.append((as_of.features, window.features))
    for before, after in zip(*given, strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_times_compare_in_utc_however_each_side_writes_them():
    """One side writes moments in UTC, the other local times: half past ten in Berlin is after nine in UTC."""
    base = source("base", {"at": ["2026-01-01T09:00:00Z"], "k": ["x"]}, {"at": "datetime"}, base=1)
    written = {"k": ["x", "x"], "when": ["2026-01-01 09:30", "2026-01-01 10:30"], "v": [1, 2]}
    local = source("events", written, {"when": "datetime"}, zones={"when": "Europe/Berlin"})
    done = joined(base, [local], {"table": "events", "on": "k", "as_of": {"at": "when"}})
    assert taken(done, "events_v") == [1]


def test_what_is_too_old_is_told_apart_from_what_is_not_there():
    """A row without key or time, one whose key has nothing yet, and one whose latest row is old are three things."""
    base = source("base", {"k": ["a", "a", "a", None, "z"], "at": days(3, 1, 20, 3, 3)}, base=1)
    events = source("events", {"k": ["a", "a", None], "when": days(2, 2, 9), "v": [7, 7, 8]})
    done = joined(base, [events], {"table": "events", "on": "k", "as_of": {"at": "when"}, "within": "5d"})
    assert taken(done, "events_v") == [7, None, None, None, None]
    found = done.lookups["events"].findings(base.raw.to_pydict(), 5)
    assert (found.missing_key.tolist(), found.orphan.tolist(), found.stale.tolist()) == ([3], [1, 4], [2])
    (reading,) = done.joins
    assert (reading.matched, reading.orphans, reading.unkeyed, reading.stale) == (1, 2, 1, 1)
    assert (reading.duplicates_removed, reading.keyless, reading.examples) == (1, 1, ("a", "z"))


def test_two_rows_of_one_key_and_moment_that_differ_are_refused():
    """Which of them would be found would be chance; the moment is told as a moment."""
    events = source("events", {"k": ["a", "a"], "when": days(2, 2), "v": [7, 8]})
    base = source("base", {"k": ["a"], "at": days(3)}, base=1)
    with pytest.raises(DataError, match="several different rows for one key") as caught:
        joined(base, [events], {"table": "events", "on": "k", "as_of": {"at": "when"}})
    assert "'a / 2026-01-02'" in str(caught.value)


def test_only_moments_can_be_as_of():
    """A text or a number is refused by its kind, on either side."""
    events = source("events", {"k": ["a"], "when": days(2), "v": [7]})
    base = source("base", {"k": ["a"], "at": [3]}, base=1)
    with pytest.raises(SpecError, match="'at' of 'base' is no date and time") as caught:
        joined(base, [events], {"table": "events", "on": "k", "as_of": {"at": "when"}})
    assert "kind integer" in str(caught.value)


def test_that_nothing_came_before_is_an_answer_and_no_warning():
    """A new customer has had 0 orders; one without a name is another matter."""
    base = source("base", {"k": ["a", "new", None], "at": days(5, 5, 5)}, base=1)
    events = source("events", {"k": ["a"], "when": days(2), "v": [7]})
    done = joined(base, [events], {"table": "events", "on": "k", "as_of": {"at": "when"}, "aggregate": {"n": "count"}})
    assert taken(done, "events_n") == [1, 0, None]
    found = done.lookups["events"].findings(base.raw.to_pydict(), 3)
    assert (found.missing_key.tolist(), found.orphan.tolist()) == ([2], [])
    assert done.lookups["events"].findings({"k": ["a"], "at": ["2026-01-09"]}, 1) is NOTHING_ODD


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"lag": "1h"}, "`lag` needs the times of both sides"),
        ({"within": "1h"}, "`within` needs the times of both sides"),
        ({"aggregate": {"week": {"sum": "v", "window": "7d"}}}, "`week` needs the times of both sides"),
        ({"as_of": {"a": "b", "c": "d"}}, "names one time on each side"),
        ({"aggregate": {}}, "makes no column"),
        ({"aggregate": {"n": "count"}, "relation": "one-to-one"}, "cannot be one-to-one"),
        ({"aggregate": {"s": {"sum": "v"}}, "columns": ["w"]}, "'v' is none of the `columns`"),
        ({"pivot": {"by": "v", "take": "sum"}}, "`sum` needs a column"),
        ({"on": {}}, "`on` names no column"),
    ],
)
def test_a_join_that_contradicts_itself_is_refused_as_it_is_written(said, told):
    """What can be told from the spec alone is told before anything is read."""
    with pytest.raises(ValueError, match=told):
        Join.model_validate({"table": "t", "on": "k", **said})
