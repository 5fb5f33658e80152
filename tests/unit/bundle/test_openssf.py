"""A signature of another kind beside a version's own: made by a key of its owner's, and true to every file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.cli import call
from penstock.bundle.bundle import Bundle
from penstock.bundle.openssf import sign, verify
from penstock.errors import NotSigned, Tampered, UserError

PEM = serialization.Encoding.PEM


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a private and a public key."""
    return key_files(tmp_path / "one")


def key_files(folder: Path) -> tuple[Path, Path]:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / "private.pem", folder / "public.pem"
    no_password = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, no_password))
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def installed(extra: Callable[[str], None]) -> None:
    """Skip where the extra is not installed."""
    extra("" if importlib.util.find_spec("model_signing") else "this test needs the extra model-signing")


def test_without_the_extra_the_command_says_what_to_install(
    live: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is heavy, and few ask for it."""
    monkeypatch.setitem(sys.modules, "model_signing", None)
    artifacts = str(live.parents[3])
    assert call(["openssf", "sign", "churn", "--key", str(pair[0]), "--artifacts", artifacts]) == 2
    assert "pip install 'penstock[model-signing]'" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_what_was_signed_is_verified_and_the_version_is_as_it_was(live: Path, pair: tuple[Path, Path]) -> None:
    """By the commands; the bundle opens as before, for nothing lies in it that was not there."""
    private, public = pair
    artifacts = ["--artifacts", str(live.parents[3])]
    assert call(["openssf", "verify", "churn", "--key", str(public), *artifacts]) == 1
    assert call(["openssf", "sign", "churn", "--key", str(private), *artifacts]) == 0
    assert call(["openssf", "verify", "churn", "--key", str(public), "--version", "1", *artifacts]) == 0
    assert Bundle.load(live).version == live.name


@pytest.mark.usefixtures("installed")
def test_any_change_and_any_other_key_is_noticed(live: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A byte, a file more, one of git's that such tools pass over by default, a signature that is none."""
    private, public = pair
    artifacts = live.parents[3]
    path = sign(artifacts, "churn", private)
    assert verify(artifacts, "churn", public) == live
    with pytest.raises(Tampered):
        verify(artifacts, "churn", key_files(tmp_path / "other")[1])
    card = (live / "card.md").read_bytes()
    (live / "card.md").write_bytes(card + b"!")
    with pytest.raises(Tampered):
        verify(artifacts, "churn", public)
    with pytest.raises(Tampered):
        sign(artifacts, "churn", private)
    (live / "card.md").write_bytes(card)
    for name in ("more.txt", ".gitignore"):
        (live / name).write_bytes(b"")
        with pytest.raises(Tampered):
            verify(artifacts, "churn", public)
        (live / name).unlink()
    assert verify(artifacts, "churn", public) == live
    path.write_bytes(b"{}")
    with pytest.raises(Tampered):
        verify(artifacts, "churn", public)
    path.unlink()
    with pytest.raises(NotSigned, match="no OpenSSF signature"):
        verify(artifacts, "churn", public)
    with pytest.raises(UserError, match="cannot sign"):
        sign(artifacts, "churn", public)
