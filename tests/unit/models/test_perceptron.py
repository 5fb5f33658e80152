"""Perceptrons that learn side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.bundle.kernel.engines.blend import opened
from penstock.bundle.kernel.engines.compiling import compiled
from penstock.models.candidates import Candidate, Configured
from penstock.models.estimators import perceptron
from penstock.models.estimators.perceptron import PerceptronClassifier, PerceptronRegressor
from penstock.models.estimators.side_by_side import SideBySide
from penstock.models.families import PerceptronFamily
from penstock.models.training import FoldFit, fit_fold
from penstock.rowwise import layered
from tests.unit.models.making import TARGETS, training

RATE = 1e-3
Drawn = tuple[np.ndarray, np.ndarray]


def teeth(n: int, seed: int) -> Drawn:
    """Draw a curve that bends often, with a little noise."""
    random = np.random.default_rng(seed)
    X = random.uniform(0, 8, size=(n, 2))
    return X, np.abs(X[:, 0] % 2 - 1) + np.abs(X[:, 1] % 1 - 0.5) + random.normal(0, 0.05, n)


@pytest.mark.parametrize("nets", [1, 3])
def test_a_first_step_goes_down_the_slope_of_every_weight(nets: int) -> None:
    """Adam's first step is as long as the rate, against the sign of the slope: here that of differences."""
    random = np.random.default_rng(0)
    X, truth = random.normal(size=(20, 4)).astype(np.float32), random.normal(size=(20, 2)).astype(np.float32)
    side = SideBySide((4, 5, 3, 2), nets, random)
    begun = side.state.copy()

    def loss() -> float:
        return float(np.sum((side.scores(X).astype(np.float64) - truth) ** 2) / 2 / len(X))

    slopes = np.empty(len(begun))
    for i in range(len(begun)):
        ends = []
        for way in (-1, 1):
            side.state[:] = begun
            side.state[i] += way * 1e-2
            ends.append(loss())
        slopes[i] = (ends[1] - ends[0]) / 2e-2
    side.state[:] = begun
    side.step(X, lambda scores: scores - truth, RATE, l2=0.0)
    steep = np.abs(slopes) > 5e-3
    assert steep.sum() > len(begun) / 2
    np.testing.assert_allclose((side.state - begun)[steep], -RATE * np.sign(slopes[steep]), rtol=1e-2)


def test_what_is_kept_answers_as_what_learned() -> None:
    """Weights of all networks as few arrays, in double precision, come to the mean of their scores."""
    random = np.random.default_rng(0)
    side = SideBySide((6, 8, 4, 3), 5, random)
    X = random.normal(size=(40, 6))
    told = layered(X, *side.layers())
    np.testing.assert_allclose(told, side.scores(X.astype(np.float32)).mean(axis=0), rtol=1e-4, atol=1e-5)
    assert (np.concatenate([layered(X[i : i + 1], *side.layers()) for i in range(len(X))]) == told).all()


def test_a_penalty_draws_weights_to_nothing() -> None:
    """Without a slope of the loss it alone moves them."""
    side = SideBySide((3, 4, 1), 2, np.random.default_rng(0))
    before = np.abs(side.state).sum()
    for _ in range(50):
        side.step(np.ones((9, 3), dtype=np.float32), np.zeros_like, RATE, l2=1.0)
    assert np.abs(side.state).sum() < 0.95 * before


def error(learned: Drawn, asked: Drawn, **how: Any) -> float:
    """Return the root of the mean squared error on rows that were not learned, the mean over two beginnings."""
    each = [PerceptronRegressor(epochs=25, seed=s, **how).fit(*learned).predict(asked[0]) for s in range(2)]
    return float(np.mean([np.mean((p - asked[1]) ** 2) ** 0.5 for p in each]))


def test_what_bends_often_is_learned_by_pieces() -> None:
    """Units of a network bend once each."""
    learned, asked = teeth(1_500, 1), teeth(1_500, 2)
    assert error(learned, asked) < 0.8 * error(learned, asked, pieces=0)


def test_several_networks_are_closer_together_than_one() -> None:
    """Of few rows each learns its own part of the noise."""

    def noisy(n: int, seed: int) -> Drawn:
        random = np.random.default_rng(seed)
        X = random.normal(size=(n, 8))
        return X, X[:, 0] * X[:, 1] + random.normal(0, 0.5, n)

    learned, asked = noisy(400, 1), noisy(2_000, 2)
    assert error(learned, asked, pieces=0) < 0.95 * error(learned, asked, pieces=0, nets=1)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_rows_too_many_to_keep_as_pieces_come_to_the_same_model(n_labels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is then made anew."""
    X, y = teeth(600, 3)
    codes = np.searchsorted(np.quantile(y, np.linspace(0, 1, n_labels + 1)[1:-1]), y)
    learn, held = slice(0, 400), slice(400, 600)

    def model() -> PerceptronClassifier:
        return PerceptronClassifier(most=5).fit(X[learn], codes[learn], valid=(X[held], codes[held]))

    kept = model().predict_proba(X)
    monkeypatch.setattr(perceptron, "MOST_CELLS", 1_000)
    np.testing.assert_allclose(model().predict_proba(X), kept, rtol=1e-4, atol=1e-5)


def test_a_network_that_an_earlier_release_learned_answers_as_before() -> None:
    """It is one network of numbers as they are: weights of two dimensions, and no pieces."""
    model = PerceptronRegressor()
    model.weights_ = [np.array([[1.0, -1.0], [2.0, 0.0]]), np.array([[3.0, 1.0]])]
    model.biases_ = [np.zeros(2), np.ones(1)]
    model.centre_, model.spread_, model.n_features_in_ = 10.0, 2.0, 2
    # The units hold 4 and 10, the score is 3 times 4 and 10 and 1, and 23 spreads above the centre are 56.
    X = np.array([[5.0, 1.0]])
    assert model.predict(X).tolist() == [56.0]
    made = opened(compiled(model, ("quantile",), TARGETS["regression"], None).files())
    assert made.answer({"quantile": X}).tolist() == [56.0]


def test_a_fold_is_scored_after_as_many_epochs_as_the_others_took() -> None:
    """Where it stopped itself is the luckiest of many looks at the rows that it is tested on."""
    candidate = Candidate(Configured(PerceptronFamily()), 3)
    for fold, rounds in enumerate((2, 4, 6)):
        way = np.array([[10.0 * fold + epoch] for epoch in range(1, 9)], dtype=np.float32)
        candidate.fits[fold] = FoldFit(np.array([-1.0]), 0.1, rounds, way)
    assert [candidate.predicted(fold)[0] for fold in range(3)] == [5.0, 14.0, 23.0]
    alone = Candidate(Configured(PerceptronFamily()), 3, fits={0: candidate.fits[0]})
    assert alone.predicted(0)[0] == -1.0


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_a_fold_tells_what_it_said_after_every_epoch(task: str) -> None:
    """After the best one it said what it predicts."""
    given = training(task)
    fit = fit_fold(given, PerceptronFamily(), 0)
    assert fit.way is not None
    assert len(fit.way) > fit.rounds
    np.testing.assert_allclose(fit.after(fit.rounds), fit.predicted, rtol=1e-4, atol=1e-5)
    assert not np.allclose(fit.after(1), fit.predicted, rtol=1e-4)


def test_a_fold_without_a_known_label_to_stop_on_tells_nothing() -> None:
    """All that it is tested on is of a label that it has not learned."""
    X, y = teeth(60, 1)[0], np.repeat([0, 1], 30)
    model = PerceptronClassifier(epochs=2).fit(X, y, valid=(X[:5], np.full(5, 2)))
    assert model.on_the_way() == []
    assert PerceptronClassifier(most=3).fit(X, y, valid=(X, y)).fit(X, y).on_the_way() == []
