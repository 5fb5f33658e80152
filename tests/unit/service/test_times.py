"""Times of day, moments of a zone and converted units, from a table to the fields of a request and back."""

from __future__ import annotations

import re

import pyarrow as pa

from deploy.service.forms import fields_of
from deploy.service.rows import column_schema, row_schema
from penstock.arrays.infer import infer_schema
from penstock.arrays.profile import profile_frame
from penstock.bundle.card import _seen
from penstock.slices import ColumnSpec, Typing
from penstock.table import Column, TableSchema

N = 60
TABLE = pa.table(
    {
        "at": [f"{8 + i % 12}:{i:02d}" for i in range(N)],
        "when": [f"2024-01-02 {i % 24:02d}:00" for i in range(N)],
        "size": [f"{i}k" if i % 2 else f"{i}M" for i in range(N)],
        "y": ["no", "yes"] * (N // 2),
    }
)
COLUMNS = {
    "when": ColumnSpec(timezone="Europe/Berlin"),
    "size": ColumnSpec(units={"k": 1e3, "M": 1e6}, unit="B"),
}


def schema_of() -> TableSchema:
    """Infer the table."""
    return infer_schema(TABLE, Typing(base="t", target="y", columns=COLUMNS), True)


def test_a_time_of_day_is_text_with_a_pattern_in_a_request():
    """It is shown as it is sent, never as seconds; the example row reads back."""
    schema = schema_of()
    assert [c.kind for c in schema.features] == ["time", "datetime", "float"]
    cast = schema.cast(TABLE)
    assert cast.misfits == ()
    profile = profile_frame(cast.frame, schema)
    row = row_schema("t", schema, profile)
    field = row["properties"]["at"]
    assert (field["type"], field["description"]) == ("string", "Time of day.")
    assert field["x-observed"] == {"minimum": "08:00:00", "maximum": "19:59:00"}
    sent = row["example"]["at"]
    assert re.match(field["pattern"], sent)
    assert all(re.match(field["pattern"], text) for text in TABLE["at"].to_pylist())
    again = schema.cast({name: [value] for name, value in row["example"].items()})
    assert again.misfits == ()
    assert again.frame["at"][0] == profile.column("at").numbers.quantiles[4]
    shown = {f.name: f for f in fields_of(schema, profile, row["example"])}
    assert (shown["at"].kind, shown["at"].value) == ("text", sent)
    assert _seen(schema.column("at"), profile) == "08:00:00 to 19:59:00"


def test_a_zone_and_a_unit_are_told():
    """Who sends a moment without an offset has to know what it is taken for."""
    schema = schema_of()
    profile = profile_frame(schema.cast(TABLE).frame, schema)
    assert "taken as a time of Europe/Berlin" in column_schema(schema.column("when"), profile)["description"]
    assert column_schema(schema.column("size"), profile)["x-unit"] == "B"
    assert schema.cast({"size": ["3k", 3000, "0.003M"]}).frame["size"].tolist() == [3000.0] * 3


def test_seconds_since_1970_may_be_sent_as_a_number_or_as_a_moment():
    """Both mean the same."""
    column = Column(name="at", kind="datetime", formats=("epoch_s",), nullable=False)
    schema = TableSchema(columns=(column,))
    frame = schema.cast({"at": [1_700_000_000, "1700000000", "2023-11-14T22:13:20Z"]}).frame
    assert frame["at"].nunique() == 1
    assert column_schema(column, profile_frame(frame, schema))["type"] == ["string", "number"]


def test_times_with_formats_of_their_own_have_no_pattern():
    """The pattern is that of the usual ways to write a time."""
    column = Column(name="at", kind="time", formats=("%H%M",))
    schema = TableSchema(columns=(column,))
    profile = profile_frame(schema.cast({"at": ["0930"]}).frame, schema)
    assert "pattern" not in column_schema(column, profile)
