"""The keys in this user's directory: shown, trusted, trusted no more, and replaced by new ones."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from penstock.bundle.keys import Signer, Trust, home, key_id, private_pem, trust_here
from penstock.errors import NotFound, StoreError, UserError
from penstock.frozen import Frozen


class Known(Frozen):
    """A key that is trusted here: its id, its public key's file, and whether this user signs with it."""

    id: str
    file: str
    own: bool


def private_path() -> Path:
    """Return where this user's private key lies; it need not be there."""
    return home() / "signing.pem"


def own_key() -> str:
    """Return the id of the key that this user signs with.

    Raises
    ------
    NotFound
        There is none yet.
    BundleError
        Others can read it, or it is no Ed25519 key.
    """
    if not private_path().exists():
        raise NotFound(
            "This user has no signing key yet",
            where=str(private_path()),
            todo="`penstock keys make` makes one; so does the first run that publishes.",
        )
    return Signer.own().key


def make() -> tuple[str, bool]:
    """Make this user's key, unless there is one; return its id, and whether it is new.

    Raises
    ------
    BundleError, StoreError
        As `Signer.own` raises them.
    """
    new = not private_path().exists()
    return Signer.own().key, new


def known() -> list[Known]:
    """Return the keys that are trusted on this machine, by id; those that the environment names have no file here."""
    own = own_key() if private_path().exists() else ""
    folder = home() / "trusted"
    return [
        Known(id=key, file=str(path) if (path := folder / f"{key}.pub").exists() else "", own=key == own)
        for key in sorted(Trust.standard().keys)
    ]


def trust(path: Path) -> str:
    """Trust the owner of a public key from now on; return the key's id.

    Raises
    ------
    BundleError
        The file is no Ed25519 public key in PEM.
    StoreError
        The directory of keys cannot be written.
    """
    (key,) = Trust.of([path]).keys.values()
    try:
        trust_here(key)
    except OSError as error:
        raise StoreError("The key cannot be kept", where=str(home()), got=error.strerror or str(error)) from error
    return key_id(key)


def distrust(key: str) -> None:
    """Trust a key no more: what it signed is not opened here from now on.

    Raises
    ------
    NotFound
        It is not trusted here.
    UserError
        This user signs with it.
    """
    path = home() / "trusted" / f"{key}.pub"
    if key not in {one.id for one in known()} or not path.exists():
        raise NotFound(
            "That key is not trusted by a file of this user",
            got=repr(key[:32]),
            expected=", ".join(one.id for one in known() if one.file) or "none is",
        )
    if private_path().exists() and key == own_key():
        raise UserError("This user signs with that key", todo="`penstock keys rotate` first, and publish again.")
    path.unlink()


def rotate() -> tuple[str, str]:
    """Replace this user's key by a new one; return the ids of the old and the new one.

    The old private key is gone afterwards. The old public key stays trusted, so that what it signed can be opened until
    it is published again.

    Raises
    ------
    NotFound
        There is none to replace.
    StoreError
        The directory of keys cannot be written.
    """
    old = own_key()
    path, new = private_path(), Ed25519PrivateKey.generate()
    beside = path.with_name(f".signing.{uuid.uuid4().hex[:8]}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(private_pem(new))
            out.flush()
            os.fsync(out.fileno())
        # Trusted before it signs: whoever publishes in between must be able to prove what it wrote.
        trust_here(new.public_key())
        beside.replace(path)
    except OSError as error:
        raise StoreError("The new key cannot be kept", where=str(path), got=error.strerror or str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
    return old, key_id(new.public_key())
