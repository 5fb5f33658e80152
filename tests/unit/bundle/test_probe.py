"""Probes, the example row and the card: made up, nobody's record, and telling when a model is no longer itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.card import card_text
from penstock.bundle.example import schema_example
from penstock.bundle.keys import Signer
from penstock.bundle.manifest import KERNEL, Manifest, entry
from penstock.bundle.probe import UNSEEN, build_probe, check_answers, rows_of, with_answers
from penstock.bundle.seal import build_files
from penstock.errors import BundleError
from penstock.table import Column, TableSchema
from tests.unit.bundle.making import PASSED, Made, make, schema


def test_probes_are_made_up(first: Made) -> None:
    """No row is a training row; identifiers, private columns and the target are not in them."""
    probe = build_probe(first.raw, first.bundle.schema, 5)
    assert probe.num_rows == 34
    assert {"customer", "secret", "left"}.isdisjoint(probe.column_names)
    known = {tuple(row.values()) for row in first.raw.select(probe.column_names).to_pylist()}
    assert known.isdisjoint(tuple(row.values()) for row in probe.to_pylist())
    for name in probe.column_names:
        assert set(probe[name].to_pylist()) <= set(first.raw[name].to_pylist()) | {None, UNSEEN}


def test_two_probes_ask_for_what_is_rare(first: Made) -> None:
    """One with nothing in it, one with categories that nobody has seen."""
    nothing, unseen = build_probe(first.raw, first.bundle.schema, 5).to_pylist()[-2:]
    assert set(nothing.values()) == {None}
    assert unseen["city"] == UNSEEN
    assert unseen["age"] is not None


def test_probes_depend_on_the_seed_alone(first: Made) -> None:
    """The same seed gives the same rows, another one others; each column its own shuffle."""
    same, other = (build_probe(first.raw, first.bundle.schema, seed) for seed in (5, 6))
    assert same.equals(build_probe(first.raw, first.bundle.schema, 5))
    assert not same.equals(other)
    fewer = build_probe(first.raw.drop_columns(["income"]), first.bundle.schema, 5)
    assert fewer["city"].equals(same["city"])


def test_probes_keep_native_types_and_small_tables() -> None:
    """Numbers stay numbers, codes have no unseen text, and ten rows are enough."""
    columns = TableSchema(columns=(Column(name="n", kind="float"), Column(name="code", kind="category")))
    raw = pa.table({"n": pa.array(range(10), pa.float32()), "code": pa.array([1, 2] * 5, pa.int8())})
    probe = build_probe(raw, columns, 1)
    assert probe.num_rows == 12
    assert probe.schema == raw.schema
    assert build_probe(raw[:0], columns, 1).num_rows == 2


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_answers_are_kept_beside_the_rows(task: str) -> None:
    """And compared exactly for labels, to 1e-9 for numbers, null with null."""
    made = make(task)
    probe = made.parts.probe.append_column("prediction", pa.nulls(made.parts.probe.num_rows, pa.string()))
    answers = made.bundle.predict(probe)
    kept = with_answers(probe, answers)
    assert rows_of(kept).equals(probe)
    check_answers(kept, made.bundle.predict(rows_of(kept)))
    check_answers(kept, dataclasses.replace(answers, estimates=answers.estimates + 1e-11))
    for change in (1e-6, np.nan):
        spoiled = answers.estimates.copy()
        spoiled[3] += change
        with pytest.raises(BundleError, match="does not answer as it did"):
            check_answers(kept, dataclasses.replace(answers, estimates=spoiled))


def resealed(folder: Path, name: str, data: bytes) -> None:
    """Put a file into a version, properly signed: what comes of other libraries, not of an attacker."""
    (folder / name).write_bytes(data)
    manifest = Manifest.from_bytes((folder / "manifest.json").read_bytes(), "")
    changed = manifest.model_copy(update={"files": {**manifest.files, name: entry(data)}}).to_bytes()
    (folder / "manifest.json").write_bytes(changed)
    (folder / "manifest.sig").write_bytes(Signer.own().sign(changed).to_bytes())


def test_a_model_that_answers_otherwise_is_refused(live: Path, second: Made) -> None:
    """Signed and whole, and not the model that was sealed."""
    signer = Signer.own()
    files = build_files("churn", 1, second.parts, PASSED, "", signer)
    resealed(live, KERNEL, files[KERNEL])
    with pytest.raises(BundleError, match="does not answer as it did"):
        Bundle.load(live)
    assert Bundle.load(live, twin=True).version == live.name


def test_a_model_that_does_not_open_names_the_libraries(live: Path) -> None:
    """Where they differ, that is the likeliest reason; a kernel answers without it until somebody asks for it."""
    resealed(live, "estimator.joblib", b"\x80\x04cnowhere.module\nThing\n.")
    bundle = Bundle.load(live)
    with pytest.raises(BundleError, match="cannot be opened") as caught:
        _ = bundle.estimator
    assert "manifest" in caught.value.todo


@pytest.mark.parametrize(
    "name", ["schema.json", "steps.json", "profile.json", "metrics.json", "verdict.json", "probe.arrow"]
)
def test_a_file_of_another_release_is_told(live: Path, name: str) -> None:
    """It is signed, so it was not tampered with; this release does not understand it."""
    resealed(live, name, b'{"of": "another release"}' if name != "metrics.json" else b"{")
    with pytest.raises(BundleError, match="does not understand") as caught:
        Bundle.load(live)
    assert caught.value.where == str(live)


def test_a_twin_is_another_model(live: Path, first: Made) -> None:
    """Fitted on training rows only; it says that it is of the same version."""
    twin, served = Bundle.load(live, twin=True), Bundle.load(live)
    assert twin.version == served.version
    answers = [bundle.predict(first.raw).estimates for bundle in (twin, served)]
    assert (answers[0] != answers[1]).any()


@pytest.mark.parametrize("joined", [False, True])
def test_the_example_is_an_ordinary_row(joined: bool) -> None:
    """Typed for JSON, answered without a warning, without a private value; what the bundle looks up is left out."""
    bundle = make(joined=joined).bundle
    row = schema_example(bundle.schema, bundle.profile)
    assert list(row) == [c.name for c in schema().features]
    assert {name: type(value) for name, value in row.items()} == {
        "age": int,
        "income": float,
        "member": bool,
        "city": str,
        "since": str,
        "share": float,
        "secret": type(None),
    }
    answers = bundle.predict([row])
    assert answers.warnings == [[]]
    assert answers.misfits == ()


def test_the_card_tells_what_a_reader_needs(live: Path) -> None:
    """What it predicts, from what, how well, who let it through, and what it does not promise."""
    card = Bundle.load(live).card
    for told in (
        f"# churn, version {live.name}",
        "one of `no`, `yes`; the positive one is `yes`",
        "120 training rows, 7 features",
        "| roc_auc | 0.91 | 0.85 to 0.95 | 0.5 |",
        "It beats the dummy baseline",
        "| income | float | EUR | yes |",
        "`customer` is left out (id)",
        "| secret | category |  | yes |  |",
        "## Limits",
    ):
        assert told in card


def test_a_card_bears_odd_names(first: Made) -> None:
    """Bars and line ends in a column's name do not break its table; scores may be none."""
    odd = Column(name="a|b\nc", kind="float", unit="|")
    columns = TableSchema(columns=(*first.bundle.schema.columns, odd), target=first.bundle.target)
    bundle = dataclasses.replace(first.bundle, schema=columns)
    told = {"version": "1-x", "created": "now", "family": "linear", "scores": {}, "baseline": {}, "verdict": PASSED}
    text = card_text(bundle, **told)  # type: ignore[arg-type]
    assert "| a\\|b c | float | \\| | yes |  |" in text
    assert "None were measured" in text
