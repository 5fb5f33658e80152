"""A spec out of SOURCE... and options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.commands.adhoc import Options, declare
from penstock.errors import DataError, SpecError
from penstock.spec.pipeline import spec_from
from penstock.store import Store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with some tables, in which we are."""
    (tmp_path / "red.csv").write_text("1.5,2,5\n2.5,3,6\n")
    (tmp_path / "white.csv").write_text("3.5,2,5\n4.5,3,7\n")
    (tmp_path / "flights.csv").write_text("tailnum,dest,late\nN1,OSL,yes\nN2,BER,no\nN1,BER,no\n")
    (tmp_path / "planes.csv").write_text("tailnum,seats\nN1,4\nN2,9\n")
    (tmp_path / "weather.csv").write_text("hour,wind\n1,4\n2,9\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def declared(place: Path, *sources: str, **options: object) -> dict[str, Any]:
    """Return what is written for some sources."""
    return declare(sources, Options.model_validate(options), place / "specs", Store(place / "scratch"))


def test_one_file_and_a_target_make_three_lines(place: Path) -> None:
    """With the path relative to where the spec will lie."""
    made = declared(place, "flights.csv", target="late")
    assert made == {"name": "flights", "source": "../flights.csv", "target": "late"}
    assert spec_from(made, place / "specs").target == "late"


def test_files_with_the_same_columns_are_stacked(place: Path) -> None:
    """Headerless ones too, and the target may be an index, from either end."""
    made = declared(place, "red.csv", "white.csv", target="-1", header=False)
    assert made["source"] == {"path": ["../red.csv", "../white.csv"], "header": False}
    assert made["target"] == "column_2"
    spec = spec_from(made, place / "specs")
    assert len(spec.sources) == 1


def test_names_are_given_to_headerless_columns(place: Path) -> None:
    """And written down."""
    made = declared(place, "red.csv", target="quality", header=False, names=("a", "b", "quality"))
    assert made["source"]["names"] == ["a", "b", "quality"]
    assert made["target"] == "quality"


def test_other_tables_are_offered_as_joins_on_what_tells_their_rows_apart(place: Path) -> None:
    """The first is the base; a table that shares no key is a source without a join."""
    made = declared(place, "flights.csv", "planes.csv", "weather.csv", target="late")
    assert list(made["sources"]) == ["flights", "planes", "weather"]
    assert made["base"] == "flights"
    assert made["joins"] == [{"table": "planes", "on": "tailnum"}]
    spec_from(made, place / "specs")


def test_tables_of_the_same_columns_stay_apart_when_asked(place: Path) -> None:
    """`--tables`; and `--union` refuses what cannot be stacked."""
    assert "sources" in declared(place, "red.csv", "white.csv", target="0", header=False, arrange="tables")
    with pytest.raises(SpecError, match="cannot be stacked"):
        declared(place, "flights.csv", "planes.csv", target="late", arrange="union")


def test_a_target_beyond_the_columns_is_refused(place: Path) -> None:
    """With the columns that there are."""
    with pytest.raises(DataError, match="'7' is not a column"):
        declared(place, "flights.csv", target="7")
