"""The wrangle stage on the spoiled sample, whose truth is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from data import clinic
from penstock.arrays.profile import Profile
from penstock.receipts import Wrangled
from penstock.steps.plan import Plan
from penstock.steps.relations.travelling import lookups_of
from tests.unit.wrangling import Run, sample


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """Return the sample, wrangled with the automatic plan."""
    return sample(tmp_path_factory.mktemp("clinic"))


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


def test_an_impossible_value_widens_no_observed_range(run):
    """What a request is warned of is measured without the slips of the pen."""
    profile = Profile.model_validate_json(run.store.read_bytes(run.wrangled.profile))
    assert profile.columns["mean_area"].numbers.high < 10_000


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
