"""What the last run brought from a source: a small file beside the objects.

With it, what is unchanged since need not be fetched again.
"""

from __future__ import annotations

import logging

from pydantic import ValidationError

from penstock.errors import StoreError
from penstock.frozen import digest_of
from penstock.receipts import Ref, Snapshot
from penstock.sources.base import SourceBase
from penstock.store import Store

_log = logging.getLogger("penstock")


def earlier_snapshot(source: SourceBase, store: Store) -> Snapshot | None:
    """Return what the last run brought from the same place in the same way, or None.

    All that may be taken from it again, instead of being fetched, is there and unaltered.
    """
    data = store.read_note(_path(source))
    if data is None:
        return None
    try:
        earlier = Snapshot.model_validate_json(data)
        for ref in _reused(earlier):
            store.verify(ref)
    except (ValidationError, StoreError) as error:
        _log.debug("What was collected from %s is fetched anew: %s", source.uri, type(error).__name__)
        return None
    return earlier


def remember(source: SourceBase, taken: Snapshot, store: Store) -> None:
    """Keep a snapshot's receipt for the next run; not to be able to is no reason to fail."""
    try:
        store.write_note(_path(source), taken.model_dump_json().encode())
    except StoreError as error:
        _log.warning("What was collected from %s cannot be remembered: %s", source.uri, error.what)


def _reused(earlier: Snapshot) -> list[Ref]:
    """Return what of a snapshot can be used again; to hash the rest, files of this machine above all, is no use."""
    if earlier.watermark is not None:
        return earlier.refs()
    return [part.file for part in earlier.parts if part.etag is not None or part.modified is not None]


def _path(source: SourceBase) -> str:
    # Secrets dump as stars, and `path` may hold one: a new password, or a new signature, is the same place.
    settings = source.model_dump(mode="json", exclude={"path"})
    return f"collected/{source.name}-{digest_of([source.uri, settings])[:16]}.json"
