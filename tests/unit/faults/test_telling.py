from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from penstock.faults.copies import find_shared_rows
from penstock.faults.finding import Finding
from penstock.faults.groups import find_shared_groups
from penstock.faults.telling import find_leaks
from penstock.table import Column, TableSchema, Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
NUMBER = Target(name="y", task="regression")


def schema_of(table: pd.DataFrame, **roles: str) -> TableSchema:
    columns = [
        Column(name=c, kind="float" if table[c].dtype.kind == "f" else "category", role=roles.get(c, "feature"))  # type: ignore[arg-type]
        for c in table.columns
    ]
    return TableSchema(columns=tuple(columns))


def leaks(table: pd.DataFrame, y: np.ndarray, target: Target) -> dict[str, Finding]:
    return {f.column: f for f in find_leaks(table, y, target, schema_of(table), seed=1)}


@pytest.fixture
def labelled() -> tuple[pd.DataFrame, np.ndarray]:
    """Return 600 honest rows and their labels."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 600)
    return pd.DataFrame({"honest": y + random.normal(0, 1, 600), "noise": random.normal(0, 1, 600)}), y


def test_a_copy_of_the_target_blocks_in_whatever_dress(labelled: tuple[pd.DataFrame, np.ndarray]) -> None:
    """As a number, upside down, as text, by a threshold, by a middle range, and by being missing."""
    table, y = labelled
    random = np.random.default_rng(1)
    wild = random.normal(0, 1, 600)
    dressed = table.assign(
        number=y.astype(float),
        upside_down=-3.0 * y,
        text=pd.array(np.where(y == 1, "Y", "N"), dtype="str"),
        threshold=np.where(y == 1, 5 + np.abs(wild), -5 - np.abs(wild)),
        middle=np.where(y == 1, random.uniform(-1, 1, 600), np.sign(wild) * random.uniform(2, 9, 600)),
        gone=np.where(y == 1, np.nan, wild),
    )
    found = leaks(dressed, y, BINARY)
    assert set(found) == {"number", "upside_down", "text", "threshold", "middle", "gone"}
    assert all(f.blocks for f in found.values())
    assert "`known_after`" in found["text"].what


def test_a_monotone_copy_of_a_number_blocks() -> None:
    """The target in other units, or its logarithm."""
    random = np.random.default_rng(0)
    y = random.lognormal(3, 1, 500)
    table = pd.DataFrame({"cents": y * 100, "log": np.log(y), "related": y + random.normal(0, 10, 500)})
    found = leaks(table, y, NUMBER)
    assert {"cents", "log"} <= set(found)
    assert "related" not in found


def test_what_almost_tells_the_target_is_told_and_does_not_block(labelled: tuple[pd.DataFrame, np.ndarray]) -> None:
    """An honest measurement may be that good."""
    table, y = labelled
    close = np.where(np.arange(600) % 300 == 0, 1 - y, y) + np.random.default_rng(2).normal(0, 0.05, 600)
    found = leaks(table.assign(close=close), y, BINARY)
    assert (found["close"].kind, found["close"].blocks) == ("tells_much", False)


def test_near_unique_text_is_no_leak(labelled: tuple[pd.DataFrame, np.ndarray]) -> None:
    """Every name stands beside one label; that is no knowledge."""
    table, y = labelled
    assert leaks(table.assign(name=pd.array([f"n{i}" for i in range(600)], dtype="str")), y, BINARY) == {}


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_iris, load_diabetes])
def test_real_measurements_do_not_block(load: object) -> None:
    """The best single column of the bundled sample has an AUC of .975; honest data must pass."""
    data = load(as_frame=True)  # type: ignore[operator]
    if data.target.dtype.kind == "f":
        target, y = NUMBER, data.target.to_numpy()
    else:
        labels = tuple(str(k) for k in sorted(set(data.target)))
        task = "binary" if len(labels) == 2 else "multiclass"
        target, y = Target(name="y", task=task, labels=labels), data.target.to_numpy()
    found = leaks(data.data.astype(float), y, target)
    assert not [f for f in found.values() if f.blocks]


def test_a_fact_of_the_future_among_the_features_blocks(labelled: tuple[pd.DataFrame, np.ndarray]) -> None:
    """The spec says that it is not known in time."""
    table, y = labelled
    found = find_leaks(table, y, BINARY, schema_of(table), ("noise",), seed=1)
    assert [(f.kind, f.column, f.blocks) for f in found] == [("known_after", "noise", True)]
    left_out = schema_of(table, noise="known_after")
    assert find_leaks(table[["honest"]], y, BINARY, left_out, ("noise",), seed=1) == ()


def test_copies_under_another_identifier_block_where_rows_cannot_agree_by_chance() -> None:
    """A tenth of held-out rows agreeing in continuous columns with training rows are the same rows."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(0, 1, (400, 3)), columns=list("abc"))
    held = pd.concat([table.iloc[:10], pd.DataFrame(random.normal(0, 1, (90, 3)), columns=list("abc"))])
    known, true = random.integers(0, 2, 400), random.integers(0, 2, 100)
    true[:10] = known[:10]
    (found,) = find_shared_rows(table, held, known, true)
    assert found.blocks
    assert found.what.startswith("10 of 100 held-out rows")
    assert find_shared_rows(table, held.iloc[10:], known, true[10:]) == ()


def test_rows_that_are_alike_and_differ_in_the_target_are_no_copies() -> None:
    """Passengers of one cabin and fare are different people, of whom some were saved."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(0, 1, (400, 3)), columns=list("abc"))
    known = random.integers(0, 2, 400)
    (found,) = find_shared_rows(table, table.iloc[:100], known, 1 - known[:100])
    assert not found.blocks
    assert "0% of such pairs in the target" in found.what


def test_rows_that_agree_by_nature_are_only_told() -> None:
    """With two categories of three levels every held-out row has its like."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({c: pd.array(random.choice(["x", "y", "z"], 300), dtype="str") for c in "ab"})
    y = np.zeros(300, dtype=np.int64)
    (found,) = find_shared_rows(table.iloc[:200], table.iloc[200:], y[:200], y[200:])
    assert not found.blocks


def test_a_group_on_both_sides_blocks() -> None:
    """Its rows tell each other's answers."""
    groups = pd.Series(["a", "b", "a", None, None])
    (found,) = find_shared_groups(groups, pd.Series(["train", "heldout", "heldout", "train", "heldout"]))
    assert found.blocks
    assert find_shared_groups(groups, pd.Series(["train", "heldout", "train", "train", "heldout"])) == ()
