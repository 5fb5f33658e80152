"""What a lock keeps, and when it is an input of a stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.errors import SpecError
from penstock.inference import Inferred, apply_lock, infer_lock
from penstock.receipts import Collected
from penstock.sources import snapshot
from penstock.spec.lock import lock_path, read_lock, write_lock
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.store import Store


def frame(n: int = 200) -> pd.DataFrame:
    """Return a table with a category, a number and a target."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n).round(3),
            "c": rng.choice(["a", "b"], size=n),
            "y": rng.choice(["no", "yes"], size=n),
        }
    )


class Place:
    """A folder with a table, a spec and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "artifacts")
        frame().to_csv(folder / "t.csv", index=False)

    def spec(self, **more: object) -> PipelineSpec:
        """Return the spec with more decided."""
        return spec_from({"name": "t", "source": "t.csv", "target": "y", **more}, self.folder)

    def inferred(self, **more: object) -> Inferred:
        """Infer from the data alone."""
        return infer_lock(self.spec(**more), self.store)

    def collected(self) -> Collected:
        """Collect what is there now."""
        return Collected(snapshots=tuple(snapshot(s, self.store) for s in self.spec().sources))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return such a folder."""
    return Place(tmp_path)


def test_a_lock_is_read_back_as_it_was_written(place: Place) -> None:
    """Every inferred type, the split's rule and every step; and writing it again changes nothing."""
    lock = place.inferred().lock
    path = lock_path(place.folder / "t.yaml")
    write_lock(path, lock)
    assert read_lock(path) == lock
    before = path.stat().st_mtime_ns
    write_lock(path, lock)
    assert path.stat().st_mtime_ns == before


def test_a_lock_that_says_nothing_new_is_no_input(place: Place) -> None:
    """The same data and decisions: the stages see what they saw when there was none."""
    lock = place.inferred().lock
    assert apply_lock(place.spec(), lock, place.collected()) == (None, place.spec().wrangling)


def test_new_rows_are_cast_to_the_lock_and_keep_plan_and_split(place: Place) -> None:
    """A version promises its schema."""
    lock = place.inferred().lock
    frame(300).to_csv(place.folder / "t.csv", index=False)
    tables, wrangling = apply_lock(place.spec(), lock, place.collected())
    assert tables == lock.tables
    assert (wrangling.locked_plan, wrangling.locked_split) == (lock.steps, lock.split)


def test_another_cleaning_step_leaves_the_types_alone(place: Place) -> None:
    """The arrays stage is not entered for it, and rows stay on their sides."""
    lock = place.inferred().lock
    tables, wrangling = apply_lock(place.spec(steps=[{"kind": "fill"}]), lock, place.collected())
    assert tables is None
    assert (wrangling.locked_plan, wrangling.locked_split) == (None, lock.split)


def test_what_the_spec_decides_about_a_column_goes_before_the_lock(place: Place) -> None:
    """The rest stays as it was inferred."""
    lock = place.inferred().lock
    tables, _ = apply_lock(place.spec(columns={"x": {"role": "ignored"}}), lock, place.collected())
    assert tables is not None
    assert tables["t"].column("x").role == "ignored"
    assert tables["t"].column("c") == lock.tables["t"].column("c")


def test_another_target_makes_the_types_anew(place: Place) -> None:
    """Roles that were inferred for the old one mean nothing for the new one."""
    lock = place.inferred().lock
    tables, wrangling = apply_lock(place.spec(target="c"), lock, place.collected())
    assert tables is None
    assert wrangling.locked_plan is None


def test_an_edited_lock_is_kept_to(place: Place) -> None:
    """Whoever edits the lock wants it so, though data and decisions are the same."""
    path = lock_path(place.folder / "t.yaml")
    write_lock(path, place.inferred().lock)
    path.write_text(path.read_text().replace("name: c, kind: category", "name: c, kind: category, private: true"))
    edited = read_lock(path)
    assert edited is not None
    tables, _ = apply_lock(place.spec(), edited, place.collected())
    assert tables is not None
    assert tables["t"].column("c").private


def test_a_lock_that_cannot_be_understood_names_the_place(place: Place) -> None:
    """And the command that makes it anew."""
    path = lock_path(place.folder / "t.yaml")
    write_lock(path, place.inferred().lock)
    path.write_text(path.read_text().replace("kind: float", "kind: flaot"))
    with pytest.raises(SpecError, match="lock cannot be understood") as caught:
        read_lock(path)
    assert "tables.t.columns" in caught.value.where
    assert "--update" in caught.value.todo
