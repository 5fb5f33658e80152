"""Rejected rows leave a run as a table, and come back corrected."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from penstock.errors import DataError, SourceError
from penstock.fixes import guarded, row_keys, unguarded, written
from penstock.inference import Inferred, infer_lock
from penstock.rejected import write_rejected
from penstock.spec.pipeline import spec_from
from penstock.steps.audit import Audit
from penstock.store import Store

from .wrangling import plain

Rows = list[dict[str, str]]
N = 200


class Project:
    """A folder with a table, run up to its clean frame."""

    def __init__(self, folder: Path, frame: pd.DataFrame) -> None:
        self.folder, self.store = folder, Store(folder / "artifacts")
        frame.to_csv(folder / "t.csv", index=False)

    def run(self, *fixes: str, **more: object) -> Inferred:
        """Infer from the data and the fixes, keeping to the first run's lock as a run does."""
        declared = {"name": "t", "source": "t.csv", "target": "y", "fixes": list(fixes), **more}
        spec = spec_from(declared, self.folder)
        found = infer_lock(spec, self.store, getattr(self, "lock", None))
        self.lock = getattr(self, "lock", found.lock)
        self.spec = spec
        return found

    def rejected(self, found: Inferred) -> Rows:
        """Write the rejected rows and read them as a spreadsheet would."""
        path = write_rejected(self.folder, self.spec.sources, found.collected, found.arrays, found.wrangled, self.store)
        if path is None:
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def save(self, rows: Rows, name: str = "fixed.csv", **how: str) -> str:
        """Save edited rows."""
        with (self.folder / name).open("w", newline="", encoding=how.pop("encoding", "utf-8")) as file:
            writer = csv.DictWriter(file, list(rows[0]), **how)  # type: ignore[arg-type] - the few of its options
            writer.writeheader()
            writer.writerows(rows)
        return name

    def sides(self, found: Inferred) -> dict[int, str]:
        """Return the side of every row that was kept."""
        frame = self.store.read_frame(found.wrangled.sides)
        return dict(zip(frame["row"].tolist(), frame["side"].tolist(), strict=True))

    def cut(self, found: Inferred, row: int) -> pd.Series:
        """Return one row at the cut."""
        at = self.store.read_frame(found.wrangled.sides)["row"].tolist().index(row)
        return self.store.read_frame(found.wrangled.cut).iloc[at]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a table in which three cells of training rows cannot be read."""
    frame = plain(N)
    frame["note"] = "plain"
    frame = frame.astype(str)
    frame.loc[3, ["a", "note"]] = ["oops", "=1+1"]
    frame.loc[4, ["b", "note"]] = ["1..5", "two\nlines, and a comma"]
    frame.loc[90, "a"] = "none of it"
    return Project(tmp_path, frame)


def by_reason(rows: Rows, column: str = "a") -> dict[str, str]:
    """Return the first row that was rejected for a column."""
    return next(row for row in rows if row["_column"] == column)


def test_the_table_of_rejected_rows_says_where_why_and_what(project):
    """A person opens it, finds the line in the source, and sees the cells as they came."""
    rows = project.rejected(project.run())
    assert list(rows[0]) == ["_row", "_reason", "_column", "_key", "_drop", "a", "b", "c", "y", "note"]
    assert [(row["_row"], row["_column"]) for row in rows] == [("5", "a"), ("6", "b"), ("93", "a")]
    assert rows[0]["_reason"] == "column 'a' does not read as a finite number"
    assert (rows[0]["a"], rows[0]["note"]) == ("oops", "'=1+1")
    assert rows[1]["note"] == "two\nlines, and a comma"
    path = project.folder / "rejected.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_rejected_leaves_no_table(tmp_path):
    """An empty file would look as if something had gone wrong."""
    found = Project(tmp_path, plain(N))
    assert found.rejected(found.run()) == []
    assert not (tmp_path / "rejected.csv").exists()


@pytest.mark.parametrize(
    "how", [{}, {"delimiter": ";", "encoding": "cp1252"}], ids=["as it was", "saved by a spreadsheet"]
)
def test_a_corrected_row_is_in_the_next_run_and_a_dropped_one_is_gone(project, how):
    """The round trip: run, edit, run."""
    first = project.run()
    rows = project.rejected(first)
    rows[0]["a"], rows[2]["_drop"] = "1.5", "yes"
    again = project.run(project.save(rows, **how))
    assert [row["_column"] for row in project.rejected(again)] == ["b"]
    assert project.cut(again, 3)["a"] == 1.5
    assert project.cut(again, 3)["note"] == "=1+1"
    assert again.arrays.tables[0].raw.n_rows == N - 1
    audit = Audit.model_validate_json(project.store.read_bytes(again.wrangled.audit))
    assert audit.notes[0] == "fixes: 1 cells corrected in 1 rows, 1 dropped for good"


def test_a_correction_moves_no_row_to_the_other_side(project):
    """A row's side is a hash of what it was when it was collected, and it is for life, whatever it says now."""
    first = project.run()
    rows = project.rejected(first)
    before = project.sides(first)
    for value in range(10):
        for line in rows:
            line[line["_column"]] = f"{value}.5"
        after = project.sides(project.run(project.save(rows)))
        assert after == {**before, 3: "train", 4: "train", 90: "train"}


def test_later_tables_go_on_where_earlier_ones_ended(project):
    """A row that was corrected once and is rejected again bears the same key."""
    rows = project.rejected(project.run())
    rows[0]["a"] = "still wrong"
    project.save(rows, "one.csv")
    again = project.rejected(project.run("one.csv"))
    assert (again[0]["_key"], again[0]["a"]) == (rows[0]["_key"], "still wrong")
    again[0]["a"] = "7"
    done = project.run("one.csv", project.save(again, "two.csv"))
    assert project.cut(done, 3)["a"] == 7.0


def test_the_lines_are_those_of_the_source_when_rows_were_dropped(project):
    """Positions shift, the file does not."""
    rows = project.rejected(project.run())
    rows[0]["_drop"] = "yes"
    assert [row["_row"] for row in project.rejected(project.run(project.save(rows)))] == ["6", "93"]


def _without(rows: Rows, name: str) -> Rows:
    return [{k: v for k, v in row.items() if k != name} for row in rows]


BROKEN: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "unknown key": (lambda rows: [{**rows[0], "_key": "0" * 20}], "unknown `_key`"),
    "no key": (lambda rows: _without(rows, "_key"), "lacks the column '_key'"),
    "column lost": (lambda rows: _without(rows, "note"), "lacks the column 'note'"),
    "column made up": (
        lambda rows: [{**row, "notes": "mine"} for row in rows],
        "a column that the base lacks: 'notes'",
    ),
    "edited by half": (lambda rows: [{**rows[0], "b": "2"}], "edited by half"),
    "emptied": (lambda rows: [{**rows[0], "a": "", "b": "", "c": "", "y": "", "note": ""}], "is empty"),
    "twice": (lambda rows: [rows[0], rows[0]], "Two rows have one `_key`"),
    "perhaps": (lambda rows: [{**rows[0], "_drop": "perhaps"}], "neither yes nor no"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_table_that_was_edited_wrongly_is_refused_with_its_row(project, case):
    """Better to stop than to train on half a correction."""
    change, words = BROKEN[case]
    rows = project.rejected(project.run())
    with pytest.raises(DataError, match=words) as caught:
        project.run(project.save(change(rows)))
    assert "fixed.csv" in caught.value.where
    assert caught.value.expected or caught.value.todo


def test_a_table_that_is_not_there_is_named(project):
    """With the key of the spec that names it."""
    with pytest.raises(SourceError, match="A table of fixes cannot be read") as caught:
        project.run("nowhere.csv")
    assert "nowhere.csv" in caught.value.where


def test_a_correction_of_a_typed_source_has_to_be_of_its_type(tmp_path):
    """A parquet file's whole numbers stay whole numbers."""
    frame = plain(N)
    frame["n"] = np.arange(N) % 7
    frame.loc[5, "y"] = ""
    parquet.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet")
    project = Project(tmp_path, frame)
    rows = project.rejected(project.run(source="t.parquet"))
    assert [(row["_row"], row["_reason"]) for row in rows] == [("6", "the target is missing")]
    rows[0] |= {"y": "yes", "n": "6"}
    good = project.run(project.save(rows), source="t.parquet")
    assert project.cut(good, 5)["n"] == 6.0
    rows[0]["n"] = "six"
    with pytest.raises(DataError, match="does not fit the column 'n'") as caught:
        project.run(project.save(rows), source="t.parquet")
    assert "int64" in caught.value.expected
    assert "six" not in str(caught.value)


def test_rows_that_say_the_same_have_keys_of_their_own(tmp_path):
    """To drop a copy must not drop what it is a copy of."""
    frame = pd.concat([plain(N), plain(N).iloc[[7]]], ignore_index=True)
    project = Project(tmp_path, frame)
    (copy,) = project.rejected(project.run())
    assert copy["_key"].endswith(".1")
    again = project.run(project.save([{**copy, "_drop": "x"}]))
    assert again.arrays.tables[0].raw.n_rows == N
    assert 7 in project.sides(again)


def test_a_key_hangs_on_what_a_row_says_and_not_on_where_it_stands():
    """Sources are sorted anew, and columns move."""
    table = pa.table({"a": ["1", "2"], "b": ["x", None]})
    moved = table.take(pa.array([1, 0])).select(["b", "a"])
    assert row_keys(moved) == row_keys(table)[::-1]
    assert row_keys(table) != row_keys(pa.table({"a": ["1", "2"], "b": ["x", "x"]}))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)
RISKY = st.builds(
    lambda quotes, sign, rest: quotes + sign + rest, st.text("'", max_size=2), st.sampled_from("=+-@\t"), CELLS
)


@settings(max_examples=60)
@given(st.one_of(CELLS, RISKY))
def test_no_cell_is_a_formula_and_every_cell_comes_back_as_it_was(text):
    """A spreadsheet would run what begins with =, +, - or @."""
    safe = guarded(text)
    assert unguarded(safe) == text
    assert safe == text or safe == "'" + text
    if text.startswith(("=", "@")):
        assert safe.startswith("'")


def test_negative_numbers_are_no_formulas():
    """They would otherwise come back as text."""
    assert written({"x": ["-1.5", "-1+2", -3]}).decode("utf-8-sig").split() == ["x", "-1.5", "'-1+2", "-3"]
