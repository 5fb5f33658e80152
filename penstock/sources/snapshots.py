"""Snapshots: a source's bytes, read once and kept as they came."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from penstock.receipts import Collected, Snapshot
from penstock.sources.union import Source
from penstock.store import Store


def snapshot(source: Source, store: Store) -> Snapshot:
    """Read a source once, keep its bytes, and say what was there.

    Raises
    ------
    SourceError
        It is absent, unreadable, empty or has no rows; a column's name is blank or stands twice.
    SourceUnavailable
        It did not answer; another try may help.
    """
    fetched = source.fetch()
    table = source.table_of(fetched.data)
    return Snapshot(
        name=source.name,
        kind=source.kind,
        uri=source.uri,
        collected_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        n_rows=table.num_rows,
        sha256=fetched.sha256,
        file=store.put_bytes(fetched.data, fetched.suffix, fetched.media),
    )


def collect(sources: tuple[Source, ...], store: Store) -> Collected:
    """Take a snapshot of every source, in order: the collect stage."""
    return Collected(snapshots=tuple(snapshot(s, store) for s in sources))


def state_of(source: Source) -> str:
    """Return a sha256 that changes whenever the source's content does; for the key of a cached snapshot."""
    return source.state()


def read_snapshot(snapshot: Snapshot, source: Source, store: Store) -> pa.Table:
    """Return the raw table of a snapshot: text columns for delimited text, Arrow's types for all else."""
    return source.table_of(store.read_bytes(snapshot.file))
