"""Snapshots: sources brought into the store, side by side, and what the last run brought remembered."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa

from penstock.errors import SourceError
from penstock.progress import Step, note, noted_by, watcher
from penstock.receipts import Collected, Edited, Snapshot
from penstock.sources.locate import source_from
from penstock.sources.remembered import earlier_snapshot, remember
from penstock.sources.union import Source
from penstock.store import Store

# Sources wait for disks and networks more than they compute.
_SIDE_BY_SIDE = 4


def snapshot(source: Source, store: Store) -> Snapshot:
    """Bring one source into the store, and say what was there.

    Raises
    ------
    SourceError
        It is absent, unreadable, empty or has no rows; a column's name is blank or stands twice.
    SourceUnavailable
        It did not answer; another try may help.
    """
    earlier = earlier_snapshot(source, store)
    if earlier is not None:
        note(0, earlier.n_rows, "rows")
    taken = source.collect(store, earlier)
    remember(source, taken, store)
    return taken


def collect(sources: tuple[Source, ...], store: Store, fixes: Sequence[str] = ()) -> Collected:
    """Take a snapshot of every source, side by side, told in their order: the collect stage.

    Parameters
    ----------
    sources : tuple of Source
        The base first.
    store : Store
        Where the bytes go.
    fixes : sequence of str
        Paths of edited tables of rejected rows.

    Raises
    ------
    SourceError
        As `snapshot` does, for the first source that fails.
    """
    edited = tuple(_edited(Path(path), store) for path in fixes)
    account = _Account(len(sources), store)
    if len(sources) == 1:
        return Collected(snapshots=(account.take(0, sources[0]),), fixes=edited)
    with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(sources)), thread_name_prefix="collect") as pool:
        return Collected(snapshots=tuple(pool.map(account.take, range(len(sources)), sources)), fixes=edited)


class _Account:
    """How far several sources have come, told as one."""

    def __init__(self, n: int, store: Store) -> None:
        self._store = store
        self._watch = watcher()
        self._rows = [0.0] * n
        # As many as the last run brought, where there was one.
        self._expected: list[float | None] = [None] * n
        self._taken = [False] * n

    def take(self, i: int, source: Source) -> Snapshot:
        """Take the snapshot of one of them."""
        with noted_by(partial(self._note, i)):
            taken = snapshot(source, self._store)
        self._rows[i], self._taken[i] = taken.n_rows, True
        self._tell()
        return taken

    def _note(self, i: int, step: Step) -> None:
        self._rows[i] = step.done
        self._expected[i] = step.of or self._expected[i]
        self._tell()

    def _tell(self) -> None:
        if self._watch is None:
            return
        known = zip(self._rows, self._expected, self._taken, strict=True)
        done = sum(1.0 if taken else 0.99 * Step(rows, of, "").share for rows, of, taken in known)
        n = len(self._taken)
        self._watch(Step(done, n, f"{sum(self._taken)} of {n} sources; {sum(self._rows):,.0f} rows so far"))


def _edited(path: Path, store: Store) -> Edited:
    try:
        # What it says is text, whichever program saved it; a row that cannot be parsed stops the run.
        table = source_from(str(path), "fixes", path.parent).collect(store).table
    except SourceError as error:
        error.what = f"A table of fixes cannot be read: {error.what}"
        error.todo = error.todo or "Correct `fixes` in the spec; its paths are relative to the spec."
        raise
    return Edited(name=path.name, table=table)


def state_of(source: Source) -> str | None:
    """Return a text that changes whenever the source's content does, or None where that cannot be told."""
    return source.state()


def read_snapshot(snapshot: Snapshot, store: Store) -> pa.Table:
    """Return the raw table of a snapshot: text columns for delimited text, Arrow's types for all else."""
    return store.read_table(snapshot.table)
