"""The search among families: every candidate on every fold, within a budget, and the one that did best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from penstock.errors import UserError
from penstock.metrics.metric import Metric
from penstock.metrics.scores import score, scores
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.crew import Alone, Crew, Job
from penstock.models.families import BaseFamily, Family, Refusal
from penstock.models.naive import naive_values
from penstock.models.training import FoldFit, Training, fit_fold
from penstock.progress import note
from penstock.receipts import LeaderboardRow
from penstock.series.features import naive_name

# Scores closer than this are equal: which of two is a last bit ahead may differ between machines.
TIE = 1e-9


@dataclass
class Candidate:
    """What is known of one family so far."""

    family: Family
    n_folds: int
    fits: dict[int, FoldFit] = field(default_factory=dict)
    error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every fold is there."""
        return len(self.fits) == self.n_folds and not self.error


@dataclass(frozen=True)
class Searched:
    """What a search came to.

    Attributes
    ----------
    winner : Family
        The best of those that completed all folds; the dummy where none else did.
    rows : tuple of LeaderboardRow
        Best first; then those that did not complete.
    out_of_fold : numpy.ndarray
        The winner's predictions for every row from the fit that had not seen it, shape (n_rows, n_labels) or (n_rows,);
        NaN for a row that no fold was tested on.
    cross_validation : dict
        Mean and standard deviation over the folds of every metric, for the winner.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    winner: Family
    rows: tuple[LeaderboardRow, ...]
    out_of_fold: Floats
    cross_validation: dict[str, tuple[float, float]]
    interrupted: bool = False


def search(
    training: Training,
    families: Sequence[Family],
    metric: Metric,
    *,
    crew: Crew | None = None,
    deadline: float | None = None,
    grace: float = 0.0,
) -> Searched:
    """Cross-validate families and choose among them.

    Only a candidate with all its folds can be chosen. The dummy comes first, costs nothing and completes whatever the
    deadline. What the deadline or Ctrl-C cut short is told on the leaderboard, with the folds that it completed.

    Parameters
    ----------
    training : Training
        Rows, target and folds.
    families : sequence of Family
        In the order in which they are tried; of two equally good ones the earlier is chosen.
    metric : Metric
        What decides.
    crew : Crew, optional
        Who does the fits; by default this process.
    deadline : float, optional
        The reading of `time.monotonic` at which to stop.
    grace : float
        How many seconds longer the first family that is not the dummy may take, so that a small budget, too, ends in a
        model.

    Raises
    ------
    UserError
        A step of the plan finds fault with these rows, so no candidate can be fitted.
    """
    candidates = [Candidate(f, training.n_folds) for f in families]
    for candidate in candidates:
        if candidate.family.kind == "dummy":
            candidate.fits = {fold: _prior(training, candidate.family, fold) for fold in range(training.n_folds)}
    open_ones = [c for c in candidates if not c.is_whole]
    later = deadline + grace if deadline is not None else None
    interrupted = False
    try:
        _fill(training, open_ones[:1], crew or Alone(), later, "the first family")
        _fill(training, open_ones[1:], crew or Alone(), deadline, "the other families")
    except KeyboardInterrupt:
        interrupted = True
    return _concluded(training, candidates, metric, interrupted)


def _fill(training: Training, candidates: Sequence[Candidate], crew: Crew, deadline: float | None, whose: str) -> None:
    units = [(c, fold) for c in candidates for fold in range(training.n_folds)]
    jobs: list[Job[FoldFit]] = [(fit_fold, (c.family, fold)) for c, fold in units]
    for n, (i, done) in enumerate(crew.each(training, jobs, deadline), start=1):
        candidate, fold = units[i]
        _take(candidate, fold, done)
        note(n, len(jobs), f"{n} of {len(jobs)} fits of {whose}; the last one was of {candidate.family.kind}")


def _prior(training: Training, family: BaseFamily, fold: int) -> FoldFit:
    """Fit the dummy without the plan's steps: it looks at nothing but the target, and nobody should wait for it."""
    started = time.perf_counter()
    learn, test = training.learned(fold), training.tested(fold)
    if training.target.task == "forecast":
        mean = float(np.mean(training.y[learn].astype(np.float64)))
        naive = naive_values(training.cut.iloc[test], naive_name(training.target.name), mean)
        return FoldFit(naive, time.perf_counter() - started)
    model = family.estimator(training.target, training.n_sized, training.seed, 1)
    model.fit(np.zeros((len(learn), 1)), training.y[learn])
    blank = np.zeros((len(test), 1))
    if not training.target.is_classification:
        return FoldFit(np.asarray(model.predict(blank), dtype=np.float64), time.perf_counter() - started)
    shares = np.zeros((len(test), len(training.target.labels)))
    shares[:, model.classes_.astype(np.int64)] = model.predict_proba(blank)
    return FoldFit(shares, time.perf_counter() - started)


def _take(candidate: Candidate, fold: int, done: FoldFit | Exception) -> None:
    if isinstance(done, UserError):
        raise done
    if isinstance(done, Exception):
        told = str(done) if isinstance(done, Refusal) else f"{type(done).__name__}: {done}"
        candidate.error = candidate.error or told.splitlines()[0][:200]
    else:
        candidate.fits[fold] = done


def _concluded(training: Training, candidates: list[Candidate], metric: Metric, interrupted: bool) -> Searched:
    of_folds = [_fold_scores(training, c, metric) for c in candidates]
    means = [float(np.mean(values)) if values else None for values in of_folds]
    best = _best(candidates, means, metric)
    rows = [
        _row(c, metric, values, mean, interrupted, chosen=i == best)
        for i, (c, values, mean) in enumerate(zip(candidates, of_folds, means, strict=True))
    ]
    if training.target.task == "forecast":
        told = {"note": "the seasonal naive forecast"}
        rows = [row.model_copy(update=told) if row.family == "dummy" else row for row in rows]
    winner = candidates[best]
    if winner.family.kind == "dummy":
        others = [row for row in rows if row.family != "dummy"]
        if others and all(row.state != "completed" for row in others):
            note = "it stands in, for no other family completed its folds"
            rows[best] = rows[best].model_copy(update={"note": note})
    return Searched(
        winner=winner.family,
        rows=tuple(sorted(rows, key=lambda row: _standing(row, metric))),
        out_of_fold=_out_of_fold(training, winner),
        cross_validation=_every_metric(training, winner),
        interrupted=interrupted,
    )


def _best(candidates: list[Candidate], means: list[float | None], metric: Metric) -> int:
    best = next(i for i, c in enumerate(candidates) if c.is_whole)
    for i, (candidate, mean) in enumerate(zip(candidates, means, strict=True)):
        champion = means[best]
        if not candidate.is_whole or mean is None:
            continue
        if champion is None or metric.sign * (mean - champion) > TIE * max(1.0, abs(champion)):
            best = i
    return best


def _standing(row: LeaderboardRow, metric: Metric) -> tuple[bool, int, float, str]:
    order = ("completed", "stopped", "failed", "skipped").index(row.state)
    return not row.chosen, order, -metric.sign * row.mean if row.mean is not None else 0.0, row.family


def _fold_scores(training: Training, candidate: Candidate, metric: Metric) -> list[float]:
    """Return the metric of every fold that is there and allows it; of all folds together, where none allows it."""
    each = [
        score(training.target, metric.name, training.y[rows], candidate.fits[fold].predicted, _context(training, rows))
        for fold, rows in ((fold, training.tested(fold)) for fold in sorted(candidate.fits))
    ]
    finite = [value for value in each if np.isfinite(value)]
    if finite or not candidate.is_whole:
        return finite
    rows = np.flatnonzero(training.fold_of >= 0)
    predicted = _out_of_fold(training, candidate)[rows]
    pooled = score(training.target, metric.name, training.y[rows], predicted, _context(training, rows))
    return [pooled] if np.isfinite(pooled) else []


def _row(
    candidate: Candidate, metric: Metric, values: list[float], mean: float | None, interrupted: bool, *, chosen: bool
) -> LeaderboardRow:
    why = "Ctrl-C" if interrupted else "the budget"
    done = f"{len(candidate.fits)} of {candidate.n_folds} folds"
    if candidate.error:
        state, note = "failed", candidate.error
    elif candidate.is_whole:
        state, note = "completed", ""
    elif candidate.fits:
        state, note = "stopped", f"{done} when {why} ended it"
    else:
        state, note = "skipped", f"no fold completed before {why} ended the search"
    return LeaderboardRow.model_validate(
        {
            "family": candidate.family.kind,
            "metric": metric.name,
            "mean": mean,
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            "folds": tuple(values),
            "seconds": round(sum(f.seconds for f in candidate.fits.values()), 4),
            "state": state,
            "note": note,
            "chosen": chosen,
        }
    )


def _context(training: Training, rows: Ints) -> Context | None:
    return training.context.take(rows) if training.context is not None else None


def _out_of_fold(training: Training, candidate: Candidate) -> Floats:
    k = len(training.target.labels)
    whole = np.full((len(training.y), k) if k else len(training.y), np.nan)
    for fold, fit in candidate.fits.items():
        whole[training.tested(fold)] = fit.predicted
    return whole


def _every_metric(training: Training, candidate: Candidate) -> dict[str, tuple[float, float]]:
    gathered: dict[str, list[float]] = {}
    for fold, fit in sorted(candidate.fits.items()):
        rows = training.tested(fold)
        y: npt.NDArray[np.generic] = training.y[rows]
        for name, value in scores(training.target, y, fit.predicted, _context(training, rows)).items():
            if np.isfinite(value):
                gathered.setdefault(name, []).append(value)
    return {
        name: (float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        for name, values in gathered.items()
    }


def dummy_predictions(training_y: npt.NDArray[np.generic], n: int, n_labels: int) -> Floats:
    """Return what the dummy says of `n` rows: the shares of the labels in training, or the mean.

    Examples
    --------
    >>> dummy_predictions(np.array([0, 0, 1, 0]), 1, 2).tolist()
    [[0.75, 0.25]]
    """
    if not n_labels:
        return np.full(n, float(np.mean(training_y.astype(np.float64))))
    shares = np.bincount(training_y.astype(np.int64), minlength=n_labels) / len(training_y)
    return np.tile(shares, (n, 1))
