"""YAML as the spec understands it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SpecError
from penstock.spec.reading import fill_in, line_of, read_yaml, write_yaml

WORDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.sampled_from(
        ["on", "off", "yes", "No", "2020-01-01", "1_000", "0x1f", "1e3", "~", "null", "true", ".5", "12:30:45"]
    ),
)


@given(
    st.dictionaries(st.text(min_size=1), st.one_of(WORDS, st.lists(WORDS), st.dictionaries(st.text(min_size=1), WORDS)))
)
def test_what_is_written_is_read_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    """Every text, number and nesting survives, whatever YAML 1.1 or 1.2 would make of it unquoted."""
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(write_yaml(value), encoding="utf-8")
    assert read_yaml(path) == value


def test_on_yes_no_and_dates_are_text(tmp_path: Path) -> None:
    """A join's `on`, a label `Yes` and a date stay what the user wrote."""
    path = tmp_path / "x.yaml"
    path.write_text("on: tailnum\npositive: Yes\nday: 2020-01-01\nflag: true\n")
    assert read_yaml(path) == {"on": "tailnum", "positive": "Yes", "day": "2020-01-01", "flag": True}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "not YAML"),
        ("- 1\n- 2\n", "not a mapping"),
        ("a: 1\na: 2\n", "not YAML"),
        ("", "not a mapping"),
    ],
)
def test_what_is_no_spec_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    """Broken YAML, a list, a key that stands twice, an empty file."""
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=told) as caught:
        read_yaml(path)
    assert str(path) in caught.value.where


def test_a_yaml_bomb_stays_small_or_is_refused(tmp_path: Path) -> None:
    """Custom tags make nothing: no object is built from a spec."""
    path = tmp_path / "x.yaml"
    path.write_text("a: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(SpecError):
        read_yaml(path)


def test_environment_variables_are_filled_in_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """`${env:NAME}` works in any text, nested too."""
    monkeypatch.setenv("SHOP", "db1")
    assert fill_in({"a": ["x-${env:SHOP}-${env:SHOP}", 1]}, "spec") == {"a": ["x-db1-db1", 1]}


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable and how to set it."""
    monkeypatch.delenv("SHOP", raising=False)
    with pytest.raises(SpecError, match="SHOP"):
        fill_in("${env:SHOP}", "spec")


def test_a_place_in_the_file_is_found_by_its_path_of_keys(tmp_path: Path) -> None:
    """`file:line` of a nested key."""
    path = tmp_path / "x.yaml"
    path.write_text("name: x\njoins:\n  - {table: a, on: k}\n  - table: b\n    on: k\n    serve: no\n")
    assert line_of(path, ["joins", 1, "serve"]) == f"{path}:6"


def test_a_secret_is_asked_for_by_name():
    """Of whoever keeps secrets; where nobody does, the error names the other way."""
    value = {"access": {"bearer": "${secret:shop-token}"}}
    assert fill_in(value, "s.yaml", {"shop-token": "hush"}.__getitem__) == {"access": {"bearer": "hush"}}
    with pytest.raises(SpecError, match="'shop-token' cannot be had") as caught:
        fill_in(value, "s.yaml")
    assert "env:NAME" in caught.value.expected
