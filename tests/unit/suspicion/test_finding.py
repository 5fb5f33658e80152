"""Which columns are asked about, and which are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.suspicion.finding import find_suspicions
from penstock.suspicion.suspicion import Suspicion, with_lines
from penstock.table import Target

N = 2_000
BINARY = Target(name="late", task="binary", labels=("no", "yes"))
NUMBER = Target(name="total", task="regression")


def asked(frame: pd.DataFrame, y: np.ndarray, target: Target, lacking: int = 0, **more: bool) -> dict[str, Suspicion]:
    """Look at training rows, of which the last ones have no target."""
    labelled = np.arange(len(frame)) < len(frame) - lacking
    return {s.column: s for s in find_suspicions(frame, y, labelled, ~labelled, target, **more)}


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a source of numbers, the same in every run."""
    return np.random.default_rng(7)


@pytest.fixture
def honest(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows that are worth learning from and give nothing away."""
    y = rng.integers(0, 2, N)
    frame = pd.DataFrame(
        {
            "size": y + rng.normal(0, 1.5, N),
            "weight": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
            "town": pd.array(rng.choice(["Oslo", "Bonn", "Rome"], N), dtype="str"),
        }
    )
    return frame, y


def test_honest_columns_are_not_asked_about(honest):
    """A suspicion on every table would be read by nobody."""
    assert asked(*honest, BINARY) == {}


def test_the_parts_of_a_sum_are_named_with_the_sum(rng):
    """Each alone tells little; together they are the target."""
    frame = pd.DataFrame(rng.integers(0, 500, (N, 4)).astype(float), columns=["guests", "members", "heat", "wind"])
    found = asked(frame, (frame["guests"] + 2 * frame["members"]).to_numpy(), NUMBER)
    assert set(found) == {"guests", "members"}
    assert found["guests"].what == "total = guests + 2 members, in 2,000 training rows"


def test_a_column_that_is_missing_with_the_target_comes_with_it(honest):
    """A flight that was cancelled has neither a delay nor a time in the air."""
    frame, y = honest
    here = np.arange(N) < N - 60
    arrived = np.where(here, frame["size"], np.nan)
    sometimes = np.where(here | (np.arange(N) % 3 == 0), frame["size"], np.nan)
    everywhere = np.where(np.arange(N) % 4 == 0, np.nan, frame["size"])
    found = asked(frame.assign(arrived=arrived, sometimes=sometimes, everywhere=everywhere), y, BINARY, lacking=60)
    assert {name: s.sign for name, s in found.items()} == {"arrived": "with_target", "sometimes": "with_target"}
    assert "60 of the 60 training rows without 'late', and in none of those with it" in found["arrived"].what


@pytest.mark.parametrize(("filled", "label"), [(1, "late = yes"), (0, "late = no")])
def test_a_column_filled_in_for_one_label_only_is_asked_about(honest, rng, filled, label):
    """Whoever got a boat survived, and only the dead had a number; that few have one does not matter."""
    frame, y = honest
    boat = np.where((y == filled) & (rng.random(N) < 0.1), 5.0, np.nan)
    found = asked(frame.assign(boat=boat), y, BINARY)
    assert set(found) == {"boat"}
    assert f"100.0% of them with {label}" in found["boat"].what
    assert "yes" not in asked(frame.assign(boat=boat), y, BINARY, private=True)["boat"].what


def test_gaps_that_only_lean_towards_a_label_are_no_suspicion(honest, rng):
    """Missing is often informative, and known in time."""
    frame, y = honest
    income = np.where(rng.random(N) < 0.2 + 0.4 * y, np.nan, 1.0)
    assert asked(frame.assign(income=income), y, BINARY) == {}


def test_a_name_is_evidence_only_of_a_column_that_is_strongest_and_strong(honest, rng):
    """Names alone say nothing."""
    frame, y = honest
    weak, strong = y + rng.normal(0, 2, N), y + rng.normal(0, 0.6, N)
    assert asked(frame.assign(duration=weak), y, BINARY) == {}
    assert asked(frame.assign(measure=strong), y, BINARY) == {}
    assert asked(frame.assign(measure=strong, duration=frame["size"]), y, BINARY) == {}
    (found,) = asked(frame.assign(call_duration=strong), y, BINARY).values()
    assert (found.column, found.sign) == ("call_duration", "name")
    assert "ROC AUC 0.8" in found.what
    assert "'duration'" in found.what


def test_a_column_that_tells_the_target_alone_is_asked_about(honest, rng):
    """Nearly a copy, as text or as a number."""
    frame, y = honest
    flipped = np.where(rng.random(N) < 0.005, 1 - y, y)
    found = asked(frame.assign(status=pd.array(np.where(flipped == 1, "closed", "open"), dtype="str")), y, BINARY)
    assert {name: s.sign for name, s in found.items()} == {"status": "tells"}


def test_what_is_said_twice_is_told_and_has_no_line_to_leave_it_out(honest, rng):
    """A copy and a recoding cost a little; dropping one is nobody's business but the user's."""
    frame, y = honest
    codes = frame["town"].map({"Oslo": 3.0, "Bonn": 1.0, "Rome": 7.0}).to_numpy(dtype=float)
    many = rng.normal(size=N)
    found = asked(frame.assign(zone=codes, again=frame["town"], a=many, b=many[::-1]), y, BINARY)
    assert {name: s.sign for name, s in found.items()} == {"zone": "recoding", "again": "copy"}
    assert "the 3 levels of 'town'" in found["zone"].what
    assert [s.line for s in with_lines(found.values(), (), frozenset())] == ["", ""]


def test_a_recoding_that_holds_in_the_sample_alone_is_none(honest):
    """It is looked for in some rows, and said only when it holds in all."""
    frame, y = (pd.concat([part] * 4, ignore_index=True) for part in (honest[0], pd.Series(honest[1])))
    codes = frame["town"].map({"Oslo": 3.0, "Bonn": 1.0, "Rome": 7.0}).to_numpy(dtype=float, copy=True)
    assert set(asked(frame.assign(zone=codes), y.to_numpy(), BINARY)) == {"zone"}
    codes[-1] = 4.0
    assert asked(frame.assign(zone=codes), y.to_numpy(), BINARY) == {}


def test_the_line_names_what_the_spec_says_already_and_joined_columns_by_their_role():
    """It is copied as it stands."""
    found = [Suspicion(column=c, sign="missing", what="") for c in ("no", "planes_end")]
    own, joined = with_lines(found, ["boat"], frozenset({"planes_end"}))
    assert own.line == "known_after: [boat, 'no']"
    assert joined.line == "columns: {planes_end: {role: known_after}}"
