"""Whatever is done to a sealed bundle, it is refused, and nothing of it is executed."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Signer, Trust
from penstock.bundle.layout import ModelHome, Pointer
from penstock.bundle.publish import publish
from penstock.bundle.verify import verify_model
from penstock.errors import BundleError, NotFound, NotSigned, Tampered
from tests.unit.bundle.making import PASSED, Made


def refused(folder: Path, **options: object) -> BundleError:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder, **options)  # type: ignore[arg-type]
    assert caught.value.where
    return caught.value


def test_a_sealed_bundle_opens(live: Path, first: Made) -> None:
    """By its version's directory and by its model's, it answers as it did before it was sealed."""
    expected = first.bundle.predict(first.raw)
    for where in (live, live.parent.parent):
        answers = Bundle.load(where).predict(first.raw)
        assert answers.labels == expected.labels
        # Once sealed a kernel answers, as exactly as 64 bits allow and not by the same sums.
        np.testing.assert_allclose(answers.estimates, expected.estimates, rtol=1e-12)
        assert answers.version == live.name


def test_one_bit_anywhere_is_noticed(live: Path) -> None:
    """Every byte of manifest and signature, and bytes all over every other file, one bit each."""
    for path in sorted(p for p in live.rglob("*") if p.is_file()):
        good = path.read_bytes()
        whole = path.name.startswith("manifest")
        places = range(len(good)) if whole and len(good) < 400 else range(0, len(good), max(1, len(good) // 40))
        for at in (*places, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 1 << (at % 8)
            path.write_bytes(bytes(bad))
            assert isinstance(refused(live), Tampered | NotSigned), (path.name, at)
        path.write_bytes(good)
    assert Bundle.load(live).version == live.name


def test_one_bit_of_a_look_up_is_noticed(artifacts: Path, carrying: Made) -> None:
    """The tables that a model carries decide its answers as much as its estimator does; so do their records."""
    done = publish(artifacts, "churn", carrying.parts, PASSED)
    assert done.path is not None
    folder = Path(done.path)
    for path in sorted((folder / "lookups").iterdir()):
        good = path.read_bytes()
        for at in range(0, len(good), max(1, len(good) // 60)):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << (at % 8)]) + good[at + 1 :])
            assert isinstance(refused(folder), Tampered), (path.name, at)
            failed = [check.what for check in verify_model(artifacts, "churn") if not check.passed]
            assert failed == ["files"], (path.name, at)
        path.write_bytes(good)
    table = folder / "lookups" / "regions.arrow"
    table.unlink()
    assert "gone" in refused(folder).what


def test_a_pointer_that_makes_look_ups_younger_is_refused(artifacts: Path, carrying: Made) -> None:
    """How late they were seen is signed as everything is that a pointer says."""
    publish(artifacts, "churn", carrying.parts, PASSED)
    path = ModelHome(artifacts, "churn").pointer_path
    pointer = json.loads(path.read_bytes())
    pointer["as_of"] = {"regions": "2999-01-01T00:00:00+00:00"}
    path.write_bytes(json.dumps(pointer, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(Tampered):
        Bundle.load(artifacts / "models" / "churn")


def test_every_truncation_is_noticed(live: Path) -> None:
    """A file that was cut short, anywhere, or has bytes added."""
    for path in sorted(p for p in live.rglob("*") if p.is_file()):
        good = path.read_bytes()
        for length in {0, 1, len(good) // 2, len(good) - 1}:
            path.write_bytes(good[:length])
            assert isinstance(refused(live), Tampered | NotSigned), (path.name, length)
        path.write_bytes(good + b"\n")
        assert isinstance(refused(live), Tampered)
        path.write_bytes(good)


class Trap:
    """Its unpickling leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (str(self.trace),))


def test_nothing_is_executed_before_its_bytes_are_proven(live: Path, tmp_path: Path) -> None:
    """A planted pickle is refused, served model and twin alike, before it can do anything."""
    trace = tmp_path / "executed"
    for name, twin in (("estimator.joblib", False), ("twin.joblib", True), ("estimator.joblib", True)):
        good = (live / name).read_bytes()
        (live / name).write_bytes(pickle.dumps(Trap(trace)))
        refused(live, twin=twin)
        (live / name).write_bytes(good)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Trap(trace)))
    assert trace.exists()


def test_what_is_swapped_between_proof_and_use_is_never_run(live: Path, tmp_path: Path, first: Made) -> None:
    """Bytes are read once and used as they were proven: a load is right or refused, however the file changes."""
    trace, stop = tmp_path / "executed", threading.Event()
    good, planted = (live / "estimator.joblib").read_bytes(), pickle.dumps(Trap(trace))
    # Of one length, so that no look at the size alone tells them apart.
    planted += b"." * (len(good) - len(planted))

    def swap() -> None:
        for data in itertools.cycle((planted, good)):
            (tmp_path / "beside").write_bytes(data)
            (tmp_path / "beside").replace(live / "estimator.joblib")
            if stop.is_set() and data is good:
                return

    swapping = threading.Thread(target=swap)
    swapping.start()
    outcomes = set()
    for _ in range(40):
        try:
            outcomes.add(Bundle.load(live).digest)
        except Tampered:
            outcomes.add("refused")
    stop.set()
    swapping.join(30)
    assert outcomes == {first.parts.digest, "refused"}
    assert not trace.exists()


def test_an_unsigned_bundle_is_refused(live: Path) -> None:
    """Without its signature nothing is opened."""
    (live / "manifest.sig").unlink()
    error = refused(live)
    assert isinstance(error, NotSigned)
    assert "not signed" in error.what


def test_a_manifest_that_follows_a_changed_file_is_refused(live: Path) -> None:
    """Who changes a file and its sha256 in the manifest lacks the key."""
    path = live / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"]["card.md"]["sha256"] = "0" * 64
    path.write_bytes(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode())
    assert isinstance(refused(live), Tampered)


def test_a_strangers_bundle_is_refused(live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid signature by a key that is not trusted here counts as none."""
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "other"))
    for where in (live, live.parent.parent):
        error = refused(where)
        assert isinstance(error, NotSigned)
        assert "not trusted" in error.what


@pytest.mark.parametrize("name", ["extra.txt", ".hidden", "lookups/planted.arrow", "empty/"])
def test_an_added_file_is_refused(live: Path, name: str) -> None:
    """Whatever was not signed has no place in a bundle."""
    path = live / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_bytes(b"x")
    error = refused(live)
    assert "not signed" in error.what
    assert name.strip("/") in error.got


def test_a_missing_file_is_refused(live: Path) -> None:
    """Each of them."""
    for path in sorted(p for p in live.rglob("*") if p.is_file() and not p.name.startswith("manifest")):
        good = path.read_bytes()
        path.unlink()
        error = refused(live)
        assert "gone" in error.what
        assert path.name in error.expected
        path.write_bytes(good)


def test_a_missing_manifest_is_no_bundle(live: Path) -> None:
    """There is nothing to open."""
    (live / "manifest.json").unlink()
    assert isinstance(refused(live), NotFound)


@pytest.mark.parametrize("name", ["card.md", "estimator.joblib", "manifest.json", "manifest.sig"])
def test_a_symbolic_link_is_refused(live: Path, tmp_path: Path, name: str) -> None:
    """Even to the very same bytes: they could change after they were looked at."""
    (live / name).rename(tmp_path / name)
    (live / name).symlink_to(tmp_path / name)
    assert "symbolic link" in refused(live).what


def test_a_linked_version_is_refused(live: Path, tmp_path: Path) -> None:
    """A version's directory is a directory."""
    live.rename(tmp_path / live.name)
    live.symlink_to(tmp_path / live.name)
    for where in (live, live.parent.parent):
        assert "symbolic link" in refused(where).what


def test_a_linked_pointer_is_refused(live: Path, tmp_path: Path) -> None:
    """So is any file that is read for its bytes, should it become a link after it was listed."""
    home = ModelHome(live.parents[3], "churn")
    home.pointer_path.rename(tmp_path / "CURRENT.json")
    home.pointer_path.symlink_to(tmp_path / "CURRENT.json")
    with pytest.raises(Tampered, match="symbolic link"):
        home.read_pointer()


def test_a_pipe_in_a_files_place_does_not_hold_the_reader(live: Path) -> None:
    """It is refused at once."""
    (live / "card.md").unlink()
    os.mkfifo(live / "card.md")
    assert "regular file" in refused(live).what


def test_a_bundle_under_another_models_name_is_refused(live: Path) -> None:
    """A signed model cannot be passed off as another: not by its directory, not by its pointer."""
    home = live.parent.parent
    shutil.copytree(home, home.with_name("fraud"))
    by_version, by_pointer = refused(home.with_name("fraud") / "versions" / live.name), refused(home.with_name("fraud"))
    assert "another model" in by_version.what
    assert "'churn'" in by_version.got
    assert "'fraud'" in by_version.expected
    assert "another model" in by_pointer.what
    assert "another model" in refused(live, name="fraud").what
    with pytest.raises(Tampered, match="pointer belongs to another model"):
        ModelHome(live.parents[3], "fraud").read_pointer()


def test_a_version_under_another_versions_name_is_refused(live: Path) -> None:
    """Its name is signed as well."""
    other = live.with_name("7-" + live.name.partition("-")[2])
    live.rename(other)
    assert "another version" in refused(other).what


def test_a_bundle_may_be_carried_elsewhere(live: Path, tmp_path: Path) -> None:
    """A version's directory opens wherever it lies, and under its own name only."""
    shutil.copytree(live, tmp_path / "model")
    assert Bundle.load(tmp_path / "model").name == "churn"
    assert Bundle.load(tmp_path / "model", name="churn").name == "churn"
    assert "another model" in refused(tmp_path / "model", name="fraud").what
    shutil.copytree(live.parent.parent, tmp_path / "home")
    assert Bundle.load(tmp_path / "home", name="churn").version == live.name


def test_a_newer_format_is_told_apart_from_tampering(live: Path) -> None:
    """It is signed and whole: only this release is too old."""
    path = live / "manifest.json"
    data = path.read_bytes().replace(b'"format":1', b'"format":2')
    path.write_bytes(data)
    (live / "manifest.sig").write_bytes(Signer.own().sign(data).to_bytes())
    error = refused(live)
    assert not isinstance(error, Tampered)
    assert "newer release" in error.what


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "./a", "a//b", ""])
def test_a_manifest_cannot_reach_outside(live: Path, path: str) -> None:
    """Even one that is properly signed."""
    manifest = json.loads((live / "manifest.json").read_bytes())
    manifest["files"][path] = {"sha256": "0" * 64, "size": 1}
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (live / "manifest.json").write_bytes(data)
    (live / "manifest.sig").write_bytes(Signer.own().sign(data).to_bytes())
    assert "outside" in refused(live).what


def test_every_bit_of_the_pointer_counts(live: Path) -> None:
    """One flipped in each byte, and every truncation."""
    home = ModelHome(live.parents[3], "churn")
    good = home.pointer_path.read_bytes()
    trust = Trust.standard()
    for at in range(len(good)):
        for bit in (0, 5):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            home.pointer_path.write_bytes(bytes(bad))
            with pytest.raises((Tampered, NotSigned)):
                home.read_pointer(trust)
        home.pointer_path.write_bytes(good[:at])
        with pytest.raises((Tampered, NotSigned)):
            home.read_pointer(trust)
    home.pointer_path.write_bytes(good)
    assert home.read_pointer(trust).version == live.name


@pytest.mark.parametrize(
    "spoil",
    [
        lambda fields: fields.pop("signature"),
        lambda fields: fields.update(generation=99),
        lambda fields: fields.update(holds=[]) or fields.update(withdrawn=["ab"]),
        lambda fields: fields["signature"].update(key="0" * 16),
        lambda fields: fields.update(signature=None),
        lambda fields: fields.update(signature={"a": [1]}),
    ],
)
def test_a_pointer_written_by_somebody_else_is_refused(
    live: Path, spoil: Callable[[dict[str, object]], object]
) -> None:
    """In canonical form and all: the signature is missing, or is not over these fields."""
    home = ModelHome(live.parents[3], "churn")
    fields = json.loads(home.pointer_path.read_bytes())
    spoil(fields)
    home.pointer_path.write_bytes(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises((Tampered, NotSigned)):
        home.read_pointer()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"a":NaN}', b"\xff\xfe", b"0" * (2 << 20)]
)
def test_a_pointer_of_rubbish_is_refused(live: Path, data: bytes) -> None:
    """However it looks, the error is the same clear one."""
    home = ModelHome(live.parents[3], "churn")
    home.pointer_path.write_bytes(data)
    with pytest.raises((Tampered, NotSigned)):
        home.read_pointer()


def test_a_pointer_to_other_content_is_refused(artifacts: Path, first: Made, second: Made) -> None:
    """Pointer and manifest must name one content digest, though both are signed."""
    one = publish(artifacts, "churn", first.parts, PASSED)
    publish(artifacts, "churn", second.parts, PASSED)
    home = ModelHome(artifacts, "churn")
    assert one.version is not None
    mixed = Pointer(
        generation=9, model="churn", version=one.version, digest=first.parts.digest[:12] + "0" * 52, sequence=1
    )
    home.pointer_path.write_bytes(mixed.to_bytes(Signer.own()))
    assert "not the one that the pointer names" in refused(home.folder).what


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 64, "a\n", "ä", "../churn"])
def test_a_name_is_never_a_path(artifacts: Path, name: str) -> None:
    """What is no model's name, or no version's, is refused before the disk is asked."""
    with pytest.raises(NotFound):
        ModelHome(artifacts, name)
    with pytest.raises(NotFound):
        ModelHome(artifacts, "churn").version_folder(name)


def test_the_report_is_hashed_when_it_is_read(live: Path) -> None:
    """It is not kept in memory, and yet only the signed bytes are given out."""
    bundle = Bundle.load(live)
    assert bundle.report() == b"<html>dossier</html>"
    (live / "report.html").write_bytes(b"<html>dossiee</html>")
    with pytest.raises(Tampered):
        bundle.report()
