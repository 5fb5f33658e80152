"""The wrangle stage on several tables: what is rejected, what is told, and what travels."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from penstock.slices import Join, Typing
from penstock.spec.pipeline import load_spec
from penstock.steps.relations.travelling import lookups_of
from penstock.steps.wrangling import Wrangling
from tests.unit.wrangling import Run


def shops(folder: Path, n: int = 300) -> dict[str, object]:
    """Write orders, the shops that they were made in, and visits to these; return the sources."""
    rng = np.random.default_rng(8)
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.permutation(n), "h")
    orders = pd.DataFrame({"shop": [f"s{i % 20}" for i in range(n)], "at": at, "paid": rng.normal(50, 9, n).round(2)})
    orders["late"] = np.where(rng.random(n) < 0.4, "yes", "no")
    orders.to_csv(folder / "orders.csv", index=False)
    pd.DataFrame({"shop": [f"s{i}" for i in range(15)], "size": range(15)}).to_csv(folder / "shops.csv", index=False)
    when = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, n, 900), "h")
    visits = pd.DataFrame({"shop": [f"s{i % 19}" for i in range(900)], "when": when, "stay": rng.integers(1, 60, 900)})
    visits.drop_duplicates(["shop", "when"]).to_csv(folder / "visits.csv", index=False)
    return {"orders": "orders.csv", "shops": "shops.csv", "visits": "visits.csv"}


def wrangled(folder: Path, *joins: dict) -> Run:
    """Wrangle the shops with some joins."""
    made = tuple(Join.model_validate(join) for join in joins)
    return Run(folder, shops(folder), Typing(base="orders", target="late"), Wrangling(name="shops", joins=made))


def test_an_inner_join_rejects_training_rows_that_find_nothing_and_flags_the_others(tmp_path):
    """Rejected with the reason, and a held-out row is never dropped."""
    run = wrangled(tmp_path, {"table": "shops", "on": "shop", "how": "inner"})
    (join,) = run.audit.joins
    assert (join.matched, join.orphans, join.share) == (225, 75, 0.75)
    rejected, sides = run.frame("rejected"), run.frame("sides")
    assert set(rejected["reason"]) == {"no row of shops"}
    assert set(rejected["side"]) == {"train"}
    flagged = sides[sides["reason"].notna()]
    assert set(flagged["side"]) == {"heldout"}
    assert len(rejected) + len(flagged) == 75
    entry = run.audit.step("inner_join")
    assert (entry.nature, entry.rows_in - entry.rows_out, entry.flagged) == ("join", len(rejected), len(flagged))
    left = wrangled(tmp_path, {"table": "shops", "on": "shop"})
    assert left.frame("rejected").empty


def test_orphans_stand_in_the_account_with_a_few_of_their_keys(tmp_path):
    """Visible, and not as a column that a model learns from."""
    run = wrangled(tmp_path, {"table": "shops", "on": "shop"})
    (join,) = run.audit.joins
    assert join.examples == ("s15", "s16", "s17")
    assert join.seconds > 0
    added = set(run.wrangled.cut.columns) - {"shop", "paid"}
    assert {name for name in added if name.startswith("shops")} == {"shops_size"}


def test_rows_of_any_time_are_noted_in_the_audit(tmp_path):
    """The line to add stands beside the warning."""
    run = wrangled(tmp_path, {"table": "visits", "on": "shop", "aggregate": {"n": "count"}})
    assert any("as_of: {at: when}" in note for note in run.audit.notes)


def test_every_look_up_that_travels_gives_what_training_saw(tmp_path):
    """Rebuilt from the plan and the stored tables, for all rows at once and for one at a time."""
    takes = {"n": "count", "usual": {"mean": "stay", "window": "2d"}, "longest": {"max": "stay"}}
    timed = {"table": "visits", "on": "shop", "as_of": {"at": "when"}}
    run = wrangled(
        tmp_path,
        {"table": "shops", "on": "shop"},
        {**timed, "within": "12h"},
        {**timed, "aggregate": takes, "lag": "1h"},
        {"table": "orders", "on": "shop", "as_of": "at", "aggregate": {"so_far": {"sum": "paid"}}, "serve": "refresh"},
    )
    tables = {name: run.store.read_table(ref) for name, ref in run.wrangled.lookups.items()}
    assert sorted(tables) == ["orders", "shops", "visits", "visits-2"]
    raw = run.store.read_table(run.wrangled.raw)
    whole = {name: raw[name] for name in raw.column_names}
    lookups = lookups_of(run.plan, tables)
    assert [lookup.record.kind for lookup in lookups] == ["keyed", "as_of", "window", "window"]
    for lookup in lookups:
        whole = lookup.extend_columns(whole, raw.num_rows)
    cast = run.schema.cast(whole).frame
    cut = run.frame("cut")
    joined = [c.name for c in run.schema.features if c.table and c.name in cut.columns]
    assert len(joined) >= 6
    pd.testing.assert_frame_equal(cast[joined], cut[joined], check_exact=True)
    for i in range(0, raw.num_rows, 29):
        row = raw.slice(i, 1).to_pydict()
        for lookup in lookups:
            row = lookup.extend_columns(row, 1)
        alone = run.schema.cast(row).frame[joined]
        pd.testing.assert_frame_equal(alone, cast[joined].iloc[[i]].reset_index(drop=True), check_exact=True)


def test_what_callers_send_does_not_travel(tmp_path):
    """The look-up makes the training rows, and the model then asks for the values."""
    run = wrangled(tmp_path, {"table": "visits", "on": "shop", "as_of": {"at": "when"}, "serve": "request"})
    assert run.wrangled.lookups == {}
    assert lookups_of(run.plan, {}) == ()
    assert "visits_stay" in run.store.read_table(run.wrangled.raw).column_names


FLIGHTS = """
name: delay
sources:
  flights: {place}/nycflights_rel/flights.parquet
  planes: {place}/nycflights_rel/planes.xlsx
  airports: {place}/nycflights_rel/airports.csv
  airlines: {place}/nycflights_rel/airlines.xlsx
  weather: {place}/nycflights_rel/weather.csv
base: flights
target: arr_delay
known_after: [dep_time, dep_delay, arr_time, air_time]
joins:
  - {table: planes, on: tailnum}
  - {table: airports, on: {dest: faa}}
  - {table: airlines, on: carrier}
  - {table: weather, on: origin, as_of: time_hour, lag: 1h, within: 6h}
"""

INVOICES = """
name: invoices
sources:
  invoice: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: Invoice}
  invoiceline: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: InvoiceLine}
  track: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: Track}
  genre: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: Genre}
  mediatype: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: MediaType}
  album: {path: {place}/chinook/Chinook_Sqlite.sqlite, table: Album}
base: invoice
target: Total
joins:
  - {table: invoiceline, on: InvoiceId, pivot: {by: track_genre_Name, most: 8},
     aggregate: {lines: count, length: {mean: track_Milliseconds}, albums: {distinct: track_AlbumId},
                 films: {count: true, where: "track_mediatype_Name = 'Protected MPEG-4 video file'"}}}
  - {table: track, on: TrackId, into: invoiceline}
  - {table: genre, on: GenreId, into: track}
  - {table: mediatype, on: MediaTypeId, into: track}
  - {table: album, on: AlbumId, into: track}
  - {table: invoice, on: CustomerId, as_of: InvoiceDate, aggregate: {earlier: count}}
"""


def run_of(text: str, shared: Path, folder: Path) -> Run:
    """Wrangle what a spec says of data beside the project."""
    path = folder / "spec.yaml"
    path.write_text(text.replace("{place}", str(shared / "data")))
    spec = load_spec(path)
    return Run(folder, spec.declared["sources"], spec.typing, spec.wrangling)


def test_flights_find_their_planes_airports_airlines_and_the_weather_before_them(shared, tmp_path):
    """Orphans as the publisher left them, weather of at least an hour before, and nothing of the future."""
    run = run_of(FLIGHTS, shared, tmp_path)
    found = {reading.table: reading for reading in run.audit.joins}
    assert (found["planes"].orphans, found["planes"].unkeyed) == (14_903, 792)
    assert found["airports"].orphans == 2_264
    assert (found["airlines"].orphans, found["airlines"].share) == (0, 1.0)
    assert found["weather"].stale > 0
    assert found["weather"].share > 0.99
    assert not {"dep_delay", "air_time", "dep_time"} & set(run.wrangled.cut.columns)
    assert sum(reading.seconds for reading in run.audit.joins) < 10
    tables = {name: run.store.read_table(ref) for name, ref in run.wrangled.lookups.items()}
    weather = next(lookup for lookup in lookups_of(run.plan, tables) if lookup.name == "weather")
    raw = run.store.read_table(run.wrangled.raw).slice(0, 2_000)
    at = raw["time_hour"].to_pandas().dt.tz_localize(None)
    read = weather.table["time_hour"].to_pandas().dt.tz_localize(None).to_numpy()
    places = weather.positions(raw)
    lead = at[places >= 0].to_numpy() - read[places[places >= 0]]
    assert lead.min() >= np.timedelta64(1, "h")
    assert lead.max() <= np.timedelta64(7, "h")
    assert np.median(lead) == np.timedelta64(1, "h")
    start = time.perf_counter()
    for _ in range(200):
        weather.extend_columns({"origin": ["EWR"], "time_hour": ["2013-05-01T12:00:00Z"]}, 1)
    assert (time.perf_counter() - start) / 200 < 0.005


def test_invoices_are_made_of_lines_tracks_and_genres(shared, tmp_path):
    """A chain of four tables amounts to columns of the base, and travels as one table of one row an invoice."""
    run = run_of(INVOICES, shared, tmp_path)
    found = {reading.table: reading for reading in run.audit.joins}
    assert [found[t].into for t in ("genre", "track", "invoiceline")] == ["track", "invoiceline", ""]
    assert (found["track"].matched, found["track"].orphans) == (2_240, 0)
    assert {"invoiceline", "invoice"} == set(run.wrangled.lookups)
    assert run.wrangled.lookups["invoiceline"].n_rows == 412
    cut, sides = run.frame("cut"), run.frame("sides")
    genres = [name for name in cut.columns if name.startswith("invoiceline_track_genre_Name_")]
    assert len(genres) == 8
    first = cut[sides["row"] == 0].iloc[0]
    assert (first["invoiceline_lines"], first["invoiceline_track_genre_Name_Rock"], first["invoice_earlier"]) == (
        2,
        2,
        0,
    )
    assert cut["invoiceline_lines"].sum() > 2_000
    assert (cut[genres].sum(axis=1) <= cut["invoiceline_lines"]).all()
