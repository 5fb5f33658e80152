"""Every family's engine says what its estimator says, and says it of a row as of a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.bundle.kernel.engines.blend import opened
from penstock.bundle.kernel.engines.compiling import compiled
from penstock.bundle.kernel.engines.engine import NoKernel
from penstock.bundle.kernel.engines.parity import check_parity
from penstock.models.estimators.torch_net import TorchClassifier, TorchRegressor
from penstock.models.families import Refusal
from tests.unit.bundle.engines.making import KINDS, TARGETS, N, engine, family, fitted, rows

WITHOUT = {"neighbours": "nearest rows", "svm": "support vector"}
# One of each way to add up: codes in float64, codes in float32, several values a leaf, cast rows, products, densities.
WAYS = (
    ("lightgbm", "binary"),
    ("hist_gradient_boosting", "multiclass"),
    ("xgboost", "multiclass"),
    ("random_forest", "multiclass"),
    ("gradient_boosting", "regression"),
    ("logistic", "multiclass"),
    ("naive_bayes", "multiclass"),
    ("mlp", "binary"),
)


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_says_what_the_estimator_says(kind: str, task: str, extra: Callable[[str], None]) -> None:
    """Beside thresholds, with gaps and codes that nobody has seen too; else it could not stand for the model."""
    own = family(kind)
    extra(own.absent())
    if own.refuses(TARGETS[task], N, 6):
        return
    try:
        model = fitted(kind, task)
    except Refusal:
        return
    if kind in WITHOUT:
        with pytest.raises(NoKernel, match=WITHOUT[kind]):
            compiled(model, (own.encoding,), TARGETS[task], None)
        return
    parity = check_parity(engine(kind, task), model, {own.encoding: rows(own.encoding)}, TARGETS[task], beside=300)
    assert parity.holds, parity.words
    # All but a last bit of an exponential is the same; XGBoost adds up in 32 bits, and so does its engine.
    assert parity.largest < 1e-13


@pytest.mark.parametrize(("kind", "task"), WAYS)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_row_has_the_same_bits_in_any_batch(kind: str, task: str, data: st.DataObject) -> None:
    """Every door asks for as many rows as it has; what they say must not depend on that, nor on their order."""
    encoding, made = family(kind).encoding, engine(kind, task)
    size = data.draw(st.integers(1, 300))
    order = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, N, size)
    batch = made.answer({encoding: np.ascontiguousarray(rows(encoding)[order])})
    for i in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=6)):
        alone = made.answer({encoding: np.ascontiguousarray(rows(encoding)[order[i : i + 1]])})
        assert alone[0].tobytes() == batch[i].tobytes()


@pytest.mark.parametrize(("kind", "task"), WAYS)
def test_an_engine_read_from_its_files_has_the_same_bits(kind: str, task: str) -> None:
    """A service answers by what was written, and what was proven is what was made."""
    made = engine(kind, task)
    (encoding,) = made.encodings
    files = made.files()
    again = opened(files)
    given_rows = {encoding: np.tile(rows(encoding), (20, 1))}
    assert again.answer(given_rows).tobytes() == made.answer(given_rows).tobytes()
    assert again.files() == files
    assert again.encodings == made.encodings


def test_the_same_model_gives_the_same_files() -> None:
    """A version's digest covers them."""
    for kind, task in WAYS:
        again = compiled(fitted(kind, task), (family(kind).encoding,), TARGETS[task], None)
        assert again.files() == engine(kind, task).files()


@pytest.mark.parametrize("labels", [0, 2, 3])
def test_a_network_says_what_its_estimator_says_without_the_library_that_learned_it(labels: int) -> None:
    """Its weights are arrays; these are the ones that learning begins with."""
    estimator = (TorchClassifier if labels else TorchRegressor)(categorical=[0, 1], width=8)
    X, outputs = rows("ordinal"), 1 if labels < 3 else labels
    estimator._read(X)
    estimator.weights_ = estimator.begun(estimator._inputs(X)[0].shape[1], outputs)
    if labels:
        estimator.classes_ = np.arange(labels)
    else:
        estimator.centre_, estimator.spread_ = 20.0, 3.5
    target = TARGETS[{0: "regression", 2: "binary", 3: "multiclass"}[labels]]
    made = opened(compiled(estimator, ("ordinal",), target, None).files())
    parity = check_parity(made, estimator, {"ordinal": X}, target)
    assert parity.holds, parity.words
