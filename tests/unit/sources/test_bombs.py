"""Archives and compressed files that unpack to more than anyone has room for."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from penstock.errors import SourceError, StoreError
from penstock.sources.places import limits as limiting
from tests.unit.sources.desk import PACKERS, ROWS, Desk, zipped


def zeros(gigabytes: int) -> tuple[bytes, int]:
    """Return so many gigabytes of zeros, deflated, and how many bytes that is.

    What deflate gives for a block after a full flush does not hang on what came before: one block is packed once, and
    stands there again and again.
    """
    block = bytes(1 << 26)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed * gigabytes * 16 + b"\x03\x00", gigabytes * 16 * len(block)


def bomb(path: Path, gigabytes: int = 10) -> Path:
    """Write a ZIP archive of so many gigabytes of zeros."""
    packed, size = zeros(gigabytes)
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("zeros.csv")
        info.compress_type, info.CRC, info.header_offset = zipfile.ZIP_DEFLATED, 0, 0
        info.compress_size, info.file_size = len(packed), size
        archive.fp.write(info.FileHeader(zip64=True) + packed)
        archive.filelist.append(info)
        archive.start_dir = archive.fp.tell()
        archive._didModify = True
    return path


class Watch:
    """The most that lay in a directory while something was written there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        plain = limiting._write

        def write(out, piece, path):
            plain(out, piece, path)
            self.most = max(self.most, out.tell())

        monkeypatch.setattr(limiting, "_write", write)


def test_a_bomb_of_ten_gigabytes_is_refused_in_no_time(desk: Desk, tmp_path: Path, monkeypatch):
    """By what it says of itself, before a byte of it is unpacked."""
    path = bomb(tmp_path / "bomb.zip")
    assert path.stat().st_size < 12 << 20
    watch, start = Watch(monkeypatch), time.monotonic()
    with pytest.raises(SourceError, match="bomb") as caught:
        desk.open_file(path, "bomb.zip")
    assert time.monotonic() - start < 1
    assert watch.most == 0
    assert "unpack it yourself" in caught.value.todo


def test_a_bomb_that_lies_about_its_size_is_refused(desk: Desk, tmp_path: Path, monkeypatch):
    """It is counted while it is unpacked; the disk takes no harm."""
    monkeypatch.setattr(limiting, "_HARMLESS", 1 << 22)
    data = bytearray(zipped({"a.csv": bytes(1 << 25)}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    watch = Watch(monkeypatch)
    with pytest.raises(SourceError):
        desk.open("z", bytes(data))
    assert watch.most <= 1 << 23


def test_a_compressed_bomb_of_ten_gigabytes_is_refused_in_no_time(desk: Desk, tmp_path: Path, monkeypatch):
    """Gzip does not say how much it holds; no more than 256 MiB of it ever lie on the disk."""
    packed, size = zeros(10)
    tail = (0).to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    (tmp_path / "bomb.csv.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packed + tail)
    watch, start = Watch(monkeypatch), time.monotonic()
    with pytest.raises(SourceError, match="bomb"):
        desk.open_file(tmp_path / "bomb.csv.gz", "bomb.csv.gz")
    assert time.monotonic() - start < 10
    assert watch.most <= 256 << 20


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_bomb_without_an_archive_is_refused_as_soon(desk: Desk, suffix: str, monkeypatch):
    """By what has come out of what has been read so far: not at the end."""
    monkeypatch.setattr(limiting, "_HARMLESS", 1 << 22)
    watch = Watch(monkeypatch)
    # 64 MB of zeros after 1 MB that does not compress.
    head = bytes(i * 31 % 251 for i in range(1 << 16))
    data = PACKERS[suffix](head + bytes(1 << 26))
    assert "bomb" in desk.refused(f"a.csv{suffix}", data).what
    assert watch.most < 1 << 26


def test_a_sparse_file_in_a_tar_is_refused(desk: Desk, monkeypatch):
    """A few bytes of tar may stand for gigabytes of zeros."""
    monkeypatch.setattr(limiting, "_HARMLESS", 1 << 20)
    entry = tarfile.TarInfo("a.csv")
    entry.pax_headers = {"GNU.sparse.size": str(1 << 33), "GNU.sparse.map": f"0,1,{(1 << 33) - 1},0"}
    entry.size = 1
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(b"1"))
    assert "bomb" in desk.refused("t.tar", out.getvalue()).what


def test_a_full_disk_is_no_damaged_file(desk: Desk, monkeypatch):
    """The reader is told of the disk, not of the archive."""

    class Full:
        def write(self, piece: bytes) -> int:
            raise OSError(28, "No space left on device")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(limiting, "_opened", lambda path: path.touch() or Full())
    with pytest.raises(StoreError, match="cannot be written"):
        desk.open("a.csv.gz", gzip.compress(ROWS))
