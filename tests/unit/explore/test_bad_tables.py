"""Tables that nobody wishes for: each gets its figures, with a sentence where there is nothing to draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.explore import take_sample
from penstock.explore.stage import sketches
from penstock.plots.drawing import picture
from penstock.steps.audit import Audit
from penstock.store import Store
from penstock.table import Target
from tests.unit.explore.made import BINARY, NUMBER, wrangled

N = 60
Y = np.tile([0, 1], N // 2)


def _texts(*values):
    return pd.Series(np.resize(np.array(values, dtype=object), N), dtype="str")


def _bad():
    rng = np.random.default_rng(3)
    x = rng.normal(size=N)
    long_ago = np.array(["0001-01-01", "1066-10-14", "1899-12-31", "9999-12-31"], dtype="datetime64[us]")
    return {
        "constant": pd.DataFrame({"x": np.ones(N), "c": _texts("always")}),
        "all missing": pd.DataFrame({"x": np.full(N, np.nan), "c": pd.Series([None] * N, dtype="str")}),
        "infinite": pd.DataFrame({"x": np.where(np.arange(N) % 9 == 1, np.inf, x), "z": np.full(N, -np.inf)}),
        "a thousand categories": pd.DataFrame({"c": pd.Series([f"level {i}" for i in range(1000)], dtype="str")}),
        "not Latin": pd.DataFrame(
            {"\u5e74\u9f84": x, "\u0438\u043c\u044f": _texts("\u0410\u043d\u043d\u0430", "\u6d0b")}
        ),
        "emoji": pd.DataFrame({"\U0001f600": x, "mood": _texts("\U0001f600", "\U0001f622\u200d\U0001f525", "\x07")}),
        "formulas": pd.DataFrame({"$x_1$": x, "$\\frac{": x**2, "c": _texts("$a$", "\\alpha_{", "a_b^c%&#~")}),
        "HTML": pd.DataFrame({"<b>x</b>": x, "c": _texts("<script>alert(1)</script>", "&amp;", "\"'>")}),
        "very long": pd.DataFrame({"n" * 900: x, "c": _texts("word " * 4000, "w" * 9000), "e": _texts("", " ")}),
        "dates long ago": pd.DataFrame({"when": np.resize(long_ago, N), "x": x}),
        "one date": pd.DataFrame({"when": np.resize(long_ago[:1], N), "gone": np.full(N, np.datetime64("NaT", "us"))}),
    }


def drawn(folder, frame, target, y, heldout=None):
    """Draw all figures of a frame, and return their captions."""
    store = Store(folder)
    held = np.zeros(len(frame), dtype=bool) if heldout is None else heldout
    given = wrangled(store, frame, target, y, heldout=held)
    audit = Audit.model_validate_json(store.read_bytes(given.audit))
    made = list(sketches(take_sample(given, 1, store), audit))
    for sketch in made:
        assert len(picture(sketch.draw, sketch.given)) <= 100_000
        assert len(sketch.caption) < 3000
    return {sketch.name: sketch.caption for sketch in made}


@pytest.mark.parametrize("name", _bad())
def test_bad_tables_have_figures_without_a_warning(tmp_path, name):
    """Warnings are errors here, and no picture is heavier than its limit."""
    frame = _bad()[name]
    assert "target" in drawn(tmp_path, frame, BINARY, np.resize(Y, len(frame)))


def test_one_row_has_figures(tmp_path):
    """Fewer than wrangle would let through."""
    frame = pd.DataFrame({"x": [1.0], "c": pd.Series(["a"], dtype="str"), "t": np.array(["2020-01-01"], "M8[us]")})
    made = drawn(tmp_path, frame, BINARY, np.array([1]))
    assert "the one training row" in made["target"]
    assert drawn(tmp_path, frame, NUMBER, np.array([1.0]))


def test_no_row_has_no_figure(tmp_path):
    """There is nothing to see, and nothing fails."""
    frame = pd.DataFrame({"x": np.ones(5)})
    store = Store(tmp_path)
    given = wrangled(store, frame, BINARY, np.zeros(5, dtype=np.int64), heldout=np.ones(5, dtype=bool))
    sample = take_sample(given, 1, store)
    assert sample.n_train == 0


def test_one_class_alone_has_figures(tmp_path):
    """A class without a row keeps its place, and a group of one row has a box."""
    frame = pd.DataFrame({"x": np.arange(20.0), "c": pd.Series(["a", "b"] * 10, dtype="str")})
    three = Target(name="y", task="multiclass", labels=("often", "once", "never"))
    assert drawn(tmp_path, frame, three, np.array([0] * 19 + [1]))
    assert drawn(tmp_path, frame, BINARY, np.zeros(20, dtype=np.int64))


def test_a_target_that_no_axis_can_show_is_said(tmp_path):
    """Infinite and astronomical values of a target are passed over."""
    y = np.full(N, np.inf)
    made = drawn(tmp_path, pd.DataFrame({"x": np.arange(N) * 1.0}), NUMBER, y)
    assert "none is known" in made["target"]


def test_five_hundred_columns_are_bounded(tmp_path):
    """However wide the table, the figures stay as many and as small."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"a long name of column {i}": rng.normal(size=N) for i in range(500)})
    frame = frame.assign(**{f"cat {i}": _texts("u", "v", "w") for i in range(3)})
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    assert set(drawn(tmp_path, frame, BINARY, Y)) >= {"histograms", "correlation", "missing", "rates"}
