"""Types, roles and targets of real tables that nobody prepared, with no hand-written spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.arrays.infer import infer_schema
from penstock.casting import cast_column
from penstock.slices import Typing
from penstock.sources import looks_headerless, read_snapshot, snapshot, source_from
from penstock.store import Store
from penstock.table import TableSchema
from penstock.target import encode_target

ADULT = "age workclass fnlwgt education years marital occupation relationship race sex gain loss hours country y"
WINE = "fixed volatile citric sugar chlorides free total density ph sulphates alcohol quality"


class Read:
    """A real table, its schema, and the misfits of each column."""

    def __init__(self, folder: Path, files: list[str], target: str, store: Path, **keys: object) -> None:
        source = source_from([folder / f for f in files], "real", folder, **keys)
        self.raw = read_snapshot(snapshot(source, Store(store)), Store(store))
        self.schema: TableSchema = infer_schema(self.raw, Typing(base="real", target=target), True)
        self.target = self.schema.target
        cast = {c.name: cast_column(c, self.raw[c.name]) for c in self.schema.features}
        self.misfits = {name: len(bad) for name, (_, bad) in cast.items() if bad}

    def kinds(self) -> dict[str, str]:
        """Return the kind of each feature."""
        return {c.name: c.kind for c in self.schema.features}

    def named(self, kind: str) -> set[str]:
        """Return the features of a kind."""
        return {name for name, k in self.kinds().items() if k == kind}


def test_telco_churn(shared, tmp_path):
    """The customer's number is an id, a blank charge is missing, and three-valued answers are categories."""
    read = Read(shared / "data/telco_churn", ["Telco-Customer-Churn.csv"], "Churn", tmp_path)
    assert read.schema.ids == ("customerID",)
    assert read.named("integer") == {"SeniorCitizen", "tenure"}
    assert read.named("float") == {"MonthlyCharges", "TotalCharges"}
    assert read.named("boolean") == {"Partner", "Dependents", "PhoneService", "PaperlessBilling"}
    assert read.named("category") >= {"gender", "MultipleLines", "OnlineSecurity", "Contract", "PaymentMethod"}
    nullable = [c.name for c in read.schema.columns if c.nullable]
    assert nullable == ["TotalCharges"]
    assert "11 missing" in read.schema.column("TotalCharges").evidence
    assert (read.target.labels, read.target.positive) == (("No", "Yes"), "Yes")
    assert read.misfits == {}


def test_california_housing(shared, tmp_path):
    """Coordinates are features, however distinct; the value is a quantity."""
    read = Read(shared / "data/california_housing", ["housing.csv"], "median_house_value", tmp_path)
    assert read.named("category") == {"ocean_proximity"}
    assert len(read.schema.features) == 9
    assert read.named("float") >= {"longitude", "latitude", "median_income"}
    assert [c.name for c in read.schema.columns if c.nullable] == ["total_bedrooms"]
    assert read.target.task == "regression"
    assert encode_target(read.target, read.raw["median_house_value"])[0] == 452600.0
    assert read.misfits == {}


def test_diamonds(shared, tmp_path):
    """Grades are categories, measures are numbers."""
    read = Read(shared / "data/diamonds", ["diamonds.csv"], "price", tmp_path)
    assert read.named("category") == {"cut", "color", "clarity"}
    assert read.named("float") == {"carat", "depth", "table", "x", "y", "z"}
    assert read.target.task == "regression"
    assert read.misfits == {}


def test_adult(shared, tmp_path):
    """Headerless, blanks before cells, ' ?' for missing, and labels that end in a dot in one of two files."""
    files = ["adult-train.csv", "adult-test.csv"]
    assert looks_headerless(shared / "data/adult" / files[0])
    read = Read(shared / "data/adult", files, "y", tmp_path, names=ADULT.split())
    assert read.raw.num_rows == 48842
    assert read.named("integer") == {"age", "fnlwgt", "years", "gain", "loss", "hours"}
    assert read.schema.ids == ()
    assert {c.name for c in read.schema.columns if c.nullable} == {"workclass", "occupation", "country"}
    assert read.target.labels == ("<=50K", ">50K")
    assert read.target.variants == {"<=50K.": "<=50K", ">50K.": ">50K"}
    assert read.target.positive == ">50K"
    encoded = encode_target(read.target, read.raw["y"])
    assert ((encoded == 0).sum(), (encoded == 1).sum()) == (37155, 11687)
    assert read.misfits == {}


def test_wine_quality(shared, tmp_path):
    """Two headerless files, and classes of 30 and 5 rows that stay classes."""
    files = ["winequality-red.csv", "winequality-white.csv"]
    read = Read(shared / "data/wine_quality", files, "quality", tmp_path, names=WINE.split())
    assert read.raw.num_rows == 6497
    assert read.named("float") == set(WINE.split()) - {"quality"}
    assert (read.target.task, read.target.label_type) == ("multiclass", "integer")
    assert read.target.labels == ("3", "4", "5", "6", "7", "8", "9")
    encoded = encode_target(read.target, read.raw["quality"])
    assert ((encoded == 0).sum(), (encoded == 6).sum()) == (30, 5)
    assert read.misfits == {}


@pytest.mark.parametrize(
    ("folder", "file", "target", "keys", "expected"),
    [
        ("hr_job_change", "aug_train.csv", "target", {}, {"enrollee_id": "id", "experience": "category"}),
        ("bike_sharing", "hour.csv", "cnt", {}, {"instant": "id", "dteday": "datetime", "hr": "integer"}),
        ("penguins", "penguins_raw.csv", "Species", {}, {"Date Egg": "datetime", "Region": "ignored"}),
        ("online_shoppers", "online_shoppers_intention.csv", "Revenue", {}, {"Weekend": "boolean"}),
        ("german_credit", "german.csv", "column_20", {"header": False}, {"column_0": "category"}),
    ],
)
def test_other_real_tables(shared, tmp_path, folder, file, target, keys, expected):
    """Ids, dates of a day-first format, constants, booleans in capitals, codes."""
    read = Read(shared / "data" / folder, [file], target, tmp_path, **keys)
    found = {c.name: c.kind if c.role == "feature" else c.role for c in read.schema.columns}
    assert {k: found[k] for k in expected} == expected
    assert read.misfits == {}


def test_flights_in_parquet(shared, tmp_path):
    """Native types: a carried-along index is an id, the hour of flight a moment."""
    read = Read(shared / "data/nycflights_rel", ["flights.parquet"], "arr_delay", tmp_path)
    assert read.schema.ids == ("__index_level_0__",)
    assert read.kinds()["time_hour"] == "datetime"
    assert read.kinds()["tailnum"] == "category"
    assert read.schema.column("year").role == "ignored"
    assert read.target.task == "regression"
