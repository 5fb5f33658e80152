"""What the pointers on disk say: a stat for each that has not changed, its bytes for each that has."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

POINTER = "CURRENT.json"
# A file may change twice within one tick of its file system's clock, on some of them two seconds long: of one that was
# touched so lately a stat proves nothing.
YOUNG_SECONDS = 3.0
_name = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")


class Stamp(NamedTuple):
    """By what a file is told to have changed: another file in its place has another inode."""

    inode: int
    size: int
    modified: int
    changed: int


@dataclass(slots=True)
class Pointers:
    """The pointers below a directory of models, as they were read last."""

    models: Path
    _read: dict[str, tuple[Stamp, bytes]] = field(default_factory=dict)

    def read(self) -> dict[str, bytes] | None:
        """Return the bytes of every model's pointer by model name; None while the directory cannot be read.

        A directory that is not there yet holds no models. A pointer that cannot be read for now is empty: it is
        followed, fails, and is tried again with the rest.
        """
        try:
            with os.scandir(self.models) as entries:
                names = [entry.name for entry in entries if _name.match(entry.name)]
        except FileNotFoundError:
            names = []
        except OSError:
            return None
        found: dict[str, bytes] = {}
        for name in names:
            try:
                found[name] = self._bytes(name)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                self._read.pop(name, None)
                found[name] = b""
        for name in self._read.keys() - found.keys():
            del self._read[name]
        return found

    def _bytes(self, name: str) -> bytes:
        path = self.models / name / POINTER
        known = self._read.get(name)
        # The stat comes first: what is written between it and the read is found at the next look.
        stat = path.stat()
        stamp = Stamp(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if known is not None and known[0] == stamp and not _is_young(stamp):
            return known[1]
        data = path.read_bytes()
        self._read[name] = stamp, data
        return data


def _is_young(stamp: Stamp) -> bool:
    # A clock ahead of ours makes a file young for longer, which costs reads and no more.
    return time.time() - max(stamp.modified, stamp.changed) / 1e9 < YOUNG_SECONDS
