"""Snapshots: sources brought into the store, side by side, and what the last run brought remembered."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from penstock.errors import SourceError
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
    taken = source.collect(store, earlier_snapshot(source, store))
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
    if len(sources) == 1:
        return Collected(snapshots=(snapshot(sources[0], store),), fixes=edited)
    with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(sources)), thread_name_prefix="collect") as pool:
        return Collected(snapshots=tuple(pool.map(lambda s: snapshot(s, store), sources)), fixes=edited)


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
