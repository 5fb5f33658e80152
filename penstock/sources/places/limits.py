"""How much may come out of a compressed file: so that a small file cannot fill the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from penstock.errors import SourceError
from penstock.store import unwritable

# Tables compress 3 to 50 times, columns that hold little news 100 times; a bomb of zeros 1,000 times and more.
_RATIO = 200
# Below this, a file may unpack to whatever it does: it does no harm.
_HARMLESS = 256 << 20
_PIECE = 1 << 20


class Readable(Protocol):
    """What can be read piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""


class Limits:
    """The account of one file as it came.

    Parameters
    ----------
    name : str
        What errors call it.
    packed : int
        How many bytes came.
    most : int
        How many bytes may come out, all together.
    """

    def __init__(self, name: str, packed: int, most: int) -> None:
        self.name = name
        self.packed = packed
        self.most = most

    def check(self, unpacked: int, packed: int | None = None) -> None:
        """Check how much has come out of how much.

        Raises
        ------
        SourceError
            It is more than is allowed, or more than honest data ever unpacks to.
        """
        if unpacked > self.most:
            raise SourceError(
                "The file unpacks to more than is allowed",
                where=self.name,
                got=f"{unpacked:,} bytes at least, from {self.packed:,}",
                expected=f"at most {self.most:,} bytes",
                todo="Raise `access: {max_bytes: …}` if it shall be that large.",
            )
        packed = self.packed if packed is None else min(packed, self.packed)
        if unpacked > _HARMLESS and unpacked > _RATIO * max(1, packed):
            raise SourceError(
                "The file unpacks like a decompression bomb",
                where=self.name,
                got=f"{unpacked:,} bytes at least, from {packed:,}",
                expected=f"at most {_RATIO} times as much as is packed, beyond {_HARMLESS >> 20} MiB",
                todo="If you know who made it, unpack it yourself and name the unpacked file.",
            )

    def copy(self, source: Readable, to: Path, consumed: Callable[[], int], before: int = 0) -> int:
        """Write all that a stream gives, and return how many bytes it was.

        Parameters
        ----------
        source : readable
            Gives unpacked bytes.
        to : pathlib.Path
            Where they go.
        consumed : callable
            Tells how many packed bytes have been read for them.
        before : int
            How many bytes were unpacked of the same archive before.
        """
        size = 0
        with _opened(to) as out:
            while piece := source.read(_PIECE):
                size += len(piece)
                self.check(before + size, consumed())
                _write(out, piece, to)
        return size


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise unwritable(path.parent, error) from error


def _write(out: IO[bytes], piece: bytes, path: Path) -> None:
    # Told apart from an error of reading, which decompressors raise as OSError too.
    try:
        out.write(piece)
    except OSError as error:
        raise unwritable(os.fspath(path.parent), error) from error
