"""A blend's engine: members of several encodings and scales, seeds, one calibration, labels that training lacked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from penstock.bundle.kernel.engines.blend import ARRAYS, FACTS, opened
from penstock.bundle.kernel.engines.compiling import compiled
from penstock.bundle.kernel.engines.engine import NoKernel
from penstock.bundle.kernel.engines.parity import check_parity
from penstock.errors import BundleError
from penstock.models.blend import BlendClassifier, BlendRegressor, Member
from penstock.models.calibration import Calibration
from penstock.models.scales import Scale
from penstock.table import Target
from tests.unit.bundle.engines.making import CODED, TARGETS, N, answers, family, rows

ENCODINGS = ("ordinal", "target", "onehot", "quantile")
LOG = Scale(kind="log", shift=1.0, low=-2.0, high=3.5)
# What opens an engine, answers, and tells what it has loaded.
OPENED = """
import pathlib, sys
import numpy as np
from penstock.bundle.kernel.engines.blend import opened
files = {p.name: p.read_bytes() for p in pathlib.Path(sys.argv[1]).iterdir()}
engine = opened(files)
engine.answer({name: np.zeros((1, 6)) for name in engine.encodings})
engine.answer({name: np.zeros((300, 6)) for name in engine.encodings})
print(*sorted({"sklearn", "lightgbm", "xgboost", "joblib", "scipy", "pandas"} & set(sys.modules)))
"""


def _member(kind: str, task: str, *, seeds: int = 1, **how: Any) -> Member:
    own = family(kind)
    each = [own.estimator(TARGETS[task], N, seed, 1) for seed in range(seeds)]
    return Member(each, encoding=own.encoding, **how)


def _encoded() -> dict[str, np.ndarray]:
    return {name: rows(name) for name in ENCODINGS}


def _regressor() -> BlendRegressor:
    members = [
        _member("lightgbm", "regression", seeds=3, weight=0.4),
        _member("xgboost", "regression", weight=0.2, scale=LOG, smear=1.07),
        _member("random_forest", "regression", seeds=2, weight=0.2),
        _member("ridge", "regression", weight=0.1, scale=LOG, smear=1.2),
        _member("mlp", "regression", weight=0.1),
    ]
    with threadpool_limits(1):
        return BlendRegressor(members, categorical=CODED).fit(_encoded(), answers("regression"))


def _classifier(y: np.ndarray, **how: Any) -> BlendClassifier:
    members = [
        _member("hist_gradient_boosting", "multiclass", seeds=2, weight=0.5),
        _member("extra_trees", "multiclass", weight=0.3),
        _member("logistic", "multiclass", weight=0.2),
    ]
    with threadpool_limits(1):
        return BlendClassifier(members, categorical=CODED, **how).fit(_encoded(), y)


def test_a_blend_of_numbers_is_in_the_target_s_own_units() -> None:
    """Seeds are averaged on the scale that they learned, and only then is the logarithm undone."""
    model = _regressor()
    made = compiled(model, ENCODINGS, TARGETS["regression"], None)
    parity = check_parity(opened(made.files()), model, _encoded(), TARGETS["regression"], beside=300)
    assert parity.holds, parity.words
    assert parity.tolerance == 1e-6
    assert set(made.encodings) == set(ENCODINGS)


def test_a_calibrated_blend_has_a_place_for_a_label_that_training_lacked() -> None:
    """The calibration knows all labels, the members only those that they saw."""
    target = Target(name="y", task="multiclass", labels=("a", "b", "c", "d"))
    y = np.where(answers("multiclass") == 1, 3, answers("multiclass"))
    calibration = Calibration(slope=1.3, biases=(0.0, 5.0, 0.2, -0.4))
    model = _classifier(y, calibration=calibration)
    places = [0, 2, 3]
    engine = compiled(model, ENCODINGS, target, places)
    parity = check_parity(opened(engine.files()), model, _encoded(), target, places, beside=300)
    assert parity.holds, parity.words
    told = engine.answer(_encoded())
    assert told.shape == (N, 4)
    assert (told[:, 1] == 0).all()
    assert np.allclose(told.sum(axis=1), 1.0)


def test_one_member_without_a_compiled_form_leaves_the_whole_without_one() -> None:
    """And the reason is told: it stands in the model's card."""
    members = [_member("ridge", "regression", weight=0.5), _member("neighbours", "regression", weight=0.5)]
    model = BlendRegressor(members).fit(_encoded(), answers("regression"))
    with pytest.raises(NoKernel, match="nearest rows"):
        compiled(model, ENCODINGS, TARGETS["regression"], None)


def test_an_estimator_of_the_user_s_own_has_no_compiled_form() -> None:
    """Whatever it is called: only what this library defines is known to be those arrays."""
    own = type("Ridge", (LinearRegression,), {})().fit(rows("onehot"), answers("regression"))
    with pytest.raises(NoKernel, match="own"):
        compiled(own, ("onehot",), TARGETS["regression"], None)


def test_opening_loads_no_library_that_learns(tmp_path: Path) -> None:
    """A serving process starts sooner and stays smaller; and no pickle is read."""
    for name, data in compiled(_regressor(), ENCODINGS, TARGETS["regression"], None).files().items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run([sys.executable, "-c", OPENED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert done.stderr == ""


def test_files_that_are_no_engine_s_are_refused_in_words() -> None:
    """They may come from another release, or have been cut short."""
    files = compiled(_classifier(answers("multiclass")), ENCODINGS, TARGETS["multiclass"], None).files()
    facts = json.loads(files[FACTS])
    for broken in (
        {FACTS: files[FACTS]},
        {**files, FACTS: b"{"},
        {**files, FACTS: json.dumps({**facts, "format": 99}).encode()},
        {**files, FACTS: json.dumps({**facts, "sources": [["code", "ordinal"]]}).encode()},
        {**files, ARRAYS: files[ARRAYS][:2_000]},
        {**files, ARRAYS: b""},
    ):
        with pytest.raises(BundleError, match="kernel"):
            opened(broken)
