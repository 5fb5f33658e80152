"""Thirteen kinds of fault, each planted in three clean tables, and ten real tables with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.faults import AGAINST_A_MODEL, CLEAN, PLANTS, TARGET, planted
from penstock.errors import UserError
from tests.real import SPECS
from tests.unit.faults.planting import blocking_rows, judged, judged_table

# By what each is caught: the kind of finding, or the gate's own check. The last two leave nothing to train, or leave
# one label of two, which ends the run before there is a candidate.
CAUGHT = {
    "almost_the_target": {"near_copy", "tells_all"},
    "proxy": {"tells_all"},
    "telling_id": {"telling_id"},
    "near_copies": {"near_rows"},
    "groups": {"undeclared_groups"},
    "time_overlap": {"time_overlap"},
    "fitted_before_split": {"fitted_before_split"},
    "unit": {"unit"},
    "class_gone": {"class_gone", "DataError"},
    "shuffled_labels": {"baseline"},
    "schema_change": {"schema"},
    "missing_surge": {"missing"},
    "constant_output": {"constant_output", "DataError"},
}
REAL = (
    "bank_marketing",
    "california_housing",
    "german_credit",
    "heart_disease",
    "hr_job_change",
    "online_shoppers",
    "penguins",
    "telco_churn",
    "titanic",
    "wine_quality",
)
SMALL = ("german_credit", "heart_disease", "penguins", "telco_churn", "titanic")


def caught_by(fault: str, name: str, folder: Path, champion: Path) -> set[str]:
    """Return by what a planted fault is caught; nothing where the candidate would go live."""
    against = champion if fault in AGAINST_A_MODEL else None
    try:
        found = judged_table(planted(name, fault), TARGET, folder, against)
    except UserError as error:
        return {type(error).__name__}
    return set() if found.evaluated.verdict.passed else {*found.blocking, *found.refused}


@pytest.mark.long
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_table_goes_live_and_every_fault_planted_in_it_is_caught_by_its_name(name: str, tmp_path: Path) -> None:
    """Who catches a fault by another rule's accident misses it the next time."""
    clean = judged_table(CLEAN[name](), TARGET, tmp_path / "clean")
    assert clean.evaluated.verdict.passed, clean.evaluated.verdict.reasons
    champion = clean.publish("clean")
    caught = {fault: caught_by(fault, name, tmp_path / fault, champion) for fault in PLANTS}
    assert {fault: by for fault, by in caught.items() if not by & CAUGHT[fault]} == {}


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_nothing_blocks_in_a_real_table_that_nothing_is_wrong_with(name: str, shared: Path, tmp_path: Path) -> None:
    """A gate that cries wolf is forced open by habit; the small ones are taken all the way to a verdict."""
    declared = {"name": "real", **SPECS[name](shared / "data" / name)}
    assert blocking_rows(declared, tmp_path / "rows") == []
    if name in SMALL:
        found = judged(declared, tmp_path / "whole", family="lightgbm")
        assert found.evaluated.verdict.passed, found.evaluated.verdict.reasons
