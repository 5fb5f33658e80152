"""The map from a model's probabilities to better ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.calibration import Calibration, calibrated


def drawn(n_labels: int, sharpened: float, n: int = 3_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, probabilities that are too sharp or too flat by a power, and folds."""
    random = np.random.default_rng(seed)
    true = random.dirichlet(np.ones(n_labels), n)
    y = (random.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, n_labels - 1)
    said = true**sharpened
    return y, said / said.sum(axis=1, keepdims=True), np.arange(n) % 5


def log_loss(y: np.ndarray, shares: np.ndarray) -> float:
    return float(-np.log(shares[np.arange(len(y)), y]).mean())


@pytest.mark.parametrize("n_labels", [2, 4])
def test_what_is_said_too_surely_is_said_less_surely(n_labels: int) -> None:
    """Squared odds have slope one half, and new rows gain by it."""
    found = calibrated(*drawn(n_labels, 2.0))
    assert found is not None
    assert found.slope == pytest.approx(0.5, abs=0.05)
    y, shares, _ = drawn(n_labels, 2.0, seed=1)
    assert log_loss(y, found.apply(shares)) < log_loss(y, shares) - 0.02


def test_what_is_right_stays_as_it_is() -> None:
    """A map that gains no more than noise is none."""
    assert calibrated(*drawn(2, 1.0)) is None


def test_few_rows_say_nothing() -> None:
    """Below a hundred a map would follow chance."""
    assert calibrated(*drawn(2, 3.0, n=90)) is None


def test_a_label_that_a_fit_lacked_has_no_column() -> None:
    """The served model may know a label that its twin does not."""
    found = Calibration(slope=1.0, biases=(0.0, 5.0, 1.0))
    shares = found.apply(np.array([[0.5, 0.5]]), np.array([0, 2]))
    assert shares.tolist() == [pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=9),
    st.floats(0.05, 8.0),
    st.floats(-4.0, 4.0),
)
def test_the_order_of_scores_stays_and_a_row_alone_is_the_row_in_a_batch(
    positive: list[float], slope: float, bias: float
) -> None:
    """Ranks, and with them AUC, are none of its business."""
    shares = np.column_stack([1 - np.array(positive), positive])
    found = Calibration(slope=slope, biases=(0.0, bias))
    mapped = found.apply(shares)
    assert np.isfinite(mapped).all()
    np.testing.assert_allclose(mapped.sum(axis=1), 1.0)
    assert (np.diff(mapped[np.argsort(positive, kind="stable"), 1]) >= -1e-12).all()
    np.testing.assert_array_equal(mapped, np.vstack([found.apply(row[None]) for row in shares]))
