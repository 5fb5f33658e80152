"""Old versions go, and none that anybody may still need."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import Hold, ModelHome, Pointer
from penstock.bundle.log import Event, What
from penstock.bundle.publish import hold, publish, rollback
from penstock.bundle.retention import GRACE, expendable
from penstock.publishing import keep_of
from tests.unit.bundle.making import PASSED, Made

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
VERSIONS = [f"{i}-{i:012x}" for i in range(1, 7)]


def pointer(live: int, *previous: int, held: bool = False) -> Pointer:
    return Pointer(
        generation=9,
        model="churn",
        version=VERSIONS[live - 1],
        digest="ab" * 32,
        sequence=live,
        previous=tuple(VERSIONS[i - 1] for i in previous),
        holds=(Hold(reason="audit", who="ann", at="2026-06-01T00:00:00Z"),) if held else (),
    )


def event(version: int, hours_ago: float, what: What = "published") -> Event:
    at = (NOON - dt.timedelta(hours=hours_ago)).isoformat()
    name = VERSIONS[version - 1]
    told = {"who": "ann", "why": "", "model": "churn", "digest": "", "sequence": version, "generation": version}
    return Event.model_validate({"at": at, "what": what, "version": name, **told})


LONG_AGO = [event(i, 1000 - i) for i in range(1, 7)]


def gone(now: Pointer, events: list[Event], keep: int, moment: dt.datetime = NOON) -> list[int]:
    return [int(v.partition("-")[0]) for v in expendable(VERSIONS, now, events, keep, moment)]


def test_the_last_ones_stay() -> None:
    """As many as are kept, counted by sequence."""
    assert gone(pointer(6), LONG_AGO, 2) == [1, 2, 3, 4]
    assert gone(pointer(6), LONG_AGO, 10) == []


def test_what_is_live_or_fallen_back_to_stays_however_old() -> None:
    """After going back the live version may be older than all that are kept."""
    assert gone(pointer(1), LONG_AGO, 2) == [2, 3, 4]
    assert gone(pointer(6, 3, 1), LONG_AGO, 2) == [2, 4]


def test_a_held_model_keeps_everything() -> None:
    """Somebody is looking at it."""
    assert gone(pointer(6, held=True), LONG_AGO, 1) == []


def test_what_was_live_within_the_day_may_be_in_use() -> None:
    """A version counts from when it was replaced, not from when it was published."""
    events = [*LONG_AGO[:4], event(5, 20), event(6, 2)]
    assert gone(pointer(6), events, 1) == [1, 2, 3]
    assert gone(pointer(6), [*events[:4], event(5, 30), event(6, 2, "refused")], 1) == [1, 2, 3, 4]


def test_a_clock_that_was_set_back_or_a_time_that_cannot_be_read_removes_nothing() -> None:
    """Whatever lies in the future was live just now."""
    assert gone(pointer(6), LONG_AGO, 1, NOON - dt.timedelta(days=100)) == []
    odd = [e.model_copy(update={"at": "yesterday"}) for e in LONG_AGO]
    assert gone(pointer(6), odd, 1) == []
    assert dt.timedelta(hours=1) <= GRACE


@pytest.mark.parametrize("written", [{}, {"publish": True}, {"publish": {"keep": "many"}}, {"publish": None}])
def test_a_spec_that_says_nothing_keeps_ten(written: dict[str, object]) -> None:
    """Nor does one that an older release would not have understood keep fewer."""
    assert keep_of(written) == 10


def test_a_publish_sweeps_and_going_back_still_works(
    artifacts: Path, first: Made, second: Made, third: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pointer names no version that is gone; numbers go on."""
    monkeypatch.setattr("penstock.bundle.retention.GRACE", dt.timedelta(days=-1))
    home = ModelHome(artifacts, "churn")
    for made in (first, second, third, first, second):
        parts = dataclasses.replace(made.parts, spec={**made.parts.spec, "publish": {"keep": 3}})
        publish(artifacts, "churn", parts, PASSED)
        assert set(home.read_pointer().previous) <= set(home.versions())
    assert [int(v.partition("-")[0]) for v in home.versions()] == [3, 4, 5]
    assert rollback(artifacts, "churn").sequence == 4
    hold(artifacts, "churn", "audit")
    assert Bundle.load(home.folder).digest == first.parts.digest
    assert len(home.events()) == 8
