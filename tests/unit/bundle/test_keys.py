"""Keys are made once, kept to oneself, and trusted only by being named."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.cli import call
from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Signature, Signer, Trust, home
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import publish
from penstock.errors import BundleError, NotSigned, Tampered
from tests.unit.bundle.making import PASSED, Made


def test_the_first_signature_makes_a_key_for_this_user_alone(keys: Path) -> None:
    """Nothing is there before; then a private file in a private directory, trusted here."""
    assert Trust.standard().keys == {}
    assert not keys.exists()
    signer = Signer.own()
    assert (keys / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert keys.stat().st_mode & 0o777 == 0o700
    assert Signer.own().key == signer.key
    Trust.standard().check(b"data", signer.sign(b"data"), "here")


def test_importing_makes_nothing(keys: Path, root: Path) -> None:
    """A process that only imports the bundle package leaves no key behind."""
    script = "import penstock.bundle.publish, penstock.bundle.verify, penstock.bundle.candidate"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
    assert not keys.exists()


def test_first_publishers_at_once_share_one_key(keys: Path) -> None:
    """Whoever comes second signs with the key of the first."""
    with ThreadPoolExecutor(8) as pool:
        made = {future.result().key for future in [pool.submit(Signer.own) for _ in range(8)]}
    assert len(made) == 1
    assert [p.name for p in keys.glob("signing*")] == ["signing.pem"]
    assert len(list((keys / "trusted").iterdir())) == 1


def test_a_key_that_others_can_read_is_refused(keys: Path) -> None:
    """A key that anybody may have copied proves nothing."""
    Signer.own()
    (keys / "signing.pem").chmod(0o644)
    with pytest.raises(BundleError, match="Others can read") as caught:
        Signer.own()
    assert "chmod 600" in caught.value.todo


def test_a_stranger_is_not_trusted_until_named(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public key counts when PENSTOCK_TRUSTED_KEYS names its file or its directory."""
    signer = Signer.own()
    public = next((keys / "trusted").glob("*.pub"))
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "server"))
    signature = signer.sign(b"data")
    with pytest.raises(NotSigned, match="not trusted") as caught:
        Trust.standard().check(b"data", signature, "here")
    assert signer.key in caught.value.got
    for named in (public, public.parent):
        monkeypatch.setenv("PENSTOCK_TRUSTED_KEYS", f"{tmp_path / 'keys' / 'trusted'}:{named}")
        Trust.standard().check(b"data", signature, "here")
        with pytest.raises(Tampered):
            Trust.standard().check(b"date", signature, "here")
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff" * 100])
def test_what_is_no_key_is_refused(keys: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged key is an error that names the file, for signing and for trusting."""
    keys.mkdir()
    (keys / "signing.pem").write_bytes(content)
    (keys / "signing.pem").chmod(0o600)
    with pytest.raises(BundleError, match="signing key cannot be read"):
        Signer.own()
    monkeypatch.setenv("PENSTOCK_TRUSTED_KEYS", str(keys / "signing.pem"))
    with pytest.raises(BundleError, match="trusted key cannot be read"):
        Trust.standard()


def test_a_key_of_another_kind_is_refused(keys: Path) -> None:
    """Only Ed25519 signs."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    keys.mkdir()
    (keys / "signing.pem").write_bytes(pem)
    (keys / "signing.pem").chmod(0o600)
    with pytest.raises(BundleError, match="another kind"):
        Signer.own()


def test_a_signature_has_one_spelling() -> None:
    """Base64 and JSON would allow others; each is refused."""
    data = Signer.own().sign(b"data").to_bytes()
    assert Signature.from_bytes(data, "here").to_bytes() == data
    # The last digit before the padding has four bits that base64 does not use.
    spare = data.replace(b'=="', b"").rstrip(b"}")
    respelled = spare[:-1] + bytes([spare[-1] + 1]) + b'=="}'
    for other in (
        respelled,
        data + b"\n",
        data.replace(b":", b": "),
        data.replace(b'"ed25519"', b'"rsa"'),
        b"[]",
        b"{}",
        b"\xff",
    ):
        with pytest.raises(Tampered):
            Signature.from_bytes(other, "here")


def test_the_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PENSTOCK_HOME goes before the user's configuration, and that before the home directory."""
    assert home() == tmp_path / "keys"
    monkeypatch.delenv("PENSTOCK_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/x")
    assert home() == Path("/etc/x/penstock")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/srv/somebody")
    assert home() == Path("/srv/somebody/.config/penstock")


def test_keys_are_made_shown_and_listed_by_a_command(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before there is one, the command says how to make it; a second `make` changes nothing."""
    assert call(["keys", "show"]) == 1
    assert "penstock keys make" in capsys.readouterr().err
    assert not keys.exists()
    assert call(["keys", "make"]) == 0
    private = (keys / "signing.pem").read_bytes()
    assert (keys / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert call(["keys", "make"]) == call(["keys", "show"]) == call(["keys", "list"]) == 0
    told = capsys.readouterr().out
    assert "is there already" in told
    assert told.count(Signer.own().key) >= 6
    assert "PRIVATE" not in told
    assert (keys / "signing.pem").read_bytes() == private


def test_a_strangers_key_is_trusted_until_it_is_not(
    keys: Path, artifacts: Path, first: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they published opens in between, and neither before nor after; one's own key cannot be dropped."""
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "stranger"))
    publish(artifacts, "churn", first.parts, PASSED)
    (public,) = (tmp_path / "stranger" / "trusted").glob("*.pub")
    monkeypatch.setenv("PENSTOCK_HOME", str(keys))
    where = artifacts / "models" / "churn"
    with pytest.raises(NotSigned):
        Bundle.load(where)
    assert call(["keys", "trust", str(public)]) == 0
    assert Bundle.load(where).digest == first.parts.digest
    assert call(["keys", "distrust", public.stem]) == 0
    with pytest.raises(NotSigned):
        Bundle.load(where)
    assert call(["keys", "distrust", public.stem]) == 1
    assert call(["keys", "distrust", Signer.own().key]) == 2
    assert call(["keys", "trust", str(tmp_path / "stranger" / "signing.pem")]) == 1


def test_a_new_key_signs_and_what_the_old_one_signed_opens(
    keys: Path, artifacts: Path, first: Made, second: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until the old one is distrusted, which costs nothing once everything is published again."""
    publish(artifacts, "churn", first.parts, PASSED)
    old, private = Signer.own().key, (keys / "signing.pem").read_bytes()
    assert call(["keys", "rotate"]) == 0
    assert f"keys distrust {old}" in capsys.readouterr().out
    new = Signer.own().key
    assert new != old
    assert (keys / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert not [p for p in keys.rglob("*") if p.is_file() and p.read_bytes() == private]
    there = ModelHome(artifacts, "churn")
    assert Bundle.load(there.folder).digest == first.parts.digest
    done = publish(artifacts, "churn", second.parts, PASSED)
    assert call(["keys", "distrust", old]) == 0
    assert Bundle.load(there.folder).version == done.version
    with pytest.raises(NotSigned):
        Bundle.load(there.version_folder(there.read_pointer().previous[0]))
    assert [p.name for p in keys.iterdir() if p.name.startswith(".")] == []
