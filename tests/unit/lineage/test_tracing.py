"""Every cell that a model learned from is followed back to the cell of its source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import clinic
from penstock.errors import DataError
from penstock.fixes import row_keys
from penstock.inference import infer_lock
from penstock.lineage.finding import Stem
from penstock.lineage.reading import how_read
from penstock.lineage.trace import CellTrace, Trace, shown
from penstock.lineage.tracing import Tracer
from penstock.spec.pipeline import spec_from
from penstock.store import Store
from penstock.table import Column
from tests.unit.wrangling import plain


class Traced:
    """A spec carried up to its clean frame, with a tracer."""

    def __init__(self, folder: Path, private: bool = False, **declared: object) -> None:
        self.store = Store(folder / "artifacts")
        spec = spec_from({"name": "t", **declared}, folder)
        found = infer_lock(spec, self.store)
        self.wrangled, self.collected = found.wrangled, found.collected
        stem = Stem(
            called="t",
            collected=found.collected,
            arrays=found.arrays,
            wrangled=found.wrangled,
            sources=spec.sources,
        )
        self.tracer = Tracer(stem, self.store, private=private)

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of the stage's tables."""
        return self.store.read_frame(getattr(self.wrangled, name))

    def rows(self) -> list[int]:
        """Return the rows that were kept."""
        return self.frame("sides")["row"].tolist()


def cell(trace: Trace, column: str) -> CellTrace:
    """Return the trace of one cell."""
    return next(c for c in trace.cells if c.column == column)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """Return the bundled sample, with the lab's table joined to it."""
    folder = tmp_path_factory.mktemp("sample")
    clinic.build(folder)
    return Traced(
        folder,
        sources={"visits": "visits.csv", "lab": {"path": "lab.sqlite", "table": "worst"}},
        base="visits",
        target="diagnosis",
        joins=[{"table": "lab", "on": "patient"}],
    )


def test_what_is_told_of_a_row_is_what_the_model_was_given(sample):
    """The replay ends where the wrangle stage ended, to the last bit, in every column."""
    cut, clean, rows = sample.frame("cut"), sample.frame("clean"), sample.rows()
    for i in range(0, len(rows), 97):
        trace = sample.tracer.trace(rows[i])
        for frame, which in ((cut, "cut"), (clean, "final")):
            told = {c.column: getattr(c, which) for c in trace.cells if c.column in frame.columns}
            assert told == {name: shown(frame[name].iloc[i]) for name in frame.columns}
        assert trace.side == sample.frame("sides")["side"].iloc[i]


def test_every_change_of_a_cell_is_told_with_the_step_that_made_it(sample):
    """From one step to the next there is no gap."""
    changed = 0
    for row in sample.rows()[::41]:
        for c in sample.tracer.trace(row).cells:
            values = [c.typed, *(change.after for change in c.changes)]
            assert [change.before for change in c.changes] == values[:-1]
            if not c.added and not c.gone and c.typed is not None:
                assert c.final == values[-1]
            changed += len(c.changes)
    assert changed


def test_the_file_and_line_are_those_of_the_raw_cell(sample, tmp_path):
    """Whoever opens the file finds the cell there."""
    clinic.build(tmp_path)
    lines = (tmp_path / "visits.csv").read_text().splitlines()
    for row in sample.rows()[::83]:
        trace = sample.tracer.trace(row, "patient")
        assert trace.file.endswith("visits.csv")
        assert trace.line is not None
        assert trace.cells[0].raw is not None
        assert trace.cells[0].raw in lines[trace.line - 1]
        assert sample.tracer.row_at(trace.line) == row


def test_a_looked_up_cell_names_its_table_and_key(sample):
    """It stems from another source."""
    row = sample.rows()[10]
    trace = sample.tracer.trace(row)
    patient = cell(trace, "patient").raw
    (looked_up, *_) = [c for c in trace.cells if c.table == "lab"]
    assert looked_up.key == f"patient = {patient}"
    assert "lab.sqlite" in looked_up.file


@pytest.fixture
def odd(tmp_path: Path) -> pd.DataFrame:
    """Return a table with a slip, a copy, a date and a number far from all others."""
    frame = plain(200)
    frame["seen"] = pd.date_range("2026-01-01", periods=200, freq="D").strftime("%d.%m.%Y")
    frame["a"] = frame["a"].astype(str)
    frame.loc[20, ["a", "b"]] = ["?", 9e6]
    frame.loc[[3, 150], "a"] = "oops"
    frame.to_csv(tmp_path / "t.csv", index=False)
    return frame


def test_a_row_tells_how_it_was_read_and_what_was_made_of_it(odd, tmp_path):
    """A missing token, an outlier, a date that became numbers."""
    trace = Traced(tmp_path, source="t.csv", target="y").tracer.trace(20)
    a, b, seen = (cell(trace, name) for name in ("a", "b", "seen"))
    assert (a.raw, a.read, a.typed) == ("?", "'?' means missing", None)
    assert [(c.step, c.before) for c in a.changes] == [("fill", None)]
    assert (b.changes[0].step, b.changes[0].before, b.changes[0].after) == ("isolated", "9000000", None)
    assert [c.number for c in b.changes] == sorted(c.number for c in b.changes)
    assert (seen.read, seen.typed, seen.gone) == ("datetime; as %d.%m.%Y", "2026-01-21 00:00:00", "calendar")
    assert (cell(trace, "seen_day").added, cell(trace, "seen_day").final) == ("calendar", "21")


def test_a_rejected_row_says_why_and_goes_no_further_and_a_held_out_one_is_flagged(odd, tmp_path):
    """Training rows with a slip are seen by no step; held-out ones are predicted all the same."""
    tracer = Traced(tmp_path, source="t.csv", target="y").tracer
    traces = [tracer.trace(row) for row in (3, 150)]
    reason = "column 'a' does not read as a finite number"
    assert {t.side: (t.rejected, t.flagged) for t in traces} == {"train": (reason, ""), "heldout": ("", reason)}
    for trace in traces:
        a = cell(trace, "a")
        assert (a.raw, a.read, a.typed) == ("oops", "no finite number", None)
        assert (a.final is None) == (trace.side == "train")


def test_a_corrected_cell_says_what_came(odd, tmp_path):
    """A correction is a step of its own between the source and the model."""
    raw = odd.astype(str)
    traced = Traced(tmp_path, source="t.csv", target="y")
    came = traced.store.read_table(traced.collected.snapshots[0].table)
    edited = raw.iloc[[3]].assign(a="1.25", _key=row_keys(came)[3], _column="a")
    edited.to_csv(tmp_path / "fixed.csv", index=False)
    again = Traced(tmp_path, source="t.csv", target="y", fixes="fixed.csv").tracer.trace(3, "a")
    (a,) = again.cells
    assert (a.came, a.corrected, a.raw, a.typed, again.line) == ("oops", True, "1.25", "1.25", 5)


def test_what_steps_make_of_private_columns_is_private_under_any_name(tmp_path):
    """A wage that is twice the pay tells the pay."""
    pay = np.arange(300) + 48_151.5
    pd.DataFrame({"pay": pay, "age": pay % 50, "y": np.where(pay % 3 > 1, "a", "b")}).to_csv(
        tmp_path / "t.csv", index=False
    )
    steps = [
        {"kind": "derive", "columns": {"wage": "pay * 2", "old": "age > 25"}},
        {"kind": "drop", "columns": ["pay"]},
    ]
    declared = {"source": "t.csv", "target": "y", "columns": {"pay": {"private": True}}, "steps": steps}
    found = Traced(tmp_path, **declared).tracer.trace(20)
    assert (cell(found, "wage").final, cell(found, "old").final) == ("(private)", "0")
    assert cell(Traced(tmp_path, private=True, **declared).tracer.trace(20), "wage").final == "96343"


def test_values_of_private_columns_are_told_only_when_asked_for(odd, tmp_path):
    """Nor those of what is derived from them."""
    declared = {"source": "t.csv", "target": "y", "columns": {"seen": {"private": True}, "y": {"private": True}}}
    hidden = Traced(tmp_path, **declared).tracer.trace(20)
    for name in ("seen", "seen_day"):
        assert {getattr(cell(hidden, name), key) for key in ("raw", "typed", "cut", "final")} <= {None, "(private)"}
    assert hidden.target == "(private)"
    assert "21.01.2026" not in hidden.model_dump_json()
    told = Traced(tmp_path, private=True, **declared).tracer.trace(20)
    assert (cell(told, "seen").raw, cell(told, "seen_day").final) == ("21.01.2026", "21")


def test_a_row_or_column_that_is_not_there_is_refused_with_what_there_is(odd, tmp_path):
    """A typing mistake costs a second."""
    tracer = Traced(tmp_path, source="t.csv", target="y").tracer
    with pytest.raises(DataError, match="There is no row 200") as caught:
        tracer.trace(200)
    assert caught.value.expected == "0 to 199"
    with pytest.raises(DataError, match="There is no column 'sen'") as caught:
        tracer.trace(0, "sen")
    assert "did you mean 'seen'?" in caught.value.expected
    with pytest.raises(DataError, match="No row of 't' begins on line 1"):
        tracer.row_at(1)


READ = [
    (Column(name="x", kind="float", suffix="mm"), "1.5 mm", "float; 'mm' taken off"),
    (Column(name="x", kind="float", units={"k": 1e3, "M": 1e6}), "2M", "float; 'M' taken off, times 1e+06"),
    (Column(name="x", kind="float", decimal=","), "1,5", "float; decimal comma"),
    (Column(name="x", kind="boolean", true_words=("ja",), false_words=("nein",)), "Ja", "boolean; 'Ja' means true"),
    (Column(name="x", kind="category"), " a ", "category; blanks taken off"),
    (Column(name="x", kind="integer"), 7, "integer; stored as int"),
    (Column(name="x", kind="integer"), None, "nothing there"),
    (Column(name="x", kind="integer"), np.nan, "nothing there"),
    (Column(name="x", kind="integer"), "", "an empty cell means missing"),
    (Column(name="x", kind="integer", missing=("-200",)), -200, "this number means missing"),
    (
        Column(name="x", kind="datetime", timezone="Europe/Berlin"),
        "2026-01-02",
        "datetime; time of Europe/Berlin turned into UTC",
    ),
    (Column(name="x", kind="datetime"), "soon", "no date or time"),
]


@pytest.mark.parametrize(("column", "raw", "words"), READ)
def test_how_a_cell_was_read_is_said_in_words(column, raw, words):
    """A token, a unit, a comma: whatever stands between the source and the value."""
    assert how_read(column, raw) == words
