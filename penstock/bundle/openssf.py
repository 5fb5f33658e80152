"""OpenSSF model signing of a version's folder, for those whose tools ask for it: the extra `model-signing`.

The signature, a Sigstore bundle by an elliptic-curve key (P-256, P-384 or P-521), lies in `models/<name>/openssf/`, one
file a version: nothing is added to the version itself. It stands beside the version's own signature and replaces
nothing: what is served is still proven by that.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome
from penstock.bundle.sealed import open_sealed
from penstock.errors import BundleError, NotSigned, Tampered, UserError
from penstock.store import write_atomically

FOLDER = "openssf"


def sign(
    artifacts: str | Path, name: str, key: Path, version: str | None = None, *, trusted: Trust | None = None
) -> Path:
    """Sign a published version, once its own signature and every file of it have been proven.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The model's name.
    key : pathlib.Path
        A private elliptic-curve key in PEM, not encrypted.
    version : str, optional
        A version, by its name or its sequence alone; the live one by default.
    trusted : Trust, optional
        The keys whose signature counts in the proof.

    Returns
    -------
    pathlib.Path
        The signature's file.

    Raises
    ------
    UserError
        The extra is not installed, or the key is none that can sign.
    NotFound, NotSigned, Tampered, BundleError, StoreError
        The version cannot be proven.
    """
    signing, hashing = _module("signing"), _module("hashing")
    home, folder = _version(artifacts, name, version)
    open_sealed(folder, trusted or Trust.standard(), name=name, keep=lambda _: False)
    config = signing.Config().set_hashing_config(hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False))
    with tempfile.TemporaryDirectory(prefix="penstock-") as scratch:
        made = Path(scratch, "signature")
        try:
            config.use_elliptic_key_signer(private_key=key).sign(folder, made)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                "The key cannot sign", where=str(key), expected="an elliptic-curve private key in PEM, not encrypted"
            ) from error
        path = signature_of(home, folder.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, made.read_bytes())
    return path


def verify(artifacts: str | Path, name: str, key: Path, version: str | None = None) -> Path:
    """Check the OpenSSF signature of a version; return the version's folder.

    Parameters
    ----------
    artifacts, name, version
        As for `sign`.
    key : pathlib.Path
        The public key in PEM.

    Raises
    ------
    UserError
        The extra is not installed, or the key cannot be read.
    NotSigned
        There is no such signature.
    Tampered
        The folder is not what that key signed.
    """
    verifying, hashing = _module("verifying"), _module("hashing")
    home, folder = _version(artifacts, name, version)
    path = signature_of(home, folder.name)
    if not path.is_file():
        raise NotSigned(
            "The version bears no OpenSSF signature",
            where=str(folder),
            expected=str(path),
            todo=f"penstock openssf sign {name} --key KEY.pem",
        )
    config = verifying.Config().set_hashing_config(hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False))
    try:
        config.use_elliptic_key_verifier(public_key=key)
    except (OSError, ValueError, TypeError) as error:
        raise UserError("The public key cannot be read", where=str(key), expected="a public key in PEM") from error
    try:
        config.verify(folder, path)
    # The package lets through whatever its parsers and cryptography raise, and any of it means the same here.
    except Exception as error:
        raise Tampered(
            "The folder is not what that key signed",
            where=str(folder),
            got=type(error).__name__,
            todo="Do not use it: publish the model again, or roll back to a version that holds.",
        ) from error
    return folder


def signature_of(home: ModelHome, version: str) -> Path:
    """Return where the OpenSSF signature of a version lies; it need not be there."""
    return home.folder / FOLDER / f"{version}.sig"


def _version(artifacts: str | Path, name: str, version: str | None) -> tuple[ModelHome, Path]:
    home = ModelHome(artifacts, name)
    found = home.read_pointer().version if version is None else home.find_version(version)
    folder = home.version_folder(found)
    if not folder.is_dir():
        raise BundleError(
            "Only a version on this machine can be signed this way",
            where=home.disk.at(folder),
            todo="Mirror the bucket first: penstock mirror s3://BUCKET/PREFIX.",
        )
    return home, folder


def _module(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(f"model_signing.{name}")
    except ImportError as error:
        raise UserError(
            "OpenSSF model signing is not installed", todo="pip install 'penstock[model-signing]'"
        ) from error
