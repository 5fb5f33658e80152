"""Parquet, Arrow and Feather files: typed columns, partitioned directories, and what is broken."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import tempfile
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from penstock.errors import SourceError, UserError
from penstock.sources import columnar as reading
from penstock.sources import read_snapshot, snapshot
from penstock.sources.arrow import ArrowSource
from penstock.sources.columnar import ColumnarSource
from penstock.sources.parquet import ParquetSource
from penstock.sources.partitions import partition_of, whole_numbers
from penstock.sources.places.access import Access
from penstock.sources.plain import plain_types
from penstock.store import Store


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)


def write_ipc(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)


def write_small_groups(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=2)


WRITERS: dict[str, tuple[Callable[[pa.Table, Path], None], type[ColumnarSource]]] = {
    "rows.parquet": (pq.write_table, ParquetSource),
    "groups.parquet": (write_small_groups, ParquetSource),
    "rows.feather": (feather.write_feather, ArrowSource),
    "rows.arrow": (write_ipc, ArrowSource),
    "rows.arrows": (write_stream, ArrowSource),
}


def collected(source: ColumnarSource, folder: Path) -> pa.Table:
    """Collect a source and return its raw table."""
    store = Store(folder / "store")
    return read_snapshot(snapshot(source, store), store)


def there_and_back(table: pa.Table, name: str, folder: Path) -> pa.Table:
    """Write a table, and collect it."""
    write, kind = WRITERS[name]
    write(table, folder / name)
    return collected(kind(name="t", path=str(folder / name)), folder)


_moments = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001 - Arrow's naive kind
_kinds: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int8(): st.integers(-128, 127),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint8(): st.integers(0, 255),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=8),
    pa.date32(): st.dates(),
    pa.timestamp("ms"): _moments.map(lambda t: t.replace(microsecond=0)),
    pa.timestamp("us"): _moments,
    pa.timestamp("ns"): _moments,
    pa.timestamp("us", "UTC"): _moments.map(lambda t: t.replace(tzinfo=dt.UTC)),
    pa.timestamp("ns", "Europe/Berlin"): _moments.map(lambda t: t.replace(tzinfo=dt.UTC)),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table of any of the types that raw tables have."""
    n = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.sampled_from(list(_kinds)), min_size=1, max_size=5))
    cells = [draw(st.lists(st.none() | _kinds[k], min_size=n, max_size=n)) for k in kinds]
    return pa.table({f"c{i}": pa.array(c, k) for i, (k, c) in enumerate(zip(kinds, cells, strict=True))})


@settings(max_examples=40)
@given(tables(), st.sampled_from(list(WRITERS)))
def test_any_typed_table_comes_back_the_same(table: pa.Table, name: str):
    """Types and values, missing ones included."""
    with tempfile.TemporaryDirectory() as folder:
        back = there_and_back(table, name, Path(folder))
        assert back.schema == table.schema
        assert back.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("name", WRITERS)
def test_a_long_file_is_read_piece_by_piece(name: str, tmp_path: Path, monkeypatch):
    """No piece is larger than said, and no row is lost or doubled."""
    monkeypatch.setattr(f"penstock.sources.{'parquet' if 'parquet' in name else 'arrow'}.PIECE_ROWS", 100)
    table = pa.table({"n": range(1050), "s": [str(i) for i in range(1050)]})
    write, kind = WRITERS[name]
    write(table, tmp_path / name)
    source = kind(name="t", path=str(tmp_path / name))
    sizes: list[int] = []
    plain = reading.plain_types
    monkeypatch.setattr(reading, "plain_types", lambda t, r: sizes.append(t.num_rows) or plain(t, r))
    assert collected(source, tmp_path).equals(table)
    assert len(sizes) > 10
    assert max(sizes) <= 100


def test_feather_of_the_first_version_is_read(tmp_path: Path, recwarn):
    """Old files are there to be read."""
    with pytest.warns(DeprecationWarning, match="V1"):
        feather.write_feather(pa.table({"a": [1, None], "b": ["x", "y"]}), tmp_path / "t.feather", version=1)
    recwarn.clear()
    back = collected(ArrowSource(name="t", path=str(tmp_path / "t.feather")), tmp_path)
    assert back.to_pydict() == {"a": [1, None], "b": ["x", "y"]}
    assert not recwarn.list


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_compressed_feather_is_read(compression: str, tmp_path: Path):
    """Buffers are packed, not the file."""
    feather.write_feather(pa.table({"a": range(1000)}), tmp_path / "t.feather", compression=compression)
    assert collected(ArrowSource(name="t", path=str(tmp_path / "t.feather")), tmp_path).num_rows == 1000


_id = uuid.UUID("12345678-1234-5678-1234-567812345678")
PLAIN = [
    (pa.array([1.5, None], pa.float16()), "float", [1.5, None]),
    (pa.array([Decimal("1.50"), None]), "double", [1.5, None]),
    (pa.array([Decimal(12), None], pa.decimal128(18, 0)), "int64", [12, None]),
    (pa.array([Decimal(12), None], pa.decimal128(19, 0)), "double", [12.0, None]),
    (pa.array([Decimal("0.25"), None], pa.decimal256(50, 2)), "double", [0.25, None]),
    (pa.array([Decimal("0.25"), None], pa.decimal32(5, 2)), "double", [0.25, None]),
    (pa.array(["x", None], pa.large_string()), "string", ["x", None]),
    (pa.array(["x", None], pa.string_view()), "string", ["x", None]),
    (pa.array(["x", None]).dictionary_encode(), "string", ["x", None]),
    (pa.array([7, None]).dictionary_encode(), "int64", [7, None]),
    (pa.array([7, None], pa.dictionary(pa.int8(), pa.int32())), "int32", [7, None]),
    (pa.RunEndEncodedArray.from_arrays([1, 2], ["x", "y"]), "string", ["x", "y"]),
    (pa.nulls(2), "string", [None, None]),
    (pa.array([2**64 - 1, None], pa.uint64()), "uint64", [2**64 - 1, None]),
    (pa.array([dt.date(2024, 2, 29), None], pa.date64()), "date32[day]", [dt.date(2024, 2, 29), None]),
    (pa.array([dt.time(12, 30), None], pa.time32("s")), "string", ["12:30:00", None]),
    (pa.array([dt.time(12, 30, 0, 5), None], pa.time64("us")), "string", ["12:30:00.000005", None]),
    (pa.array([90_500, None], pa.duration("ms")), "double", [90.5, None]),
    (pa.array([dt.timedelta(days=1), None], pa.duration("ns")), "double", [86_400.0, None]),
    (pa.array([["a", None], None]), "string", ['["a",null]', None]),
    (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), "string", ["[1,2]", None]),
    (pa.array([[1], None], pa.list_view(pa.int64())), "string", ["[1]", None]),
    (pa.array([[("k", 1.5)], None], pa.map_(pa.string(), pa.float64())), "string", ['[["k",1.5]]', None]),
    (pa.array([{"a": 1, "b": {"c": "ü"}}, None]), "string", ['{"a":1,"b":{"c":"ü"}}', None]),
    (pa.array([{"a": float("nan"), "t": dt.date(2024, 1, 2)}, None]), "string", ['{"a":null,"t":"2024-01-02"}', None]),
    (pa.array([b"abc", None]), "string", ["abc", None]),
    (pa.array([b"\xff\x00", b"abc", None], pa.large_binary()), "string", ["ff00", "abc", None]),
    (pa.array([b"abc", None], pa.binary_view()), "string", ["abc", None]),
    (pa.array([b"\x01\x02", None], pa.binary(2)), "string", ["0102", None]),
    (pa.array([_id.bytes, None], pa.uuid()), "string", [str(_id), None]),
    (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None], pa.int8())), "bool", [True, None]),
    (pa.array(['{"a": 1}', None], pa.json_()), "string", ['{"a": 1}', None]),
]


@pytest.mark.parametrize(("array", "kind", "values"), PLAIN, ids=[str(a.type)[:40] for a, _, _ in PLAIN])
def test_every_type_of_arrow_has_its_plain_form(array: pa.Array, kind: str, values: list[object]):
    """The same for an empty column: it hangs on the type alone."""
    plain = plain_types(pa.table({"a": array}))["a"]
    assert str(plain.type) == kind
    assert plain.to_pylist() == values
    plain.validate(full=True)
    assert str(plain_types(pa.table({"a": array}).slice(0, 0))["a"].type) == kind
    none = pa.table({"a": pa.chunked_array([], array.type)})
    assert str(plain_types(none)["a"].type) == kind


def test_a_zone_is_kept():
    """As it stands in the file."""
    moment = pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], pa.timestamp("ns", "Europe/Berlin"))
    assert plain_types(pa.table({"a": moment}))["a"].type == moment.type


def test_what_looks_otherwise_is_remarked(tmp_path: Path):
    """Lists, bytes and durations: once, however many pieces the file has."""
    table = pa.table(
        {"l": [[1], [2], [3]], "b": [b"x"] * 3, "d": pa.array([1, 2, 3], pa.duration("s")), "n": [1, 2, 3]}
    )
    write_small_groups(table, tmp_path / "t.parquet")
    taken = snapshot(ParquetSource(name="t", path=str(tmp_path / "t.parquet")), Store(tmp_path / "store"))
    assert [r.split(" holds ")[0] for r in taken.remarks] == ["column 'l'", "column 'b'", "column 'd'"]
    assert "JSON" in taken.remarks[0]


def partitioned(folder: Path, files: dict[str, int], write: Callable[[pa.Table, Path], None] = pq.write_table) -> str:
    """Write a file of one row each."""
    for name, value in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(pa.table({"v": [value]}), path)
    return str(folder / "data")


def test_a_partitioned_data_set_is_one_table(tmp_path: Path):
    """Directories give columns: whole numbers where all are, text where not, missing where Hive says so."""
    files = {
        "year=2020/code=01/a.parquet": 1,
        "year=2020/code=02/a.parquet": 2,
        "year=2021/code=S%C3%A3o/a.parquet": 3,
        "year=__HIVE_DEFAULT_PARTITION__/code=01/a.parquet": 4,
        "_delta_log/0.parquet": 9,
    }
    path = partitioned(tmp_path, files)
    raw = collected(ParquetSource(name="t", path=path), tmp_path)
    assert raw.schema == pa.schema({"v": pa.int64(), "year": pa.int64(), "code": pa.string()})
    assert raw.to_pydict() == {"v": [1, 2, 3, 4], "year": [2020, 2020, 2021, None], "code": ["01", "02", "São", "01"]}
    some = collected(ParquetSource(name="t", path=f"{path}/year=20*/code=0*/*.parquet"), tmp_path)
    assert some.to_pydict() == {"v": [1, 2], "year": [2020, 2020], "code": ["01", "02"]}
    below = collected(ParquetSource(name="t", path=f"{path}/year=2020"), tmp_path)
    assert below.column_names == ["v", "code"]


def test_a_partitioned_data_set_is_looked_at_as_it_is_collected(tmp_path: Path):
    """What the first rows show is what the run will have."""
    path = partitioned(tmp_path, {"year=2020/a.arrow": 1, "year=2021/a.arrow": 2}, write_ipc)
    source = ArrowSource(name="t", path=path, file_column="file")
    assert source.peek(Store(tmp_path / "store")).schema == collected(source, tmp_path).schema


def test_what_a_file_holds_goes_before_what_its_path_says(tmp_path: Path):
    """Writers that keep the column in the file are right about it."""
    path = partitioned(tmp_path, {"v=7/a.parquet": 1, "v=8/a.parquet": 2})
    assert collected(ParquetSource(name="t", path=path), tmp_path).to_pydict() == {"v": [1, 2]}


def test_a_directory_that_lacks_a_partition_is_told(tmp_path: Path):
    """Its rows would have no value there."""
    path = partitioned(tmp_path, {"year=2020/a.parquet": 1, "a.parquet": 2})
    with pytest.raises(SourceError, match="different columns"):
        collected(ParquetSource(name="t", path=path), tmp_path)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=5) | st.none(), max_size=3), max_size=5))
def test_any_value_survives_its_directory_name(values: list[dict[str, str | None]]):
    """Hive escapes what a path cannot hold."""

    def name(row: dict[str, str | None]) -> str:
        missing = "__HIVE_DEFAULT_PARTITION__"
        return "/".join([*(f"{k}={missing if v is None else quote(v, safe='')}" for k, v in row.items()), "x.parquet"])

    names = [name(row) for row in values]
    assert [partition_of(n) for n in names] == values
    for key in whole_numbers(names):
        assert all(row[key] is None or str(int(str(row[key]))) == row[key] for row in values if key in row)


def buffer_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "suffix"), [(ParquetSource, "parquet"), (ArrowSource, "arrow")])
@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"PAR1 and no more", b"ARROW1\0\0and no more", b"FEA1", b"\xff" * 40])
def test_a_file_of_another_kind_is_told(kind: type[ColumnarSource], suffix: str, data: bytes, tmp_path: Path):
    """With the kind that it should have been."""
    (tmp_path / f"t.{suffix}").write_bytes(data)
    with pytest.raises(SourceError, match=f"cannot be read as {kind.format}"):
        collected(kind(name="t", path=str(tmp_path / f"t.{suffix}")), tmp_path)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_short_is_told(name: str, tmp_path: Path):
    """Half a table is never taken for the whole."""
    write, kind = WRITERS[name]
    write(pa.table({"a": range(5000), "b": [str(i) for i in range(5000)]}), tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for cut in (10, len(data) // 2, len(data) - 20):
        (tmp_path / name).write_bytes(data[:cut])
        with pytest.raises(SourceError, match="cannot be read"):
            collected(kind(name="t", path=str(tmp_path / name)), tmp_path)
    assert not [p for p in (tmp_path / "store").iterdir() if p.name.startswith("penstock-")]


@example(343, 161, "rows.parquet")  # a column's name that is no UTF-8
@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(list(WRITERS)))
def test_a_flipped_byte_never_ends_the_process(at: int, mask: int, name: str):
    """A table comes out, or an error of ours; offsets that lie are seen."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write, kind = WRITERS[name]
        write(pa.table({"a": [1, 2, None], "b": ["x", None, "zz"], "l": [[1], [], None]}), path)
        data = bytearray(path.read_bytes())
        data[at % len(data)] ^= mask
        path.write_bytes(data)
        with contextlib.suppress(UserError):
            collected(kind(name="t", path=str(path)), Path(folder))


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_without_rows_or_columns_or_names_is_refused(name: str, tmp_path: Path):
    """Columns alone are no table, nor are rows of nothing."""
    for table, words in (
        (pa.table({"a": pa.array([], pa.int64())}), "no rows"),
        (pa.table({}), "no columns"),
        (pa.table([[1], [2]], names=["a", "a"]), "Two columns"),
        (pa.table([[1], [2]], names=["a", " "]), "no name"),
    ):
        if name == "rows.feather" and words in ("no columns", "Two columns"):
            continue  # its writer refuses them
        with pytest.raises(SourceError, match=words):
            there_and_back(table, name, tmp_path)


def test_more_than_is_allowed_is_refused(tmp_path: Path):
    """A constant column packs a billion rows into nothing."""
    pq.write_table(pa.table({"a": pa.repeat(7, 100_000)}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 10_000
    source = ParquetSource(name="t", path=str(tmp_path / "t.parquet"), access=Access(max_bytes=500_000))
    with pytest.raises(SourceError, match="larger than allowed"):
        collected(source, tmp_path)
