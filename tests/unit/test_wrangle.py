"""The wrangle stage on the spoiled sample, whose truth is known, and on small tables of every kind of trouble."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import clinic
from penstock.arrays.stage import make_arrays
from penstock.errors import DataError, PlanError, SpecError
from penstock.receipts import Collected, Wrangled
from penstock.sources import snapshot, source_from
from penstock.spec.slices import ColumnSpec, Join, Split, Typing
from penstock.split import SplitRule
from penstock.steps.audit import Audit
from penstock.steps.duplicates import Duplicates
from penstock.steps.fill import Fill
from penstock.steps.join import lookups_of
from penstock.steps.plan import Plan
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from penstock.table import TableSchema
from penstock.wrangle import wrangle


class Run:
    """One run of the first three stages, and its frames."""

    def __init__(self, folder: Path, sources: dict[str, object], typing: Typing, wrangling: Wrangling) -> None:
        self.store = Store(folder / "artifacts")
        found = tuple(source_from(value, name, folder) for name, value in sources.items())
        collected = Collected(snapshots=tuple(snapshot(s, self.store) for s in found))
        self.arrays = make_arrays(collected, found, typing, None, self.store)
        self.wrangled: Wrangled = wrangle(self.arrays, typing, wrangling, self.store)

    @functools.cached_property
    def audit(self) -> Audit:
        """The account of every step."""
        return Audit.model_validate_json(self.store.read_bytes(self.wrangled.audit))

    @functools.cached_property
    def plan(self) -> dict:
        """The plan's JSON."""
        return json.loads(self.store.read_bytes(self.wrangled.plan))

    @functools.cached_property
    def schema(self) -> TableSchema:
        """The columns and the target."""
        return TableSchema.model_validate_json(self.store.read_bytes(self.wrangled.table_schema))

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of the stage's tables."""
        return self.store.read_frame(getattr(self.wrangled, name))


TYPING = Typing(base="visits", target="diagnosis", positive="malignant")


def sample(folder: Path, typing: Typing = TYPING, serve: str = "request", **changes: object) -> Run:
    """Wrangle the sample."""
    clinic.build(folder)
    sources = {"visits": "visits.csv", "lab": {"path": "lab.sqlite", "table": "worst"}}
    joins = (Join(table="lab", on="patient", serve=serve),)
    return Run(folder, sources, typing, Wrangling(name="clinic", joins=joins, **changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """Return the sample, wrangled with the automatic plan."""
    return sample(tmp_path_factory.mktemp("clinic"))


def csv_run(folder: Path, frame: pd.DataFrame, wrangling: Wrangling | None = None, **typing: object) -> Run:
    """Wrangle a frame written as CSV, with target `y`."""
    frame.to_csv(folder / "t.csv", index=False)
    decided = Typing(base="t", target="y", **typing)
    return Run(folder, {"t": "t.csv"}, decided, wrangling or Wrangling(name="t"))


def plain(n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Return an ordinary table: two numbers, a category, a target."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": rng.normal(size=n).round(4),
            "b": rng.normal(size=n).round(4),
            "c": rng.choice(["red", "green", "blue"], size=n),
            "y": rng.choice(["no", "yes"], size=n),
        }
    )


def count(*faults: str) -> Counter:
    """Return how many cells of each column, as (table, column), hold some planted faults."""
    planted = clinic.planted()
    cells = planted[planted["fault"].isin(faults)]
    return Counter(
        ("lab", c.removeprefix("lab_")) if t == "lab" else ("", c)
        for t, c in zip(cells["source"], cells["column"], strict=True)
    )


def test_every_cleaned_value_is_the_true_one(run):
    """Decimal commas, units and stray blanks are read away exactly; only what was lost is missing."""
    planted = clinic.planted()
    lost = planted[
        planted["fault"].isin(["missing_question_mark", "missing_empty", "missing_na", "wrong_type", "lab_missing"])
    ]
    outliers = planted[planted["fault"] == "impossible_outlier"]
    expected = clinic.truth().set_index("patient")
    for cells, value in ((lost, np.nan), (outliers, 999_999.0)):
        for patient, column in zip(cells["patient"], cells["column"], strict=True):
            expected.loc[patient, column] = value
    cut, patients = run.frame("cut"), run.frame("raw")["patient"]
    truth = expected.loc[patients].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut, truth[list(cut)], check_exact=True)
    labels = np.array(run.schema.target.labels)[run.frame("sides")["target"]]
    assert labels.tolist() == truth["diagnosis"].tolist()


def test_the_audit_counts_what_was_planted(run):
    """Every fault is found as often as it was put there, column by column."""
    readings = {(r.table, r.column): r for r in run.audit.readings}
    found = {
        "missing_question_mark": {k: r.missing.get("?", 0) for k, r in readings.items()},
        "missing_empty": {k: r.missing.get("", 0) for k, r in readings.items()},
        "missing_na": {k: r.missing.get("NA", 0) for k, r in readings.items()},
        "lab_missing": {k: r.missing.get("null", 0) for k, r in readings.items()},
        "decimal_comma": {k: r.decimal_commas for k, r in readings.items()},
        "unit_suffix": {k: r.suffixes for k, r in readings.items()},
        "wrong_type": {k: r.misfits for k, r in readings.items()},
        "impossible_outlier": {("", c): n for c, n in run.audit.step("isolated").columns.items()},
    }
    for fault, counts in found.items():
        assert {k: n for k, n in counts.items() if n} == dict(count(fault)), fault
    labels = run.audit.labels
    assert sum(labels.merged.values()) == clinic.FAULTS["label_case"].count
    assert labels.blanks == clinic.FAULTS["label_blanks"].count
    copies = run.audit.step("duplicates")
    assert copies.rows_in - copies.rows_out + copies.flagged == clinic.FAULTS["duplicate_rows"].count
    (join,) = run.audit.joins
    assert (join.duplicates_removed, join.orphans) == (clinic.FAULTS["lab_duplicate_rows"].count, 0)


def test_nothing_is_missing_or_impossible_in_the_clean_frame(run):
    """Outliers are gone, gaps are filled, and the plan's transformer fitted on training rows gives this very frame."""
    cut, clean, sides = run.frame("cut"), run.frame("clean"), run.frame("sides")
    assert not clean.isna().any(axis=None)
    assert clean["mean_area"].max() < 3000
    plan = Plan.model_validate({"steps": run.plan["steps"]})
    fitted = plan.transformer().fit(cut[sides["side"] == "train"])
    pd.testing.assert_frame_equal(fitted.transform(cut), clean, check_exact=True)
    assert set(plan.check(run.schema)[-1][1]) == set(clean)


def test_rejected_rows_come_back_with_reason_place_and_raw_cells(run):
    """Nothing is dropped in silence; only training rows are dropped at all."""
    rejected = run.frame("rejected")
    assert set(rejected["side"]) == {"train"}
    assert Counter(rejected["reason"].str.split().str[0]) == {"duplicate": 10, "column": 2}
    misfits = rejected[rejected["reason"].str.startswith("column")]
    assert misfits["column"].tolist() == ["error_texture"] * 2
    assert set(misfits["error_texture"]) <= {"see note", "not read"}
    kept = run.frame("sides")
    assert sorted([*kept["row"], *rejected["row"]]) == list(range(581))
    assert run.audit.n_rejected == len(rejected)
    assert run.wrangled.n_train + run.wrangled.n_heldout == len(kept)


def test_held_out_rows_that_a_step_objects_to_stay_and_are_flagged(run):
    """They are predicted, and scores can be given with and without them."""
    sides = run.frame("sides")
    flagged = sides[sides["reason"].notna()]
    assert set(flagged["side"]) == {"heldout"}
    assert len(flagged) == run.audit.n_flagged == run.audit.step("duplicates").flagged == 2


def test_a_look_up_of_the_bundle_is_not_part_of_what_a_caller_sends(run, tmp_path):
    """Served from the bundle or sent by the caller, the joined columns mean the same."""
    carried = sample(tmp_path, serve="bundle")
    assert not [c for c in carried.wrangled.raw.columns if c.startswith("lab_")]
    assert [c for c in run.wrangled.raw.columns if c.startswith("lab_")] == list(clinic.LAB)
    assert "diagnosis" not in carried.wrangled.raw.columns
    assert list(carried.wrangled.lookups) == ["lab"]
    assert carried.wrangled.lookups["lab"].n_rows == 569
    assert carried.wrangled.cut == run.wrangled.cut
    assert {c.serve for c in carried.schema.columns if c.table == "lab"} == {"bundle"}


@pytest.mark.parametrize("serve", ["request", "bundle"])
def test_a_request_of_the_raw_rows_reads_as_the_training_rows_did(tmp_path, serve):
    """Look-ups, cast and cell steps bring what a caller sends to the very frame that folds start from."""
    run = sample(tmp_path, serve=serve)
    tables = {name: run.store.read_table(ref) for name, ref in run.wrangled.lookups.items()}
    raw = run.store.read_table(run.wrangled.raw)
    for lookup in lookups_of(run.plan, tables):
        raw = lookup.extend(raw)
    plan = Plan.model_validate({"steps": run.plan["steps"]})
    pd.testing.assert_frame_equal(plan.apply_cells(run.schema.cast(raw).frame), run.frame("cut"), check_exact=True)


def test_the_same_data_give_the_same_frames(run, tmp_path):
    """Everything but the seconds in the audit is a function of data and decisions."""
    again = sample(tmp_path)
    fields = set(Wrangled.model_fields) - {"audit"}
    assert again.wrangled.model_dump(include=fields) == run.wrangled.model_dump(include=fields)


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
        (Join(table="lab", on={"diagnosis": "patient"}), "No row of 'visits' finds a row of 'lab'"),
    ],
)
def test_a_join_that_cannot_be_made_names_the_slip(tmp_path, join, told):
    """Table, base column, key column and keys that never match, each in words."""
    clinic.build(tmp_path)
    sources = {"visits": "visits.csv", "lab": {"path": "lab.sqlite", "table": "worst"}}
    with pytest.raises(DataError) as caught:
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
