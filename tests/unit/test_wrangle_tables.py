"""The wrangle stage on small tables of every kind of trouble."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data import clinic
from penstock.errors import DataError, PlanError, SpecError, UserError
from penstock.slices import ColumnSpec, Join, Split, Typing
from penstock.split import SplitRule
from penstock.steps.missing.fill import Fill
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.wrangling import Wrangling
from tests.unit.wrangling import TYPING, Run, csv_run, plain, sample


def test_private_values_are_in_no_account(tmp_path):
    """A private column is cleaned like any other, and counted; its values stay where the data are."""
    private = {c: ColumnSpec(private=True) for c in ("mean_radius", "mean_area", "mean_perimeter", "diagnosis")}
    run = sample(tmp_path, typing=TYPING.model_copy(update={"columns": private}))
    assert run.audit.step("isolated").columns == {"mean_area": 3}
    assert run.audit.reading("mean_radius").decimal_commas == 13
    shown = {e.column for step in run.audit.steps for e in step.examples}
    assert shown
    assert not shown & set(private)
    text = run.store.read_bytes(run.wrangled.audit).decode()
    assert "999999" not in text
    assert "MALIGNANT" not in text


@pytest.mark.parametrize("how", ["key", "content", "time"])
def test_in_ten_retrainings_on_growing_data_no_held_out_row_is_ever_trained_on(tmp_path, how):
    """However the table grows, whatever is appended, reordered or relabelled, a row keeps its side."""
    rng = np.random.default_rng(5)
    whole = plain(600, seed=5)
    if how == "key":
        whole.insert(0, "customer_id", rng.permutation([f"C{i:06d}" for i in range(600)]))
    if how == "time":
        whole.insert(0, "at", pd.date_range("2026-01-01", periods=600, freq="h").astype(str))
    wrangling = Wrangling(name="m", split=Split(by="time") if how == "time" else Split())
    ever_held: set[str] = set()
    ever_trained: set[str] = set()
    for n in range(150, 600, 45):
        frame = whole.iloc[:n].sample(frac=1.0, random_state=n)
        # Late corrections of the target must not move a row.
        frame["y"] = np.where(rng.random(n) < 0.1, "yes", frame["y"])
        folder = tmp_path / str(n)
        folder.mkdir()
        run = csv_run(folder, frame, wrangling)
        assert run.plan["split"]["by"] == how
        wrangling = wrangling.model_copy(update={"locked_split": SplitRule.model_validate(run.plan["split"])})
        sides, names = run.frame("sides"), frame[["a", "b", "c"]].astype(str).agg("|".join, axis=1).to_numpy()
        held = set(names[sides.loc[sides["side"] == "heldout", "row"]])
        trained = set(names[sides.loc[sides["side"] == "train", "row"]])
        assert ever_held <= held
        ever_held |= held
        ever_trained |= trained
        assert not ever_held & ever_trained
    assert len(ever_held) > 60


def test_nothing_is_learned_from_held_out_rows(tmp_path):
    """Whatever held-out rows hold, training rows come out the same."""
    frame = plain(200)
    frame.insert(0, "customer_id", [f"C{i * 7919 % 100_003:06d}" for i in range(200)])
    frames = []
    for changed in (False, True):
        folder = tmp_path / str(changed)
        folder.mkdir()
        run = csv_run(folder, frame)
        sides, clean = run.frame("sides"), run.frame("clean")
        train = sides["side"] == "train"
        held = sides.loc[~train, "row"]
        frames.append((run.plan, clean[train].reset_index(drop=True), run.store.read_bytes(run.wrangled.profile)))
        frame.loc[held, "a"] = 1e6 + held
        frame.loc[held, "c"] = "violet"
        frame.loc[held[::2], "b"] = np.nan
    assert frames[0][0] == frames[1][0]
    pd.testing.assert_frame_equal(frames[0][1], frames[1][1])
    assert frames[0][2] == frames[1][2]


def test_rows_without_a_target_are_rejected_on_either_side_with_the_reason(tmp_path):
    """They can neither teach nor judge."""
    frame = plain(200)
    frame.loc[:9, "y"] = [None, "?", "NA"] * 3 + [""]
    frame.loc[10, "y"] = "maybe"
    run = csv_run(tmp_path, frame)
    reasons = run.frame("rejected")["reason"].value_counts().to_dict()
    assert reasons == {"the target is missing": 10, "the target's class is too rare, or unknown to the lock": 1}
    assert run.audit.n_labelled == 189
    assert set(run.frame("rejected")["side"]) == {"train", "heldout"}


def test_a_table_of_few_categories_repeats_itself_and_keeps_its_rows(tmp_path):
    """Where rows have no id and equal ones are common, equality says nothing."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"p": rng.choice(list("abcdefgh"), 400), "q": rng.choice(list("stuvwxyz"), 400)})
    frame["y"] = np.where(rng.random(400) < 0.5, "no", "yes")
    run = csv_run(tmp_path, frame)
    assert run.frame("rejected").empty
    assert "too many to be mistakes" in run.audit.step("duplicates").note


def test_the_users_steps_go_before_the_locks_and_those_before_the_automatic_ones(tmp_path):
    """Whoever decided has the last word."""
    mine, locked = (Fill(),), (Duplicates(), Fill(flag=("a",)))
    by_user = csv_run(tmp_path, plain(), Wrangling(name="t", steps=mine, locked_plan=locked))
    assert [s["kind"] for s in by_user.plan["steps"]] == ["fill"]
    by_lock = csv_run(tmp_path, plain(), Wrangling(name="t", locked_plan=locked))
    assert [s["kind"] for s in by_lock.plan["steps"]] == ["duplicates", "fill"]
    with pytest.raises(PlanError, match="after the cut"):
        csv_run(tmp_path, plain(), Wrangling(name="t", steps=(Fill(), Duplicates())))


def test_a_group_is_never_on_both_sides_and_travels_with_its_rows(tmp_path):
    """Rows of one group share a side, and folds can keep them together."""
    frame = plain(300)
    frame["store"] = [f"s{i % 40}" for i in range(300)]
    run = csv_run(tmp_path, frame, group="store")
    sides = run.frame("sides")
    assert sides.groupby("group")["side"].nunique().max() == 1
    assert sides["group"].tolist() == frame["store"].iloc[sides["row"]].tolist()


def test_a_class_that_training_rows_hardly_have_is_left_out(tmp_path):
    """No model could learn it, and no fold could hold it."""
    frame = plain(300)
    frame.insert(0, "customer_id", [f"C{i * 7919 % 100_003:06d}" for i in range(300)])
    first = csv_run(tmp_path, frame)
    held = first.frame("sides").query("side == 'heldout'")["row"].to_numpy()
    frame.loc[held[:6], "y"] = "third"
    run = csv_run(tmp_path, frame)
    assert run.schema.target.labels == ("no", "yes")
    assert run.frame("rejected")["reason"].unique().tolist() == ["the target's class has too few training rows"]
    assert set(run.frame("sides")["target"]) == {0, 1}


@pytest.mark.parametrize(
    ("rows", "split", "told"),
    [
        (60, Split(heldout=0.02), "too few held-out rows"),
        (100, Split(heldout=0.8), "too few training rows"),
        (10, Split(), "rows"),
    ],
)
def test_too_few_rows_are_said_so(tmp_path, rows, split, told):
    """A model of ten rows, or judged by three, is none."""
    with pytest.raises(DataError, match=told) as caught:
        csv_run(tmp_path, plain(rows), Wrangling(name="t", split=split))
    assert caught.value.exit_status == 2


def test_a_label_that_no_held_out_row_has_stops_a_binary_task(tmp_path):
    """A model that is judged on one class only is not judged."""
    frame = plain(200)
    frame.insert(0, "customer_id", [f"C{i * 7919 % 100_003:06d}" for i in range(200)])
    held = csv_run(tmp_path, frame).frame("sides").query("side == 'heldout'")["row"]
    frame.loc[held, "y"] = "no"
    with pytest.raises(DataError, match="No held-out row has the label 'yes'"):
        csv_run(tmp_path, frame)


@pytest.mark.parametrize(
    ("join", "told"),
    [
        (Join(table="labb", on="patient"), "did you mean 'lab'"),
        (Join(table="lab", on={"patiend": "patient"}), "did you mean 'patient'"),
        (Join(table="lab", on={"patient": "patiend"}), "did you mean 'patient'"),
        (Join(table="lab", on={"mean_radius": "patient"}), "mean_radius is float, patient is"),
        (Join(table="lab", on={"diagnosis": "patient"}), "known only after the fact"),
    ],
)
def test_a_join_that_cannot_be_made_names_the_slip(tmp_path, join, told):
    """Table, base column, key column and keys that never match, each in words."""
    clinic.build(tmp_path)
    sources = {"visits": "visits.csv", "lab": {"path": "lab.sqlite", "table": "worst"}}
    with pytest.raises(UserError) as caught:
        Run(tmp_path, sources, TYPING, Wrangling(name="clinic", joins=(join,)))
    assert told in str(caught.value)


def test_orphans_are_kept_and_counted(tmp_path):
    """A row that finds no partner stays, with its gaps."""
    frame = plain(200)
    frame.insert(0, "store", [f"s{i % 20}" for i in range(200)])
    frame.to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"store": [f"s{i}" for i in range(15)], "size": range(15)}).to_csv(
        tmp_path / "stores.csv", index=False
    )
    joins = (Join(table="stores", on="store"),)
    run = Run(
        tmp_path, {"t": "t.csv", "stores": "stores.csv"}, Typing(base="t", target="y"), Wrangling(name="t", joins=joins)
    )
    (join,) = run.audit.joins
    assert (join.matched, join.orphans) == (150, 50)
    assert run.frame("cut")["stores_size"].isna().sum() == 50
    assert "stores_size_missing" in run.wrangled.clean.columns


def test_the_account_of_a_wide_table_stays_small(tmp_path):
    """Thousands of columns and rows don't make the audit grow without bounds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column_with_a_long_name_{i}": rng.normal(size=120) for i in range(400)})
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    frame["y"] = rng.choice(["no", "yes"], size=120)
    run = csv_run(tmp_path, frame)
    assert run.wrangled.audit.size < 60_000
    assert len(run.audit.readings) == 200
    assert run.audit.more_readings > 190
    fill = run.audit.step("fill")
    assert len(fill.columns) == 50
    assert fill.more_columns > 340


def test_the_lock_keeps_a_split_that_the_spec_wants_otherwise(tmp_path):
    """Said at once, since rows would change sides."""
    run = csv_run(tmp_path, plain(200))
    locked = Wrangling.model_validate({"name": "t", "split": {"heldout": 0.4}, "locked_split": run.plan["split"]})
    with pytest.raises(SpecError, match="side is for life"):
        csv_run(tmp_path, plain(200), locked)
