"""What the last run brought from a source: a small file beside the objects, so that what is unchanged is not fetched."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from penstock.errors import StoreError
from penstock.frozen import digest_of
from penstock.receipts import Snapshot
from penstock.sources.base import SourceBase
from penstock.store import Store

_log = logging.getLogger("penstock")


def earlier_snapshot(source: SourceBase, store: Store) -> Snapshot | None:
    """Return what the last run brought from the same place in the same way, or None; all of its bytes are there."""
    data = store.read_note(_path(source))
    if data is None:
        return None
    try:
        earlier = Snapshot.model_validate_json(data)
        for ref in earlier.refs():
            store.verify(ref)
    except (ValidationError, StoreError):
        return None
    return earlier


def remember(source: SourceBase, taken: Snapshot, store: Store) -> None:
    """Keep a snapshot's receipt for the next run; not to be able to is no reason to fail."""
    try:
        store.write_note(_path(source), taken.model_dump_json().encode())
    except StoreError as error:
        _log.warning("What was collected from %s cannot be remembered: %s", source.uri, error.what)


def _path(source: SourceBase) -> str:
    # Secrets dump as stars: a new password is the same place.
    return f"collected/{source.name}-{digest_of([source.uri, source.model_dump(mode='json')])[:16]}.json"
