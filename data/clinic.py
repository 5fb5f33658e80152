"""Build the sample: the real measurements of the Wisconsin breast cancer data, spoiled in ways that can be counted.

As a script, `python data/clinic.py [--out DIR]` writes `visits.csv` and `lab.sqlite`. As a module, `FAULTS` says what
was planted, `planted()` where, and `truth()` what the values were before. A row holds at most one planted cell, apart
from the unit that one column carries throughout, so that the counts stand for themselves.
"""

from __future__ import annotations

import argparse
import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from penstock.store import write_atomically

SEED = 20261122
OUT = Path(__file__).resolve().parent / "raw" / "clinic"
MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension",
)  # fmt: skip
MEANS = tuple(f"mean_{name}" for name in MEASURED)
ERRORS = tuple(f"error_{name}" for name in MEASURED)
LAB = tuple(f"lab_{name}" for name in MEASURED)
VISITS = ("patient", *MEANS, *ERRORS, "diagnosis")
N_PATIENTS = 569

Value = float | str | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Fault:
    """One way in which the values are spoiled.

    `count` cells of `columns` (named as they are after the join), or rows where no column is named; `written` are the
    texts that stand in the place of the value, empty where they depend on it.
    """

    source: str
    count: int
    columns: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


_VISIT_COPIES = 12
FAULTS = MappingProxyType(
    {
        "duplicate_rows": Fault("visits", _VISIT_COPIES),
        "missing_question_mark": Fault("visits", 16, ("mean_smoothness", "error_concavity"), ("?",)),
        "missing_empty": Fault("visits", 13, ("mean_compactness", "error_radius"), ("",)),
        "missing_na": Fault("visits", 9, ("mean_symmetry", "error_area"), ("NA",)),
        "decimal_comma": Fault("visits", 25, ("mean_radius", "mean_texture")),
        "unit_suffix": Fault("visits", N_PATIENTS + _VISIT_COPIES, ("mean_perimeter",)),
        "impossible_outlier": Fault("visits", 3, ("mean_area",), ("999999",)),
        "wrong_type": Fault("visits", 2, ("error_texture",), ("see note", "not read")),
        "label_case": Fault("visits", 21, ("diagnosis",)),
        "label_blanks": Fault("visits", 14, ("diagnosis",)),
        "lab_duplicate_rows": Fault("lab", 4),
        "lab_missing": Fault("lab", 7, ("lab_texture", "lab_concavity")),
    }
)


class Planted(NamedTuple):
    """Where a fault is: the row of the file or table, counted from 0; no column where the row itself is the fault."""

    fault: str
    source: str
    row: int
    patient: str
    column: str


@dataclass(frozen=True)
class Sample:
    """The whole sample: raw rows of both sources, headers aside, and what is known about them."""

    visits: tuple[tuple[str, ...], ...]
    lab: tuple[tuple[Value, ...], ...]
    truth: pd.DataFrame
    planted: tuple[Planted, ...]


def truth() -> pd.DataFrame:
    """Return the values before they were spoiled.

    Returns
    -------
    pandas.DataFrame
        Shape (569, 32): `patient`, thirty float64 columns `mean_*`, `error_*` and `lab_*`, `diagnosis`; rows in the
        order in which visits.csv first names their patients.
    """
    return _sample().truth.copy()


def planted() -> pd.DataFrame:
    """Return every planted fault.

    Returns
    -------
    pandas.DataFrame
        Columns `fault`, `source`, `row`, `patient` and `column`; a fault's rows number its count in `FAULTS`.
    """
    return pd.DataFrame(_sample().planted, columns=list(Planted._fields))


def build(out: Path = OUT) -> tuple[Path, ...]:
    """Write the sample's two files.

    Parameters
    ----------
    out : pathlib.Path
        Where they go. A file whose content is right already is not touched.

    Returns
    -------
    tuple of pathlib.Path
        The files that had to be written, each replaced atomically.
    """
    sample = _sample()
    written = []
    visits, lab = out / "visits.csv", out / "lab.sqlite"
    as_csv = _visits_csv(sample)
    if not visits.is_file() or visits.read_bytes() != as_csv:
        write_atomically(visits, as_csv)
        written.append(visits)
    if _read_lab(lab) != list(sample.lab):
        write_atomically(lab, _lab_sqlite(sample))
        written.append(lab)
    return tuple(written)


@cache
def _sample() -> Sample:
    deal = _Deal()
    true = _true_rows(deal)
    rows = deal.shuffle(range(N_PATIENTS))
    spoiled = [dict(row) for row in true]
    faults: dict[tuple[int, str], str] = {}
    copied: dict[str, list[int]] = {}
    for name, fault in FAULTS.items():
        if name == "unit_suffix":
            continue
        # Rows are dealt out, none twice; a copied row is one that holds no other fault.
        dealt, rows = rows[: fault.count], rows[fault.count :]
        if not fault.columns:
            copied[fault.source] = dealt
        for i, row in enumerate(dealt if fault.columns else ()):
            column = fault.columns[i % len(fault.columns)]
            faults[row, column] = name
            spoiled[row][column] = _spoil(name, i, true[row][column])
    visits = deal.shuffle([*range(N_PATIENTS), *copied["visits"]])
    lab = deal.shuffle([*range(N_PATIENTS), *copied["lab"]])
    for row in range(N_PATIENTS):
        for column in FAULTS["unit_suffix"].columns:
            faults[row, column] = "unit_suffix"
            spoiled[row][column] = f"{true[row][column]} mm"
    return Sample(
        visits=tuple(tuple(str(spoiled[row][column]) for column in VISITS) for row in visits),
        lab=tuple(tuple(spoiled[row][column] for column in ("patient", *LAB)) for row in lab),
        truth=pd.DataFrame([true[row] for row in dict.fromkeys(visits)]),
        planted=(
            *_find("duplicate_rows", visits, true, VISITS, faults),
            *_find("lab_duplicate_rows", lab, true, LAB, faults),
        ),
    )


class _Deal:
    """One seeded stream of shuffles.

    It sorts the raw draws of a bit generator: NumPy promises that stream for good, while what `Generator.permutation`
    makes of it may change from one release to the next, and the sample's bytes with it.
    """

    def __init__(self) -> None:
        self._bits = np.random.PCG64(SEED)

    def shuffle(self, values: Sequence[int]) -> list[int]:
        order = np.argsort(self._bits.random_raw(len(values)), kind="stable")
        return [values[i] for i in order.tolist()]


def _true_rows(deal: _Deal) -> list[Row]:
    # Here, because importing scikit-learn takes longer than reading FAULTS does.
    from sklearn.datasets import load_breast_cancer

    shipped = load_breast_cancer()
    ids = deal.shuffle(range(1, 100_000))[:N_PATIENTS]
    rows: list[Row] = []
    for number, values, code in zip(ids, shipped.data.tolist(), shipped.target.tolist(), strict=True):
        # Shipped in this order: "mean radius" and its like, then "radius error", then "worst radius".
        measured = dict(zip((*MEANS, *ERRORS, *LAB), values, strict=True))
        rows.append({"patient": f"P-{number:05d}", **measured, "diagnosis": str(shipped.target_names[code])})
    return rows


def _spoil(fault: str, i: int, value: Value) -> Value:
    written = FAULTS[fault].written
    if written:
        return written[i % len(written)]
    if fault == "decimal_comma":
        return str(value).replace(".", ",")
    if fault == "label_case":
        return (str(value).title(), str(value).upper())[i % 2]
    if fault == "label_blanks":
        return (f" {value}", f"{value} ", f" {value} ")[i % 3]
    return None


def _find(
    copy: str, order: list[int], true: list[Row], columns: tuple[str, ...], faults: dict[tuple[int, str], str]
) -> Iterator[Planted]:
    source = FAULTS[copy].source
    seen: set[int] = set()
    for at, row in enumerate(order):
        patient = str(true[row]["patient"])
        if row in seen:
            yield Planted(copy, source, at, patient, "")
        seen.add(row)
        for column in columns:
            if (row, column) in faults:
                yield Planted(faults[row, column], source, at, patient, column)


def _visits_csv(sample: Sample) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(VISITS)
    writer.writerows(sample.visits)
    return text.getvalue().encode()


def _lab_sqlite(sample: Sample) -> bytes:
    columns = ", ".join(f"{name} REAL" for name in MEASURED)
    places = ", ".join("?" * (1 + len(MEASURED)))
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"CREATE TABLE worst (patient TEXT NOT NULL, {columns})")
        connection.executemany(f"INSERT INTO worst VALUES ({places})", sample.lab)  # noqa: S608 - question marks only
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def _read_lab(path: Path) -> list[tuple[Value, ...]] | None:
    if not path.is_file() or not path.stat().st_size:
        return None
    connection = sqlite3.connect(":memory:")
    try:
        # From a copy of its bytes: opening the file itself could leave a journal beside it.
        connection.deserialize(path.read_bytes())
        return connection.execute(f"SELECT patient, {', '.join(MEASURED)} FROM worst ORDER BY rowid").fetchall()  # noqa: S608 - constants
    except sqlite3.DatabaseError:
        return None
    finally:
        connection.close()


def main() -> None:
    """Build the sample and say what was done."""
    parser = argparse.ArgumentParser(description="Build the sample: visits.csv and lab.sqlite.")
    parser.add_argument("--out", type=Path, default=OUT, help="directory for the two files (default: %(default)s)")
    out = parser.parse_args().out
    written = build(out)
    sample = _sample()
    state = f"wrote {' and '.join(path.name for path in written)}" if written else "is there already"
    print(f"sample {out}: {state} ({len(sample.visits)} visits, {len(sample.lab)} lab rows, {N_PATIENTS} patients)")


if __name__ == "__main__":
    main()
