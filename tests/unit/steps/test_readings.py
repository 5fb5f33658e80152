"""How raw cells were written is counted, and examples are shown of public columns alone."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from penstock.blocks import Blocks
from penstock.steps.audit import ColumnReading
from penstock.steps.changes import compare
from penstock.steps.readings import read_cells, read_labels, typing_audit
from penstock.table import Column, TableSchema, Target

RAW = pa.table(
    {
        "price": ["1.234,5 EUR", "7,0 EUR", "?", "", None, " 3 EUR", "none of it"],
        "city": ["Oslo", " Bonn", "NA", "NA ", "?", "Rome", "Rome"],
        "age": [1, None, 3, 4, 5, 6, 7],
        "y": ["a", "b", "a", "b", "a", "b", "a"],
    }
)
SCHEMA = TableSchema(
    columns=(
        Column(name="price", kind="float", decimal=",", thousands=".", suffix="EUR"),
        Column(name="city", kind="category", private=True),
        Column(name="age", kind="integer"),
        Column(name="y", kind="category", role="target"),
    ),
    target=Target(name="y", task="binary", labels=("a", "b")),
)


def read():
    """Read the table above."""
    cast = SCHEMA.cast(RAW, ["price", "city", "age"])
    misfits = pd.DataFrame([{"row": m.row, "column": m.column} for m in cast.misfits], columns=["row", "column"])
    return read_cells(RAW, SCHEMA, misfits), cast.frame


def test_every_oddity_of_a_cell_is_counted_by_column():
    """Tokens for missing, decimal commas, thousands, units, blanks and misfits, each on its own."""
    found, _ = read()
    by_column = {reading.column: reading for reading in found.readings}
    assert by_column == {
        "price": ColumnReading(
            table="",
            column="price",
            missing={"null": 1, "?": 1, "": 1},
            decimal_commas=2,
            thousands=1,
            suffixes=3,
            blanks=1,
            misfits=1,
        ),
        "city": ColumnReading(table="", column="city", missing={"NA": 2, "?": 1}, blanks=2),
        "age": ColumnReading(table="", column="age", missing={"null": 1}),
    }


def test_the_account_of_typing_shows_no_private_value():
    """Examples tell raw and typed value of public columns; private ones are counted."""
    found, typed = read()
    entry = typing_audit(found, [], RAW, typed, SCHEMA)
    assert entry.columns == {"price": 6, "city": 4}
    assert {e.column for e in entry.examples} == {"price"}
    assert (entry.examples[0].before, entry.examples[0].after) == ("1.234,5 EUR", "1234.5")
    assert len(entry.examples) <= 5


def test_spellings_of_the_label_are_counted():
    """Stray blanks and other spellings apart; an unknown label counts as neither."""
    raw = pa.array(["a", "a ", " A", "B.", "b", None, "c"])
    reading = read_labels(raw, SCHEMA.target)
    assert (reading.merged, reading.blanks, reading.cells) == ({"A": 1, "B.": 1}, 2, 3)
    assert read_labels(raw, SCHEMA.target, private=True).merged == {"(private)": 2}
    assert read_labels(pa.array(["1", "2"]), Target(name="y", task="regression")).cells == 0


def test_changed_cells_are_counted_and_a_few_shown_from_different_columns():
    """A missing value that stays missing has not changed."""
    before = pd.DataFrame({"x": [1.0, None, 3.0], "t": ["a", None, "c"], "p": [1.0, 2.0, 3.0], "gone": [1.0] * 3})
    after = pd.DataFrame({"x": [None, None, 4.0], "t": ["a", "(missing)", "c"], "p": [9.0] * 3, "new": [1.0] * 3})
    counts, examples = compare(Blocks.of(before), Blocks.of(after), before.index.to_numpy() + 10, frozenset({"p"}))
    assert counts == {"x": 2, "t": 1, "p": 3}
    shown = [(e.row, e.column, e.before, e.after) for e in examples]
    assert shown == [(10, "x", "1", None), (11, "t", None, "(missing)"), (12, "x", "3", "4")]


def test_a_column_that_changes_its_kind_has_changed_wherever_it_holds_something():
    """A text that was read as a number is told before and after."""
    before = Blocks.of(pd.DataFrame({"size": ["19M", None]}))
    after = Blocks.of(pd.DataFrame({"size": [19e6, None]}))
    counts, examples = compare(before, after, before_rows := pd.RangeIndex(2).to_numpy(), frozenset())
    assert counts == {"size": 1}
    assert (examples[0].row, examples[0].before, examples[0].after) == (int(before_rows[0]), "19M", "1.9e+07")
