"""On real tables: a contract proposed from some of the rows is kept by the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.inference import infer_lock
from penstock.spec.pipeline import spec_from
from penstock.store import Store

TABLES = {
    "telco_churn/Telco-Customer-Churn.csv": "Churn",
    "california_housing/housing.csv": "median_house_value",
    "diamonds/diamonds.csv": "price",
    "penguins/penguins_raw.csv": "Species",
}


@pytest.mark.parametrize("name", TABLES)
def test_the_other_rows_of_a_real_table_keep_the_contract(shared: Path, tmp_path: Path, name: str):
    """Proposed from a random half, held against the whole."""
    head, *lines = (shared / "data" / name).read_text(encoding="utf-8-sig").splitlines(keepends=True)
    half = np.random.default_rng(1).random(len(lines)) < 0.5
    (tmp_path / "t.csv").write_text(head + "".join(line for line, kept in zip(lines, half, strict=True) if kept))
    spec, store = spec_from({"name": "t", "source": "t.csv", "target": TABLES[name]}, tmp_path), Store(tmp_path / "s")
    lock = infer_lock(spec, store, proposing=True).lock
    assert len(lock.expect.expectations) > len(lock.tables["t"].features) / 2
    (tmp_path / "t.csv").write_text(head + "".join(lines))
    outcome = infer_lock(spec, store, lock, last={"t": len(lines)}).outcome
    assert (outcome.checked, outcome.findings) == (len(lock.expect.expectations), ())
