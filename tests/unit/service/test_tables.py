"""Tables in bodies: read whole, refused without being quoted, written in the kind that came."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from deploy.service.body import ARROW, CSV, PARQUET
from deploy.service.problems import Problem
from deploy.service.tables import check_columns, read_table, write_answers
from penstock.bundle.predictions import Note, Predictions, Warned
from penstock.cells import Misfit
from penstock.table import Column, TableSchema, Target

SCHEMA = TableSchema(columns=(Column(name="age", kind="integer"), Column(name="city", kind="category")))
ANSWERS = Predictions(
    Target(name="y", task="binary", labels=("no", "yes")),
    np.array([[0.25, 0.75], [0.5, 0.5]]),
    notes=(Note(Warned("misfit", "age", "a, b"), np.array([1])),),
    misfits=(Misfit(row=1, column="age", expected="a number"),),
)


def as_stream(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def as_parquet(table):
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize("media", [CSV, PARQUET, ARROW])
def test_what_is_written_is_read_again(media):
    """Each kind holds the same rows in the same order."""
    table = read_table(media, write_answers(media, ANSWERS), 10)
    assert table.column_names == ["prediction", "probability_no", "probability_yes", "warning"]
    assert table["prediction"].to_pylist()[0] == "yes"
    assert float(table["probability_yes"].to_pylist()[0]) == 0.75
    assert table["warning"].to_pylist() == ["", "a, b"]


@pytest.mark.parametrize("media", [CSV, PARQUET, ARROW])
@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"PAR1garbagePAR1", b"a,b\n1,\xff\n"])
def test_bytes_of_another_kind_are_refused(media, body):
    """A body that is not what its media type says is the caller's fault."""
    with pytest.raises(Problem) as caught:
        read_table(media, body, 10)
    assert caught.value.status == 400


def test_a_ragged_csv_names_the_row_and_quotes_nothing():
    """The parser's own message holds the line; ours does not."""
    with pytest.raises(Problem) as caught:
        read_table(CSV, b"age,city\n1,Bonn\n2,s3cr3t,x\n", 10)
    assert "s3cr3t" not in str(caught.value.body("id"))
    assert "2" in caught.value.detail


@pytest.mark.parametrize(("media", "writer"), [(PARQUET, as_parquet), (ARROW, as_stream), (CSV, None)])
def test_too_many_rows_are_refused(media, writer):
    """Rows are bounded as bytes are: a few bytes can stand for very many rows."""
    table = pa.table({"age": pa.array([1] * 1000)})
    body = writer(table) if writer else b"age\n" + b"1\n" * 1000
    with pytest.raises(Problem) as caught:
        read_table(media, body, 999)
    assert caught.value.status == 413


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_a_damaged_arrow_stream_is_read_or_refused(at, byte, cut):
    """Whatever byte is changed and wherever it is cut, the process lives and the caller is told."""
    whole = bytearray(as_stream(pa.table({"age": [1, 2, None], "city": ["Bonn", "Oslo", None]})))
    whole[at % len(whole)] = byte
    body = bytes(whole[: len(whole) - cut % 64])
    with contextlib.suppress(Problem):
        assert read_table(ARROW, body, 10).num_rows <= 10


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.struct([("x", pa.int64())]), pa.binary()])
def test_a_nested_column_that_the_model_knows_is_refused_by_name(kind):
    """One value a cell."""
    table = pa.table({"age": pa.nulls(2, kind), "city": ["a", "b"]})
    with pytest.raises(Problem) as caught:
        check_columns(table, SCHEMA.names)
    assert (caught.value.status, caught.value.errors[0].field) == (422, "age")


def test_a_table_without_a_known_column_is_refused():
    """A file without its header would be answered with the same guess for every row."""
    with pytest.raises(Problem) as caught:
        check_columns(pa.table({"41": [7], "Bonn": ["x"]}), SCHEMA.names)
    assert caught.value.status == 422


def test_a_table_with_some_known_columns_is_let_in():
    """Lacking and unknown columns are for the model to warn of."""
    check_columns(pa.table({"age": [7], "more": [[1]]}), SCHEMA.names)
