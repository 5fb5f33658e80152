"""Where a model lies, and the signed pointer that says which of its versions is live.

::

    models/<name>/versions/<sequence>-<digest12>/    immutable
    models/<name>/CURRENT.json                       the pointer, replaced in one step
    models/<name>/log.jsonl                          what happened, one line each

Whatever begins with a dot is a publisher's own business: no reader looks at it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError

from penstock.bundle.bucket import place_of
from penstock.bundle.disk import Disk
from penstock.bundle.keys import Signature, Signer, Trust
from penstock.bundle.log import Event, parse_log
from penstock.errors import BundleError, NotFound, NotSigned, Tampered
from penstock.frozen import Frozen, canonical_json

POINTER_BYTES = 1 << 20
_name = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_version = re.compile(r"([1-9][0-9]{0,17})-([0-9a-f]{12})")


class Hold(Frozen):
    """Why nothing new may be published, who said so, and when."""

    reason: str
    who: str
    at: str


class Canary(Frozen):
    """A version that answers a share of the requests beside the live one."""

    version: str
    digest: str
    share: float = Field(gt=0, lt=1)


class Pointer(Frozen):
    """Which version is live.

    `generation` rises with every change, going back included, and readers order pointers by it. `previous` are the
    versions to fall back to, nearest first; `withdrawn` the content digests that may not come back without a reason.
    `as_of` tells, by look-up, when those of the version were last seen to be as they are: they are no older than that.
    `canary` is the version that answers a share of the requests, if any does.
    """

    generation: int = Field(ge=1)
    model: str
    version: str
    digest: str
    sequence: int = Field(ge=1)
    previous: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    withdrawn: tuple[str, ...] = ()
    as_of: dict[str, str] = {}
    canary: Canary | None = None

    def to_bytes(self, signer: Signer) -> bytes:
        """Return the pointer's file: canonical JSON, signed over all its other fields."""
        # A pointer that says nothing of look-ups or of a canary can be read by releases that know of none.
        silent = {name for name in ("as_of", "canary") if not getattr(self, name)}
        told = self.model_dump(mode="json", exclude=silent)
        signature = signer.sign(canonical_json(told))
        return canonical_json(told | {"signature": signature.model_dump(mode="json")})

    @classmethod
    def from_bytes(cls, data: bytes, trust: Trust, where: str) -> Self:
        """Read a pointer's file, signature first.

        Raises
        ------
        NotSigned
            It bears no signature, or none by a trusted key.
        Tampered
            Its bytes are not those that were signed.
        BundleError
            It is signed and says something that this release does not know.
        """
        fields = _canonical_object(data, where)
        signed = fields.pop("signature", None)
        if signed is None:
            raise NotSigned("The pointer is not signed", where=where, todo="Publish the model again.")
        trust.check(canonical_json(fields), Signature.from_bytes(canonical_json(signed), where), where)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise BundleError(
                "The pointer says something that this release does not understand",
                where=where,
                got=", ".join(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]})),
                todo="Use the release of penstock that wrote it, or a newer one.",
            ) from error


def _canonical_object(data: bytes, where: str) -> dict[str, Any]:
    try:
        fields = json.loads(data)
        same = isinstance(fields, dict) and canonical_json(fields) == data
    except (ValueError, RecursionError) as error:
        raise Tampered("The pointer cannot be read", where=where, todo="Roll back to a version that holds.") from error
    if not same:
        raise Tampered(
            "The pointer is not written as it was signed", where=where, todo="Roll back to a version that holds."
        )
    return dict(fields)


def version_name(sequence: int, digest: str) -> str:
    """Return a version's name: its place in the sequence, and the first digits of its content digest.

    Examples
    --------
    >>> version_name(3, "ab" * 32)
    '3-abababababab'
    """
    return f"{sequence}-{digest[:12]}"


def sequence_of(version: str) -> int:
    """Return a version's place in the sequence; 0 for what is no version's name."""
    found = _version.fullmatch(version)
    return int(found[1]) if found else 0


def without_withdrawn(versions: tuple[str, ...], withdrawn: tuple[str, ...]) -> tuple[str, ...]:
    """Return versions, each once, less those whose content digest is withdrawn."""
    gone = {digest[:12] for digest in withdrawn}
    return tuple(v for v in dict.fromkeys(versions) if v.partition("-")[2] not in gone)


class ModelHome:
    """One model's directory.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory, or the address of a bucket.
    name : str
        The model's name.
    disk : Disk, optional
        How files are read; by default as the address says.

    Raises
    ------
    NotFound
        The name is none that a model can have; it is never used as a path.
    """

    def __init__(self, artifacts: str | Path, name: str, disk: Disk | None = None) -> None:
        if not _name.fullmatch(name):
            raise NotFound(
                "That is no model's name",
                got=repr(name[:80]),
                expected="a small letter or digit, then small letters, digits, - and _, 63 at most",
            )
        self.disk, self.artifacts = place_of(artifacts, disk)
        self.name = name
        self.folder = self.artifacts / "models" / name

    @classmethod
    def at(cls, folder: str | Path, name: str | None = None) -> Self:
        """Return the home that a directory is, wherever it lies; its name is the directory's unless one is given."""
        folder = Path(folder).absolute()
        home = cls(folder.parent.parent, name if name is not None else folder.name)
        home.folder = folder
        return home

    @property
    def versions_folder(self) -> Path:
        """Where its versions lie."""
        return self.folder / "versions"

    @property
    def pointer_path(self) -> Path:
        """Its pointer."""
        return self.folder / "CURRENT.json"

    @property
    def log_path(self) -> Path:
        """Its log."""
        return self.folder / "log.jsonl"

    @property
    def lock_path(self) -> Path:
        """What publishers lock."""
        return self.folder / ".lock"

    def version_folder(self, version: str) -> Path:
        """Return where a version lies.

        Raises
        ------
        NotFound
            That is no version's name; it is never used as a path.
        """
        if not _version.fullmatch(version):
            raise NotFound("That is no version's name", got=repr(version[:80]), expected="<sequence>-<12 hex digits>")
        return self.versions_folder / version

    def versions(self) -> list[str]:
        """Return the names of the versions that lie here, by sequence."""
        return sorted((n for n in self.disk.names(self.versions_folder) if sequence_of(n)), key=_by_sequence)

    def find_version(self, wanted: str) -> str:
        """Return the full name of a version that is named by its name or its sequence alone.

        Raises
        ------
        NotFound
            No version has that name; the error lists those that there are.
        """
        versions = self.versions()
        found = [v for v in versions if wanted in (v, v.partition("-")[0])]
        if len(found) != 1:
            raise NotFound(
                f"Model {self.name!r} has no version {wanted[:80]!r}",
                where=str(self.versions_folder),
                expected=", ".join(versions[-8:]) or "none is there yet",
            )
        return found[0]

    def read_pointer(self, trust: Trust | None = None) -> Pointer:
        """Return the pointer, verified.

        Raises
        ------
        NotFound
            Nothing has been published under this name.
        NotSigned, Tampered, BundleError
            The pointer cannot be trusted.
        StoreError
            The disk would not give it: worth another try.
        """
        where = str(self.pointer_path)
        try:
            data = self.disk.read(self.pointer_path)
        except NotFound as error:
            raise NotFound(
                f"No model {self.name!r} has been published here",
                where=str(self.artifacts),
                todo="`penstock models` lists those that are; `penstock run` publishes one.",
            ) from error
        if len(data) > POINTER_BYTES:
            raise Tampered("The pointer is far too large", where=where, got=f"{len(data)} bytes")
        pointer = Pointer.from_bytes(data, trust or Trust.standard(), where)
        if pointer.model != self.name:
            raise Tampered(
                "The pointer belongs to another model",
                where=where,
                got=f"a pointer of {pointer.model!r}",
                expected=f"one of {self.name!r}",
                todo="Publish under this name; a signed model cannot be renamed.",
            )
        if pointer.version != version_name(pointer.sequence, pointer.digest):
            raise Tampered("The pointer's version is not that of its sequence and digest", where=where)
        return pointer

    def events(self) -> list[Event]:
        """Return the log, oldest first; a line that a crash cut short is passed over."""
        try:
            return parse_log(self.disk.read(self.log_path))
        except NotFound:
            return []


def _by_sequence(version: str) -> tuple[int, str]:
    return sequence_of(version), version


def model_names(artifacts: str | Path) -> list[str]:
    """Return the names of the models that something was published for, sorted."""
    disk, place = place_of(artifacts)
    folder = place / "models"
    return [n for n in disk.names(folder) if _name.fullmatch(n) and disk.exists(folder / n / "CURRENT.json")]
