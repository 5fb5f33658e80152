"""A proposed contract: kept to by the data that it was proposed from, and by more of the same kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.errors import DataError
from penstock.expect.written import written_of
from penstock.inference import Inferred, hold, infer_lock, terms_of
from penstock.spec.lock import lock_path, read_lock, write_lock
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.store import Store


def people(n: int, seed: int = 3) -> pd.DataFrame:
    """Return a table of people, clean but for one column."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"p{seed}-{i}" for i in range(n)],
            "age": rng.integers(18, 90, n),
            "balance": rng.normal(0, 500, n).round(2),
            "sex": rng.choice(["f", "m"], n),
            "town": rng.choice(["a", "b", "z"], n),
            "nick": rng.choice([f"n{i}" for i in range(200)], n),
            "y": rng.choice(["no", "yes"], n),
        }
    )
    frame.loc[rng.random(n) < 0.04, "balance"] = np.nan
    return frame


class Place:
    """A folder with two tables and a spec."""

    def __init__(self, folder: Path, n: int = 1500) -> None:
        self.folder = folder
        self.store = Store(folder / "artifacts")
        people(n).to_csv(folder / "people.csv", index=False)
        pd.DataFrame({"code": ["a", "b", "c"], "size": [1, 2, 3]}).to_csv(folder / "towns.csv", index=False)

    def spec(self, **more: object) -> PipelineSpec:
        """Return the spec with more decided."""
        declared = {
            "name": "p",
            "sources": {"people": "people.csv", "towns": "towns.csv"},
            "target": "y",
            "joins": [{"table": "towns", "on": {"town": "code"}}],
        }
        return spec_from({**declared, **more}, self.folder)

    def looked(self, **more: object) -> Inferred:
        """Look at the data for the first time."""
        return infer_lock(self.spec(**more), self.store, proposing=True)


def test_the_proposal_says_what_new_rows_would_hardly_break(tmp_path: Path):
    """Counts, complete columns, ids, few levels, wide ranges, orphans; of the target and free text nothing."""
    lock = Place(tmp_path).looked().lock
    assert written_of(lock.expect) == {
        "rows": "0.5..2 x last",
        "columns": {
            "id": {"unique": True},
            "age": {"not_null": True, "range": "0..160"},
            "balance": {"missing": "<= 10%", "range": "-5000..5400"},
            "sex": {"not_null": True, "values": ["f", "m"]},
            "town": {"not_null": True, "values": ["a", "b", "z"]},
            "nick": {"not_null": True},
        },
        "foreign_keys": [{"column": "town", "table": "towns", "key": "code", "orphans": "<= 67%"}],
        "tables": {"towns": {"rows": "0.5..2 x last"}},
    }


def test_few_rows_say_little(tmp_path: Path):
    """A share that may be missing instead of none; no levels."""
    columns = written_of(Place(tmp_path, 80).looked().lock.expect)["columns"]
    assert columns["age"]["missing"] == "<= 5%"
    assert "values" not in columns["town"] or min(people(80)["town"].value_counts()) >= 30
    assert "id" not in columns


def test_of_private_columns_nothing_is_listed(tmp_path: Path):
    """Neither ends nor levels."""
    private = {"age": {"private": True}, "sex": {"private": True}}
    columns = written_of(Place(tmp_path).looked(columns=private).lock.expect)["columns"]
    assert columns["age"] == columns["sex"] == {"not_null": True}


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_the_data_and_more_of_the_same_kind_keep_to_it(tmp_path: Path, seed: int):
    """Whatever the dice."""
    place = Place(tmp_path)
    lock = place.looked().lock
    people(2200, seed).to_csv(tmp_path / "people.csv", index=False)
    now = infer_lock(place.spec(), place.store, lock, last={"people": 1500, "towns": 3})
    assert now.outcome.checked == len(lock.expect.expectations)
    assert now.outcome.findings == ()
    assert now.outcome.last == {"people": 1500, "towns": 3}


def test_the_lock_keeps_the_contract_until_it_is_edited(tmp_path: Path):
    """Written, read back, kept through a run on new data, and no other types follow from an edit."""
    place = Place(tmp_path)
    lock = place.looked().lock
    path = lock_path(tmp_path / "p.yaml")
    write_lock(path, lock)
    assert read_lock(path) == lock
    path.write_text(path.read_text().replace("0.5..2 x last", "0.9..1.1 x last"))
    edited = read_lock(path)
    assert edited is not None
    assert terms_of(place.spec(), edited).expectations[0].words() == "rows 0.9..1.1 x last"
    collected = place.looked().collected
    assert not edited.types_are_new(collected, place.spec().typing)
    assert infer_lock(place.spec(), place.store, edited).lock.expect == edited.expect


def test_a_proposal_about_a_column_that_was_left_out_since_is_moot(tmp_path: Path):
    """Whoever ignores a column does not care what is in it; what the spec itself expects of it holds."""
    place = Place(tmp_path)
    lock = place.looked().lock
    frame = people(1500)
    frame["age"] = 999
    frame.to_csv(tmp_path / "people.csv", index=False)
    left_out = {"columns": {"age": {"role": "ignored"}}}
    now = infer_lock(place.spec(**left_out), place.store, lock, last={})
    assert (now.outcome.checked, now.outcome.findings) == (11, ())
    with pytest.raises(DataError, match="1 of 12 expectations is not met"):
        infer_lock(place.spec(**left_out, expect={"columns": {"age": {"values": [1]}}}), place.store, lock, last={})


def test_the_contract_is_checked_before_anything_else_is_made_of_the_rows(tmp_path: Path):
    """Rows are told with their lines in the file."""
    place = Place(tmp_path)
    lock, arrays = place.looked().lock, place.looked().arrays
    collected = place.looked().collected
    spec = place.spec(expect={"columns": {"age": {"range": "0..80"}}})
    old = people(1500)["age"] > 80
    with pytest.raises(DataError, match="1 of 13 expectations is not met") as caught:
        hold(terms_of(spec, lock), collected, arrays, {}, place.store)
    first = int(old.to_numpy().argmax())
    told = str(caught.value)
    assert f"{int(old.sum())} of 1,500 rows" in told
    assert f"first rows {first}, " in told
    assert f"(lines {first + 2}, " in told
