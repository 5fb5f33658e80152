"""Several real tables, the whole way: joined, trained, published, and asked with nothing but the base's own columns."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from penstock.bundle.bundle import Bundle
from tests.e2e.driving import penstock, summary_of
from tests.unit.test_wrangle_relations import FLIGHTS, INVOICES

CASES = {"invoices": (INVOICES, 3.0), "delay": (FLIGHTS, 46.0)}


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_a_model_of_several_tables_is_asked_with_the_base_alone(shared: Path, tmp_path: Path, name: str) -> None:
    """What is looked up travels in the bundle, orphans are told in the report, and the sealed bundle answers rows."""
    text, better_than = CASES[name]
    (tmp_path / "spec.yaml").write_text(text.replace("{place}", str(shared / "data")))
    done = penstock("run", "spec.yaml", "--budget", 20, "--json", cwd=tmp_path)
    summary = summary_of(done)
    if name == "invoices":
        # An invoice's total is a sum of its lines and films, which the gate sees; who asks knows both beforehand.
        assert done.returncode == 3, done.stderr
        assert "invoiceline_lines, invoiceline_films" in summary["verdict"]["reasons"][0]
        done = penstock("publish", summary["run_id"], "--force", "the lines are known when it is asked", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert summary["scores"]["rmse"]["value"] < better_than
    bundle = Bundle.load(tmp_path / "artifacts" / "models" / name)
    given = {c.name for c in bundle.schema.features if not c.table}
    assert given
    assert {c.serve for c in bundle.schema.columns if c.table} == {"bundle"}
    rows = _rows(shared, name)
    rows.to_parquet(tmp_path / "in.parquet", index=False)
    done = penstock("predict", name, "--input", "in.parquet", "--output", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    alone = [bundle.predict([row]).rows()[0]["prediction"] for row in rows.head(20).to_dict("records")]
    assert answers[:20] == pytest.approx(alone, rel=1e-9)
    if name == "delay":
        report = bundle.report()
        assert report is not None
        assert b"14,903 rows have a key that it lacks" in report


def _rows(shared: Path, name: str) -> pd.DataFrame:
    if name == "delay":
        return pd.read_parquet(shared / "data" / "nycflights_rel" / "flights.parquet").tail(200)
    import sqlite3

    with sqlite3.connect(shared / "data" / "chinook" / "Chinook_Sqlite.sqlite") as file:
        return pd.read_sql("select * from Invoice limit 200", file)
