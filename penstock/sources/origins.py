"""Where in its source a row stands: which file, and which line of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from penstock.receipts import Snapshot
from penstock.sources.base import FileSource
from penstock.sources.union import Source
from penstock.store import Store


class Origin(NamedTuple):
    """A file or address, and the line of the file where that is known; `row` counts from 1 in the whole source."""

    file: str
    line: int | None
    row: int

    @property
    def place(self) -> int:
        """The line, or the row where no line is known."""
        return self.row if self.line is None else self.line


def origins_of(source: Source, snapshot: Snapshot, rows: Sequence[int], store: Store) -> list[Origin]:
    """Return where rows of a snapshot stand.

    Parameters
    ----------
    source : Source
        How it was read.
    snapshot : Snapshot
        What came.
    rows : sequence of int
        Positions in the snapshot's table, from 0.
    store : Store
        Where its bytes are.
    """
    if not isinstance(source, FileSource) or not rows:
        return [Origin(snapshot.uri, None, row + 1) for row in rows]
    found: dict[int, Origin] = {}
    wanted, before = sorted(set(rows)), 0
    with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
        for file, lines in source.row_lines(snapshot.parts, store, Path(folder)):
            for row in wanted:
                if before <= row < before + len(lines):
                    found[row] = Origin(file, int(lines[row - before]) or None, row + 1)
            before += len(lines)
            if before > wanted[-1]:
                break
    return [found.get(row, Origin(snapshot.uri, None, row + 1)) for row in rows]
