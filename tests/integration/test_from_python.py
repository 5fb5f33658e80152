"""A table in memory goes through the whole flow, from Python."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock import Bundle
from penstock.errors import NotFound, SpecError, UserError


@pytest.fixture
def frame() -> pd.DataFrame:
    """Return rows that can be learned from."""
    rng = np.random.default_rng(3)
    n = 300
    made = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 5, n), "town": rng.choice(["Oslo", "Rome"], n)})
    made["late"] = np.where(made.a + 0.4 * made.b + 0.3 * rng.normal(size=n) > 0.8, "yes", "no")
    return made


def test_a_frame_becomes_a_model_and_its_run_can_be_looked_at(prefect_api, tmp_path, frame):
    """Clean rows, leaderboard, report and bundle; a second run finds all as it was; joins come from memory too."""
    from flows.notebook import run

    towns = pd.DataFrame({"town": ["Oslo", "Rome"], "people": [700, 2800]})
    where = tmp_path / "artifacts"
    keys = {"name": "late", "tables": {"towns": towns}, "joins": [{"table": "towns", "on": "town"}], "artifacts": where}
    outcome = run(frame, target="late", model={"families": ["linear"], "trials": 1}, **keys)
    assert outcome.summary.state == "published"
    assert "towns_people" in outcome.clean.columns
    assert len(outcome.clean) == outcome.summary.n_train + outcome.summary.n_heldout
    assert outcome.leaderboard.family.iloc[0] == "linear"
    assert "reason" in outcome.rejected.columns
    assert len(outcome.bundle.predict(frame.head(3)).to_frame()) == 3
    assert outcome.bundle.digest == Bundle.load(where / "models" / "late").digest
    assert "<iframe" in outcome._repr_html_()
    assert "published" in repr(outcome)
    again = run(frame, target="late", model={"families": ["linear"], "trials": 1}, **keys)
    assert {stage.state for stage in again.summary.stages} == {"cached", "unchanged"}


def test_what_is_not_published_has_no_bundle(prefect_api, tmp_path, frame):
    """The run kept its candidate."""
    from flows.notebook import run

    outcome = run(frame, target="late", artifacts=tmp_path, budget=4, publish=False, model={"families": ["linear"]})
    assert outcome.summary.state == "kept"
    with pytest.raises(NotFound, match="published no bundle"):
        _ = outcome.bundle


def test_a_mistake_is_told_before_anything_is_written(tmp_path, frame):
    """No spec is left behind."""
    from flows.notebook import run

    with pytest.raises(SpecError, match="unknown key 'tagret'"):
        run(frame, target="late", tagret="x", artifacts=tmp_path)
    with pytest.raises(UserError, match="no table"):
        run(7, target="late", artifacts=tmp_path)
    assert not (tmp_path / "specs").exists()
