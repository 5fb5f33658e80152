"""Tables joined to the base, directly and by way of each other."""

from __future__ import annotations

import pyarrow as pa
import pytest

from penstock.errors import DataError, SpecError, UserError
from penstock.steps.relations.again import sources_of, tables_again
from penstock.steps.relations.travelling import lookups_of

from .relating import days, joined, source, taken

GENRES = source("genres", {"genre": [1, 2], "called": ["Rock", "Jazz"]})
TRACKS = source("tracks", {"track": [10, 11, 12], "genre": [1, 2, 1], "length": [3.0, 5.0, 4.0]})
LINES = source("lines", {"invoice": [1, 1, 2, 2, 2, None], "track": [10, 11, 12, 12, 99, 10]})
INVOICES = source("invoices", {"invoice": [1, 2, 3, None], "total": [1.0, 2.0, 3.0, 4.0]}, target="total")
CHAIN = (
    {"table": "lines", "on": "invoice", "aggregate": {"n": "count", "length": {"sum": "tracks_length"}},
     "pivot": {"by": "tracks_genres_called", "most": 2}},
    {"table": "tracks", "on": "track", "into": "lines"},
    {"table": "genres", "on": "genre", "into": "tracks"},
)  # fmt: skip


def test_a_chain_is_joined_from_its_far_end_whatever_the_order_in_the_spec():
    """Genres go into tracks, tracks into lines, and lines amount to something for an invoice."""
    done = joined(INVOICES, [GENRES, TRACKS, LINES], *CHAIN)
    assert [reading.table for reading in done.joins] == ["genres", "tracks", "lines"]
    assert [reading.into for reading in done.joins] == ["tracks", "lines", ""]
    assert taken(done, "lines_n") == [2, 3, 0, None]
    assert taken(done, "lines_length") == [8.0, 8.0, 0.0, None]
    assert taken(done, "lines_tracks_genres_called_Rock") == [1, 2, 0, None]
    assert taken(done, "lines_tracks_genres_called_Jazz") == [1, 0, 0, None]
    kinds = {column.name: column.kind for column in done.table_schema.columns if column.table}
    assert kinds["lines_n"] == "integer"
    assert kinds["lines_length"] == "float"


def test_a_chain_travels_as_one_table_and_is_rebuilt_from_its_record():
    """What only leads on is merged: the bundle carries one row a key, and finds in it what training found."""
    done = joined(INVOICES, [GENRES, TRACKS, LINES], *CHAIN)
    plan = {"lookups": [record.model_dump(mode="json") for record in done.records]}
    assert sources_of(plan, ["lines"]) == {"lines", "tracks", "genres"}
    tables = {"lines": done.lookups["lines"].table}
    (lookup,) = lookups_of(plan, tables)
    assert lookup.table.num_rows == 2
    assert lookup.extend(INVOICES.raw).equals(done.lookups["lines"].extend(INVOICES.raw))
    few = lookup.extend_columns({"invoice": [2, 7, None]}, 3)
    assert few["lines_n"] == [3, 0, None]
    assert few["lines_length"] == [8.0, 0.0, None]


def test_a_table_is_made_anew_with_the_levels_that_the_model_knows():
    """Another level that has become frequent is no column of the model, and one that has gone is 0 everywhere."""
    done = joined(INVOICES, [GENRES, TRACKS, LINES], *CHAIN)
    plan = {"lookups": [record.model_dump(mode="json") for record in done.records]}
    renamed = source("genres", {"genre": [1, 2], "called": ["Pop", "Jazz"]})
    sources = {"genres": renamed, "tracks": TRACKS, "lines": LINES}
    table = tables_again(plan, sources, ["lines"])["lines"]
    assert table.column_names == done.lookups["lines"].table.column_names
    assert table["tracks_genres_called_Rock"].to_pylist() == [0, 0]
    assert table["tracks_genres_called_Jazz"].to_pylist() == [1, 0]


def test_a_key_may_come_from_an_earlier_join():
    """The base finds a plane, the plane names its maker, and the maker has a country; a caller may send any of it."""
    base = source("flights", {"tail": ["N1", "N2", "N9"], "late": [1.0, 2.0, 3.0]}, target="late")
    planes = source("planes", {"tail": ["N1", "N2"], "maker": ["A", "B"]}, maker="id")
    makers = source("makers", {"maker": ["A", "B"], "land": ["FR", "US"]})
    joins = ({"table": "makers", "on": {"planes_maker": "maker"}}, {"table": "planes", "on": "tail"})
    done = joined(base, [planes, makers], *joins)
    assert list(done.lookups) == ["planes", "makers"]
    assert taken(done, "makers_land") == ["FR", "US", None]
    # The maker is taken along because it leads on; as an id it is no feature.
    assert list(done.features.columns) == ["tail", "makers_land"]
    columns = {"tail": ["N1"], "planes_maker": ["B"]}
    for lookup in done.lookups.values():
        columns = lookup.extend_columns(columns, 1)
    assert columns["makers_land"] == ["US"]


@pytest.mark.parametrize(
    ("joins", "told"),
    [
        (({"table": "tracks", "on": "track", "into": "lines"}, {"table": "lines", "on": "track", "into": "tracks"}),
         "Joins wait for each other"),
        (({"table": "trax", "on": "track"},), "did you mean 'tracks'"),
        (({"table": "tracks", "on": "track", "into": "linse"},), "did you mean 'lines'"),
        (({"table": "lines", "on": "invoice", "aggregate": {"n": {"sum": "trak"}}},), "did you mean 'track'"),
        (({"table": "lines", "on": {"invoise": "invoice"}, "aggregate": {"n": "count"}},), "did you mean 'invoice'"),
        (({"table": "tracks", "on": "track", "into": "lines"},), "nothing takes them from there"),
        (({"table": "tracks", "on": "track", "into": "tracks"},), "joined into itself"),
        (({"table": "lines", "on": "invoice", "aggregate": {"n": "count"}},
          {"table": "tracks", "on": "track", "into": "lines", "serve": "request"}), "travel within 'lines'"),
        (({"table": "genres", "on": {"invoice": "genre"}, "aggregate": {"n": {"mean": "called"}}},),
         "There is no mean of the column 'called'"),
        (({"table": "lines", "on": "invoice", "aggregate": {"n": {"count": True, "where": "trakc > 1"}}},),
         "did you mean 'track'"),
        (({"table": "lines", "on": "invoice", "aggregate": {"invoice": "count"}},), "a second column 'invoice'"),
    ],
)  # fmt: skip
def test_a_join_that_is_written_wrong_is_refused_by_what_is_wrong(joins, told):
    """Every slip is the spec's, and the nearest name or the tables in the ring are told."""
    with pytest.raises(SpecError) as caught:
        joined(INVOICES, [GENRES, TRACKS, LINES], *joins)
    assert told in str(caught.value)
    if "wait" in told:
        assert "'tracks' waits for 'lines' waits for 'tracks'" in str(caught.value)


def test_aggregates_keep_what_their_column_is_and_count_in_whole_numbers():
    """A maximum of moments is a moment, of texts a text; a private column stays private in what is made of it."""
    base = source("people", {"who": ["a", "b", "c"], "y": [1.0, 2.0, 3.0]}, target="y")
    visits = source(
        "visits",
        {
            "who": ["a", "a", "b"],
            "day": days(3, 9, 2),
            "ward": ["x", "y", None],
            "fee": [2, 3, None],
            "ok": [True, False, True],
        },
        private=("ward",),
    )
    made = {
        "last": {"max": "day"},
        "ward": {"first": "ward"},
        "fee": {"max": "fee"},
        "mean": {"mean": "fee"},
        "well": {"min": "ok"},
        "wards": {"distinct": "ward"},
        "dear": {"count": True, "where": "fee >= 3"},
    }
    done = joined(base, [visits], {"table": "visits", "on": "who", "aggregate": made})
    assert [str(v)[:10] for v in taken(done, "visits_last")] == ["2026-01-09", "2026-01-02", "None"]
    assert taken(done, "visits_ward") == ["x", None, None]
    assert taken(done, "visits_fee") == [3, None, None]
    assert taken(done, "visits_mean") == [2.5, None, None]
    assert taken(done, "visits_well") == [False, True, None]
    assert taken(done, "visits_wards") == [2, 0, 0]
    assert taken(done, "visits_dear") == [1, 0, 0]
    columns = {c.name: c for c in done.table_schema.columns}
    assert [columns[f"visits_{n}"].kind for n in made] == [
        "datetime", "category", "integer", "float", "boolean", "integer", "integer",
    ]  # fmt: skip
    assert columns["visits_ward"].private
    assert not columns["visits_fee"].private
    assert done.features["visits_last"].dtype.kind == "M"


def test_a_pivot_by_a_private_column_is_refused():
    """Its levels would stand in the names of columns."""
    visits = source("visits", {"who": ["a"], "ward": ["x"]}, private=("ward",))
    base = source("people", {"who": ["a"], "y": [1.0]}, target="y")
    with pytest.raises(SpecError, match="are private") as caught:
        joined(base, [visits], {"table": "visits", "on": "who", "pivot": {"by": "ward"}})
    assert "'x'" not in str(caught.value)


SALES = source(
    "sales",
    {
        "shop": ["a", "a", "b", "a"],
        "day": days(1, 2, 2, 3),
        "sold": [5.0, 7.0, 1.0, 9.0],
        "staff": [1, 2, 3, 4],
        "waste": [1, 1, 1, 1],
    },
    target="sold",
    waste="known_after",
)


def test_earlier_rows_of_the_base_itself_can_be_counted():
    """The row itself and later ones never count."""
    join = {
        "table": "sales",
        "on": "shop",
        "as_of": "day",
        "aggregate": {"before": "count", "staff": {"last": "staff"}},
    }
    done = joined(SALES, [], join)
    assert taken(done, "sales_before") == [0, 1, 0, 2]
    assert taken(done, "sales_staff") == [None, 1, None, 2]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"aggregate": {"n": "count"}}, "as_of: day"),
        ({"as_of": "day"}, "would find itself"),
        ({"as_of": "day", "aggregate": {"n": {"mean": "sold"}}}, "group_stats"),
        ({"as_of": "day", "aggregate": {"n": {"count": True, "where": "sold > 3"}}}, "group_stats"),
        ({"as_of": "day", "aggregate": {"n": {"sum": "waste"}}}, "lag: 2h"),
    ],
)
def test_a_row_is_not_told_of_itself_its_target_or_its_future(said, told):
    """Each way in which the base could leak into itself is refused with what to write instead."""
    with pytest.raises(SpecError) as caught:
        joined(SALES, [], {"table": "sales", "on": "shop", **said})
    assert told in str(caught.value)


def test_nothing_is_looked_up_by_what_is_known_only_after_the_fact():
    """No caller could send it."""
    wastes = source("wastes", {"waste": [1], "cost": [2]})
    with pytest.raises(SpecError, match="known only after the fact"):
        joined(SALES, [wastes], {"table": "wastes", "on": "waste"})


def test_aggregates_that_take_rows_of_any_time_are_warned_of_with_the_line_to_add():
    """Both sides have times, so later rows would leak: it may be meant, and is said."""
    orders = source("orders", {"shop": ["a", "b"], "at": days(1, 9)})
    done = joined(SALES, [orders], {"table": "orders", "on": "shop", "aggregate": {"n": "count"}})
    (note,) = done.notes
    assert note.endswith("add to it: as_of: {day: at}")
    timed = {"table": "orders", "on": "shop", "aggregate": {"n": "count"}, "as_of": {"day": "at"}}
    assert joined(SALES, [orders], timed).notes == ()


def test_one_to_one_is_checked_on_both_sides_but_for_exact_copies():
    """A second row that finds the same partner is named with its key, unless it says the very same."""
    lab = source("lab", {"id": ["a", "b"], "x": [1, 2]})
    join = {"table": "lab", "on": "id", "relation": "one-to-one"}
    copies = source("base", {"id": ["a", "a", "b"], "y": [1.0, 1.0, 2.0]}, target="y")
    assert taken(joined(copies, [lab], join), "lab_x") == [1, 1, 2]
    twice = source("base", {"id": ["a", "a", "b"], "y": [1.0, 3.0, 2.0]}, target="y")
    with pytest.raises(DataError, match="calls one-to-one") as caught:
        joined(twice, [lab], join)
    assert "1 keys more than once, first 'a'" in str(caught.value)
    hidden = source("base", {"id": ["a", "a", "b"], "y": [1.0, 3.0, 2.0]}, target="y", private=("id",))
    with pytest.raises(DataError) as caught:
        joined(hidden, [lab], join)
    assert "'a'" not in str(caught.value)


def test_only_columns_that_may_be_taken_are_taken():
    """`columns` names them, and an absent one is a slip."""
    lab = source("lab", {"id": ["a"], "x": [1], "z": [2]})
    base = source("base", {"id": ["a"], "y": [1.0]}, target="y")
    done = joined(base, [lab], {"table": "lab", "on": "id", "columns": ["z"]})
    assert done.lookups["lab"].columns == ("lab_z",)
    with pytest.raises(SpecError, match="has no column 'zz'"):
        joined(base, [lab], {"table": "lab", "on": "id", "columns": ["zz"]})


def test_a_look_up_that_is_too_large_does_not_travel_and_a_reduced_one_may():
    """What counts is what would travel; what callers send has no limit."""
    lab = source("lab", {"id": [1, 2, 3, 3], "x": [1, 2, 3, 3]})
    base = source("base", {"id": [1, 3], "y": [1.0, 2.0]}, target="y")
    with pytest.raises(DataError, match="too large to travel") as caught:
        joined(base, [lab], {"table": "lab", "on": "id", "max_rows": 2})
    assert "3 rows" in str(caught.value)
    assert "serve: request" in str(caught.value)
    assert joined(base, [lab], {"table": "lab", "on": "id", "max_rows": 2, "serve": "request"}).lookups
    assert joined(base, [lab], {"table": "lab", "on": "id", "max_rows": 3, "aggregate": {"n": "count"}}).lookups


def test_a_table_may_be_joined_twice_under_names_of_its_own():
    """Two look-ups of one table travel as two, and two columns of one name are refused with the way out."""
    lab = source("lab", {"id": ["a", "b"], "x": [1, 2]})
    base = source("base", {"id": ["a", "b"], "ref": ["b", "a"], "y": [1.0, 2.0]}, target="y")
    twice = ({"table": "lab", "on": "id"}, {"table": "lab", "on": {"ref": "id"}, "aggregate": {"n": "count"}})
    done = joined(base, [lab], *twice)
    assert list(done.lookups) == ["lab", "lab-2"]
    with pytest.raises(DataError, match="second column 'lab_x'") as caught:
        joined(base, [lab], {"table": "lab", "on": "id"}, {"table": "lab", "on": {"ref": "id"}})
    assert "a second time under `sources`" in str(caught.value)


def test_keys_of_other_kinds_that_never_meet_are_told_with_both_kinds():
    """A number that reads like a text is the same key; where nothing meets, the kinds are the first suspicion."""
    lab = source("lab", {"id": ["1", "2"], "x": [1, 2]})
    same = source("base", {"id": [1, 2], "y": [1.0, 2.0]}, target="y")
    assert taken(joined(same, [lab], {"table": "lab", "on": "id"}), "lab_x") == [1, 2]
    other = source("base", {"id": [7, None], "y": [1.0, 2.0]}, target="y")
    with pytest.raises(UserError, match="No row of 'base' finds a row of 'lab'") as caught:
        joined(other, [lab], {"table": "lab", "on": "id"})
    assert "1 of 2 rows have a key; id is integer, id is category" in str(caught.value)


def test_rows_of_another_table_that_an_inner_join_has_no_use_for_are_gone_from_it():
    """They are no rows of the base, so none of the base's is rejected for them."""
    inner = [{**join, "how": "inner"} if join["table"] == "tracks" else join for join in CHAIN]
    done = joined(INVOICES, [GENRES, TRACKS, LINES], *inner)
    assert taken(done, "lines_n") == [2, 2, 0, None]
    assert done.lacking.tolist() == [None] * 4


def test_a_cell_of_another_table_that_does_not_read_is_told_for_every_row_that_finds_it():
    """Typed once for the table, it is a misfit of each row; a row that finds nothing has none."""
    lab = source("lab", {"id": ["a", "b"], "x": ["1.5", "oops"]}, {"x": "float"})
    base = source("base", {"id": ["b", "a", "b", "z"], "y": [1.0, 2.0, 3.0, 4.0]}, target="y")
    done = joined(base, [lab], {"table": "lab", "on": "id"})
    assert done.features["lab_x"].fillna(-1.0).tolist() == [-1.0, 1.5, -1.0, -1.0]
    told = "column 'lab_x' does not read as a finite number"
    assert done.misfit.tolist() == [told, None, told, None]
    assert done.misfit_column.tolist() == ["lab_x", None, "lab_x", None]


def test_what_a_caller_has_to_send_includes_keys_that_are_no_features():
    """A key with a role of its own is needed by the look-up all the same."""
    lab = source("lab", {"id": ["a"], "x": [1]})
    base = source("base", {"id": ["a"], "v": [1.0], "y": [1.0]}, target="y", id="ignored")
    done = joined(base, [lab], {"table": "lab", "on": "id"})
    assert done.sent().column_names == ["id", "v"]
    assert isinstance(done.sent(), pa.Table)
