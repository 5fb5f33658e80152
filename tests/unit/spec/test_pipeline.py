"""What a spec says, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import SpecError
from penstock.spec.pipeline import SPEC_KEYS, load_spec, spec_from


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two small sources."""
    (tmp_path / "churn.csv").write_text("id,x,Churn\n1,2,Yes\n2,3,No\n")
    (tmp_path / "planes.csv").write_text("tailnum,seats\nN1,4\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    """Return a spec file with that text."""
    path = folder / "spec.yaml"
    path.write_text(text)
    return path


def test_three_lines_are_enough(folder: Path) -> None:
    """Name, source and target; everything else has a default."""
    spec = load_spec(written(folder, "name: churn\nsource: churn.csv\ntarget: Churn\n"))
    assert (spec.name, spec.base, spec.target) == ("churn", "churn", "Churn")
    assert spec.task == "auto"
    assert spec.publish
    assert spec.schedule is None


def test_paths_start_from_the_specs_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from where the command was called."""
    monkeypatch.chdir("/")
    spec = load_spec(written(folder, "name: churn\nsource: churn.csv\ntarget: Churn\n"))
    assert str(folder / "churn.csv") in str(spec.sources[0])


def test_the_base_comes_first_whatever_the_order(folder: Path) -> None:
    """Stages rely on it."""
    text = "name: x\nsources: {planes: planes.csv, flights: churn.csv}\nbase: flights\ntarget: Churn\n"
    assert [s.name for s in load_spec(written(folder, text)).sources] == ["flights", "planes"]


def test_a_join_on_one_name_means_that_name_on_both_sides(folder: Path) -> None:
    """`on: tailnum`, `on: [a, b]` and `on: {dest: faa}` are the three ways to say it."""
    text = (
        "name: x\nsources: {flights: churn.csv, planes: planes.csv}\ntarget: Churn\n"
        "joins:\n  - {table: planes, on: tailnum}\n  - {table: planes, on: [a, b]}\n"
        "  - {table: planes, on: {dest: faa}}\n"
    )
    joins = load_spec(written(folder, text)).joins
    assert [j.on for j in joins] == [{"tailnum": "tailnum"}, {"a": "a", "b": "b"}, {"dest": "faa"}]


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("name: x\nsource: churn.csv\ntraget: Churn\n", "unknown key 'traget'", "did you mean 'target'"),
        ("name: x\ntarget: y\n", "needs a source", "sources"),
        ("name: x\nsource: churn.csv\nsources: {a: churn.csv}\ntarget: y\n", "both", "one of"),
        ("name: x\nsource: churn.csv\n", "lacks the key 'target'", ""),
        ("name: Not A Name\nsource: churn.csv\ntarget: y\n", "does not fit", ""),
        ("name: x\nsource: churn.csv\ntarget: y\nbase: nowhere\n", "does not", ""),
        ("name: x\nsource: churn.csv\ntarget: y\nmodel: {folds: 1}\n", "does not fit", ""),
        ("name: x\nsource: churn.csv\ntarget: y\nmodel: {fold: 3}\n", "unknown key 'fold'", ""),
        ("name: x\nsource: churn.csv\ntarget: y\nsteps: [{kind: fil}]\n", "unknown kind 'fil'", "did you mean 'fill'"),
        ("name: x\nsource: {path: churn.csv, kind: cvs}\ntarget: y\n", "kind", ""),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_with_its_line(folder: Path, text: str, told: str, hint: str) -> None:
    """The error says what, where, and the nearest thing that exists."""
    path = written(folder, text)
    if "base: nowhere" in text:
        text = text.replace("source: churn.csv", "sources: {a: churn.csv}")
        path = written(folder, text)
        told = "none of the sources"
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert told in str(caught.value)
    assert hint in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_secret_is_used_but_never_kept_in_what_was_declared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`declared` goes into bundles and reports, so it holds the variable's name only."""
    monkeypatch.setenv("WHERE", "churn.csv")
    spec = load_spec(written(folder, "name: x\nsource: ${env:WHERE}\ntarget: Churn\n"))
    assert spec.declared["source"] == "${env:WHERE}"
    assert "churn.csv" in str(spec.sources[0])


def test_a_spec_in_python_is_the_same_as_one_in_a_file(folder: Path) -> None:
    """`spec_from` takes the same keys."""
    declared = {"name": "churn", "source": "churn.csv", "target": "Churn"}
    assert spec_from(declared, folder) == load_spec(written(folder, "name: churn\nsource: churn.csv\ntarget: Churn\n"))
    assert {"source", "sources", "target"} <= SPEC_KEYS
