"""Results on disk: receipts as JSON, believed only while every object that they name is whole.

Prefect reads a record with the serializer that the record itself names. Whoever can write a file could name pickle, so
records are looked at here, as plain JSON, before Prefect sees them: another serializer, another stage's receipt, an
object gone or altered, and the record does not exist.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from prefect.filesystems import WritableFileSystem
from prefect.serializers import Serializer
from pydantic import Field

from penstock.errors import PenstockError, StoreError
from penstock.receipts import Arrays, Collected, Evaluated, Explored, FileRef, Receipt, Trained, Wrangled
from penstock.store import Store


class Dossier(Receipt):
    """All that a run's report tells; the pictures' bytes lie beside the facts, in the same order."""

    facts: FileRef
    figures: tuple[FileRef, ...]
    evaluation: tuple[FileRef, ...]


# Publishing is never cached: it has no place here.
RECEIPTS: Mapping[str, type[Receipt]] = {
    "collect": Collected,
    "arrays": Arrays,
    "wrangle": Wrangled,
    "explore": Explored,
    "train": Trained,
    "evaluate": Evaluated,
    "dossier": Dossier,
}
FOLDER = ".results"
_KEY = re.compile(r"([a-z]+)-[0-9a-f]{64}")
_SERIALIZER = "penstock-receipt"


class ReceiptSerializer(Serializer):
    """Receipts as JSON, and nothing else: reading one imports nothing and calls nothing."""

    type: str = Field(default=_SERIALIZER, frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Return the JSON of a receipt; of anything else, such as an exception, only its name."""
        body = obj.model_dump(mode="json") if isinstance(obj, Receipt) else None
        return orjson.dumps({"receipt": type(obj).__name__, "body": body})

    def loads(self, blob: bytes) -> Any:
        """Return the receipt.

        Raises
        ------
        ValueError
            The bytes are no receipt of a stage.
        """
        value = orjson.loads(blob)
        kinds = {kind.__name__: kind for kind in RECEIPTS.values()}
        if not isinstance(value, dict) or value.get("receipt") not in kinds:
            raise ValueError("not a receipt")
        return kinds[value["receipt"]].model_validate(value["body"])


RECEIPT = ReceiptSerializer()


class Records(WritableFileSystem):
    """Where the results of one artifacts directory lie: readable by their owner alone.

    Parameters
    ----------
    artifacts : str
        The artifacts directory, which is also the root of the store that the receipts' references point into.
    """

    _block_type_name = "penstock records"
    _block_type_slug = "penstock-records"

    artifacts: str

    @property
    def folder(self) -> Path:
        """The directory of the records."""
        return Path(self.artifacts) / FOLDER

    # Prefect's base class declares coroutines, and its engine calls these with `_sync=True`.
    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]  # as above
        """Return a record that may be believed.

        Raises
        ------
        StoreError
            It is not there, or not to be believed.
        """
        try:
            file = self._resolve_path(path)
            body = self._believed(path, file.read_bytes())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, PenstockError) as error:
            raise StoreError("There is no such result", where=path, got=str(error)) from error
        # A result that is used is a live one, however long ago it was made.
        with contextlib.suppress(OSError):
            os.utime(file)
        # Written anew, so that what was looked at is what Prefect reads, whatever else the file says.
        metadata = {"serializer": {"type": _SERIALIZER}, "storage_key": str(self._resolve_path(path))}
        return orjson.dumps({"metadata": metadata, "result": body})

    async def aread_path(self, path: str) -> bytes:
        """Return a record that may be believed."""
        return self.read_path(path)

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> str:  # type: ignore[override]  # as above
        """Write a stage's record, whole or not at all; Prefect's other results (exceptions) are not kept."""
        if not _KEY.fullmatch(Path(path).name):
            return path
        file = self._resolve_path(path)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123 - by descriptor
                out.write(content)
            beside.replace(file)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return str(file)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Write a stage's record, whole or not at all."""
        return self.write_path(path, content)

    # Prefect's engine asks every local storage for this, and for the folder by an empty path. The name alone says which
    # record is meant, so that nothing outside the folder can be.
    def _resolve_path(self, path: str | None) -> Path:
        return self.folder.resolve() / Path(path or "").name

    def _believed(self, path: str, data: bytes) -> str:
        """Return the receipt's JSON out of a record, after every check."""
        key = _KEY.fullmatch(Path(path).name)
        if key is None:
            raise ValueError("not the name of a stage's record")
        record = orjson.loads(data)
        if record["metadata"]["serializer"] != {"type": _SERIALIZER}:
            raise ValueError("a record of another serializer")
        body: str = record["result"]
        receipt = RECEIPT.loads(body.encode())
        if not isinstance(receipt, RECEIPTS[key[1]]):
            raise TypeError("a receipt of another stage")
        store = Store(self.artifacts)
        for ref in receipt.refs():
            store.verify(ref)
            if not store.claim(ref):
                raise ValueError("an object of it has just gone")
        return body
