"""Kinds of sources, how they are told apart, and Parquet."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import penstock.sources
from penstock.errors import SourceError, SpecError, UserError
from penstock.sources import SOURCES, collect, infer_kind, looks_headerless, read_snapshot, snapshot, source_from
from penstock.sources.base import SourceBase
from penstock.store import Store


def test_every_source_is_in_the_union():
    """A new class needs its line in penstock/sources/union.py."""
    for module in pkgutil.iter_modules(penstock.sources.__path__):
        importlib.import_module(f"penstock.sources.{module.name}")

    def kinds(base: type) -> set[type]:
        return {k for c in base.__subclasses__() for k in ({c} if "kind" in c.model_fields else set()) | kinds(c)}

    missing = kinds(SourceBase) - set(SOURCES)
    assert not missing, f"add to Source and SOURCES in penstock/sources/union.py: {missing}"


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("a.csv", "csv"),
        ("a.TSV", "csv"),
        ("/x/a.data", "csv"),
        ("a.parquet", "parquet"),
        ("a.db", "sql"),
        ("sqlite:///a.x", "sql"),
        ("postgresql+psycopg://h/d", "sql"),
    ],
)
def test_a_kind_is_told_by_ending_or_scheme(location, kind):
    """Nobody has to write `kind`."""
    assert infer_kind(location) == kind


@pytest.mark.parametrize("location", ["a.docx", "noending", "s3://host.example/a.xyz?token=s3cret"])
def test_an_unknown_kind_names_those_known(location):
    """The error lists what there is, and shows no secret of an address."""
    with pytest.raises(UserError) as caught:
        infer_kind(location)
    assert "parquet" in caught.value.expected
    assert "s3cret" not in str(caught.value)


def test_a_declared_kind_goes_before_the_ending(tmp_path: Path):
    """A file may be called anything."""
    (tmp_path / "odd.xyz").write_text("a\n1\n")
    source = source_from({"kind": "csv", "path": "odd.xyz"}, "odd", tmp_path)
    assert snapshot(source, Store(tmp_path / "store")).n_rows == 1
    with pytest.raises(SpecError, match="unknown kind 'cvs'") as caught:
        source_from({"kind": "cvs", "path": "odd.xyz"}, "odd", tmp_path)
    assert "did you mean 'csv'" in caught.value.expected


@pytest.mark.parametrize("keys", [{}, {"path": ["a.csv", "b.parquet"]}, {"path": "a.csv", "header": "perhaps"}])
def test_a_source_that_makes_no_sense_is_refused(tmp_path, keys):
    """No place, two kinds, or a value that does not fit."""
    with pytest.raises(UserError):
        source_from(keys, "s", tmp_path)


def test_parquet_keeps_types_and_loses_containers(tmp_path: Path):
    """Numbers, booleans and moments stay; dictionaries and large text become plain text, decimals floats."""
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int32()),
            "flag": [True, False],
            "when": [dt.datetime(2024, 1, 1), None],  # noqa: DTZ001 - Parquet's naive kind
            "level": pa.array(["a", "b"]).dictionary_encode(),
            "long": pa.array(["x", None], pa.large_string()),
            "money": pa.array([Decimal("1.50"), None]),
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    source = source_from("t.parquet", "t", tmp_path)
    store = Store(tmp_path / "store")
    raw = read_snapshot(snapshot(source, store), store)
    types = {f.name: str(f.type) for f in raw.schema}
    assert types == {
        "n": "int32",
        "flag": "bool",
        "when": "timestamp[us]",
        "level": "string",
        "long": "string",
        "money": "double",
        "nothing": "string",
    }
    assert raw["money"].to_pylist() == [1.5, None]


def test_parquet_files_are_stacked(tmp_path: Path):
    """A column that is int in one file and float in another becomes float."""
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [2.5]}), tmp_path / "2.parquet")
    source = source_from(["1.parquet", "2.parquet"], "t", tmp_path)
    store = Store(tmp_path / "store")
    assert read_snapshot(snapshot(source, store), store).to_pydict() == {"a": [1.0, 2.5], "b": ["x", "y"]}


def test_parquet_types_that_cannot_be_stacked_are_told(tmp_path: Path):
    """Text does not become a number to please a stack."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "2.parquet")
    with pytest.raises(SourceError, match="different types"):
        snapshot(source_from(["1.parquet", "2.parquet"], "t", tmp_path), Store(tmp_path / "store"))


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"PAR1 and no more"])
def test_a_file_that_is_no_parquet_is_told(tmp_path: Path, data: bytes):
    """A broken file is the user's to mend."""
    (tmp_path / "t.parquet").write_bytes(data)
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        snapshot(source_from("t.parquet", "t", tmp_path), Store(tmp_path / "store"))


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path):
    """Columns alone are no table."""
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "t.parquet")
    with pytest.raises(SourceError, match="no rows"):
        snapshot(source_from("t.parquet", "t", tmp_path), Store(tmp_path / "store"))


def test_collect_takes_every_source_in_order(tmp_path: Path):
    """The stage's receipt names them as the spec does."""
    (tmp_path / "b.csv").write_text("x\n1\n")
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    sources = tuple(source_from(f"{n}.csv", n, tmp_path) for n in ("b", "a"))
    taken = collect(sources, Store(tmp_path / "store"))
    assert [(s.name, s.n_rows) for s in taken.snapshots] == [("b", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,x\n2,y\n", False),
        ("1,x\n2,y\n3,z\n", True),
        ("name,city\nann,bonn\nbob,oslo\n", False),
        ("A11,A34\nA12,A32\nA11,A34\nA11,A34\n", True),
        ("2019,2020\nx,y\nz,w\n", False),
        ("only\n", False),
        ("", False),
    ],
)
def test_a_first_line_of_data_is_noticed(tmp_path: Path, text: str, expected: bool):
    """The hint by which init and run warn of a missing header."""
    file = tmp_path / "t.csv"
    file.write_text(text)
    assert looks_headerless(file) is expected


def test_a_hint_never_fails(tmp_path: Path):
    """What cannot be read is judged where it is read."""
    assert looks_headerless(tmp_path / "gone.csv") is False
    (tmp_path / "x.csv").write_bytes(b"PAR1\x00\x00")
    assert looks_headerless(tmp_path / "x.csv") is False


def test_importing_sources_loads_no_database_library():
    """Who serves a model pays for no SQLAlchemy."""
    code = "import sys, penstock.sources; print('sqlalchemy' in sys.modules, 'pyarrow.parquet' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
