"""The content digest tells models apart by what they are, not by how they were written."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.bundle.canonical import content_digest
from penstock.errors import BundleError
from penstock.models.families import FAMILIES
from penstock.table import Column, TableSchema
from tests.unit.bundle.making import TARGETS, Made, make, small, task_of

EMPTY = TableSchema(columns=())
# Those whose library is here; the others are tested where the extras are.
HERE = [family for family in FAMILIES if not family.absent()]
# One line for each family and task, then what scikit-learn and LightGBM make by themselves.
SCRIPT = """
import warnings
warnings.simplefilter("ignore")
import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from penstock.bundle.canonical import content_digest
from penstock.models.families import FAMILIES
from penstock.table import TableSchema
from tests.unit.bundle.making import TARGETS, make, small
for family in [family for family in FAMILIES if not family.absent()]:
    for task in [task for task, target in TARGETS.items() if not family().refuses(target, 120, 8)]:
        print(family.__name__, task, make(task, family=small(family), n=80).parts.digest)
X = np.random.default_rng(0).normal(size=(200, 4))
for plain in (
    LogisticRegression(),
    RandomForestClassifier(20, random_state=1),
    HistGradientBoostingClassifier(max_iter=20, random_state=1),
    LGBMClassifier(n_estimators=20, verbose=-1, random_state=1),
):
    print(type(plain).__name__, content_digest(plain.fit(X, X[:, 0] > 0), TableSchema(columns=()), {}, {}))
"""


def of(value: object) -> str:
    return content_digest(value, EMPTY, {}, {})


@pytest.mark.long
def test_two_processes_with_one_seed_give_one_digest(root: Path) -> None:
    """Hash seeds, addresses and padding differ between them; every family, and plain estimators, agree."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    given = [run.communicate(timeout=200)[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert given[0] == given[1]
    pairs = [1 for family in HERE for target in TARGETS.values() if not family().refuses(target, 120, 8)]
    assert len({line.split()[-1] for line in given[0]}) == len(given[0]) == len(pairs) + 4


@pytest.mark.parametrize("family", HERE)
def test_other_data_give_another_digest(family: type) -> None:
    """A model fitted on other rows is another model."""
    one, other = (make(task_of(family()), family=small(family), seed=seed, n=80) for seed in (1, 2))
    assert one.parts.digest != other.parts.digest


@pytest.mark.parametrize("family", HERE)
def test_neither_predicting_nor_pickling_changes_a_digest(family: type) -> None:
    """What an estimator remembers on the way is no part of it."""
    made = make(task_of(family()), family=small(family), n=80)
    before = of(made.bundle.estimator)
    made.bundle.predict(made.raw)
    assert of(made.bundle.estimator) == before
    assert of(joblib.load(io.BytesIO(made.parts.served))) == before


def test_padding_between_fields_does_not_count() -> None:
    """A tree's nodes are structs, and what lies between their fields is whatever was in memory."""
    padded = np.dtype([("flag", "u1"), ("value", "f8")], align=True)
    noise = bytes(range(32))
    zeros = bytes(b if i % 16 == 0 or i % 16 >= 8 else 0 for i, b in enumerate(noise))
    assert noise != zeros
    noisy, clean = np.frombuffer(noise, dtype=padded), np.frombuffer(zeros, dtype=padded)
    assert of(noisy) == of(clean)


def test_wording_does_not_count(first: Made) -> None:
    """A better sentence about a column or a step makes no other model."""
    column = Column(name="a", kind="float", evidence="99 % read as numbers")
    told = TableSchema(columns=(column,))
    retold = TableSchema(columns=(column.model_copy(update={"evidence": "nearly all are numbers"}),))
    other = TableSchema(columns=(column.model_copy(update={"decimal": ","}),))
    assert content_digest(None, told, {}, {}) == content_digest(None, retold, {}, {})
    assert content_digest(None, told, {}, {}) != content_digest(None, other, {}, {})
    plans = [{"steps": [{"kind": "fill", "why": why}]} for why in ("gaps", "there are gaps")]
    assert content_digest(None, EMPTY, plans[0], {}) == content_digest(None, EMPTY, plans[1], {})


def test_chunks_and_what_lies_under_nulls_do_not_count() -> None:
    """Two Arrow columns that say the same are the same."""
    whole = pa.chunked_array([["a", None, "c"]])
    cut = pa.chunked_array([["x", "a"], [None, "c"]]).slice(1)
    assert of(whole) == of(cut)
    masked = pa.array(np.array([1, 99, 3]), mask=np.array([False, True, False]))
    assert of(masked) == of(pa.array([1, None, 3]))
    assert of(pa.array(["ab", "c"])) != of(pa.array(["a", "bc"]))
    assert of(pa.array(["", "c"])) != of(pa.array([None, "c"]))


def test_look_up_tables_count(carrying: Made) -> None:
    """Another value in a table that travels along is another model."""
    made = carrying
    lookup = made.lookups["regions"]
    changed = type(lookup)(lookup.record, lookup.table.set_column(1, "wealth", pa.array(["1.5", "9.25", "0.6"])))
    args = (made.bundle.estimator, made.bundle.schema, made.bundle.plan)
    assert content_digest(*args, {"regions": lookup}) != content_digest(*args, {"regions": changed})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_an_equal_value_built_anew_has_the_same_digest(value: object) -> None:
    """Only content counts: not identity, not the order in which a dictionary was filled."""

    def rebuilt(old: object) -> object:
        if isinstance(old, dict):
            return {k: rebuilt(old[k]) for k in reversed(old)}
        return [rebuilt(v) for v in old] if isinstance(old, list) else old

    assert of(value) == of(rebuilt(value))


@given(VALUES, VALUES)
def test_values_that_differ_have_different_digests(one: object, other: object) -> None:
    """Type and structure count: 1, 1.0, True and "1" are four values."""
    assert (of(one) == of(other)) == (repr(one) == repr(other) or _same(one, other))


def _same(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    # Zero and minus zero are equal and differ; NaN is one value here.
    return repr(one) == repr(other)


def test_structure_counts() -> None:
    """Values that run together as text are told apart."""
    values = [1, 1.0, True, "1", b"1", ["1"], [["1"]], {"1": 1}, ["1", "1"], ["11"], {1}, None, "", [], {}, set()]
    values += [np.float64(1), np.float32(1), np.array([1.0]), np.array([[1.0]]), pd.Series([1.0]), pd.Index([1.0])]
    assert len({of(v) for v in values}) == len(values)


def test_sets_and_random_generators_do_not_depend_on_the_moment() -> None:
    """A set has no order, and where a generator stands is no part of what was fitted."""
    assert of({f"w{i}" for i in range(50)}) == of({f"w{i}" for i in reversed(range(50))})
    used = np.random.default_rng(3)
    used.random(5)
    assert of({"rng": used}) == of({"rng": np.random.default_rng(3)})


def test_a_thing_inside_itself_ends() -> None:
    """A cycle has a digest like anything else."""
    ring: list[object] = [1]
    ring.append(ring)
    same: list[object] = [1]
    same.append(same)
    assert of(ring) == of(same) != of([1, [1]])


def test_state_that_cannot_be_told_apart_is_refused() -> None:
    """An estimator that holds a lock cannot be sealed, and the error says what it holds."""

    class Odd:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    with pytest.raises(BundleError, match="lock"):
        of(Odd())
