"""What each table step makes of rows, against plain loops and by hand; and what it refuses."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from penstock.errors import DataError, PlanError, UserError
from penstock.reshape.base import TableStep
from penstock.reshape.groups import TAKES
from penstock.reshape.steps.aggregate import AggregateRows
from penstock.reshape.steps.deduplicate import DeduplicateRows
from penstock.reshape.steps.derive import DeriveColumns
from penstock.reshape.steps.drop import DropColumns
from penstock.reshape.steps.fill_gaps import FillGaps
from penstock.reshape.steps.filter import FilterRows
from penstock.reshape.steps.melt import MeltColumns
from penstock.reshape.steps.pivot import PivotColumns
from penstock.reshape.steps.rename import RenameColumns
from penstock.reshape.steps.resample import ResampleRows
from penstock.reshape.steps.sample import SampleRows
from penstock.reshape.steps.select import SelectColumns
from penstock.reshape.steps.sort import SortRows
from penstock.reshape.steps.stack import StackRows
from penstock.reshape.steps.union import TABLE_STEPS, AnyTableStep
from penstock.reshape.table import arrow_table

from .tables import cells, done, table

SALES = table(
    store=("category", ["b", "a", "b", None, "a"]),
    month=("integer", [1, 1, 2, 2, 1]),
    units=("integer", [3, None, 5, 7, 2]),
    name=("text", ["Ann", "Bo", None, "Cy", "Di"]),
    at=("datetime", ["2024-01-05", "2024-01-02", "2024-01-09T12:30", "2024-03-01", "2024-01-03"]),
)
NAMED: tuple[TableStep, ...] = (
    AggregateRows(by="storr", values={"n": "count"}),
    AggregateRows(by="store", values={"n": {"sum": "storr"}}),
    DeduplicateRows(key="storr"),
    DeduplicateRows(key="store", keep="newest", by="storr"),
    DropColumns(columns="storr"),
    FillGaps(time="storr", every="1d"),
    FillGaps(time="at", every="1d", by="storr"),
    MeltColumns(keep="storr"),
    MeltColumns(columns="storr"),
    PivotColumns(index="storr", column="month", value="units"),
    PivotColumns(index="month", column="storr", value="units"),
    PivotColumns(index="month", column="store", value="storr"),
    RenameColumns(columns={"storr": "s"}),
    ResampleRows(time="storr", every="1d", values={}),
    ResampleRows(time="at", every="1d", by="storr", values={}),
    SelectColumns(columns="storr"),
    SortRows(by="storr"),
    SortRows(by="store", descending="storr"),
)


@pytest.mark.parametrize("step", NAMED, ids=lambda s: s.name)
def test_a_column_that_is_not_there_is_told_with_table_step_and_the_nearest_name(step) -> None:
    """Which of many tables and steps it is would otherwise have to be guessed."""
    with pytest.raises(PlanError) as told:
        done(step, SALES)
    assert "'storr'" in told.value.what
    assert "did you mean 'store'" in told.value.expected
    assert told.value.where == f"table 'made', step 2 ({step.name})"


@pytest.mark.parametrize(
    "step",
    [FilterRows(where="storr == 'a'"), DeriveColumns(columns={"x": "storr"}), FilterRows(where="units + store > 1")],
    ids=lambda s: s.name,
)
def test_an_expression_that_does_not_fit_is_told_with_table_and_step(step) -> None:
    """By what is wrong in it."""
    with pytest.raises(PlanError, match="does not fit the columns") as told:
        done(step, SALES)
    assert "table 'made', step 2" in told.value.where
    assert "storr" in told.value.got or "'+'" in told.value.got


@pytest.mark.parametrize(
    "step",
    [
        AggregateRows(by="store", values={"store": "count"}),
        DeriveColumns(columns={"units": "month"}),
        MeltColumns(keep="store", columns=("units", "month"), into=("store", "value")),
        MeltColumns(columns=("units", "month"), into=("x", "x")),
        PivotColumns(index="month", column="store", aggregate="count", prefix="month").model_copy(
            update={"levels": ("", "a")}
        ),
        RenameColumns(columns={"store": "month"}),
        ResampleRows(time="at", every="1d", values={"at": "count"}),
        SelectColumns(columns=("store", "store")),
        FillGaps(time="at", every="1d", by=("store", "at")),
    ],
    ids=lambda s: s.name,
)
def test_no_step_makes_a_second_column_of_a_name(step) -> None:
    """Two columns of one name could not be told apart."""
    with pytest.raises(PlanError, match="second column"):
        done(step, SALES)


def test_every_table_step_class_is_in_the_union() -> None:
    """A new one is of no use until the union knows it; and its written form reads back as the same step."""
    found, ahead = set(), [TableStep]
    while ahead:
        known = ahead.pop().__subclasses__()
        found |= {c for c in known if "kind" in c.model_fields}
        ahead += known
    assert found == set(TABLE_STEPS)
    adapter = TypeAdapter(AnyTableStep)
    for step in NAMED:
        assert adapter.validate_json(adapter.dump_json(step)) == step


VALUES = st.one_of(st.just(np.nan), st.integers(-4, 4).map(float))
LONG = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), VALUES, VALUES, st.sampled_from(["p", "q", None])),
    min_size=1,
    max_size=14,
)


def long(rows) -> pd.DataFrame:
    key, other, n, text = (list(c) for c in zip(*rows, strict=True))
    return table(key=("category", key), other=("integer", other), n=("float", n), text=("category", text))


def slow(values: list, take: str) -> object:
    """Return an aggregate of a plain list, None for one of nothing."""
    there = [v for v in values if not pd.isna(v)]
    if take == "count":
        return float(len(there))
    if take == "distinct":
        return float(len(set(there)))
    if not there or (take == "std" and len(there) < 2):
        return None
    plain = {"sum": sum, "min": min, "max": max, "first": lambda v: v[0], "last": lambda v: v[-1]}
    plain |= {"mean": np.mean, "std": lambda v: np.std(v, ddof=1)}
    return plain[take](there)


@given(rows=LONG)
@settings(max_examples=30)
def test_aggregates_are_those_of_a_loop_over_the_groups(rows) -> None:
    """All kinds of them, with and without a condition; missing keys make a group, the last."""
    given_table = long(rows)
    values = {take: {take: "n"} for take in TAKES}
    values |= {"rows": "count", "text": {"last": "text"}, "texts": {"distinct": "text"}}
    values |= {"some": {"sum": "n", "where": "n > 0"}, "many": {"count": True, "where": "n > 0"}}
    made = done(AggregateRows(by=("key", "other"), values=values), given_table)
    got = cells(made)
    frame = given_table.frame
    keys = [tuple(None if pd.isna(v) else v for v in r) for r in frame[["key", "other"]].itertuples(index=False)]
    order = sorted(set(keys), key=lambda k: [(v is None, v) if v is not None else (True, 0) for v in k])
    assert list(zip(got["key"], got["other"], strict=True)) == order
    for i, key in enumerate(order):
        own = frame[[k == key for k in keys]]
        for take in TAKES:
            expected = slow(own["n"].tolist(), take)
            assert got[take][i] == (expected if expected is None else pytest.approx(expected))
        assert got["rows"][i] == len(own)
        assert got["text"][i] == slow(own["text"].tolist(), "last")
        assert got["texts"][i] == slow(own["text"].tolist(), "distinct")
        positive = own["n"][own["n"] > 0].tolist()
        assert (got["some"][i], got["many"][i]) == (slow(positive, "sum"), float(len(positive)))


def test_aggregates_keep_the_kinds_that_they_have() -> None:
    """A sum of whole numbers is whole, the first of texts a text, the latest of moments a moment."""
    values = {"units": {"sum": "units"}, "mean": {"mean": "units"}, "who": {"first": "name"}, "at": {"max": "at"}}
    made = done(AggregateRows(values=values), SALES)
    assert made.kinds == {"units": "integer", "mean": "float", "who": "text", "at": "datetime"}
    assert cells(made)["units"] == [17.0]
    assert str(arrow_table(made).schema.field("at").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"u": {"median": "units"}}, "is no aggregate; one is count"),
        ({"u": "sum"}, "is no aggregate"),
        ({"u": {"sum": True}}, "needs a column"),
        ({"u": {"sum": "units", "window": "1d"}}, "use `resample`"),
    ],
)
def test_an_aggregate_that_there_is_not_is_refused(values, told) -> None:
    """With those that there are."""
    with pytest.raises(ValidationError, match=told):
        AggregateRows(by="store", values=values)


def test_a_sum_of_texts_is_refused() -> None:
    """By the column's kind."""
    with pytest.raises(PlanError, match="cannot work on the column 'name'"):
        done(AggregateRows(by="store", values={"x": {"mean": "name"}}), SALES)


def test_a_sum_that_no_number_holds_is_missing() -> None:
    """No infinity leaves a step."""
    big = table(a=("float", [1e308, 1e308]))
    assert cells(done(AggregateRows(values={"a": {"sum": "a"}}), big))["a"] == [None]


@given(rows=LONG)
@settings(max_examples=30)
def test_a_pivot_holds_what_a_loop_puts_into_its_cells(rows) -> None:
    """Levels in sorted order; a cell that no row fills is missing, and a count of none is 0."""
    given_table = long(rows)
    frame = given_table.frame
    levels = sorted({v for v in frame["other"] if not pd.isna(v)})
    if not levels:
        return
    for take in TAKES:
        made = done(PivotColumns(index="key", column="other", value="n", aggregate=take, prefix="is "), given_table)
        assert made.names == ["key", *(f"is {int(level)}" for level in levels)]
        got = cells(made)
        for i, key in enumerate(got["key"]):
            own = frame[frame["key"].isna() if key is None else frame["key"] == key]
            for level in levels:
                expected = slow(own["n"][own["other"] == level].tolist(), take)
                assert got[f"is {int(level)}"][i] == (expected if expected is None else pytest.approx(expected))


def test_melting_what_was_pivoted_gives_the_long_rows_again() -> None:
    """Each is the other's way back."""
    given_table = table(id=("integer", [1, 1, 2]), what=("category", ["a", "b", "a"]), n=("float", [1.5, 2.5, 3.5]))
    wide = done(PivotColumns(index="id", column="what", value="n"), given_table)
    back = done(MeltColumns(keep="id", into=("what", "n"), drop_missing=True), wide)
    assert cells(back) == cells(given_table)


def test_a_pivot_of_too_many_levels_is_refused_with_their_number() -> None:
    """A column for each row would be a mistake, and fill the memory."""
    many = table(id=("integer", [1] * 300), what=("integer", list(range(300))), n=("float", [0.0] * 300))
    with pytest.raises(DataError, match="each of 300 levels of 'what'") as told:
        done(PivotColumns(index="id", column="what", value="n"), many)
    assert told.value.where == "table 'made', step 2 (pivot)"
    assert "'0', '1', '2'" in told.value.got
    some = done(PivotColumns(index="id", column="what", value="n", levels=("7", "999")), many)
    assert cells(some) == {"id": [1.0], "7": [0.0], "999": [None]}
    assert some.remarks == ("pivot left out 299 rows (0, 1, 2, 3, 4, …) without a level of 'what'",)


def test_a_pivot_with_two_rows_for_a_cell_asks_what_to_make_of_them() -> None:
    """Which of them is meant cannot be guessed; the rows are named."""
    twice = table(id=("integer", [1, 2, 1]), what=("category", ["a", "a", "a"]), n=("float", [1.0, 2.0, 3.0]))
    with pytest.raises(DataError, match=r"several rows for one cell: 2 rows \(0, 2\)") as told:
        done(PivotColumns(index="id", column="what", value="n"), twice)
    assert "{id: 1, what: a}" in told.value.got
    with pytest.raises(ValidationError, match="needs a `value`"):
        PivotColumns(index="id", column="what")


def test_melted_columns_have_to_be_alike() -> None:
    """Numbers beside texts make no column; both are named."""
    with pytest.raises(PlanError, match="different kinds") as told:
        done(MeltColumns(keep="store", columns=("units", "name")), SALES)
    assert told.value.got == "'units' of kind integer, 'name' of kind text"
    texts = done(MeltColumns(keep="month", columns=("store", "name")), SALES)
    assert cells(texts)["value"][:6] == ["b", "Ann", "a", "Bo", "b", None]
    moments = done(MeltColumns(columns="at"), SALES)
    assert moments.kinds == {"column": "category", "value": "datetime"}
    with pytest.raises(PlanError, match="no column to melt"):
        done(MeltColumns(keep=tuple(SALES.kinds)), SALES)


def test_stacked_tables_have_the_same_columns_in_whatever_order() -> None:
    """Differences are named; whole numbers and fractions go together."""
    one = table(a=("integer", [1]), b=("text", ["x"]))
    two = table(private="b", b=("category", ["y"]), a=("float", [2.5]))
    made = done(StackRows(tables="two", origin="which"), one, two=two)
    assert cells(made) == {"a": [1.0, 2.5], "b": ["x", "y"], "which": ["made", "two"]}
    assert made.kinds == {"a": "float", "b": "text", "which": "category"}
    assert made.private == {"b"}
    with pytest.raises(PlanError, match="other columns") as told:
        done(StackRows(tables="two"), one, two=table(a=("float", [1.0]), c=("float", [1.0])))
    assert told.value.got == "it lacks 'b'; it has 'c' too"
    with pytest.raises(PlanError, match="'b' is of another kind"):
        done(StackRows(tables="two"), one, two=table(a=("float", [1.0]), b=("float", [1.0])))


def test_rows_are_sorted_stably_with_what_is_missing_last() -> None:
    """Rising or falling, and each column its own way."""
    made = done(SortRows(by=("month", "units"), descending="units"), SALES)
    assert cells(made)["units"] == [3.0, 2.0, None, 7.0, 5.0]
    assert cells(done(SortRows(by="month"), SALES))["name"] == ["Ann", "Bo", "Di", None, "Cy"]


def test_a_filter_that_leaves_nothing_tells_table_step_and_first_rows() -> None:
    """Without what is private."""
    secret = table(private="name", units=("integer", [1, 2]), name=("text", ["Ann", "Bo"]))
    with pytest.raises(DataError, match="leaves no row") as told:
        done(FilterRows(where="units > 5 and name != 'x'"), secret)
    assert told.value.where == "table 'made', step 2 (filter)"
    assert told.value.got.endswith("{units: 1, name: (private)}, {units: 2, name: (private)}")


def test_what_is_made_of_private_columns_is_private() -> None:
    """Under another name, in an expression, melted, aggregated; a count tells no value."""
    secret = table(private="pay", id=("integer", [1, 2]), pay=("float", [10.0, 20.0]), age=("float", [1.0, 2.0]))
    steps: list[tuple[TableStep, set[str]]] = [
        (RenameColumns(columns={"pay": "wage"}), {"wage"}),
        (DeriveColumns(columns={"twice": "pay * 2", "more": "twice + 1", "half": "age / 2"}), {"pay", "twice", "more"}),
        (MeltColumns(keep="id"), {"value"}),
        (MeltColumns(keep="pay", columns="age"), {"pay"}),
        (AggregateRows(by="id", values={"top": {"max": "pay"}, "n": {"count": "pay"}}), {"top"}),
        (PivotColumns(index="age", column="id", value="pay"), {"1", "2"}),
        (SelectColumns(columns="age"), set()),
        (DropColumns(columns="age"), {"pay"}),
        (FilterRows(where="pay > 0"), {"pay"}),
    ]
    for step, private in steps:
        assert done(step, secret).private == private, step.name
    with pytest.raises(PlanError, match="private") as told:
        done(PivotColumns(index="age", column="pay", value="id"), secret)
    assert "20" not in str(told.value)


def test_rows_of_one_key_become_one() -> None:
    """The newest of them; without keys, of equal rows one."""
    made = done(DeduplicateRows(key="store", keep="newest", by="at"), SALES)
    assert cells(made)["name"] == [None, "Cy", "Di"]
    twice = table(a=("float", [1.0, None, 1.0, None]), b=("text", ["x", None, "x", None]))
    assert cells(done(DeduplicateRows(), twice)) == {"a": [1.0, None], "b": ["x", None]}
    with pytest.raises(PlanError, match="'name'"):
        done(DeduplicateRows(key="store", keep="newest", by="name"), SALES)


def test_a_sample_stays_when_the_table_grows() -> None:
    """Each row's own content decides."""
    whole = table(a=("float", [float(i) for i in range(600)]))
    step = SampleRows(share=0.5)
    part = cells(done(step, whole.take(np.arange(400))))["a"]
    assert [a for a in cells(done(step, whole))["a"] if a < 400] == part
    assert 150 < len(part) < 250


def test_kinds_have_arrow_types_of_their_own() -> None:
    """So that they are typed again as they were; a missing cell is null."""
    made = arrow_table(
        table(
            n=("integer", [1, None]),
            big=("integer", [2.0**60, 1.0]),
            ok=("boolean", [1, None]),
            t=("time", [3723.5, None]),
            x=("float", [0.5, None]),
            c=("category", ["x", None]),
            at=("datetime", ["2024-01-01", None]),
        )
    )
    types = ["int64", "double", "bool", "time64[us]", "double", "string", "timestamp[us, tz=UTC]"]
    assert [str(t) for t in made.schema.types] == types
    assert [made[name][1].as_py() for name in made.column_names if name != "big"] == [None] * 6
    assert str(made["t"][0].as_py()) == "01:02:03.500000"


@pytest.mark.parametrize("step", [*NAMED, SortRows(by="store"), SampleRows(n=1)], ids=lambda s: s.name)
def test_an_error_of_a_step_is_one_that_a_user_can_read(step) -> None:
    """On one row of nothing but missing cells, too."""
    nothing = table(
        storr=("category", [None]), store=("category", [None]), month=("integer", [None]), units=("integer", [None]),
        at=("datetime", [None]),
    )  # fmt: skip
    told = "table 'made', step 2"
    with contextlib.suppress(UserError):
        try:
            done(step, nothing)
        except UserError as error:
            told = error.where
            raise
    assert "table 'made', step 2" in told
