"""What the automatic plan says for itself, in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.slices import ColumnSpec
from tests.unit.wrangling import csv_run, plain


@pytest.fixture
def why(tmp_path) -> dict[str, str]:
    """Return the reasons of a plan for a table with planted faults, by step."""
    frame = plain(400)
    frame["a"] = frame["a"].astype(str)
    frame.loc[frame.index % 10 == 0, "b"] = np.nan
    frame.loc[frame.index % 50 == 1, "c"] = "RED"
    frame["deck"] = np.where(frame.index % 8 == 0, "up", None)
    run = csv_run(tmp_path, pd.concat([frame, frame.iloc[5:9]], ignore_index=True))
    return {step["kind"]: step["why"] for step in run.plan["steps"]}


def test_every_step_says_how_much_there_is_for_it_to_do(why):
    """A person who reads the lock sees why a step is there, and can judge whether it should be."""
    assert all("training rows" in text for text in why.values())
    assert "none in 3" in why["misfits"]
    assert ", most in c (" in why["tidy"]
    assert "most in deck (89%), b (10%)" in why["fill"]
    assert "what tells in deck is mostly whether there is a value" in why["fill"]
    assert "duplicate" not in why["duplicates"]


def test_the_evidence_is_of_training_rows_alone(tmp_path):
    """A share that held-out rows went into would have looked at them."""
    frame = plain(400)
    run = csv_run(tmp_path, frame.assign(k=range(7, 407)), key="k")
    held = run.frame("sides").query("side == 'heldout'")["row"].tolist()
    broken = frame.assign(k=range(7, 407), a=frame["a"].astype(str))
    broken.loc[held[:4], "a"] = "broken"
    again = csv_run(tmp_path, broken, key="k")
    (misfits,) = [step for step in again.plan["steps"] if step["kind"] == "misfits"]
    assert again.audit.step("misfits").flagged == 4
    assert f"none in {len(frame) - len(held):,} training rows" in misfits["why"]


def test_a_large_table_is_tried_in_a_sample_and_the_sentence_says_so(tmp_path):
    """The same rows in every run."""
    first, second = (csv_run(tmp_path, plain(30_000)).plan["steps"] for _ in range(2))
    assert first == second
    assert "a sample of 20,000 of 2" in first[0]["why"]


def test_what_a_step_adds_is_counted_and_shown(tmp_path):
    """A calendar changes no cell, and yet leaves a table of another form."""
    frame = plain(200)
    frame["seen"] = pd.date_range("2026-01-01", periods=200, freq="D").astype(str)
    frame.loc[:19, "seen"] = ""
    calendar = csv_run(tmp_path, frame).audit.step("calendar")
    assert (calendar.cells_changed, calendar.rows_in, calendar.rows_out) == (0, 200, 200)
    assert set(calendar.added) == {f"seen_{part}" for part in ("year", "month", "day", "weekday", "hour")}
    assert set(calendar.added.values()) == {180}
    assert "adds seen_day, seen_hour" in calendar.note
    assert "900 cells with a value" in calendar.note
    assert [(e.row, e.column, e.before, e.after) for e in calendar.examples][:2] == [
        (20, "seen_year", "(no column)", "2026"),
        (20, "seen_month", "(no column)", "1"),
    ]


def test_what_a_step_adds_to_a_private_column_is_counted_and_not_shown(tmp_path):
    """The year of a birth is somebody's."""
    frame = plain(200)
    frame["born"] = pd.date_range("1950-01-01", periods=200, freq="W").astype(str)
    run = csv_run(tmp_path, frame, columns={"born": ColumnSpec(private=True)})
    calendar = run.audit.step("calendar")
    assert calendar.added["born_year"] == 200
    assert calendar.examples == ()
    assert "1950" not in str(run.plan)
