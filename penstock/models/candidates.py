"""What competes: a family as it is set and the scale that it learns on, with all that its fits came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock.metrics.metric import Metric
from penstock.metrics.scores import score
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.families import Family
from penstock.models.scales import OF_THE_MEDIAN, PLAIN, Scale, smearing
from penstock.models.training import FoldFit, Training


@dataclass(frozen=True)
class Configured:
    """A family as it is set, and the scale on which it learns the target.

    Examples
    --------
    >>> from penstock.models.families import LinearFamily
    >>> Configured(LinearFamily(c=2.0)).words
    'c 2'
    """

    family: Family
    scale: Scale = PLAIN

    @property
    def words(self) -> str:
        """What differs from the family's defaults."""
        return ", ".join([*self.family.words, *([self.scale.words] if self.scale.words else [])])

    @property
    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"family": self.family.model_dump(mode="json"), "scale": self.scale.words and self.scale.shift}


@dataclass(eq=False)
class Candidate:
    """What is known of one configuration so far.

    Attributes
    ----------
    n_folds : int
        How many fits make it whole: those of the first division into folds.
    fits : dict
        By fold; those of repeats are numbered on.
    error : str
        What went wrong in a fit.
    left_out : str
        Why it was not fitted at all, or no further.
    told : tuple
        Its scores by fold, and of how many fits they are.
    """

    configured: Configured
    n_folds: int
    fits: dict[int, FoldFit] = field(default_factory=dict)
    error: str = ""
    left_out: str = ""
    told: tuple[int, dict[int, float]] = field(default=(0, {}), repr=False)

    @property
    def family(self) -> Family:
        """The family as it is set."""
        return self.configured.family

    @property
    def is_whole(self) -> bool:
        """Whether every fold is there."""
        return self.has(1)

    @property
    def is_open(self) -> bool:
        """Whether there is any use in fitting it further."""
        return not self.error and not self.left_out

    @property
    def rounds(self) -> int:
        """After how many rounds it stopped in the mean over the folds; 0 for what doesn't stop early."""
        stopped = [fit.rounds for fit in self.fits.values() if fit.rounds]
        return round(float(np.mean(stopped))) if stopped else 0

    @property
    def seconds(self) -> float:
        """How long all its fits took together."""
        return sum(fit.seconds for fit in self.fits.values())

    def predicted(self, fold: int) -> Floats:
        """Return a fold's predictions, where it stops early after as many rounds as the other folds took.

        Where a fold stopped is the best of many looks at the very rows that it is tested on, and the model that is
        fitted in the end stops nowhere: it takes the rounds that the folds took in the mean.
        """
        own = self.fits[fold]
        others = [fit.rounds for other, fit in self.fits.items() if other != fold and fit.rounds]
        return own.after(round(float(np.mean(others)))) if others and own.rounds else own.predicted

    def has(self, repeats: int) -> bool:
        """Whether every fold of so many divisions is there."""
        return not self.error and all(fold in self.fits for fold in range(repeats * self.n_folds))

    def cost(self, training: Training) -> float:
        """Return about how many milliseconds it takes for one row."""
        family = self.family.with_rounds(self.rounds) if self.rounds else self.family
        return family.cost(training.target, training.n_sized, training.cut.shape[1])


def estimates(training: Training, candidate: Candidate, metric: Metric, repeats: int = 1) -> Floats:
    """Return out-of-fold predictions in the target's own units, the mean over some divisions into folds.

    The factor that undoes a logarithm is learned for each fold from the others, as it will be from all of them.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, n_labels) or (n_rows,); NaN for a row that no fold there was tested on.
    """
    each = [_of_division(training, candidate, metric, repeat) for repeat in range(repeats)]
    return each[0] if repeats == 1 else np.asarray(np.mean(each, axis=0))


def raw_estimates(training: Training, candidate: Candidate, repeat: int) -> Floats:
    """Return out-of-fold predictions on the scale that was learned, NaN where there are none."""
    k = len(training.target.labels)
    whole = np.full((len(training.y), k) if k else len(training.y), np.nan)
    for fold in _folds(candidate, repeat):
        whole[training.tested(fold)] = candidate.predicted(fold)
    return whole


def smear_of(training: Training, candidate: Candidate, metric: Metric) -> float:
    """Return the factor that undoes a logarithm, from all out-of-fold residuals of the first division."""
    raw = raw_estimates(training, candidate, 0)
    return _smear(training, candidate, metric, raw, np.flatnonzero(np.isfinite(raw)))


def _smear(training: Training, candidate: Candidate, metric: Metric, raw: Floats, rows: Ints) -> float:
    scale = candidate.configured.scale
    if scale.kind == "plain" or metric.name in OF_THE_MEDIAN or not len(rows):
        return 1.0
    return smearing(scale, training.y[rows], raw[rows])


def _of_division(training: Training, candidate: Candidate, metric: Metric, repeat: int) -> Floats:
    raw = raw_estimates(training, candidate, repeat)
    scale = candidate.configured.scale
    if scale.kind == "plain":
        return raw
    smears = np.ones(len(raw))
    known = np.isfinite(raw)
    for fold in _folds(candidate, repeat):
        tested = training.tested(fold)
        others = known.copy()
        others[tested] = False
        smears[tested] = _smear(training, candidate, metric, raw, np.flatnonzero(others))
    return scale.back(raw, smears)


def _folds(candidate: Candidate, repeat: int) -> list[int]:
    first = repeat * candidate.n_folds
    return [fold for fold in range(first, first + candidate.n_folds) if fold in candidate.fits]


def fold_scores(training: Training, candidate: Candidate, metric: Metric) -> dict[int, float]:
    """Return the metric of every fold that is there and allows it."""
    known, done = candidate.told
    if known == len(candidate.fits):
        return done
    done = {}
    for repeat in range(1 + len(training.repeats)):
        folds = _folds(candidate, repeat)
        if not folds:
            continue
        predicted = _of_division(training, candidate, metric, repeat)
        for fold in folds:
            rows = training.tested(fold)
            value = score_of(training, metric.name, predicted, rows)
            if np.isfinite(value):
                done[fold] = value
    candidate.told = (len(candidate.fits), done)
    return done


def score_of(training: Training, metric: str, predicted: Floats, rows: Ints) -> float:
    """Return a metric of some rows, given the predictions for all."""
    return score(training.target, metric, training.y[rows], predicted[rows], context_of(training, rows))


def context_of(training: Training, rows: Ints) -> Context | None:
    """Return what the scores of some rows hang on."""
    return training.context.take(rows) if training.context is not None else None
