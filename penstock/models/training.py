"""What every fit of a search starts from, and the two kinds of fit: one fold, and all rows."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.encoder import Encoder
from penstock.models.families import MOST_SEED, BaseFamily
from penstock.models.folds import Order
from penstock.models.recipe import Recipe, with_every_label, with_places_of_codes
from penstock.models.scales import PLAIN, Scale
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.steps.plan import Plan


# Encoded folds that a process keeps, so that a candidate need not repeat what the one before it did.
MOST_KEPT_BYTES = 500_000_000


class Encoded(NamedTuple):
    """A fold after its learned steps and its encoder: what is learned from, what is tested, and where codes stand."""

    learned: Floats
    tested: Floats
    categorical: list[int]


class _Kept(OrderedDict[tuple[int | str, str], Encoded]):
    """The folds that were encoded last. It doesn't travel: another process encodes its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Kept, ())

    def keep(self, key: tuple[int | str, str], encoded: Encoded) -> None:
        self[key] = encoded
        while len(self) > 1 and sum(e.learned.nbytes + e.tested.nbytes for e in self.values()) > MOST_KEPT_BYTES:
            self.popitem(last=False)


@dataclass(frozen=True)
class Training:
    """Rows at the plan's cut, their target and their folds.

    Attributes
    ----------
    cut : pandas.DataFrame
        Shape (n_rows, n_columns).
    y : numpy.ndarray
        int64 indices of labels, or float64, shape (n_rows,).
    fold_of : numpy.ndarray
        The fold in which each row is tested, int64, shape (n_rows,); -1 where it is only learned from.
    n_sized : int
        For how many rows models are sized.
    order : Order, optional
        Of a forecast, when rows are known: a fold then learns from none that comes after its first origin.
    context : Context, optional
        What scores hang on beside `y` and predictions.
    weights : numpy.ndarray, optional
        How much each row counts, float64, shape (n_rows,).
    class_weight : tuple of float, optional
        How much a row of each label counts in fits beside that; scores know nothing of it.
    repeats : tuple of numpy.ndarray
        The same rows divided into as many folds in other ways, each like `fold_of`. Folds are numbered through: with
        five folds, fold 7 is the third of the first repeat.
    """

    cut: pd.DataFrame
    y: npt.NDArray[np.generic]
    fold_of: Ints
    plan: Plan
    target: Target
    seed: int
    n_sized: int
    order: Order | None = None
    context: Context | None = None
    weights: Floats | None = None
    class_weight: tuple[float, ...] | None = None
    repeats: tuple[Ints, ...] = ()
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False, compare=False)

    @property
    def n_folds(self) -> int:
        """How many folds the rows are divided into."""
        return int(self.fold_of.max()) + 1

    def tested(self, fold: int) -> Ints:
        """Return the positions of the rows that a fold is tested on."""
        return np.flatnonzero(self._division(fold) == fold % self.n_folds)

    def learned(self, fold: int) -> Ints:
        """Return the positions of the rows that a fold learns from: all others, or all that came before."""
        if self.order is None:
            return np.flatnonzero(self._division(fold) != fold % self.n_folds)
        return np.flatnonzero(self.order.index <= self.order.until[fold])

    def encoded(self, fold: int, kind: str) -> Encoded:
        """Return a fold's rows as estimators take them: neither its steps nor its encoder have seen the tested ones."""
        found = self._kept.get((fold, kind))
        if found is None:
            learn, test = self.learned(fold), self.tested(fold)
            steps = self.plan.transformer(len(self.target.labels), self.seed & MOST_SEED)
            encoder = Encoder(kind)  # type: ignore[arg-type]  # a family's own word
            frame = steps.fit_transform(self.cut.iloc[learn], self.y[learn])
            known = encoder.fit_transform(frame, self.y[learn])
            found = Encoded(known, encoder.transform(steps.transform(self.cut.iloc[test])), encoder.categorical)
            self._kept.keep((fold, kind), found)
        return found

    def encoded_alone(self, rows: Ints, kind: str) -> tuple[Floats, list[int]]:
        """Return rows as an estimator that learns from them takes them, and where codes stand."""
        key = hashlib.sha256(rows.tobytes()).hexdigest()
        found = self._kept.get((key, kind))
        if found is None:
            steps = self.plan.transformer(len(self.target.labels), self.seed & MOST_SEED)
            encoder = Encoder(kind)  # type: ignore[arg-type]  # a family's own word
            known = encoder.fit_transform(steps.fit_transform(self.cut.iloc[rows], self.y[rows]), self.y[rows])
            found = Encoded(known, known[:0], encoder.categorical)
            self._kept.keep((key, kind), found)
        return found.learned, found.categorical

    def _division(self, fold: int) -> Ints:
        repeat = fold // self.n_folds
        return self.repeats[repeat - 1] if repeat else self.fold_of

    @property
    def n_cells(self) -> int:
        """How much there is to learn from: rows times columns, times labels where each has trees of its own."""
        trees = len(self.target.labels) if self.target.task == "multiclass" else 1
        return len(self.cut) * max(1, self.cut.shape[1]) * trees


@dataclass(frozen=True)
class FoldFit:
    """Predictions for the rows of one fold, how long fitting and predicting took, and where it stopped early.

    Attributes
    ----------
    predicted : numpy.ndarray
        Probabilities of shape (n_tested, n_labels), or values of shape (n_tested,) on the scale that was learned.
    seconds : float
        Wall clock.
    rounds : int
        After how many rounds it stopped; 0 for what doesn't stop early.
    way : numpy.ndarray, optional
        Its predictions after every round, float32 of shape (n_rounds, n_tested, n_labels) or (n_rounds, n_tested): it
        stopped at the luckiest of these.
    """

    predicted: Floats
    seconds: float
    rounds: int = 0
    way: npt.NDArray[np.float32] | None = None

    def after(self, rounds: int) -> Floats:
        """Return what it predicted after so many rounds; where that is not known, after as many as it took."""
        if self.way is None:
            return self.predicted
        return np.asarray(self.way[min(max(rounds, 1), len(self.way)) - 1], dtype=np.float64)


def fit_fold(training: Training, family: BaseFamily, fold: int, scale: Scale = PLAIN) -> FoldFit:
    """Fit a family on what a fold learns from, and predict what it is tested on.

    A family that stops early stops where the tested rows say so.

    Raises
    ------
    FloatingPointError
        It predicts what is no finite number.
    """
    started = time.perf_counter()
    learn, test = training.learned(fold), training.tested(fold)
    y = scale.to(training.y)
    with threadpool_limits(limits=1):
        encoded = training.encoded(fold, family.encoding)
        model = family.estimator(training.target, training.n_sized, training.seed & MOST_SEED, 1)
        with_places_of_codes(model, encoded.categorical)
        how: dict[str, Any] = {**weighted(training, learn)}
        if family.stops_early:
            # Where it stops is part of the fit.
            weights = fit_weights(training, test)
            how["valid"] = (encoded.tested, y[test], *(() if weights is None else (weights,)))
        model.fit(encoded.learned, y[learn], **how)
        predicted = _predicted(model, encoded.tested, len(training.target.labels))
    if not np.isfinite(predicted).all():
        raise FloatingPointError("some of its predictions are not finite")
    rounds = int(getattr(model, "rounds_", 0)) if family.stops_early else 0
    return FoldFit(predicted, time.perf_counter() - started, rounds, _way(model, training, len(test)))


def _way(model: Any, training: Training, n_tested: int) -> npt.NDArray[np.float32] | None:
    """Return what a model that stopped early said of all tested rows after every round, where it tells."""
    told = getattr(model, "on_the_way", None)
    # Rows of a label that training lacks are none to stop on.
    each = [] if told is None else [said for said in told() if len(said) == n_tested]
    if not each or not all(np.isfinite(said).all() for said in each):
        return None
    k = len(training.target.labels)
    return np.asarray([with_every_label(said, model.classes_, k) if k else said for said in each], dtype=np.float32)


def _predicted(model: Any, X: Floats, n_labels: int) -> Floats:
    if not n_labels:
        return np.asarray(model.predict(X), dtype=np.float64)
    return with_every_label(np.asarray(model.predict_proba(X)), model.classes_, n_labels)


def fit_rows(training: Training, family: BaseFamily, rows: Ints, threads: int = 1) -> Recipe:
    """Fit a family on the rows at the given positions."""
    seed, sized = training.seed, training.n_sized
    return fit_recipe(training, family.pipeline(training.plan, training.target, sized, seed, threads), rows)


def fit_recipe(training: Training, recipe: Recipe, rows: Ints) -> Recipe:
    """Return a copy of an unfitted recipe, fitted on the rows at the given positions."""
    return deepcopy(recipe).fit(training.cut.iloc[rows], training.y[rows], **weighted(training, rows))


def weighted(training: Training, rows: Ints) -> dict[str, Floats]:
    """Return how much rows count, as estimators take it; nothing where all count the same."""
    weights = fit_weights(training, rows)
    return {} if weights is None else {"sample_weight": weights}


def fit_weights(training: Training, rows: Ints) -> Floats | None:
    """Return how much rows count in fits, shape (n_rows,): by themselves and by their labels; None where all alike."""
    weights = None if training.weights is None else training.weights[rows]
    if training.class_weight is None:
        return weights
    by_label = np.asarray(training.class_weight)[training.y[rows].astype(np.int64)]
    return by_label if weights is None else weights * by_label
