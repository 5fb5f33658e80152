"""Old names of fields go on being read, and files of rows are held to what the model's spec expects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.promises import Promises
from penstock.bundle.publish import publish
from penstock.errors import DataError
from penstock.expect.checking import for_batches
from penstock.expect.contract import Contract, Terms, agreed
from penstock.expect.written import contract_of

from .making import PASSED, Made, make

CONTRACT = {
    "rows": "0.8..1.5 x last",
    "freshness": "newest(since) <= 2d",
    "columns": {
        "customer": {"unique": True},
        "age": {"not_null": True, "range": "0..120"},
        "left": {"values": ["no", "yes"]},
        "income": {"missing": "<= 5%"},
        "city": {"values": ["Bonn", "Oslo"], "severity": "warn"},
    },
    "checks": ["age > 0 or member"],
}


@pytest.fixture(scope="module")
def made() -> Made:
    """Return a fitted model."""
    return make()


def promised(made: Made, **aliases: tuple[str, ...]) -> Bundle:
    """Return the model with a contract and some aliases."""
    expectations = agreed(contract_of(CONTRACT), Contract(), "t")
    wanted = for_batches(Terms(pipeline="churn", base="t", expectations=expectations))
    return replace(made.bundle, promises=Promises(aliases=aliases, expect=wanted))


def renamed(table: pa.Table, **names: str) -> pa.Table:
    """Return a table with columns under other names."""
    return table.rename_columns([names.get(n, n) for n in table.column_names])


def test_a_field_under_its_old_name_gives_the_same_answer_and_a_warning(made: Made):
    """As rows, columns, a frame and a table."""
    bundle = promised(made, age=("years", "alter"))
    table = made.raw.slice(0, 5)
    right = bundle.predict(table)
    old = renamed(table, age="years")
    for raw in (old, old.to_pydict(), old.to_pylist(), old.to_pandas()):
        answers = bundle.predict(raw)
        assert answers.estimates.tolist() == right.estimates.tolist()
        assert [w.code for w in answers.warnings[0]] == ["renamed_field"]
        assert answers.warnings[0][0].message == "'years' is now called 'age', and was read as that"
    assert [w.code for w in right.warnings[0]] == []


def test_only_the_rows_that_used_the_old_name_are_warned(made: Made):
    """A batch may mix callers of today and of yesterday; the present name goes first."""
    bundle = promised(made, age=("years",))
    one, two, three = made.raw.slice(0, 3).to_pylist()
    both = {**three, "years": "1"}
    answers = bundle.predict([{k if k != "age" else "years": v for k, v in one.items()}, two, both])
    assert answers.estimates.tolist() == bundle.predict([one, two, three]).estimates.tolist()
    assert [[w.code for w in row] for row in answers.warnings] == [["renamed_field"], [], ["renamed_field"]]


def test_without_an_alias_the_old_name_is_an_unknown_field(made: Made):
    """And the field is missing."""
    answers = promised(made).predict(renamed(made.raw.slice(0, 1), age="years"))
    assert {w.code for w in answers.warnings[0]} == {"missing_field", "unknown_field"}


def test_promises_travel_in_the_sealed_bundle(made: Made, tmp_path: Path):
    """Signed, and opened again; a version without any has no such file."""
    bundle = promised(made, age=("years",))
    publish(tmp_path, "churn", replace(made.parts, promises=bundle.promises), PASSED)
    found = Bundle.load(tmp_path / "models" / "churn")
    assert found.promises == bundle.promises
    assert "years" in found.fields
    assert found.predict(renamed(made.raw.slice(0, 2), age="years")).estimates.shape == (2, 2)
    other = publish(tmp_path, "plain", made.parts, PASSED)
    assert other.path is not None
    assert not (Path(other.path) / "promises.json").exists()


def test_a_file_of_rows_is_held_to_what_can_be_asked_of_it(made: Made):
    """Not to counts, freshness or the outcome; old names are read first."""
    bundle = promised(made, age=("years",))
    rows = made.raw.slice(0, 60)
    assert [f.kind for f in bundle.check(rows).findings] == ["values"]
    assert bundle.check(rows).checked == 6
    frame = renamed(rows, age="years").to_pandas()
    frame.loc[[3, 7], "years"] = ["130", ""]
    frame.loc[9, "customer"] = frame.loc[8, "customer"]
    found = bundle.check(pa.Table.from_pandas(frame, preserve_index=False))
    assert {(f.kind, f.rows) for f in found.errors} == {("range", (3,)), ("not_null", (7,)), ("unique", (9,))}
    with pytest.raises(DataError, match="3 of 6 expectations are not met"):
        found.demand()


def test_columns_that_a_file_lacks_are_asked_for_where_they_are_needed(made: Made):
    """Identifiers need not be there; a feature that may not be null is missing in every row."""
    found = promised(made).check(made.raw.slice(0, 60).drop_columns(["customer", "age"]))
    assert [(f.kind, f.n) for f in found.errors] == [("not_null", 60)]


def test_shares_are_judged_from_a_hundred_rows_on(made: Made):
    """One of three rows is no third of anything."""
    frame: pd.DataFrame = made.raw.to_pandas()
    frame["income"] = None
    few = pa.Table.from_pandas(frame.iloc[:99], preserve_index=False)
    many = pa.Table.from_pandas(frame.iloc[:100], preserve_index=False)
    assert "missing" not in {f.kind for f in promised(made).check(few).findings}
    assert "missing" in {f.kind for f in promised(made).check(many).findings}
