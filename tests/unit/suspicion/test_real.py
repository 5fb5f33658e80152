"""What is asked about in real tables, from their files alone."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from penstock.inference import infer_lock
from penstock.spec.pipeline import spec_from
from penstock.steps.audit import Audit
from penstock.store import Store

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain "
    "capital_loss hours_per_week native_country income"
)
# The source, the target, what may be known only after the fact, and what is there twice.
CASES: dict[str, tuple[object, str, set[str], set[str]]] = {
    "titanic": ("titanic/titanic3.xls", "survived", {"boat", "body"}, set()),
    "bank": (
        {"path": "bank_marketing/bank-additional.zip", "member": "*bank-additional-full.csv"},
        "y",
        {"duration"},
        {"cons.conf.idx"},
    ),
    "bank, whole": (
        {"path": "bank_marketing/bank-additional.zip", "member": "*bank-full.csv"},
        "y",
        {"duration"},
        set(),
    ),
    "bike": ("bike_sharing/hour.csv", "cnt", {"casual", "registered"}, set()),
    "flights": (
        "nycflights_rel/flights.parquet",
        "arr_delay",
        {"dep_time", "dep_delay", "arr_time", "air_time"},
        set(),
    ),
    "adult": (
        {"path": "adult/adult-train.csv", "names": ADULT.split()},
        "income",
        set(),
        {"education_num"},
    ),
    "telco": ("telco_churn/Telco-Customer-Churn.csv", "Churn", set(), set()),
    "shoppers": ("online_shoppers/online_shoppers_intention.csv", "Revenue", set(), set()),
    "housing": ("california_housing/housing.csv", "median_house_value", set(), set()),
    "diamonds": ("diamonds/diamonds.csv", "price", set(), set()),
    "penguins": ("penguins/penguins_raw.csv", "Species", set(), set()),
}


def source_of(declared: object, folder: Path) -> object:
    """Return a source with its path below a folder."""
    if isinstance(declared, dict):
        return {**declared, "path": str(folder / declared["path"])}
    return str(folder / str(declared))


@pytest.mark.parametrize("name", CASES)
def test_what_looks_late_in_a_real_table_is_named_and_nothing_else(name, shared, tmp_path):
    """A person would ask about these columns, and about no other of them."""
    declared, target, late, twice = CASES[name]
    store = Store(tmp_path)
    spec = spec_from({"name": "t", "source": source_of(declared, shared / "data"), "target": target}, tmp_path)
    inferred = infer_lock(spec, store)
    audit = Audit.model_validate_json(store.read_bytes(inferred.wrangled.audit))
    assert {s.column for s in audit.suspicious if s.is_late} == late
    assert {s.column for s in audit.suspicious if not s.is_late} == twice
    features = {c.name for c in inferred.table_schema(store).features}
    assert late | twice <= features
    assert set(inferred.lock.suspicious) == late | twice
    lines = [line for told in inferred.understanding for line in told.late_lines]
    assert len(lines) == (1 if late else 0)
    assert all(column in line for line in lines for column in late)


def test_the_line_that_is_proposed_does_what_it_says(shared, tmp_path):
    """Copied into the spec, it leaves the columns out, and nothing is asked any more."""
    store = Store(tmp_path)
    infer = functools.partial(infer_lock, store=store)
    declared = {"name": "t", "source": str(shared / "data/titanic/titanic3.xls"), "target": "survived"}
    first = infer(spec_from(declared, tmp_path))
    again = infer(spec_from({**declared, "known_after": ["boat", "body"]}, tmp_path))
    assert first.understanding[0].late_lines == ("known_after: [boat, body]",)
    assert again.understanding[0].late == ()
    assert not {"boat", "body"} & {c.name for c in again.table_schema(store).features}
