"""Compressed files and archives: opened, and told apart from what is broken."""

from __future__ import annotations

import contextlib
import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from penstock.errors import SourceError
from penstock.sources import CsvSource, ParquetSource, read_snapshot, snapshot
from penstock.sources.places.access import Access
from penstock.store import Store
from tests.unit.sources.desk import PACKERS, ROWS, Desk, tarred, zipped


def test_a_plain_file_is_given_as_it_is(desk: Desk):
    """No copy is made."""
    assert desk.open("a.csv", ROWS) == {"a.csv": ROWS}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_compressed_file_is_unpacked(desk: Desk, suffix: str, times: int):
    """Whatever it is called; several streams one after the other are one file."""
    data = PACKERS[suffix](ROWS) * times
    assert desk.open(f"a.csv{suffix}", data) == {f"a.csv{suffix}": ROWS * times}
    assert desk.open("a.csv", data) == {"a.csv": ROWS * times}


@pytest.mark.parametrize("suffix", [".zst", ".lz4"])
def test_a_frame_to_be_skipped_is_skipped(desk: Desk, suffix: str):
    """Parallel compressors begin with one."""
    data = b"\x50\x2a\x4d\x18\x04\0\0\0note" + PACKERS[suffix](ROWS)
    assert desk.open(f"a.csv{suffix}", data) == {f"a.csv{suffix}": ROWS}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_file_cut_short_is_told(desk: Desk, suffix: str):
    """Half a table is never taken for the whole."""
    data = PACKERS[suffix](ROWS)
    for cut in (len(data) // 2, len(data) - 3):
        error = desk.refused(f"a.csv{suffix}", data[:cut])
        assert error.what == "The file cannot be unpacked: it is cut short or damaged"
        assert error.todo


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_flipped_bit_is_told(desk: Desk, suffix: str):
    """Checksums are checked."""
    data = bytearray(PACKERS[suffix](ROWS))
    data[len(data) // 2] ^= 0x10
    assert "damaged" in desk.refused(f"a.csv{suffix}", bytes(data)).what


def test_bytes_that_are_not_what_the_name_says_are_told(desk: Desk):
    """A name that only survived its compression is no error: servers undo it on the way."""
    assert "damaged" in desk.refused("a.csv.gz", b"\0\1\2" * 50).what
    assert "damaged" in desk.refused("a.zip", b"\0\1\2" * 50).what
    assert desk.open("a.csv.gz", ROWS) == {"a.csv.gz": ROWS}


def test_text_that_begins_like_a_packing_is_text(desk: Desk):
    """Two or three bytes of magic prove little."""
    assert desk.open("a.csv", b"BZhang,b\n1,2\n") == {"a.csv": b"BZhang,b\n1,2\n"}
    assert desk.open("a.csv", b"PK,b\n1,2\n") == {"a.csv": b"PK,b\n1,2\n"}


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.csv.gz", "a.zip", "a.tar", "a.csv.zst"]))
def test_arbitrary_bytes_are_opened_or_refused(tmp_path_factory, data: bytes, name: str):
    """Nothing else comes out of any bytes."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    with contextlib.suppress(SourceError):
        assert list(desk.open(name, data)) == [name] or data.startswith(b"PK")


def test_an_archive_gives_the_files_of_the_kind_in_order(desk: Desk):
    """The rest is told; hidden files and what a Mac adds are not worth reading."""
    members = {"x/b.csv": b"b", "x/a.TXT": b"a", "x/c.csv.gz": gzip.compress(b"c"), "x/notes.pdf": b"p"}
    members |= {"__MACOSX/x/._a.csv": b"?", "x/.b.csv": b"?"}
    found = {"r/x/a.TXT": b"a", "r/x/b.csv": b"b", "r/x/c.csv.gz": b"c"}
    for data in (zipped(members), tarred(members), tarred(members, "w:gz"), tarred(members, "w:xz")):
        assert desk.open("r", data) == found
    (words,) = desk.intake.remarks
    assert words == "r: passed over '__MACOSX/x/._a.csv', 'x/.b.csv', 'x/notes.pdf'"


def test_a_member_is_chosen_by_pattern(desk: Desk):
    """By its whole path or its name; a pattern that matches nothing says what is near."""
    data = zipped({"b/bank-full.csv": b"1", "b/bank-additional-full.csv": b"2", "b/bank.csv": b"3"})
    assert list(desk.open("z", data, member="*full.csv")) == ["z/b/bank-additional-full.csv", "z/b/bank-full.csv"]
    assert list(desk.open("z", data, member="bank-full.csv")) == ["z/b/bank-full.csv"]
    assert list(desk.open("z", data, member="b/bank-f*")) == ["z/b/bank-full.csv"]
    error = desk.refused("z", data, member="bank-ful.csv")
    assert error.expected == "a file that matches 'bank-ful.csv'; did you mean 'bank-full.csv'?"


def test_the_only_file_of_an_archive_needs_no_ending(desk: Desk):
    """Where there is no choice, none has to be made."""
    assert desk.open("z", zipped({"DATA": b"1"})) == {"z/DATA": b"1"}
    error = desk.refused("z", zipped({"DATA": b"1", "MORE": b"2"}))
    assert (error.got, error.expected) == ("'DATA', 'MORE'", "files that end in .csv .txt")
    assert "member" in error.todo
    assert desk.refused("z", zipped({})).got == "no file"


def test_an_archive_whose_paths_climb_is_refused(desk: Desk):
    """All of it, though nothing is ever written to a path that an archive names."""
    for name in ("../a.csv", "/etc/a.csv", "x/../../a.csv", "C:\\a.csv", "..\\a.csv"):
        for data in (zipped({"a.csv": b"1", name: b"2"}), tarred({"a.csv": b"1", name: b"2"})):
            assert "climbs out" in desk.refused("z", data).what


def test_links_in_archives_are_passed_over(desk: Desk):
    """They would name files of this machine."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("l.csv", tarfile.SYMTYPE), ("h.csv", tarfile.LNKTYPE), ("d.csv", tarfile.CHRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("a.csv")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"1"))
    assert desk.open("t", out.getvalue()) == {"t/a.csv": b"1"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("l.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.csv", b"1")
    assert desk.open("z", out.getvalue()) == {"z/a.csv": b"1"}


def test_an_encrypted_archive_is_told(desk: Desk):
    """With what to do about it."""
    data = bytearray(zipped({"a.csv": b"1"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    error = desk.refused("z", bytes(data))
    assert error.what == "The archive is encrypted"
    assert "password" in error.todo


def test_an_unknown_packing_is_told(desk: Desk):
    """Deflate64, which Windows writes beyond 2 GB, is known to no library here; 7z and RAR neither."""
    data = bytearray(zipped({"a.csv": b"1"}))
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(mark) + offset] = 9
    assert "cannot be undone" in desk.refused("z", bytes(data)).what
    assert "7z archive" in desk.refused("a.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 60).what
    assert "RAR archive" in desk.refused("a.rar", b"Rar!\x1a\x07\x01\x00" + b"\0" * 60).what


def test_a_broken_archive_is_told(desk: Desk):
    """Cut short, or with bytes that are not those that were packed."""
    data = zipped({"a.csv": ROWS, "b.csv": ROWS})
    assert "damaged" in desk.refused("z.zip", data[: len(data) // 2]).what
    flipped = bytearray(data)
    flipped[len(data) // 4] ^= 0x10
    assert "damaged" in desk.refused("z.zip", bytes(flipped)).what
    tar = tarred({"a.csv": ROWS})
    assert "damaged" in desk.refused("t.tar", tar[: len(ROWS) // 2]).what


def test_two_members_of_one_name_are_refused(desk: Desk):
    """Which of them is meant, every program answers in its own way."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", b"2")
    assert "two files are called 'a.csv'" in desk.refused("z", out.getvalue()).got


def test_an_empty_member_is_told(desk: Desk):
    """As an empty file is."""
    assert desk.refused("z", zipped({"a.csv": b""})).where == "z/a.csv"
    assert "empty" in desk.refused("a.csv.gz", gzip.compress(b"")).what


def test_what_is_packed_over_and_over_is_refused(desk: Desk):
    """Three layers are enough for everyone."""
    data = ROWS
    for _ in range(3):
        data = gzip.compress(data)
    assert desk.open("a", data) == {"a": ROWS}
    assert "too many times" in desk.refused("a", gzip.compress(data)).what


def test_a_workbook_is_not_taken_for_an_archive(desk: Desk):
    """By its ending, or by what lies in it where it has none."""
    book = zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    sheets = (".xlsx", ".xls", ".ods")
    assert desk.open("b.XLSX", book, suffixes=sheets) == {"b.XLSX": book}
    assert desk.open("download", book, suffixes=sheets) == {"download": book}
    assert desk.open("z.zip", zipped({"b.xlsx": book}), suffixes=sheets) == {"z.zip/b.xlsx": book}


def test_more_than_is_allowed_is_refused(desk: Desk):
    """All files of an archive together, however small each is."""
    assert "more than is allowed" in desk.refused("a.csv.gz", gzip.compress(ROWS), max_bytes=1000).what
    data = zipped({f"{i}.csv": ROWS for i in range(3)})
    assert len(desk.open("z", data, max_bytes=3 * len(ROWS))) == 3
    assert "more than is allowed" in desk.refused("z", data, max_bytes=3 * len(ROWS) - 1).what


def test_a_compressed_table_is_collected_as_it_came(tmp_path: Path):
    """The part is the packed file, byte for byte; the rows are those in it."""
    data = zipped({"d/1.csv": b"a\n1\n", "d/2.csv": b"a\n2\n", "d/read.me": b"x"})
    (tmp_path / "z.zip").write_bytes(data)
    store = Store(tmp_path / "store")
    taken = snapshot(CsvSource(name="z", path=str(tmp_path / "z.zip"), file_column="file"), store)
    assert store.read_bytes(taken.parts[0].file) == data
    assert read_snapshot(taken, store).to_pydict() == {"a": ["1", "2"], "file": ["1.csv", "2.csv"]}
    assert taken.remarks == ("z.zip: passed over 'd/read.me'",)
    assert not [p for p in (tmp_path / "store").iterdir() if p.name.startswith("penstock-")]


def test_a_bomb_leaves_nothing_in_the_store(tmp_path: Path):
    """Nothing half-written, and no table."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bytes(1 << 22)))
    source = CsvSource(name="a", path=str(tmp_path / "a.csv.gz"), access=Access(max_bytes=1 << 20))
    with pytest.raises(SourceError, match="more than is allowed"):
        snapshot(source, Store(tmp_path / "store"))
    files = [p for p in (tmp_path / "store").rglob("*") if p.is_file()]
    assert [p.suffix for p in files if p.parent.name != ".leases"] == [".gz"]


def test_parquet_in_an_archive_is_read(tmp_path: Path):
    """Every file kind goes through the same door."""
    parquet.write_table(pa.table({"n": [1, 2]}), tmp_path / "n.parquet")
    (tmp_path / "z.zip").write_bytes(zipped({"n.parquet": (tmp_path / "n.parquet").read_bytes()}))
    assert snapshot(ParquetSource(name="n", path=str(tmp_path / "z.zip")), Store(tmp_path / "store")).n_rows == 2


def test_131_files_of_an_archive_are_one_table(shared: Path, tmp_path: Path):
    """No header, the year in the name, a PDF beside them."""
    source = CsvSource(
        name="babynames",
        path=str(shared / "data" / "babynames" / "babynames.zip"),
        names=("name", "sex", "births"),
        file_column="file",
    )
    store = Store(tmp_path / "store")
    taken = snapshot(source, store)
    assert taken.n_rows == 1_690_784
    assert taken.remarks == ("babynames.zip: passed over 'datasets/babynames/NationalReadMe.pdf'",)
    files = read_snapshot(taken, store)["file"].unique().to_pylist()
    assert (len(files), files[0], files[-1]) == (131, "yob1880.txt", "yob2010.txt")


def test_files_of_an_archive_that_differ_need_a_member(shared: Path, tmp_path: Path):
    """The error says how the columns differ and what to name."""
    path = str(shared / "data" / "bank_marketing" / "bank-additional.zip")
    store = Store(tmp_path / "store")
    with pytest.raises(SourceError, match="different columns") as caught:
        snapshot(CsvSource(name="bank", path=path, member="*full.csv"), store)
    assert "bank-full.csv" in caught.value.where
    assert snapshot(CsvSource(name="bank", path=path, member="bank-full.csv"), store).n_rows == 45_211
    assert snapshot(CsvSource(name="bank", path=path, member="*additional-full.csv"), store).n_rows == 41_188
