"""The manifest: what a version is, every file of it with size and sha256, and the signature over those very bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, ValidationError

from penstock.errors import BundleError, Tampered
from penstock.frozen import Frozen, canonical_json

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MANIFEST_BYTES = 16 << 20
# The other files of a version; its look-up tables lie below LOOKUPS, an Arrow file and a record each.
ESTIMATOR, TWIN, PROBE, REPORT = "estimator.joblib", "twin.joblib", "probe.arrow", "report.html"
SCHEMA, STEPS, PROFILE, METRICS, VERDICT = "schema.json", "steps.json", "profile.json", "metrics.json", "verdict.json"
CARD = "card.md"
# Only where there is something to promise.
PROMISES = "promises.json"
LOOKUPS = "lookups/"
# Only where the served pipeline has a compiled form.
KERNEL = "kernel.zip"


class FileEntry(Frozen):
    """One file: the sha256 of its bytes, in hex, and their number."""

    sha256: str
    size: int = Field(ge=0)


class Manifest(Frozen):
    """What a version is and what it is made of.

    `digest` is the content digest (see `penstock.bundle.canonical`); `files` holds every file but the manifest and its
    signature, by path with forward slashes; `forced` is the reason that overruled the gate, where one did.
    """

    format: int = FORMAT
    model: str
    version: str
    sequence: int = Field(ge=1)
    digest: str
    created: str
    family: str
    files: dict[str, FileEntry]
    spec: dict[str, Any]  # as the user wrote it: any YAML
    lineage: dict[str, Any]  # receipts of the stages before
    environment: dict[str, str]
    forced: str = ""

    def to_bytes(self) -> bytes:
        """Return the manifest's file: canonical JSON, and what is signed."""
        return canonical_json(self)

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Manifest:
        """Read a manifest whose signature has been checked.

        Raises
        ------
        BundleError
            A newer release of penstock made it, or it names a file outside its directory.
        """
        try:
            fields = json.loads(data)
            made_by = int(fields["format"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Tampered("The manifest cannot be read", where=where) from error
        if made_by > FORMAT:
            raise BundleError(
                "The bundle was made by a newer release of penstock",
                where=where,
                got=f"format {made_by}",
                expected=f"format {FORMAT} or older",
                todo="Bring penstock up to date.",
            )
        try:
            manifest = cls.model_validate(fields)
        except ValidationError as error:
            raise BundleError(
                "The manifest is not one of this format",
                where=where,
                got=f"{error.error_count()} unknown or wrong fields",
            ) from error
        for path in manifest.files:
            if not _lies_inside(path):
                raise Tampered("The manifest names a file outside its bundle", where=where)
        return manifest


def _lies_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == path


def is_table(path: str) -> bool:
    """Whether a file of a version is the table of a look-up."""
    return path.startswith(LOOKUPS) and path.endswith(".arrow")


def is_record(path: str) -> bool:
    """Whether a file of a version is the record of a look-up."""
    return path.startswith(LOOKUPS) and path.endswith(".json")


def entries(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Return the manifest's entries for some files."""
    return {name: entry(data) for name, data in files.items()}


def entry(data: bytes) -> FileEntry:
    """Return the entry for one file's bytes."""
    return FileEntry(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
