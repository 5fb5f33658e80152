"""Small tables to be held to expectations."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from penstock.expect.cells import Looked
from penstock.expect.checking import check_tables
from penstock.expect.contract import Contract, Terms, agreed
from penstock.expect.outcome import Finding, Outcome
from penstock.expect.written import contract_of
from penstock.table import Column, TableSchema, Target

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC).replace(tzinfo=None)
SCHEMA = TableSchema(
    columns=(
        Column(name="id", kind="integer", role="id"),
        Column(name="age", kind="integer"),
        Column(name="pay", kind="float", decimal=",", private=True),
        Column(name="sex", kind="category"),
        Column(name="begin", kind="datetime"),
        Column(name="end", kind="datetime"),
        Column(name="left", kind="boolean", true_words=("yes",), false_words=("no",)),
        Column(name="y", kind="category", role="target"),
        Column(name="note", kind="text", role="ignored"),
    ),
    target=Target(name="y", task="binary", labels=("0", "1"), reading=Column(name="y", kind="category", role="target")),
)
RAW = pa.table(
    {
        "id": ["1", "2", "3", "3"],
        "age": ["41", "?", "130", "x"],
        "pay": ["1,5", "-2", "", "7"],
        "sex": ["f", "m", " f ", "q"],
        "begin": ["2026-03-01", "2026-03-02", "2026-03-09", ""],
        "end": ["2026-03-02", "2026-03-01", "", "2026-03-04"],
        "left": ["yes", "no", "no", "n/a"],
        "y": ["0", "1", "2", ""],
        "note": ["a@b", "a", "", "c@d"],
    }
)
OTHER = Looked("towns", pa.table({"code": ["f", "m"]}), TableSchema(columns=(Column(name="code", kind="category"),)))


def terms(written: object, lock: Contract | None = None) -> Terms:
    """Return what a written contract asks of the table `people`."""
    expectations = agreed(contract_of(written), lock or Contract(), "people")
    return Terms(pipeline="p", base="people", expectations=expectations)


def outcome(written: object, raw: pa.Table = RAW, last: dict[str, int] | None = None) -> Outcome:
    """Hold the table to a written contract."""
    tables = {"people": Looked("people", raw, SCHEMA), "towns": OTHER}
    return check_tables(terms(written).expectations, tables, last or {}, NOW)


def only(written: object, **more: object) -> Finding:
    """Return the one thing that is not met."""
    (found,) = outcome(written, **more).findings  # type: ignore[arg-type]
    return found
