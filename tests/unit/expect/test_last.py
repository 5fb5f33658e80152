"""How many rows there were, and where they stand in their file."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from penstock.expect.last import last_counts
from penstock.expect.lines import with_lines
from penstock.expect.outcome import Finding, Outcome
from penstock.sources import snapshot, source_from
from penstock.store import Store


def run(artifacts: Path, run_id: str, name: str, counts: dict[str, int], whole: bool = True) -> None:
    """Leave what a run leaves."""
    folder = artifacts / "runs" / run_id
    folder.mkdir(parents=True)
    snapshots = [{"name": n, "n_rows": k} for n, k in counts.items()]
    (folder / "lineage.json").write_bytes(orjson.dumps({"receipts": {"collect": {"snapshots": snapshots}}}))
    if whole:
        (folder / "summary.json").write_bytes(orjson.dumps({"name": name}))


def test_the_last_run_is_the_newest_whole_one_of_that_name(tmp_path: Path):
    """Not another pipeline's, and none that was stopped."""
    assert last_counts(tmp_path, "a") == {}
    run(tmp_path, "20260101-000000-aa", "a", {"t": 1})
    run(tmp_path, "20260102-000000-aa", "a", {"t": 2, "u": 7})
    run(tmp_path, "20260103-000000-aa", "b", {"t": 3})
    run(tmp_path, "20260104-000000-aa", "a", {"t": 4}, whole=False)
    (tmp_path / "runs" / "20260105-000000-aa").mkdir()
    (tmp_path / "runs" / "20260105-000000-aa" / "summary.json").write_text("{")
    assert last_counts(tmp_path, "a") == {"t": 2, "u": 7}


@pytest.mark.parametrize(
    ("text", "details", "lines"),
    [
        ("a,b\n1,2\n3,4\n", {}, (3,)),
        ("a,b\n1,2\n3,4", {}, (3,)),
        ("1,2\n3,4\n", {"header": False}, (2,)),
        ("a,b\n\n1,2\n3,4\n", {}, ()),
        ('a,b\n"x\ny",2\n3,4\n', {}, ()),
        ("1,2\n3,4\n\n", {"header": False}, ()),
    ],
)
def test_a_rows_line_is_told_where_every_line_is_a_row(
    tmp_path: Path, text: str, details: dict[str, object], lines: tuple[int, ...]
):
    """Where it is not certain, it is not told."""
    (tmp_path / "t.csv").write_text(text)
    store = Store(tmp_path / "s")
    taken = snapshot(source_from({"path": "t.csv", **details}, "t", tmp_path), store)
    finding = Finding(kind="not_null", table="t", columns=("b",), expectation="not null", n=1, of=2, rows=(1,))
    (told,) = with_lines(Outcome(checked=1, findings=(finding,)), {"t": taken}, store).findings
    assert told.lines == lines
