"""No skew and no leak on made-up tables; and a step that skews or leaks does not get past these very tests."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.service.app import create_app
from deploy.service.body import ARROW
from deploy.service.settings import Settings
from penstock.blocks import Blocks
from penstock.steps.categories.tidy import Tidy, TidyLearned
from penstock.steps.missing.fill import Fill
from penstock.steps.time.calendar import Calendar
from penstock.steps.wrangling import Wrangling
from tests.unit.service.making import wait_for
from tests.unit.skewing import NAME, Trained, assert_clean_rows_come_again, assert_rows_stand_alone

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
N_ROWS = 160


def table(seed: int, zone: str, missing: float, kinds: tuple[str, ...]) -> pa.Table:
    """Return a table of columns of some kinds, of which any may have gaps."""
    random = np.random.default_rng(seed)

    def gaps() -> np.ndarray:
        return random.random(N_ROWS) < missing

    moments = pd.Timestamp("2024-01-01", tz=zone) + pd.to_timedelta(random.integers(0, 9_000, N_ROWS), unit="h")
    made = {
        "integers": pa.array(random.integers(-50, 50, N_ROWS), pa.int64(), mask=gaps()),
        "booleans": pa.array(random.random(N_ROWS) < 0.5, pa.bool_(), mask=gaps()),
        "floats": pa.array(random.normal(0, 10, N_ROWS), pa.float64(), mask=gaps()),
        "categories": pa.array(random.choice(["red", "Red ", "blue", "", "green"], N_ROWS), mask=gaps()),
        "moments": pa.array(moments, pa.timestamp("us", zone), mask=gaps()),
        "days": pa.array(moments.date, pa.date32(), mask=gaps()),
    }
    target = random.choice(["no", "yes"], N_ROWS)
    return pa.table({name: made[name] for name in kinds} | {"y": target})


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw such a table."""
    every = ["integers", "booleans", "floats", "categories", "moments", "days"]
    kinds = draw(st.lists(st.sampled_from(every), min_size=2, unique=True))
    return table(draw(st.integers(0, 99)), draw(st.sampled_from(ZONES)), draw(st.sampled_from([0, 0.2])), tuple(kinds))


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "integers": st.none() | st.integers(-200, 200),
    "booleans": st.none() | st.booleans(),
    "floats": st.none() | st.floats(-1e6, 1e6),
    "categories": st.none() | st.sampled_from(["red", "RED", "", " ", "violet", "blue"]) | st.text(max_size=5),
    "moments": st.none() | st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2060, 1, 1)),
    "days": st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)),
    "more": st.none() | st.integers(0, 5),
}


@st.composite
def requests(draw: st.DrawFn, made: pa.Table) -> pa.Table:
    """Draw rows for a model of a table: unseen, gaps, columns in any order, one more, or one less that has gaps."""
    names = [n for n in made.column_names if n != "y"]
    nullable = [n for n in names if made[n].null_count]
    names = [n for n in draw(st.permutations(names)) if n not in nullable[:1] or draw(st.booleans())]
    names += ["more"] if draw(st.booleans()) or not names else []
    rows = draw(st.integers(1, 9))
    drawn = {name: draw(st.lists(CELLS[name], min_size=rows, max_size=rows)) for name in names}
    kinds = {name: made.schema.field(name).type for name in names if name != "more"} | {"more": pa.int64()}
    return pa.table({name: _column(values, kinds[name]) for name, values in drawn.items()})


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_timestamp(kind):
        return pa.array(values, kind)
    # Told in UTC: an hour that a zone skips or has twice is no matter of a step.
    return pa.array([None if v is None else v.replace(tzinfo=dt.UTC) for v in values], pa.timestamp("us", "UTC"))


@given(made=tables(), data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_row_gets_one_answer_whichever_way_it_comes(made: pa.Table, data: st.DataObject) -> None:
    """In a frame, a batch, alone, as JSON, as Arrow; and training rows are cleaned again as they were."""
    with tempfile.TemporaryDirectory() as folder:
        trained = Trained(Path(folder), made)
        assert_clean_rows_come_again(trained)
        with TestClient(create_app(Settings(artifacts=trained.artifacts, poll_seconds=0.05))) as client:
            wait_for(lambda: client.get("/readyz").status_code == 200)
            for _ in range(4):
                rows = data.draw(requests(made))
                assert_rows_stand_alone(trained.bundle, rows, batch=3)
                assert_the_service_answers_alike(client, trained, rows)


def assert_the_service_answers_alike(client: TestClient, trained: Trained, rows: pa.Table) -> None:
    """Assert that Arrow and, where no needed field has a gap, JSON get the bundle's own numbers."""
    answers, url = trained.bundle.predict(rows), f"/models/{NAME}/predict/batch"
    schema = trained.bundle.schema
    needed = [c.name for c in schema.features if not c.nullable]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    told = client.post(url, content=sink.getvalue().to_pybytes(), headers={"content-type": ARROW})
    known = any(name in rows.column_names for name in trained.bundle.fields)
    assert told.status_code == (200 if known and set(needed) <= set(rows.column_names) else 422), told.text
    if told.status_code == 200:
        table = pa.ipc.open_stream(told.content).read_all()
        assert table["prediction"].to_pylist() == answers.labels
        np.testing.assert_allclose(table["probability_yes"].to_numpy(), answers.estimates[:, 1], rtol=1e-12, atol=1e-12)
    sent = [{name: _json(value) for name, value in row.items()} for row in rows.to_pylist()]
    told = client.post(url, json={"rows": sent})
    lacking = any(row.get(name) in (None, "", " ") for row in sent for name in needed)
    assert told.status_code == (422 if lacking else 200), told.text
    if told.status_code == 200:
        assert [row["prediction"] for row in told.json()["rows"]] == answers.labels
        shares = [row["probabilities"]["yes"] for row in told.json()["rows"]]
        np.testing.assert_allclose(shares, answers.estimates[:, 1], rtol=1e-12, atol=1e-12)


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    """Return a model whose plan spells alike, fills, and takes moments apart."""
    steps = (Calendar(), Tidy(), Fill())
    made = table(1, "UTC", 0.2, ("integers", "floats", "categories", "moments"))
    return Trained(tmp_path, made, Wrangling(name="t", steps=steps))


def test_a_step_that_looks_at_its_company_does_not_pass(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filled cell that takes the batch's mean into account, say: skewed, for a request is no training table."""
    rows = trained.raw.slice(0, 20)
    assert_rows_stand_alone(trained.bundle, rows)
    # A kernel shows such a step no column but its own.
    by_frames = replace(trained.bundle, kernel=None)
    assert_rows_stand_alone(by_frames, rows)
    whole = Calendar.on

    def centred(self: Calendar, blocks: Blocks) -> Blocks:
        frame = blocks.frame()
        return whole(self, Blocks.of(frame.assign(floats=frame["floats"] - frame["floats"].mean())))

    monkeypatch.setattr(Calendar, "on", centred)
    with pytest.raises(AssertionError):
        assert_rows_stand_alone(by_frames, rows)


def test_a_step_that_cleans_requests_otherwise_than_training_rows_does_not_pass(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serving code that differs from training code, by a forgotten spelling, say."""
    assert_clean_rows_come_again(trained)
    monkeypatch.setattr(TidyLearned, "on", lambda self, blocks: blocks)
    with pytest.raises(AssertionError):
        assert_clean_rows_come_again(trained)


def altered_heldout(made: pa.Table, trained: Trained) -> pa.Table:
    """Return the table with other numbers in each held-out row."""
    sides = trained.run.store.read_table(trained.run.wrangled.sides).to_pandas()
    held = sides["row"].to_numpy()[(sides["side"] == "heldout").to_numpy()]
    floats = made["floats"].to_pandas()
    floats.iloc[held] = 1e6
    return made.set_column(
        made.column_names.index("floats"), "floats", pa.array(floats, pa.float64(), from_pandas=True)
    )


def assert_training_rows_know_nothing_of_heldout_ones(folder: Path, made: pa.Table, wrangling: Wrangling) -> None:
    """Assert that other held-out rows leave what training rows become, and so all that is learned, as it was."""
    one = Trained(folder / "one", made, wrangling, key="key")
    other = Trained(folder / "other", altered_heldout(made, one), wrangling, key="key")
    clean = []
    for trained in (one, other):
        sides = trained.run.store.read_table(trained.run.wrangled.sides).to_pandas()
        clean.append(trained.run.frame("clean")[(sides["side"] == "train").to_numpy()].reset_index(drop=True))
    pd.testing.assert_frame_equal(*clean, check_exact=True)


def test_nothing_is_learned_from_held_out_rows_and_a_step_that_does_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mean taken over all rows before the split is the commonest leak there is."""
    made = table(1, "UTC", 0.2, ("integers", "floats", "categories", "moments")).append_column(
        "key", pa.array([f"k{i}" for i in range(N_ROWS)])
    )
    wrangling = Wrangling(name="t", steps=(Calendar(), Tidy(), Fill(by="mean")))
    assert_training_rows_know_nothing_of_heldout_ones(tmp_path / "honest", made, wrangling)
    whole = Calendar.on

    def filled(self: Calendar, blocks: Blocks) -> Blocks:
        if "floats" not in blocks:
            return whole(self, blocks)
        frame = blocks.frame()
        return whole(self, Blocks.of(frame.assign(floats=frame["floats"].fillna(frame["floats"].mean()))))

    monkeypatch.setattr(Calendar, "on", filled)
    with pytest.raises(AssertionError):
        assert_training_rows_know_nothing_of_heldout_ones(tmp_path / "leaky", made, wrangling)
