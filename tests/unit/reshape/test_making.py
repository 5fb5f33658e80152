"""Tables from the spec to the stage that types them, and on: made, joined, locked, private, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.errors import DataError, PlanError, SpecError
from penstock.frozen import digest_of
from penstock.inference import Inferred, infer_lock
from penstock.receipts import Snapshot
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.store import Store
from penstock.table import TableSchema

WEEKLY = {
    "from": "sales",
    "steps": [
        {"kind": "filter", "where": "units > 0"},
        {"kind": "resample", "time": "day", "every": "1w", "by": "store", "sort": True,
         "values": {"units": {"sum": "units"}, "price": {"mean": "price"}, "n": "count"}},
    ],
}  # fmt: skip
STORES = {
    "from": "sales",
    "steps": [{"kind": "aggregate", "by": "store", "values": {"dearest": {"max": "price"}, "who": {"first": "clerk"}}}],
}
COLUMNS = {
    "price": {"units": {"EUR": 1.0, "kEUR": 1000.0}},
    "day": {"timezone": "Europe/Berlin"},
    "clerk": {"private": True},
}


class Place:
    """A folder with sales, as they are written by hand, and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "artifacts")
        rng = np.random.default_rng(0)
        n = 1200
        self.sales = pd.DataFrame(
            {
                "store": rng.choice(["north", "south", "west"], n),
                "day": (pd.Timestamp("2023-01-02") + pd.to_timedelta(rng.integers(0, 360, n), unit="D")).astype(str),
                "units": [f"{u:,}" for u in rng.integers(0, 3000, n)],
                "price": [f"{p:.2f} EUR" for p in rng.gamma(3, 10, n)],
                "clerk": rng.choice(["Ann", "Bo"], n),
            }
        )
        self.write(self.sales)

    def write(self, sales: pd.DataFrame) -> None:
        """Write the source."""
        sales.to_csv(self.folder / "sales.csv", index=False)

    def spec(self, **more: object) -> PipelineSpec:
        """Return a spec that predicts a week's units."""
        declared = {
            "name": "weekly",
            "sources": {"sales": "sales.csv"},
            "tables": {"stores": STORES, "weekly": WEEKLY},
            "base": "weekly",
            "target": "units",
            "joins": [{"table": "stores", "on": "store"}],
            "columns": COLUMNS,
        }
        return spec_from({**declared, **more}, self.folder)

    def inferred(self, lock: Inferred | None = None, **more: object) -> Inferred:
        """Run the first three stages."""
        return infer_lock(self.spec(**more), self.store, lock.lock if lock else None)

    def made(self, inferred: Inferred, name: str) -> tuple[Snapshot, pd.DataFrame]:
        """Return a made table."""
        snapshot = next(s for s in inferred.collected.snapshots if s.name == name)
        return snapshot, self.store.read_frame(snapshot.table)

    def schema(self, inferred: Inferred, name: str) -> TableSchema:
        """Return how a table was typed."""
        return inferred.lock.tables[name]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return such a folder."""
    return Place(tmp_path)


def test_a_made_table_is_the_base_and_another_is_joined_to_it(place: Place) -> None:
    """Everything that comes after treats them as sources: types, split, join, plan."""
    got = place.inferred()
    assert [(s.name, s.kind) for s in got.collected.snapshots] == [
        ("weekly", "made"), ("sales", "csv"), ("stores", "made"),
    ]  # fmt: skip
    snapshot, weekly = place.made(got, "weekly")
    assert snapshot.origin == {"from": "sales", "steps": "filter, resample"}
    plain = place.sales.assign(units=place.sales["units"].str.replace(",", "").astype(float))
    assert weekly["units"].sum() == plain["units"].sum()
    assert weekly["n"].sum() == (plain["units"] > 0).sum()
    assert got.wrangled.n_train + got.wrangled.n_heldout == len(weekly)
    assert "stores_dearest" in got.wrangled.raw.columns or "stores" in got.wrangled.lookups
    target = place.schema(got, "weekly").target
    assert target is not None
    assert (target.name, target.task) == ("units", "regression")


def test_a_second_run_finds_what_the_first_one_made(place: Place) -> None:
    """With the lock beside it: the same tables, types and rows."""
    first = place.inferred()
    second = place.inferred(first)
    for stage in ("collected", "arrays", "wrangled"):
        assert getattr(first, stage).identity() == getattr(second, stage).identity()


def test_other_steps_make_another_table_and_so_another_key(place: Place) -> None:
    """What types are inferred from covers how the tables were made; an equal table needs no new types."""
    first = place.inferred()
    fewer = {**WEEKLY, "steps": [{"kind": "filter", "where": "units > 100"}, *WEEKLY["steps"][1:]]}
    other = place.inferred(tables={"stores": STORES, "weekly": fewer})
    assert other.collected.identity() != first.collected.identity()
    assert other.lock.typed_from != first.lock.typed_from
    same = {**WEEKLY, "steps": [{"kind": "filter", "where": "not units <= 0"}, *WEEKLY["steps"][1:]]}
    assert place.inferred(tables={"stores": STORES, "weekly": same}).collected.identity() == first.collected.identity()


def test_how_a_source_is_written_is_not_asked_of_what_was_made_of_it(place: Place) -> None:
    """Cells are read once: no zone is taken off twice, no unit multiplied twice; with a lock and newer data neither."""
    first = place.inferred()
    place.write(pd.concat([place.sales, place.sales.tail(40)]))
    for got in (first, place.inferred(first)):
        columns = {c.name: c for c in place.schema(got, "weekly").columns}
        assert (columns["day"].kind, columns["day"].timezone) == ("datetime", "")
        assert (columns["price"].kind, columns["price"].units) == ("float", {})
        _, weekly = place.made(got, "weekly")
        typed = place.store.read_frame(next(t for t in got.arrays.tables if t.name == "weekly").typed)
        np.testing.assert_allclose(typed["price"], weekly["price"])
        assert (typed["day"].to_numpy() == weekly["day"].dt.tz_localize(None).to_numpy()).all()
        # A Monday, at midnight UTC.
        assert set(weekly["day"].dt.day_of_week) == {0}


def test_what_was_made_of_a_private_column_is_private_in_the_schema(place: Place) -> None:
    """No message, report or log may show it later."""
    got = place.inferred()
    assert place.made(got, "stores")[0].private == ("who",)
    private = {c.name: c.private for c in place.schema(got, "stores").columns}
    assert private == {"store": False, "dearest": False, "who": True}


def test_the_target_of_the_base_is_not_there_for_other_tables(place: Place) -> None:
    """A mean of it joined back to its own rows, held-out ones among them, would tell what is to be predicted."""
    leaky = {"from": "sales", "steps": [{"kind": "aggregate", "by": "store", "values": {"mean": {"mean": "units"}}}]}
    with pytest.raises(PlanError, match="'units' that is not there") as told:
        place.inferred(tables={"leaky": leaky}, base="sales", joins=[{"table": "leaky", "on": "store"}])
    assert "the target of the base" in told.value.got
    of_made = {**leaky, "from": "weekly"}
    with pytest.raises(PlanError, match="'units' that is not there"):
        place.inferred(tables={"weekly": WEEKLY, "leaky": of_made}, joins=[{"table": "leaky", "on": "store"}])


def test_nothing_left_is_an_error_that_names_table_and_step(place: Place) -> None:
    """An empty table would come up much later, as something else."""
    steps = [{"kind": "melt", "keep": "store", "columns": "late", "drop_missing": True}]
    derived = [{"kind": "derive", "columns": {"late": "units / 0"}}, *steps]
    with pytest.raises(DataError, match="Nothing is left of the table 'weekly'") as told:
        place.inferred(tables={"weekly": {"from": "sales", "steps": derived}}, joins=[])
    assert told.value.where == "table 'weekly', step 2 (melt)"


def test_cells_that_do_not_read_are_counted_in_a_remark(place: Place) -> None:
    """They are missing in what is made; most of a column not reading is refused."""
    kinds = {**COLUMNS, "units": {"kind": "integer"}}
    odd = place.sales.copy()
    odd.loc[:4, "units"] = "many"
    place.write(odd)
    got = place.inferred(columns=kinds)
    assert place.made(got, "weekly")[0].remarks == (
        "5 cells of 'units' do not read as a whole number, and are missing",
    )
    odd["units"] = "many"
    place.write(odd)
    with pytest.raises(DataError, match="'units' does not read"):
        place.inferred(columns=kinds)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"tables": {"weekly": {**WEEKLY, "from": "sale"}}}, "takes rows from a table that is not there: 'sale'"),
        (
            {"tables": {"a": {"from": "weekly"}, "weekly": {"from": "b"}, "b": {"from": "weekly"}}},
            "each other: b, week",
        ),
        ({"tables": {"weekly": WEEKLY, "sales": STORES}}, "has the name of a source: 'sales'"),
        ({"base": "weekli"}, "'weekli' is none of the sources or tables"),
        ({"tables": ["weekly"]}, "'weekly' is none of the sources"),
        ({"tables": {"weekly": {**WEEKLY, "steps": [{"kind": "filtr"}]}}}, "unknown kind 'filtr'"),
        ({"tables": {"weekly": {"steps": []}}}, "lacks the key 'tables.weekly.from'"),
    ],
)
def test_a_spec_whose_tables_cannot_be_made_is_refused_before_anything_is_read(place: Place, more, told) -> None:
    """By name: unknown, of itself, taken, misspelt."""
    with pytest.raises(SpecError, match=told):
        place.spec(**more)


def test_large_ids_are_not_rounded(place: Place) -> None:
    """Beyond 2**53 a float would make one id of two."""
    ids = [2**60 + i for i in range(len(place.sales))]
    place.write(place.sales.assign(receipt=ids))
    by_receipt = {"from": "sales", "steps": [{"kind": "select", "columns": ["receipt", "price", "units"]}]}
    got = place.inferred(tables={"weekly": by_receipt}, joins=[])
    assert place.made(got, "weekly")[1]["receipt"].astype(int).tolist() == ids


def test_the_spec_with_tables_has_a_digest_of_its_own(place: Place) -> None:
    """How a table is made is written down as it was declared."""
    assert digest_of(place.spec().declared) != digest_of(place.spec(tables={"weekly": WEEKLY}, joins=[]).declared)


def test_indicators_of_three_files_are_turned_both_ways(shared: Path, tmp_path: Path) -> None:
    """Long, with thousands separators, and with months that are blank: wide by category, one row a year, and longer."""
    year = {
        "mean": {"mean": "MONTHLY_ACTUAL"},
        "target": {"first": "YTD_TARGET"},
        "unit": {"first": "INDICATOR_UNIT"},
    }
    declared = {
        "name": "mta",
        "sources": {
            "performance": {"path": str(shared / "data" / "mta_xml" / "Performance_*.xml"), "rows": "//INDICATOR"}
        },
        "tables": {
            "yearly": {
                "from": "performance",
                "steps": [
                    {"kind": "aggregate", "by": ["INDICATOR_SEQ", "PERIOD_YEAR"], "values": year},
                    {"kind": "filter", "where": "mean is not null"},
                ],
            },
            "wide": {
                "from": "performance",
                "steps": [
                    {"kind": "derive", "columns": {"month": "PERIOD_YEAR * 100 + PERIOD_MONTH"}},
                    {"kind": "pivot", "index": ["AGENCY_NAME", "month"], "column": "CATEGORY",
                     "value": "MONTHLY_ACTUAL", "aggregate": "max"},
                ],
            },
            "long": {
                "from": "performance",
                "steps": [
                    {"kind": "melt", "keep": ["INDICATOR_SEQ", "PERIOD_YEAR", "PERIOD_MONTH"],
                     "columns": ["MONTHLY_TARGET", "MONTHLY_ACTUAL"], "into": ["what", "value"], "drop_missing": True},
                ],
            },
        },
        "base": "yearly",
        "target": "mean",
    }  # fmt: skip
    store = Store(tmp_path / "artifacts")
    got = infer_lock(spec_from(declared, tmp_path), store)
    made = {s.name: store.read_frame(s.table) for s in got.collected.snapshots}
    raw = made["performance"]
    actual = pd.to_numeric(raw["MONTHLY_ACTUAL"].str.replace(",", "").replace("", None))
    aimed = pd.to_numeric(raw["MONTHLY_TARGET"].str.replace(",", "").replace("", None))
    assert actual.max() > 1_000_000
    assert made["wide"]["Service Indicators"].max() == actual.max()
    assert len(made["long"]) == actual.notna().sum() + aimed.notna().sum()
    expected = actual.groupby([raw["INDICATOR_SEQ"].astype(int), raw["PERIOD_YEAR"].astype(int)]).mean().dropna()
    np.testing.assert_allclose(made["yearly"]["mean"], expected)
    assert got.wrangled.n_train + got.wrangled.n_heldout == len(expected)


def test_lines_of_a_database_become_one_row_an_invoice(shared: Path, tmp_path: Path) -> None:
    """The base finds its lines, summed up; the sum of the lines is the invoice's total."""
    file = str(shared / "data" / "chinook" / "Chinook_Sqlite.sqlite")
    values = {
        "n": "count",
        "amount": {"sum": "amount"},
        "dear": {"count": "TrackId", "where": "UnitPrice > 1"},
        "tracks": {"distinct": "TrackId"},
    }
    declared = {
        "name": "chinook",
        "sources": {
            "invoices": {"path": file, "table": "Invoice"},
            "lines": {"path": file, "table": "InvoiceLine"},
        },
        "tables": {
            "per_invoice": {
                "from": "lines",
                "steps": [
                    {"kind": "derive", "columns": {"amount": "UnitPrice * Quantity"}},
                    {"kind": "aggregate", "by": "InvoiceId", "values": values},
                ],
            }
        },
        "base": "invoices",
        "target": "Total",
        "columns": {"Total": {"kind": "float"}},
        "joins": [{"table": "per_invoice", "on": "InvoiceId"}],
    }
    store = Store(tmp_path / "artifacts")
    got = infer_lock(spec_from(declared, tmp_path), store)
    made = {s.name: store.read_frame(s.table) for s in got.collected.snapshots}
    assert made["per_invoice"]["n"].sum() == len(made["lines"])
    both = made["invoices"].merge(made["per_invoice"], on="InvoiceId")
    assert len(both) == len(made["invoices"])
    np.testing.assert_allclose(both["amount"], both["Total"].astype(float))
    clean = store.read_frame(got.wrangled.cut)
    assert {"per_invoice_n", "per_invoice_amount", "per_invoice_dear"} <= set(clean.columns)
