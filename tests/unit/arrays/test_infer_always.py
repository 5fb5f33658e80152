"""What holds of every column that is inferred, whatever is in it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.arrays.infer import infer_and_cast, infer_column, infer_schema, typed_column
from penstock.casting import cast_column
from penstock.slices import ColumnSpec
from tests.unit.arrays.test_infer import TYPING, column_of, table_of


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_is_no_matter(rng: random.Random):
    """Types come from what is there, not from what comes first."""
    raw = table_of()
    order = list(range(raw.num_rows))
    rng.shuffle(order)
    assert infer_schema(raw.take(order), TYPING, True) == infer_schema(raw, TYPING, True)


WRITTEN = {
    "numbers": ["1", "2.5", "-3", "1e5", " 7 ", "1.0"],
    "counts": ["1", "20", "300", "007", "0"],
    "money": ["$4.99", "$1,200", "-$3", "5"],
    "commas": ["17,99", "1.234,5", "3", "1,234"],
    "sizes": ["19M", "300k", "Varies with device"],
    "days": ["31.12.2024", "01.02.2025", "2024-01-02", "02/03/2024", "13/02/2024", "12/31/2024"],
    "moments": ["2024-01-02T03:04:05Z", "2024-02-03 00:00:00+02:00", "1600-01-01", "Jan 5, 2024 3:04 PM"],
    "clocks": ["12:30", "9:05 PM", "25:00", "12:30:15.5"],
    "words": ["yes", "No", "TRUE", "red", "unknown", "a b c d e f"],
    "nothing": ["", "?", "NA", " ", "-", "None", "\\N", "null"],
}
_kind_of_text = st.sampled_from(sorted(WRITTEN))
# Columns of one way of writing, with some cells of another among them.
_columns = st.lists(st.tuples(_kind_of_text, st.integers(1, 60)), min_size=1, max_size=3).flatmap(
    lambda parts: st.tuples(*(st.lists(st.sampled_from(WRITTEN[k]), min_size=1, max_size=n) for k, n in parts)).map(
        lambda lists: [cell for cells in lists for cell in cells]
    )
)


def same(one: object, other: object) -> bool:
    """Whether two cast columns are equal to the last bit."""
    return pd.Series(one).equals(pd.Series(other))


@settings(max_examples=150)
@given(_columns, st.randoms(use_true_random=False), st.integers(1, 40))
def test_neither_order_nor_chunks_change_what_a_column_is(cells, rng, cut):
    """The same cells in another order, or in pieces, are the same column."""
    shuffled = rng.sample(cells, len(cells))
    pieces = [shuffled[i : i + cut] for i in range(0, len(shuffled), cut)]
    assert infer_column("x", pa.chunked_array(pieces, pa.string())) == column_of(cells)


@settings(max_examples=150)
@given(_columns)
def test_inferring_and_casting_at_once_gives_what_one_after_the_other_gives(cells):
    """Reading the cells once changes nothing."""
    raw = pa.chunked_array([cells], pa.string())
    column, values, misfits = infer_and_cast("x", raw)
    assert column == infer_column("x", raw)
    kept = typed_column(column)
    if kept is None:
        assert values is None
        return
    expected, bad = cast_column(kept, raw)
    assert same(values, expected)
    assert misfits == bad
    assert values.dtype == expected.dtype


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**40), 2**40).map(float)), max_size=40))
def test_native_numbers_are_inferred_and_cast_at_once_too(numbers):
    """The same for what came as float64, with infinities."""
    raw = pa.chunked_array([pa.array(numbers, pa.float64())])
    column, values, misfits = infer_and_cast("x", raw, ColumnSpec(role="feature"))
    expected, bad = cast_column(column, raw)
    assert same(values, expected)
    assert misfits == bad


def test_columns_of_many_blocks_may_be_inferred_side_by_side():
    """Two threads give what one gives, and ids are kept as text."""
    table = pa.concat_tables([table_of() for _ in range(5)])
    one = [infer_and_cast(n, table[n]) for n in table.column_names]
    with ThreadPoolExecutor(2) as pool:
        two = list(pool.map(lambda n: infer_and_cast(n, table[n]), table.column_names))
    assert [c for c, _, _ in one] == [c for c, _, _ in two]
    assert all(same(a[1], b[1]) for a, b in zip(one, two, strict=True))
    assert infer_and_cast("row_id", pa.chunked_array([list(range(100))]))[1].tolist()[:2] == ["0", "1"]


@given(
    st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=30, max_size=60, unique=True),
    st.sampled_from([("{:.3f}", "."), ("{:,.3f}", ".")]),
    st.sampled_from(["", " kg", "%"]),
)
def test_numbers_written_in_one_way_are_read_back(numbers, written, unit):
    """Inference and cast together give the numbers that were written."""
    texts = [written[0].format(x) + unit for x in numbers]
    column = column_of(texts)
    assert column.is_numeric
    assert cast_column(column, pa.array(texts))[0].tolist() == pytest.approx(numbers)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=80))
def test_any_text_gets_a_column_that_it_casts_to(values):
    """No text makes inference fail, and what is inferred reads nearly all of it."""
    column = column_of(values)
    _, misfits = cast_column(column, pa.array(values))
    assert len(misfits) <= 0.02 * len(values)
