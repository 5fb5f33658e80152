"""Versions that are spoilt on purpose, and signed again where only then anybody would open them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from penstock.bundle.bundle import Bundle
from penstock.bundle.contents import table_in
from penstock.bundle.fitted import Fitted
from penstock.bundle.keys import Signer
from penstock.bundle.manifest import ESTIMATOR, KERNEL, MANIFEST, PROBE, PROFILE, SCHEMA, SIGNATURE, Manifest, entry
from penstock.bundle.probe import rows_of, with_answers
from penstock.bundle.seal import arrow_bytes
from penstock.frozen import canonical_json

Spoil = Callable[[Path], None]


def sign(folder: Path, signer: Signer, **fields: Any) -> None:
    """Sign a version as it lies there, some fields of its manifest being other ones."""
    told = json.loads((folder / MANIFEST).read_bytes()) | fields
    data = canonical_json(told)
    (folder / MANIFEST).write_bytes(data)
    (folder / SIGNATURE).write_bytes(signer.sign(data).to_bytes())


def reseal(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put other files into a version, and sign it by the trusted key."""
    manifest = Manifest.from_bytes((folder / MANIFEST).read_bytes(), "")
    for path, data in files.items():
        (folder / path).write_bytes(data)
    listed = manifest.files | {path: entry(data) for path, data in files.items()}
    sign(folder, Signer.own(), files={path: found.model_dump() for path, found in listed.items()})


def truncated(folder: Path) -> None:
    """Cut the model's file in half."""
    path = folder / ESTIMATOR
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(folder: Path) -> None:
    """Flip one bit of one byte."""
    path = folder / ESTIMATOR
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def of_another_digest(folder: Path) -> None:
    """Sign it with a content digest that the pointer does not name."""
    digest = json.loads((folder / MANIFEST).read_bytes())["digest"]
    sign(folder, Signer.own(), digest=digest[:-1] + ("0" if digest[-1] != "0" else "1"))


def unsigned(folder: Path) -> None:
    """Take the signature away."""
    (folder / SIGNATURE).unlink()


def signed_by_a_stranger(folder: Path) -> None:
    """Sign it, as it is, by a key that nobody trusts."""
    sign(folder, Signer(Ed25519PrivateKey.generate()))


def of_other_libraries(folder: Path) -> None:
    """Say that it was made with libraries of long ago."""
    made_with = json.loads((folder / MANIFEST).read_bytes())["environment"]
    sign(folder, Signer.own(), environment=made_with | {"scikit-learn": "0.24.2"})


def with_other_answers(folder: Path) -> None:
    """Alter what the model is said to have answered."""
    probe = table_in((folder / PROBE).read_bytes())
    name = next(n for n in probe.column_names if "probability" in n)
    wrong = pa.array(probe[name].to_numpy() * 0.5)
    reseal(folder, {PROBE: arrow_bytes(probe.set_column(probe.column_names.index(name), name, wrong))})


def answering_no_numbers(folder: Path) -> None:
    """Let the model answer NaN, and have answered so when it was sealed."""
    bundle = Bundle.load(folder, name=Manifest.from_bytes((folder / MANIFEST).read_bytes(), "").model)
    estimator = joblib.load(folder / ESTIMATOR)
    _without_numbers(estimator)
    spoilt = replace(bundle, fitted=Fitted.at_hand(estimator), kernel=None)
    rows = rows_of(table_in((folder / PROBE).read_bytes()))
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    # It is the pipeline that answers, where there is no kernel.
    (folder / KERNEL).unlink()
    listed = json.loads((folder / MANIFEST).read_bytes())["files"]
    sign(folder, Signer.own(), files={path: found for path, found in listed.items() if path != KERNEL})
    reseal(folder, {ESTIMATOR: buffer.getvalue(), PROBE: arrow_bytes(with_answers(rows, spoilt.predict(rows)))})


def _without_numbers(estimator: Any) -> None:
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    last.coef_ = np.full_like(last.coef_, np.nan)


def too_large(folder: Path) -> None:
    """Add a table of four gigabytes, which takes no room on the disk: it is a hole."""
    size = 4 << 30
    (folder / "lookups").mkdir(exist_ok=True)
    with (folder / "lookups" / "planes.arrow").open("wb") as out:
        out.truncate(size)
    listed = json.loads((folder / MANIFEST).read_bytes())["files"]
    sign(folder, Signer.own(), files=listed | {"lookups/planes.arrow": {"sha256": "0" * 64, "size": size}})


def linked(folder: Path) -> None:
    """Let a symbolic link stand for a file, the very same bytes behind it."""
    path = folder / SCHEMA
    elsewhere = folder.parent.parent.parent.parent / "elsewhere.json"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


def reaching_out(folder: Path) -> None:
    """Name a file outside, and sign that."""
    listed = json.loads((folder / MANIFEST).read_bytes())["files"]
    sign(folder, Signer.own(), files=listed | {"../../log.jsonl": {"sha256": "0" * 64, "size": 1}})


def lacking(folder: Path) -> None:
    """Take a file away."""
    (folder / PROFILE).unlink()


def with_more(folder: Path) -> None:
    """Add a file that nobody signed."""
    (folder / "notes.txt").write_text("hello")


# Each way to spoil a version, and what the log must say of it.
BAD: dict[str, tuple[Spoil, str]] = {
    "truncated": (truncated, "A file is not the one that was signed"),
    "byte flipped": (flipped, "A file is not the one that was signed"),
    "wrong digest": (of_another_digest, "The bundle is not the one that the pointer names"),
    "unsigned": (unsigned, "The bundle is not signed"),
    "wrong key": (signed_by_a_stranger, "The signature is by a key that is not trusted here"),
    "wrong library version": (of_other_libraries, "The model was made with a library of another major version"),
    "altered probe": (with_other_answers, "The model does not answer as it did when it was sealed"),
    "NaN output": (answering_no_numbers, "The model's answers are no numbers"),
    "too large for memory": (too_large, "The version takes more memory than models may"),
    "symbolic link": (linked, "A symbolic link lies in the bundle"),
    "path out of the directory": (reaching_out, "The manifest names a file outside its bundle"),
    "missing file": (lacking, "Files of the bundle are gone"),
    "extra file": (with_more, "Something lies in the bundle that was not signed"),
}
