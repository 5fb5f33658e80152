"""The sample is the real data, spoiled exactly as its README says."""

from __future__ import annotations

import csv
import hashlib
import re
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from data import clinic

README = Path(clinic.__file__).with_name("README.md")
VISITS_SHA256 = "29d2621e1a491da849770f28a3645699884eadce9be7777e78b0f42ae4c8c43c"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("clinic")
    clinic.build(out)
    return out


@pytest.fixture(scope="module")
def visits(built):
    with (built / "visits.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def lab(built):
    connection = sqlite3.connect(built / "lab.sqlite")
    connection.row_factory = sqlite3.Row
    rows = connection.execute("SELECT * FROM worst ORDER BY rowid").fetchall()
    connection.close()
    return [{name if name == "patient" else f"lab_{name}": row[name] for name in row.keys()} for row in rows]  # noqa: SIM118 - iterating a sqlite3.Row gives its values


@pytest.fixture(scope="module")
def true():
    return clinic.truth().set_index("patient")


@pytest.fixture(scope="module")
def planted():
    return clinic.planted()


def test_the_bytes_are_the_same_everywhere(built):
    """Another release of NumPy, another machine or another day gives the same file."""
    assert hashlib.sha256((built / "visits.csv").read_bytes()).hexdigest() == VISITS_SHA256
    assert b"\r" not in (built / "visits.csv").read_bytes()


def test_the_truth_is_the_shipped_data(true):
    """All 569 rows of 30 values and their labels are there, in another order and under other names."""
    shipped = load_breast_cancer()
    columns = [f"{prefix}_{name}" for prefix in ("mean", "error", "lab") for name in clinic.MEASURED]
    ours = [(*values, label) for *values, label in true[[*columns, "diagnosis"]].itertuples(index=False)]
    labels = [shipped.target_names[code] for code in shipped.target]
    theirs = [(*values, label) for values, label in zip(shipped.data.tolist(), labels, strict=True)]
    assert sorted(ours) == sorted(theirs)


def test_every_cell_without_a_fault_is_the_true_value_exactly(visits, lab, true, planted):
    """What is written reads back as the very float, so that cleaning can be checked to the last bit."""
    spoiled = set(zip(planted["source"], planted["row"], planted["column"], strict=True))
    checked = 0
    for source, rows in (("visits", visits), ("lab", lab)):
        for at, row in enumerate(rows):
            for column in set(row) - {"patient"}:
                if (source, at, column) not in spoiled:
                    expected = true.at[row["patient"], column]
                    assert (row[column] if column == "diagnosis" else float(row[column])) == expected
                    checked += 1
    cells = 581 * 21 + 573 * 10
    assert checked == cells - sum(fault.count for fault in clinic.FAULTS.values() if fault.columns)


@pytest.mark.parametrize("name", clinic.FAULTS)
def test_a_fault_is_planted_as_often_and_where_it_says(planted, name):
    """`FAULTS` and `planted()` agree on count, source and columns, and no cell is spoiled twice."""
    fault, places = clinic.FAULTS[name], planted[planted["fault"] == name]
    assert len(places) == fault.count
    assert set(places["source"]) == {fault.source}
    assert set(places["column"]) == set(fault.columns or [""])
    assert not planted.duplicated(["source", "row", "column"]).any()


def test_faults_can_be_counted_in_the_files(visits, lab):
    """The counts hold for who has only the two files."""
    cells = [(column, text) for row in visits for column, text in row.items()]
    numbers = [text for column, text in cells if column not in ("patient", "diagnosis", "mean_perimeter")]
    labels = [row["diagnosis"] for row in visits]
    counted = {
        "duplicate_rows": len(visits) - len({tuple(row.values()) for row in visits}),
        "missing_question_mark": numbers.count("?"),
        "missing_empty": numbers.count(""),
        "missing_na": numbers.count("NA"),
        "decimal_comma": sum("," in text for text in numbers),
        "unit_suffix": sum(text.endswith(" mm") for _, text in cells),
        "impossible_outlier": numbers.count("999999"),
        "wrong_type": sum(bool(re.fullmatch("[a-z ]+", text)) for text in numbers),
        "label_case": sum(label.strip() != label.strip().lower() for label in labels),
        "label_blanks": sum(label != label.strip() for label in labels),
        "lab_duplicate_rows": len(lab) - len({tuple(row.values()) for row in lab}),
        "lab_missing": sum(value is None for row in lab for value in row.values()),
    }
    assert counted == {name: fault.count for name, fault in clinic.FAULTS.items()}


def test_a_row_holds_one_fault_at_most_and_a_copied_row_none(planted):
    """Rejecting a row for one fault changes the count of no other."""
    cells = planted[(planted["fault"] != "unit_suffix") & (planted["column"] != "")]
    assert not cells["patient"].duplicated().any()
    copies = planted[planted["column"] == ""]
    assert not set(copies["patient"]) & set(cells["patient"])


def test_patient_and_position_say_nothing_about_the_label(visits, true):
    """Neither number nor order may be a way around the measurements."""
    malignant = true["diagnosis"] == "malignant"
    number = pd.Series(true.index, index=true.index).str[2:].astype(int)
    assert true.index.str.fullmatch(r"P-\d{5}").all()
    assert list(true.index) == list(dict.fromkeys(row["patient"] for row in visits))
    for clue in (number, range(len(true))):
        assert 0.45 < roc_auc_score(malignant, list(clue)) < 0.55


def test_building_again_touches_nothing(built):
    """Raw data that is right is left alone, down to its time stamp and its folder."""
    before = {path: path.stat().st_mtime_ns for path in [built, *built.iterdir()]}
    assert clinic.build(built) == ()
    assert {path: path.stat().st_mtime_ns for path in [built, *built.iterdir()]} == before


@pytest.mark.parametrize("wrong", [b"", b"water", None], ids=["empty", "other bytes", "gone"])
@pytest.mark.parametrize("name", ["visits.csv", "lab.sqlite"])
def test_a_file_that_is_wrong_is_made_anew_and_the_other_left_alone(tmp_path, name, wrong):
    """A build that was cut short, or a file that was edited, heals."""
    clinic.build(tmp_path)
    good = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if wrong is not None:
        (tmp_path / name).write_bytes(wrong)
    assert clinic.build(tmp_path) == (tmp_path / name,)
    assert (tmp_path / name).read_bytes() == good
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.sqlite", "visits.csv"]


def test_a_lab_table_with_one_value_changed_is_made_anew(tmp_path):
    """The table is compared by its content, so that the version of SQLite doesn't matter."""
    clinic.build(tmp_path)
    connection = sqlite3.connect(tmp_path / "lab.sqlite")
    with connection:
        connection.execute("UPDATE worst SET radius = radius + 1 WHERE rowid = 7")
    connection.close()
    assert clinic.build(tmp_path) == (tmp_path / "lab.sqlite",)


def test_the_readme_states_every_fault_with_its_count():
    """README's table and `FAULTS` are the same list."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ([^|]*) \|", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {name: int(count) for name, count, _ in rows} == {n: fault.count for n, fault in clinic.FAULTS.items()}
    for name, _, where in rows:
        fault = clinic.FAULTS[name]
        assert set(re.findall("`(\\w+)`", where)) == set(fault.columns)
        assert fault.columns or where.startswith(fault.source)
