"""Tables in files: what is written can be read again, and a file is read as training reads its like."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deploy.tables import FORMATS, read_rows, write_rows
from penstock.errors import SourceError

ANSWERS = pd.DataFrame(
    {
        "id": ["k1", "k2", "k3"],
        "prediction": pd.array(["Ja", None, "Nein"], dtype="str"),
        "probability_Ja": [0.75, None, 0.125],
        "warning": ["", "x does not fit; y is new", ""],
    }
)


@pytest.mark.parametrize("format_", FORMATS)
def test_answers_are_read_back_as_they_were_written(tmp_path: Path, format_: str) -> None:
    """In every format: order, text, numbers to the last bit, and what is missing."""
    path = tmp_path / f"out.{format_}"
    write_rows(path, ANSWERS)
    table = read_rows(path)
    assert table.column_names == list(ANSWERS.columns)
    assert table["id"].to_pylist() == ["k1", "k2", "k3"]
    numbers = [None if v in (None, "") else float(v) for v in table["probability_Ja"].to_pylist()]
    assert numbers == [0.75, None, 0.125]
    assert [v or None for v in table["prediction"].to_pylist()] == ["Ja", None, "Nein"]


@pytest.mark.parametrize("labels", [[1, 0, 1], [True, False, True]])
@pytest.mark.parametrize("format_", ["json", "jsonl", "parquet", "arrow"])
def test_labels_keep_their_type(tmp_path: Path, format_: str, labels: list[object]) -> None:
    """An integer label is an integer, a boolean one a boolean."""
    path = tmp_path / f"out.{format_}"
    write_rows(path, pd.DataFrame({"prediction": labels}))
    read = read_rows(path)["prediction"].to_pylist()
    assert read == labels
    assert {type(v) for v in read} == {type(labels[0])}


def test_a_csv_of_another_encoding_and_delimiter_is_read_as_in_training(tmp_path: Path) -> None:
    """Semicolons and Latin-1, as a spreadsheet saves them; every cell stays text."""
    path = tmp_path / "in.csv"
    path.write_bytes("stadt;wert\nKöln;1,5\nBonn;\n".encode("latin-1"))
    table = read_rows(path)
    assert table.to_pydict() == {"stadt": ["Köln", "Bonn"], "wert": ["1,5", ""]}


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("in.csv", b"", "empty"),
        ("in.csv", b"a,b\n1,2,3\n1,2\n", "cells"),
        ("in.csv", b"a,a\n1,2\n", "'a'"),
        ("in.json", b'{"a": ', "not JSON"),
        ("in.json", b"[1, 2]", "no records"),
        ("in.jsonl", b'{"a": 1}\nno\n', "in.jsonl:2"),
        ("in.parquet", b"PAR1 no", "not parquet"),
        ("in.arrow", b"ARROW1 no", "not arrow"),
        ("in.xlsx", b"PK no", "no workbook"),
        ("in.txt", b"a\n1\n", "no format"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    """With the file in the message."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read_rows(path)
    assert told in str(caught.value)
    assert name in str(caught.value)


def test_records_of_different_shape_are_one_table(tmp_path: Path) -> None:
    """A key that a record lacks is missing there; mixed values become text."""
    path = tmp_path / "in.json"
    path.write_text('{"rows": [{"a": 1, "b": "x"}, {"b": 2.5}]}')
    assert read_rows(path).to_pydict() == {"a": [1, None], "b": ["x", "2.5"]}


def test_a_half_written_answer_is_never_left(tmp_path: Path) -> None:
    """Where the output cannot be written nothing else is there either."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(SourceError, match="cannot be written"):
        write_rows(tmp_path / "taken" / "out.csv", ANSWERS)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
