"""Files that run something when they are unpickled, put wherever a service reads: none of them is ever opened."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import itertools
import json
import os
import pickle
import shutil
import zlib

import joblib
import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from deploy.service.app import create_app
from deploy.service.settings import Settings
from penstock.bundle.keys import Signer
from penstock.bundle.layout import ModelHome
from penstock.frozen import canonical_json
from tests.integration.serving import running
from tests.unit.service.making import SHIP, put, wait_for


class Trap:
    """Its unpickling makes a directory."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


class Traps:
    """Bytes that leave a trace when they are opened, each one of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._numbers = itertools.count()

    def __call__(self, kind="pickle"):
        """Return the bytes of one more."""
        trap = Trap(self.folder / f"{next(self._numbers)}-{kind}")
        if kind == "joblib":
            out = io.BytesIO()
            joblib.dump([trap, np.zeros(3)], out, compress=3)
            return out.getvalue()
        if kind == "numpy":
            out = io.BytesIO()
            np.save(out, np.array([trap], dtype=object), allow_pickle=True)
            return out.getvalue()
        plain = pickle.dumps(trap, protocol=0 if kind == "text" else 4)
        press = {"gzip": gzip.compress, "zlib": zlib.compress, "bz2": bz2.compress}
        return press[kind](plain) if kind in press else plain

    def all(self):
        """Return one of each kind."""
        return {kind: self(kind) for kind in ("pickle", "text", "joblib", "numpy", "gzip", "zlib", "bz2")}

    @property
    def sprung(self):
        """Return those that were opened."""
        return sorted(p.name for p in self.folder.iterdir())


@pytest.fixture
def traps(tmp_path):
    """Return traps that leave their traces in a folder of this test."""
    return Traps(tmp_path / "traces")


def folder_of(artifacts, name="ships"):
    """Return the live version's folder."""
    home = ModelHome(artifacts, name)
    return home.version_folder(json.loads(home.pointer_path.read_bytes())["version"])


def seal_again(folder, file, data, signer):
    """Put a file into a version, and sign the manifest that follows from it."""
    (folder / file).write_bytes(data)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"][file] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    path.write_bytes(canonical_json(manifest))
    (folder / "manifest.sig").write_bytes(signer.sign(path.read_bytes()).to_bytes())


def beside_signed_files(artifacts, traps):
    """Publish models, and put a trap into each, wherever something is unpickled or could be."""
    for name, file in (("swapped", "estimator.joblib"), ("twinned", "twin.joblib"), ("probed", "probe.arrow")):
        put(artifacts, name)
        (folder_of(artifacts, name) / file).write_bytes(traps("joblib"))
    put(artifacts, "unsigned")
    folder = folder_of(artifacts, "unsigned")
    seal_again(folder, "estimator.joblib", traps("joblib"), Signer.own())
    (folder / "manifest.sig").unlink()
    put(artifacts, "extra")
    for kind, data in traps.all().items():
        (folder_of(artifacts, "extra") / f"extra.{kind}").write_bytes(data)
    put(artifacts, "kernel")
    (folder_of(artifacts, "kernel") / "kernel.bin").write_bytes(traps())
    put(artifacts, "signature")
    (folder_of(artifacts, "signature") / "manifest.sig").write_bytes(traps())
    put(artifacts, "manifest")
    (folder_of(artifacts, "manifest") / "manifest.json").write_bytes(traps())


def signed_by_a_stranger(artifacts, traps, tmp_path, monkeypatch):
    """Publish a model whose version and pointer are signed throughout, by a key that is not trusted here."""
    with monkeypatch.context() as patch:
        patch.setenv("PENSTOCK_HOME", str(tmp_path / "stranger"))
        put(artifacts, "stranger")
        seal_again(folder_of(artifacts, "stranger"), "estimator.joblib", traps("joblib"), Signer.own())
    # The same version in the folder of a model that is trusted, its own pointer led to it without a signature.
    put(artifacts, "misled")
    home = ModelHome(artifacts, "misled")
    stranger = folder_of(artifacts, "stranger")
    shutil.copytree(stranger, home.version_folder(stranger.name), dirs_exist_ok=True)


def elsewhere(artifacts, traps):
    """Put traps in place of pointers and logs, among objects and runs, and as modules that an import could find."""
    for kind, data in traps.all().items():
        pointed = artifacts / "models" / f"pointer-{kind}"
        pointed.mkdir()
        (pointed / "CURRENT.json").write_bytes(data)
        (pointed / "log.jsonl").write_bytes(traps(kind))
        objects = artifacts / "objects" / data.hex()[:2]
        objects.mkdir(parents=True, exist_ok=True)
        (objects / f"{hashlib.sha256(data).hexdigest()}.{kind}").write_bytes(data)
        run = artifacts / "runs" / f"run-{kind}" / "candidate"
        run.mkdir(parents=True)
        (run / "candidate.json").write_bytes(traps(kind))
    for name in ("__init__.py", "sitecustomize.py", "conftest.py", "penstock.pth"):
        trace = traps.folder / f"module-{name}"
        (artifacts / name).write_text(f"import os; os.mkdir({str(trace)!r})\n")
        (artifacts / "models" / name).write_text(f"import os; os.mkdir({str(trace)!r})\n")


def bodies(traps):
    """Give request bodies, each with the media type that it claims."""
    for data in traps.all().values():
        for media in ("application/json", "text/csv", "application/vnd.apache.parquet", "application/octet-stream"):
            yield media, data
    # The kind of column that pyarrow once unpickled when it read it.
    field = pa.field("length", pa.float64()).with_metadata(
        {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": traps()}
    )
    table = pa.table({"length": [1.0]}).cast(pa.schema([field], metadata={"pandas": traps(), "PANDAS": traps()}))
    out = io.BytesIO()
    parquet.write_table(table, out)
    yield "application/vnd.apache.parquet", out.getvalue()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    yield "application/vnd.apache.arrow.stream", sink.getvalue().to_pybytes()


@contextlib.contextmanager
def in_this_process(artifacts, _):
    """Open a service without a process of its own: what it unpickles, this process runs."""
    with TestClient(create_app(Settings(artifacts=artifacts, poll_seconds=0.05))) as client:
        yield client


@contextlib.contextmanager
def in_a_process(artifacts, root):
    """Open a service as it is run."""
    with running(artifacts, root) as service:
        yield service.http


@pytest.mark.parametrize("opened", [in_this_process, pytest.param(in_a_process, marks=pytest.mark.long)])
def test_a_planted_pickle_is_never_opened(opened, tmp_path, root, traps, monkeypatch):
    """A running service meets them all, a new one starts on them all, and each goes on with what can be proven."""
    artifacts = tmp_path / "artifacts"
    first = put(artifacts)
    with opened(artifacts, root) as http:
        wait_for(lambda: http.get("/readyz").status_code == 200)
        beside_signed_files(artifacts, traps)
        signed_by_a_stranger(artifacts, traps, tmp_path, monkeypatch)
        elsewhere(artifacts, traps)
        bad = put(artifacts, seed=1)
        (folder_of(artifacts) / "estimator.joblib").write_bytes(traps("joblib"))
        names = {p.name for p in (artifacts / "models").iterdir() if p.is_dir()}
        settle(http, names)
        assert http.post("/models/ships/predict", json=SHIP).json()["version"] in (first.version, bad.version)
        for media, data in bodies(traps):
            answer = http.post("/models/ships/predict/batch", content=data, headers={"content-type": media})
            assert answer.status_code < 500, (media, answer.text)
    assert traps.sprung == []
    with opened(artifacts, root) as http:
        told = settle(http, names)
        # A cold start goes back to what was live before the trap was set.
        assert http.post("/models/ships/predict", json=SHIP).json()["version"] == first.version
        assert {m["name"] for m in told if m["state"] == "ready"} <= {"misled"}
    assert traps.sprung == []
    # They are traps indeed.
    for data in traps.all().values():
        spring(data)
    assert len(traps.sprung) == len(traps.all())


def settle(http, names):
    """Wait until a service has made up its mind about every model, and return what it tells of them."""

    def told():
        return http.get("/models").json()["models"]

    wait_for(lambda: {m["name"] for m in told()} >= names and all(m["state"] != "loading" for m in told()), 60)
    return told()


def spring(data):
    """Open a trap in every way; of those that are not its own some fail."""
    for opened in (
        lambda: pickle.loads(data),
        lambda: pickle.loads(gzip.decompress(data)),
        lambda: pickle.loads(zlib.decompress(data)),
        lambda: pickle.loads(bz2.decompress(data)),
        lambda: joblib.load(io.BytesIO(data)),
        lambda: np.load(io.BytesIO(data), allow_pickle=True),
    ):
        with contextlib.suppress(Exception):
            opened()
