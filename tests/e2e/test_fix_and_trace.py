"""What a run rejects is corrected by hand and comes back; any cell of it is followed to its source."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.e2e.driving import penstock, summary_of

SPEC = "name: ship\nsource: ship.csv\ntarget: y\nmodel: {families: [linear], trials: 1}\n"
SECRET = "4711.5"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a table in which a few cells cannot be read, and a private column."""
    rng = np.random.default_rng(1)
    a = rng.normal(size=400).round(3)
    frame = pd.DataFrame({"a": a, "pay": rng.normal(2000, 300, 400).round(1), "b": rng.integers(0, 9, 400)}).astype(str)
    frame["y"] = np.where(a + rng.normal(size=400) > 0, "yes", "no")
    for row in range(4, 12):
        frame.loc[row, ["a", "pay"]] = [f"oops {row}", SECRET]
    frame.to_csv(tmp_path / "ship.csv", index=False)
    (tmp_path / "ship.yaml").write_text(SPEC + "columns: {pay: {private: true}}\n")
    return tmp_path


def run(place: Path) -> tuple[dict[str, object], Path]:
    """Run, and return the summary and the run's folder."""
    done = penstock("run", "ship.yaml", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    summary = summary_of(done)
    return summary, place / "artifacts" / "runs" / str(summary["run_id"])


@pytest.mark.long
def test_a_rejected_row_is_corrected_and_traced_from_the_model_to_its_source(place):
    """Run, edit what came out, run, and ask where a value came from."""
    _, folder = run(place)
    with (folder / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["pay"] for row in rows} == {SECRET}
    assert SECRET not in (folder / "report.html").read_text() + (folder / "summary.json").read_text()
    first = rows[0]
    first["a"] = "0.25"
    for row in rows[1:]:
        row["_drop"] = "yes"
    with (place / "fixed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerows(rows)
    with (place / "ship.yaml").open("a") as file:
        file.write("fixes: [fixed.csv]\n")
    summary, folder = run(place)
    assert not (folder / "rejected.csv").exists()
    for called in (summary["run_id"], "ship"):
        done = penstock("trace", called, "--line", first["_row"], "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        trace = json.loads(done.stdout)
        a, pay = (next(c for c in trace["cells"] if c["column"] == name) for name in ("a", "pay"))
        assert (trace["file"], str(trace["line"])) == ("ship.csv", first["_row"])
        assert (a["came"], a["raw"], a["final"]) == ("oops " + str(int(first["_row"]) - 2), "0.25", "0.25")
        assert (pay["raw"], pay["final"]) == ("(private)", "(private)")
    shown = penstock("trace", "ship", "--line", first["_row"], "--column", "pay", "--show-private", cwd=place)
    assert SECRET in shown.stdout
