"""Real files of delimited text, read as another reader reads them, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from penstock.receipts import Snapshot
from penstock.sources import read_snapshot, snapshot, source_from
from penstock.store import Store


def collected(shared: Path, tmp_path: Path, **keys: object) -> tuple[Snapshot, pa.Table]:
    """Collect files of the shared data."""
    store = Store(tmp_path / "store")
    taken = snapshot(source_from({"kind": "csv", **keys}, "t", shared / "data"), store)
    return taken, read_snapshot(taken, store)


@pytest.mark.parametrize(
    ("path", "n_rows", "keys"),
    [
        ("adult/adult-train.csv", 32_561, {"header": False}),
        ("german_credit/german.csv", 1_000, {"header": False}),
        ("wine_quality/winequality-white.csv", 4_898, {"header": False}),
        ("google_play/googleplaystore.csv", 10_841, {}),
        ("heart_disease/processed.cleveland.data", 303, {"header": False}),
        ("heart_disease/processed.va.data", 200, {"header": False}),
        ("telco_churn/Telco-Customer-Churn.csv", 7_043, {}),
        ("penguins/penguins_raw.csv", 344, {}),
        ("nycflights_rel/airports.csv", 1_458, {}),
    ],
)
def test_a_real_file_is_read_to_the_letter(shared, tmp_path, path, n_rows, keys):
    """Blanks behind commas, question marks, quoted commas and line ends of Windows."""
    taken, table = collected(shared, tmp_path, path=path, **keys)
    header = None if "header" in keys else 0
    other = pd.read_csv(shared / "data" / path, dtype=str, keep_default_na=False, header=header)
    assert (taken.n_rows, taken.n_quarantined, taken.remarks) == (n_rows, 0, ())
    if header is not None:
        assert table.column_names == list(other.columns)
    for ours, theirs in zip(table.columns, other.columns, strict=True):
        assert ours.to_pylist() == other[theirs].tolist()


def test_a_comma_at_the_end_of_all_lines_but_the_header_makes_no_column(shared, tmp_path):
    """The Hungarian site of the heart-disease data."""
    taken, table = collected(shared, tmp_path, path="heart_disease/processed.hungarian.data")
    assert (table.num_rows, table.num_columns, taken.n_quarantined) == (294, 14, 0)
    assert table.column_names[-1] == "num"
    assert set(table["num"].to_pylist()) == {"0", "1"}
    assert len(taken.remarks) == 1


def test_two_files_without_a_header_are_stacked(shared, tmp_path):
    """Red and white wine, told apart by the column of file names."""
    files = [f"wine_quality/winequality-{colour}.csv" for colour in ("red", "white")]
    taken, table = collected(shared, tmp_path, path=files, header=False, file_column="file")
    assert taken.n_rows == 6_497
    assert {c["values"]: c["counts"] for c in table["file"].value_counts().to_pylist()} == {
        "winequality-red.csv": 1_599,
        "winequality-white.csv": 4_898,
    }


def test_semicolons_are_found_out_inside_an_archive(shared, tmp_path):
    """Quoted words and bare numbers."""
    taken, table = collected(
        shared, tmp_path, path="bank_marketing/bank-additional.zip", member="*/bank-additional-full.csv"
    )
    assert (taken.n_rows, table.num_columns, table.column_names[0], table.column_names[-1]) == (41_188, 21, "age", "y")
    assert set(table["y"].to_pylist()) == {"yes", "no"}


def test_a_hundred_files_without_a_header_are_one_table(shared, tmp_path):
    """The year is in the name of the file only."""
    taken, table = collected(
        shared, tmp_path, path="babynames/babynames.zip", names="name,sex,births", file_column="file"
    )
    assert (taken.n_rows, taken.n_quarantined) == (1_690_784, 0)
    assert len(table["file"].unique()) == 131
    assert table.slice(0, 1).to_pylist() == [{"name": "Mary", "sex": "F", "births": "7065", "file": "yob1880.txt"}]
