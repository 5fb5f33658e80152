"""Types that a first look has found are kept to: a later run casts to them and sets misfits aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from penstock.inference import infer_lock
from penstock.spec.pipeline import spec_from
from penstock.store import Store


def test_a_run_casts_to_the_locks_types_and_quarantines_what_does_not_fit(tmp_path: Path):
    """A column that by itself would now be text stays a number, and its odd rows go with the reason."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.integers(0, 90, 300).astype(str), "y": rng.choice(["no", "yes"], 300)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    spec, store = spec_from({"name": "t", "source": "t.csv", "target": "y"}, tmp_path), Store(tmp_path / "s")
    lock = infer_lock(spec, store, proposing=True).lock
    assert lock.tables["t"].column("x").kind == "integer"

    words = range(0, 300, 5)
    frame.loc[list(words), "x"] = [f"word {i}" for i in words]
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert infer_lock(spec, store).lock.tables["t"].column("x").kind != "integer"
    kept = infer_lock(spec, store, lock)
    assert kept.lock.tables["t"].column("x").kind == "integer"
    rejected = store.read_frame(kept.wrangled.rejected)
    odd = rejected[rejected["column"] == "x"]
    # Held-out rows are never dropped: they are flagged, and predicted with a warning.
    flagged = store.read_frame(kept.wrangled.sides)["row"][store.read_frame(kept.wrangled.sides)["reason"].notna()]
    assert sorted([*odd["row"].tolist(), *flagged.tolist()]) == list(words)
    assert all("whole number" in reason for reason in odd["reason"])
