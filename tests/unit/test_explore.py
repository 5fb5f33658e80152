"""The explore stage: bounded figures of training rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.explore import explore, take_sample
from penstock.receipts import Wrangled
from penstock.store import Store
from penstock.table import Column, TableSchema, Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
NUMBER = Target(name="price", task="regression")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def wrangled(store, frame, target, y, *, clean=None, private=(), heldout=None):
    """Return the receipt that the wrangle stage would give for a typed frame."""
    n = len(frame)
    kinds = {
        name: "datetime" if str(kind).startswith("datetime") else "category" if str(kind) == "str" else "float"
        for name, kind in frame.dtypes.items()
    }
    columns = [Column(name=n, kind=k, private=n in private, unit="mm" if n == "x" else "") for n, k in kinds.items()]
    if target.name in private:
        columns.append(Column(name=target.name, kind="float", role="target", private=True))
    held = np.arange(n) % 5 == 0 if heldout is None else heldout
    absent = pd.Series([None] * n, dtype="str")
    sides = pd.DataFrame({"row": np.arange(n), "side": np.where(held, "heldout", "train"), "target": y})
    cut, none = store.put_frame(frame), store.put_bytes(b"{}", "json")
    return Wrangled(
        raw=cut,
        cut=cut,
        clean=cut if clean is None else store.put_frame(clean),
        sides=store.put_frame(sides.assign(reason=absent, group=absent)),
        rejected=cut,
        plan=none,
        table_schema=store.put_json(TableSchema(columns=tuple(columns), target=target)),
        audit=none,
        profile=none,
        n_train=int((~held).sum()),
        n_heldout=int(held.sum()),
    )


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


def test_every_kind_of_figure_is_drawn_and_told(store, frame, y):
    """Each has a title, a sentence, and a small PNG in the store."""
    clean = frame.fillna({"z": 0.0})
    made = explore(wrangled(store, frame, BINARY, y, clean=clean), 1, store)
    names = [f.name for f in made.figures]
    assert names == ["target", "histograms", "categories", "boxes", "scatter", "correlation", "missing", "before-after"]
    for figure in made.figures:
        data = store.read_bytes(figure.file)
        assert data.startswith(b"\x89PNG")
        assert len(data) <= 100_000
        assert figure.title
        assert figure.caption.endswith(".")
    assert made.n_rows == 160


def test_the_same_rows_give_the_same_bytes(store, frame, y):
    """A receipt of figures can be cached by what was drawn."""
    given = wrangled(store, frame, BINARY, y)
    assert explore(given, 1, store) == explore(given, 1, store)


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
    made = explore(wrangled(store, frame, NUMBER, frame["x"].to_numpy(), private=("price",)), 1, store)
    assert "target" not in [f.name for f in made.figures]
    assert not any("third" in f.caption for f in made.figures)


def test_many_rows_are_sampled_by_the_seed(store):
    """At most 5,000 rows are drawn, and the caption says of how many."""
    frame = pd.DataFrame({"x": np.arange(9000.0)})
    given = wrangled(store, frame, BINARY, np.tile([0, 1], 4500))
    first, again, other = (take_sample(given, seed, store).clean["x"].tolist() for seed in (1, 1, 2))
    assert len(first) == 5000
    assert first == again != other
    made = explore(given, 1, store)
    assert "5,000 of 7,200 training rows" in made.figures[0].caption


def test_of_many_columns_the_most_telling_are_drawn_and_the_others_named(store):
    """A wide table is bounded, and the reader learns what was left out."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(120, 430)), columns=[f"c{i}" for i in range(430)])
    y = (frame["c17"] > 0).to_numpy().astype(np.int64)
    made = {f.name: f for f in explore(wrangled(store, frame, BINARY, y), 1, store).figures}
    assert "c17" not in made["histograms"].caption
    assert "The spread of 12 numeric columns" in made["histograms"].caption
    assert "380 more" in made["histograms"].caption
    assert "30 further columns of the wide table were not read" in made["histograms"].caption
    assert "30 numeric columns" in made["correlation"].caption


def test_replaced_values_are_shown_before_filled_gaps(store, frame, y):
    """One outlier taken out matters more to the reader than thirty gaps filled."""
    clean = frame.fillna({"z": 0.0})
    clean.loc[1, "x"] = 0.0
    made = explore(wrangled(store, frame, BINARY, y, clean=clean), 1, store)
    assert "x had 1 cell changed" in made.figures[-1].caption


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
