"""What is told of the data after it was typed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from penstock.arrays.stage import make_arrays
from penstock.receipts import Collected
from penstock.slices import ColumnSpec, Typing
from penstock.sources import snapshot
from penstock.sources.memory import MemorySource
from penstock.store import Store
from penstock.understanding import Understanding, understand

N = 60
TABLE = pa.table(
    {
        "row_id": [str(7919 * i % 100003) for i in range(N)],
        "days": [*(str(i) for i in range(N - 5)), *["-999"] * 5],
        "size": [f"{i}k" if i % 2 else f"{i}M" for i in range(N)],
        "when": ["02.01.2024 10:00"] * (N - 1) + ["13.01.2024 10:00"],
        "y": ["no", "yes"] * (N // 2),
    }
)


def told(folder: Path, **columns: ColumnSpec) -> Understanding:
    """Type the table and tell what was understood."""
    store = Store(folder)
    taken = snapshot(MemorySource.of("t", TABLE, store), store)
    arrays = make_arrays(Collected(snapshots=(taken,)), Typing(base="t", target="y", columns=columns), None, store)
    return understand(arrays, store)[0]


def test_what_may_be_meant_otherwise_is_proposed_as_a_line_for_the_spec(tmp_path):
    """A sentinel and several units; that an id could be learned from is no news."""
    assert [(name, line.partition("  #")[0]) for name, line in told(tmp_path).proposed] == [
        ("days", "columns: {days: {missing: ['-999']}}"),
        ("size", "columns: {size: {units: {M: 1000000, k: 1000}}}"),
    ]


def test_what_was_decided_is_told_as_converted_and_proposed_no_more(tmp_path):
    """Units, zone, formats and tokens."""
    found = told(
        tmp_path,
        days=ColumnSpec(missing="-999"),
        size=ColumnSpec(units={"M": 1e6, "k": 1e3}),
        when=ColumnSpec(timezone="Europe/Berlin"),
    )
    assert found.proposed == ()
    assert dict(found.converted) == {
        "days": "'-999' read as missing",
        "size": "units converted (M = 1e+06, k = 1000)",
        "when": "date or time as %d.%m.%Y %H:%M; times of Europe/Berlin turned into UTC",
    }


def test_a_column_that_follows_from_others_is_pointed_out(tmp_path):
    """With the relation: a total may hold what nobody knows yet when a prediction is asked for."""
    casual, registered = [float(i * i % 97) for i in range(N)], [float(i * 7 % 31) for i in range(N)]
    total = [a + b for a, b in zip(casual, registered, strict=True)]
    table = pa.table({"casual": casual, "registered": registered, "total": total, "y": ["no", "yes"] * (N // 2)})
    store = Store(tmp_path)
    taken = snapshot(MemorySource.of("t", table, store), store)
    arrays = make_arrays(Collected(snapshots=(taken,)), Typing(base="t", target="y"), None, store)
    (name, words), *_ = understand(arrays, store)[0].suspicious
    assert name in table.column_names
    assert words.startswith("follows from others: ")
