"""Packed files for tests, and a desk on which they are opened."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.sources.places.opening import opened

CSV = (".csv", ".txt")
ROWS = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i * i) for i in range(5000))


def arrow_packed(kind: str, data: bytes) -> bytes:
    """Compress as the zstd and lz4 programs do."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, kind) as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: arrow_packed("zstd", data),
    ".lz4": lambda data: arrow_packed("lz4", data),
}


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class Desk:
    """Opens bytes, and looks at what is left on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.intake = Intake()

    def open(self, name: str, data: bytes, **keys: object) -> dict[str, bytes]:
        """Return what lies in some bytes, by name."""
        (self.folder / "came").write_bytes(data)
        return self.open_file(self.folder / "came", name, **keys)

    def open_file(self, path: Path, name: str, **keys: object) -> dict[str, bytes]:
        """Return what lies in a file, by name."""
        options = {"suffixes": CSV, "member": None, "max_bytes": 1 << 34, "intake": self.intake} | keys
        found = {}
        for file in opened(path, name, self.scratch, **options):
            assert len(list(self.scratch.iterdir())) <= 3, "a layer each, and no more"
            found[file.name] = file.path.read_bytes()
        assert list(self.scratch.iterdir()) == []
        return found

    def refused(self, name: str, data: bytes, **keys: object) -> SourceError:
        """Return the error that some bytes get."""
        with pytest.raises(SourceError) as caught:
            self.open(name, data, **keys)
        assert list(self.scratch.iterdir()) == [], "nothing half-unpacked is left"
        return caught.value
