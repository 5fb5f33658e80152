"""A single row goes a way of its own, which is quick; nobody may be able to tell by the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.bundle.bundle import Bundle
from penstock.bundle.kernel.assembly import ByCell
from penstock.bundle.kernel.front import _ByBlocks
from penstock.bundle.predictions import Predictions
from penstock.bundle.promises import Promises
from penstock.errors import RequestError
from penstock.models.families import BaseFamily, ForestFamily, HistogramFamily, LinearFamily, NeighboursFamily
from penstock.steps.plan import Plan
from tests.unit.bundle.kernel.rowmaking import rows
from tests.unit.bundle.kernel.standin import the_long_way, with_kernel
from tests.unit.bundle.making import Made, make, small

COLUMNS = ("customer", "age", "income", "member", "city", "since", "share", "secret")
USUAL = Plan.model_validate(
    {
        "steps": [
            {"kind": "bounds", "domains": {"share": {"low": 0, "high": 1}}},
            {"kind": "calendar", "cyclic": ["month"]},
            {"kind": "tidy"},
            {"kind": "isolated"},
            {"kind": "fill", "flag": ["income", "since_year"]},
            {"kind": "rare"},
        ]
    }
)
# A step that looks at two columns: all of them run on blocks.
CROSSING = Plan.model_validate(
    {
        "steps": [
            {"kind": "derive", "columns": {"per_year": "income / age"}},
            {"kind": "calendar"},
            {"kind": "fill", "flag": ["per_year"]},
            {"kind": "encode", "columns": ["secret"], "method": "frequency"},
        ]
    }
)
KINDS: dict[str, tuple[str, BaseFamily, Plan]] = {
    "onehot": ("binary", LinearFamily(), USUAL),
    "ordinal": ("multiclass", small(HistogramFamily), USUAL),
    "target": ("regression", small(ForestFamily), USUAL),
    "quantile": ("binary", NeighboursFamily(), USUAL),
    "crossing": ("regression", small(HistogramFamily), CROSSING),
}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest) -> Made:
    """Return a model of each encoding, and one whose steps look at more than a cell."""
    task, family, steps = KINDS[request.param]
    return make(task, seed=3, family=family, steps=steps)


@pytest.fixture(scope="module")
def quick(made: Made) -> Bundle:
    """Return it with a kernel."""
    return with_kernel(made.bundle)


def assert_the_same(bundle: Bundle, row: dict[str, Any]) -> None:
    same(bundle.predict([row]), the_long_way(bundle).predict([row]))
    same(bundle.predict_row(row), the_long_way(bundle).predict([row]))


def same(given: Predictions, expected: Predictions) -> None:
    assert np.array_equal(given.estimates, expected.estimates, equal_nan=True)
    assert given.rows() == expected.rows()
    assert given.misfits == expected.misfits
    assert [note.warned for note in given.notes] == [note.warned for note in expected.notes]
    assert [_places(note.rows) for note in given.notes] == [_places(note.rows) for note in expected.notes]


def _places(rows: Any) -> Any:
    return None if rows is None else rows.tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=rows())
def test_a_row_gets_the_answer_warnings_and_refusals_of_the_long_way_to_the_last_bit(
    quick: Bundle, row: dict[str, Any]
) -> None:
    """Otherwise a caller could tell by the door that was taken."""
    assert_the_same(quick, row)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(rows(), min_size=2, max_size=12))
def test_many_rows_get_the_answers_warnings_and_refusals_of_the_long_way_to_the_last_bit(
    quick: Bundle, sent: list[dict[str, Any]]
) -> None:
    """A batch takes the short way, too: column by column."""
    same(quick.predict(sent), the_long_way(quick).predict(sent))


@pytest.mark.parametrize("shape", ["arrow", "pandas", "columns", "dictionaries"])
def test_columns_of_any_shape_get_the_answers_of_the_long_way(made: Made, quick: Bundle, shape: str) -> None:
    """What a file holds is typed already: it is read otherwise than JSON, and has to come to the same."""
    raw = made.raw.slice(0, 60)
    typed = raw.set_column(1, "age", pc.cast(raw["age"], pa.int64())).append_column("other", pa.array(range(60)))
    typed = typed.set_column(5, "since", pc.strptime(raw["since"], "%Y-%m-%d", "s"))
    coded = {name: typed[name].dictionary_encode() if name in ("city", "secret") else typed[name] for name in COLUMNS}
    sent = {
        "arrow": typed,
        "pandas": typed.to_pandas(),
        "columns": typed.to_pydict(),
        "dictionaries": pa.table(coded),
    }[shape]
    same(quick.predict(sent), the_long_way(quick).predict(sent))


def test_usual_rows_get_the_answer_of_the_pipeline_and_of_a_batch(made: Made, quick: Bundle) -> None:
    """The kernel is the model, not one like it."""
    asked = made.raw.to_pylist()[:40]
    batch = quick.predict(made.raw.slice(0, 40)).estimates
    alone = np.concatenate([quick.predict_row(row).estimates for row in asked])
    assert np.array_equal(alone, batch)
    assert np.allclose(batch, made.bundle.predict(made.raw.slice(0, 40)).estimates, rtol=1e-12, atol=1e-12)


def test_the_quick_way_is_taken_and_takes_no_frame(quick: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single row through pandas costs fifty times as much."""
    import pandas as pd

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a frame was made")

    monkeypatch.setattr(pd.DataFrame, "__init__", refused)
    assert len(quick.predict([{"age": 41, "city": "Oslo"}])) == 1


def test_steps_that_treat_each_column_by_itself_go_cell_by_cell() -> None:
    """The automatic plan is one of these: it must not fall back to blocks unseen."""
    for name, expected in {"onehot": ByCell, "crossing": _ByBlocks}.items():
        task, family, steps = KINDS[name]
        bundle = with_kernel(make(task, seed=3, family=family, steps=steps).bundle)
        assert bundle._quick is not None
        assert isinstance(bundle._quick.front._assembly, expected)


def test_an_old_name_of_a_field_is_read_on_the_long_way(quick: Bundle) -> None:
    """A promise to callers holds for one row as for many."""
    promising = replace(quick, promises=Promises(aliases={"age": ("years",)}))
    assert promising.predict_row({"years": 41}).notes[0].warned.code == "renamed_field"
    assert np.array_equal(promising.predict_row({"years": 41}).estimates, quick.predict_row({"age": 41}).estimates)


def test_a_key_that_is_no_text_names_a_field_all_the_same(quick: Bundle) -> None:
    """The long way reads it as text; the short way may not fail on it."""
    assert_the_same(quick, {7: "x", "age": 41})  # type: ignore[dict-item]  # what a careless caller sends


def test_what_is_no_row_is_refused_as_ever(quick: Bundle) -> None:
    """The quick way must not let through what the long way refuses."""
    for wrong in ([41], [None], ["age"]):
        with pytest.raises(RequestError):
            quick.predict(wrong)  # type: ignore[arg-type]  # that is what is tested
