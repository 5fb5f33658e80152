"""Ed25519 keys: the one that this user signs with, and the ones that are trusted here.

They lie in the directory that PENSTOCK_HOME names, else in `penstock` below the user's configuration, outside of any
project: `signing.pem`, made by `penstock keys make` or the first publish, and `trusted/<key id>.pub`.
PENSTOCK_TRUSTED_KEYS names further public keys, as files or directories, separated as in PATH. A machine that only
serves needs public keys alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from penstock.errors import BundleError, NotSigned, StoreError, Tampered
from penstock.frozen import Frozen, canonical_json

HOME = "PENSTOCK_HOME"
TRUSTED = "PENSTOCK_TRUSTED_KEYS"
SIGNATURE_BYTES = 1024


class Signature(Frozen):
    """A signature in base64, and the id of the key that made it."""

    algorithm: Literal["ed25519"] = "ed25519"
    key: str
    signature: str

    def to_bytes(self) -> bytes:
        """Return its file: canonical JSON."""
        return canonical_json(self)

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Self:
        """Read a signature's file.

        Raises
        ------
        Tampered
            It is not exactly what `to_bytes` writes.
        """
        try:
            read = cls.model_validate(json.loads(data))
            again = base64.b64encode(base64.b64decode(read.signature, validate=True)).decode()
        except (ValueError, ValidationError, RecursionError) as error:
            raise Tampered("A signature cannot be read", where=where) from error
        # Base64 and JSON have many spellings of one value; only one was written.
        if read.to_bytes() != data or read.signature != again:
            raise Tampered("A signature is not written as it was", where=where)
        return read


def home() -> Path:
    """Return the directory of this user's keys; it need not be there.

    Raises
    ------
    BundleError
        This user has no home directory, and PENSTOCK_HOME is not set.
    """
    if chosen := os.environ.get(HOME):
        return Path(chosen)
    if configured := os.environ.get("XDG_CONFIG_HOME"):
        return Path(configured) / "penstock"
    try:
        return Path.home() / ".config" / "penstock"
    except RuntimeError as error:
        raise BundleError("This user has no home directory to keep keys in", todo=f"Set {HOME}.") from error


def key_id(key: Ed25519PublicKey) -> str:
    """Return a key's id: the first 16 hex digits of the sha256 of its raw bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that this user signs with."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def key(self) -> str:
        """The key's id."""
        return key_id(self.private.public_key())

    def sign(self, data: bytes) -> Signature:
        """Sign bytes."""
        return Signature(key=self.key, signature=base64.b64encode(self.private.sign(data)).decode())

    @classmethod
    def own(cls) -> Self:
        """Return this user's key; the first call makes it, readable by this user alone, and trusts it here.

        Raises
        ------
        BundleError
            Others can read the key, or it is no Ed25519 key.
        StoreError
            The key's directory cannot be written.
        """
        path = home() / "signing.pem"
        try:
            if not path.exists():
                _make(path)
            signer = cls(_read_private(path))
            trust_here(signer.private.public_key())
        except OSError as error:
            raise StoreError(
                "The signing key cannot be kept",
                where=str(path),
                got=error.strerror or str(error),
                expected="a directory that this user may write",
                todo=f"Set {HOME} to one.",
            ) from error
        return signer


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = private_pem(Ed25519PrivateKey.generate())
    beside = path.with_name(f".signing.{uuid.uuid4().hex[:8]}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
        # A link refuses a name that is taken: of two first publishes at once, both then sign with the same key.
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink(missing_ok=True)


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """Return a private key as its file holds it: PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_private(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise BundleError(
            "Others can read the signing key",
            where=str(path),
            got=f"mode {path.stat().st_mode & 0o777:o}",
            expected="mode 600",
            todo=f"chmod 600 {path}; if others may have read it, remove it and every copy of its public key.",
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BundleError(
            "The signing key cannot be read", where=str(path), expected="an Ed25519 key in PEM"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError("The signing key is of another kind", where=str(path), expected="an Ed25519 key in PEM")
    return key


def trust_here(key: Ed25519PublicKey) -> None:
    """Keep a public key among those that this user trusts.

    Raises
    ------
    OSError
        The directory of keys cannot be written.
    """
    folder = home() / "trusted"
    path = folder / f"{key_id(key)}.pub"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    beside = folder / f".{path.name}.{uuid.uuid4().hex[:8]}"
    beside.write_bytes(pem)
    beside.replace(path)


@dataclass(frozen=True, slots=True)
class Trust:
    """The public keys whose signatures count, by id."""

    keys: Mapping[str, Ed25519PublicKey]

    @classmethod
    def standard(cls) -> Self:
        """Return the keys in `trusted` of the key directory, and those that PENSTOCK_TRUSTED_KEYS names.

        Raises
        ------
        BundleError
            A key that is named cannot be read.
        """
        paths: list[Path] = []
        named = [Path(p) for p in os.environ.get(TRUSTED, "").split(os.pathsep) if p]
        try:
            folder = home() / "trusted"
        except BundleError:
            if not named:
                raise
        else:
            paths += [folder] if folder.is_dir() else []
        return cls.of([*paths, *named])

    @classmethod
    def of(cls, paths: Iterable[str | Path]) -> Self:
        """Return the keys in files, and in the `.pub` files of directories.

        Raises
        ------
        BundleError
            One of them cannot be read.
        """
        keys: dict[str, Ed25519PublicKey] = {}
        for path in map(Path, paths):
            for file in sorted(path.glob("*.pub")) if path.is_dir() else [path]:
                # pathlib's glob finds hidden files too; they are keys that are being written.
                if not file.name.startswith("."):
                    key = _read_public(file)
                    keys[key_id(key)] = key
        return cls(keys)

    def check(self, data: bytes, signature: Signature, where: str) -> None:
        """Check that a trusted key signed these very bytes.

        Raises
        ------
        NotSigned
            The key is not trusted here.
        Tampered
            The key is, and the bytes are not those that it signed.
        """
        key = self.keys.get(signature.key)
        if key is None:
            known = ", ".join(sorted(self.keys)) or "none"
            raise NotSigned(
                "The signature is by a key that is not trusted here",
                where=where,
                got=f"key {signature.key[:16]}",
                expected=f"a trusted key (known here: {known})",
                todo=f"If you trust its owner, copy its .pub file here and name it in {TRUSTED}.",
            )
        try:
            key.verify(base64.b64decode(signature.signature, validate=True), data)
        except (InvalidSignature, ValueError) as error:
            raise Tampered(
                "The bytes are not those that were signed",
                where=where,
                todo="Do not use it: publish the model again, or roll back to a version that holds.",
            ) from error


def _read_public(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise BundleError("A trusted key cannot be read", where=str(path), expected="an Ed25519 key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError("A trusted key is of another kind", where=str(path), expected="an Ed25519 key in PEM")
    return key
