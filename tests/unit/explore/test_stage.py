"""The explore stage: bounded figures of training rows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from penstock.explore import explore, take_sample
from penstock.explore.stage import sketches
from penstock.receipts import Figure
from penstock.steps.audit import Audit
from penstock.store import Store
from penstock.table import Target
from tests.unit.explore.made import BINARY, NUMBER, run, wrangled


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    made = pd.DataFrame({"x": x, "z": x + rng.normal(size=200), "site": rng.choice(["a", "b"], 200)}).astype(
        {"site": "str"}
    )
    made.loc[made.index % 7 == 1, "z"] = np.nan
    return made


@pytest.fixture
def y(frame):
    return (frame["x"] > 0).to_numpy().astype(np.int64)


def audit_of(given, store):
    return Audit.model_validate_json(store.read_bytes(given.audit))


def test_every_kind_of_figure_is_drawn_and_told(store, frame, y):
    """Each has a title, a sentence, and a small PNG in the store."""
    clean = frame.fillna({"z": 0.0})
    made = explore(wrangled(store, frame, BINARY, y, clean=clean), 1, store)
    names = [f.name for f in made.figures]
    assert names == [
        "target",
        "histograms",
        "categories",
        "boxes",
        "rates",
        "correlation",
        "scatter",
        "missing",
        "before-after",
    ]
    for figure in made.figures:
        data = store.read_bytes(figure.file)
        assert data.startswith(b"\x89PNG")
        assert len(data) <= 100_000
        assert figure.title
        assert figure.caption.endswith(".")
        # What it shows, and what to look at.
        assert figure.caption.count(". ") >= 1, figure.caption
    assert made.n_rows == 160


def test_held_out_rows_are_never_looked_at(store, frame, y):
    """Whatever stands in a held-out row, the figures stay as they are."""
    held = np.arange(200) % 5 == 0
    other = frame.copy()
    other.loc[held, ["x", "z"]] = 1e6
    other.loc[held, "site"] = "elsewhere"
    first = explore(wrangled(store, frame, BINARY, y, heldout=held), 1, store)
    assert explore(wrangled(store, other, BINARY, np.where(held, 1 - y, y), heldout=held), 1, store) == first


def test_private_columns_are_not_drawn(store, frame, y):
    """Neither a private column nor what is derived from it is read; the others are."""
    clean = frame.assign(z_missing=frame["z"].isna().astype(float))
    sample = take_sample(wrangled(store, frame, BINARY, y, clean=clean, private=("z",)), 1, store)
    assert list(sample.clean.columns) == ["x", "site"]
    assert list(sample.cut.columns) == ["x", "site"]
    assert "z" not in sample.read.columns


def test_a_private_number_as_target_is_not_drawn(store, frame):
    """Nor do colours tell its thirds."""
    given = wrangled(store, frame, NUMBER, frame["x"].to_numpy(), private=("price",))
    made = list(sketches(take_sample(given, 1, store), audit_of(given, store)))
    assert not {"target", "rates"} & {f.name for f in made}
    assert not any("third" in f.caption or "price" in f.caption for f in made)


def test_points_are_sampled_by_the_seed_and_numbers_are_of_every_row(store):
    """At most 5,000 rows are drawn as points, the caption says of how many; what is counted is counted in full."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=9000)
    frame = pd.DataFrame({"x": x, "z": x + rng.normal(size=9000), "u": rng.normal(size=9000)})
    given = wrangled(store, frame, BINARY, np.tile([0, 1], 4500))
    first, again, other = (take_sample(given, seed, store).clean["x"].tolist() for seed in (1, 1, 2))
    assert len(first) == 5000
    assert first == again != other
    sample = take_sample(given, 1, store)
    made = {sketch.name: sketch for sketch in sketches(sample, audit_of(given, store))}
    assert made["histograms"].given[0][0].counts.sum() == 7200
    assert sum(box.n for box in made["boxes"].given[0][0].boxes) == 7200
    assert made["scatter"].given[0][0].counts.sum() == 7200
    assert "all 7,200 training rows" in made["histograms"].caption
    assert "1,500 of 7,200 training rows, drawn by the seed 1" in made["pairs"].caption


def test_of_many_columns_the_most_telling_are_drawn_and_the_others_named(store):
    """A wide table is bounded, and the reader learns what was left out."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(120, 500)), columns=[f"c{i}" for i in range(500)])
    y = (frame["c17"] > 0).to_numpy().astype(np.int64)
    given = wrangled(store, frame, BINARY, y)
    made = {f.name: f for f in sketches(take_sample(given, 1, store), audit_of(given, store))}
    assert "c17" not in made["histograms"].caption
    assert "The spread of 20 numeric columns" in made["histograms"].caption
    assert "372 more" in made["histograms"].caption
    assert "100 further columns of the wide table were not read" in made["histograms"].caption
    assert "How 21 columns go together" in made["correlation"].caption


def test_replaced_values_are_shown_before_filled_gaps(store, frame, y):
    """One outlier taken out matters more to the reader than thirty gaps filled."""
    clean = frame.fillna({"z": 0.0})
    clean.loc[1, "x"] = 0.0
    given = wrangled(store, frame, BINARY, y, clean=clean)
    made = list(sketches(take_sample(given, 1, store), audit_of(given, store)))
    assert "x had 1 cell changed" in made[-1].caption


def test_long_names_are_shortened_and_told_in_full(store, frame, y):
    """What is drawn shortened can be looked up."""
    name = "a_name_that_is_far_too_long_for_an_axis"
    made = explore(wrangled(store, frame.rename(columns={"x": name}), BINARY, y), 1, store)
    histograms = next(f for f in made.figures if f.name == "histograms")
    assert histograms.names == {"a_name_that_is_far_…": name}


def test_an_old_receipt_without_full_names_can_be_read():
    """Figures of earlier versions have none."""
    old = {"name": "a", "title": "b", "caption": "c", "file": {"digest": "d", "path": "e", "size": 1}}
    assert Figure.model_validate(old).names == {}


def test_columns_made_of_private_ones_are_not_drawn(tmp_path):
    """Whatever a step calls what it makes of them, neither values nor names come out."""
    rng = np.random.default_rng(5)
    pay = rng.integers(1000, 9000, 200)
    table = pd.DataFrame(
        {
            "pay": pay,
            "age": rng.integers(20, 60, 200),
            "when": pd.date_range("2020-01-01", periods=200).strftime("%Y-%m-%d"),
            "y": np.where(pay > 5000, "yes", "no"),
        }
    )
    steps = [
        {"kind": "derive", "columns": {"quota": "pay / age", "double": "2 * age"}},
        {"kind": "rename", "columns": {"pay": "wage"}},
        {"kind": "calendar"},
    ]
    store, given = run(tmp_path, table, "y", columns={"pay": {"private": True}}, steps=steps)
    sample = take_sample(given, 1, store)
    shown = set(sample.columns.names)
    assert {"age", "double"} <= shown
    assert not shown & {"pay", "wage", "quota"}
    made = list(sketches(sample, audit_of(given, store)))
    told = " ".join(f"{f.title} {f.caption} {f.names}" for f in made)
    drawn = pickle.dumps([f.given for f in made if f.name != "target"])
    assert "quota" not in told
    assert "wage" not in told
    assert not any(name in drawn for name in (b"pay", b"wage", b"quota"))
    assert {"step-1", "course"} <= {f.name for f in made}


def _odd():
    n = 90
    rng = np.random.default_rng(3)
    ten = Target(name="q", task="multiclass", labels=tuple(map(str, range(10))), label_type="integer")
    text = pd.Series([f"free text {i}" for i in range(n)], dtype="str")
    return {
        "one constant column": (pd.DataFrame({"x": np.ones(n)}), NUMBER, np.zeros(n)),
        "one column, all missing": (pd.DataFrame({"x": np.full(n, np.nan)}), BINARY, np.tile([0, 1], n // 2)),
        "one text, all missing": (
            pd.DataFrame({"t": pd.Series([None] * n, dtype="str")}),
            BINARY,
            np.tile([0, 1], n // 2),
        ),
        "ten labels": (pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc")), ten, rng.integers(0, 10, n)),
        "dates": (
            pd.DataFrame({"when": pd.date_range("1999-12-31", periods=n, freq="h").astype("datetime64[us]")}),
            NUMBER,
            rng.normal(size=n),
        ),
        "far, tiny and narrow numbers": (
            pd.DataFrame(
                {
                    "far": np.where(np.arange(n) == 3, 1e308, 1.0),
                    "tiny": rng.normal(size=n) * 1e-310,
                    "narrow": 1e9 + rng.normal(size=n) * 1e-6,
                    "$a $": rng.normal(size=n),
                }
            ),
            NUMBER,
            rng.normal(size=n),
        ),
        "text": (pd.DataFrame({"t": text}), NUMBER, rng.normal(size=n)),
    }


@pytest.mark.parametrize("name", _odd())
def test_odd_tables_can_be_explored(store, name):
    """No table that can be wrangled is too odd to be drawn."""
    frame, target, y = _odd()[name]
    made = explore(wrangled(store, frame, target, y), 1, store)
    assert made.figures
