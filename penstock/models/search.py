"""The search: a portfolio first, then variations of what did best, every candidate on every fold, within a budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from penstock.errors import UserError
from penstock.metrics.metric import Metric
from penstock.metrics.weighted import Floats
from penstock.models.candidates import Candidate, Configured, fold_scores
from penstock.models.concluding import TIE, Scored, Searched, best_of, concluded, dear, scored
from penstock.models.crew import Alone, Crew, Job
from penstock.models.families import Family, Refusal
from penstock.models.memory import want_of_memory
from penstock.models.naive import naive_values
from penstock.models.proposing import variation
from penstock.models.remembered import Forgetful, Memory
from penstock.models.scales import PLAIN, log_scale
from penstock.models.training import FoldFit, Training, fit_fold
from penstock.progress import note
from penstock.series.features import naive_name

# So many candidates are begun together: the next ones depend on what these came to.
TOGETHER = 4
# The folds after which a candidate that is behind is given up, and how many there have to be to be behind.
LOOK_AFTER = 2
FEWEST_TO_COMPARE = 4
# Variations in a row without a better one, after which the search is over.
PATIENCE = 48
# More candidates than any search comes to.
NO_END = 2**31
# Of the time, what the first division into folds gets where there are others; and how many candidates go on to those.
FIRST_DIVISION = 0.7
PROMOTED = 12
# Fewer than these on a further division are no choice, and it doesn't count.
FEWEST_PROMOTED = 6


@dataclass
class _Search:
    """What a search knows while it runs."""

    training: Training
    metric: Metric
    crew: Crew
    memory: Memory
    most_ms: float
    most: int
    candidates: list[Candidate]
    done: int = 0
    repeats: int = 1
    refused: set[str] = field(default_factory=set)

    def run(self, deadline: float | None, grace: float) -> None:
        """Fit all that there is time for."""
        first_deadline = deadline
        if deadline is not None and self.training.repeats:
            now = time.monotonic()
            first_deadline = now + FIRST_DIVISION * (deadline - now)
        waiting = [c for c in self.candidates if not c.is_whole]
        self._refuse(waiting)
        waiting = [c for c in waiting if c.is_open]
        # What comes first may take longer, so that a small budget, too, ends in a model, and in more than a plain one.
        later = deadline + grace if deadline is not None else None
        self.fit(waiting[:1], self._all_folds, later)
        strongest, others = _firsts(waiting)
        rest = [c for c in strongest if c is not waiting[0]]
        self.fit(rest[:1], self._all_folds, later)
        # No division is worth doing again before every family had its turn.
        self.fit(rest, range(1), deadline)
        self.fit(self._promising(rest), self._all_folds, deadline)
        self._other_scale(strongest, first_deadline)
        for start in range(0, len(others), TOGETHER):
            self.race([c for c in others[start : start + TOGETHER] if c in self.candidates], first_deadline)
        self.vary(first_deadline)
        self.repeat(deadline)

    def fit(self, candidates: Sequence[Candidate], folds: Sequence[int], deadline: float | None) -> None:
        """Fit candidates on folds that they lack."""
        if deadline is not None and time.monotonic() >= deadline:
            return
        units = [(c, fold) for c in candidates for fold in folds if c.is_open and fold not in c.fits]
        unknown = []
        for candidate, fold in units:
            known = self.memory.recall(candidate.configured, fold)
            if known is None:
                unknown.append((candidate, fold))
            else:
                candidate.fits[fold] = known
        self.done += len(units) - len(unknown)
        if not unknown:
            return
        jobs: list[Job[FoldFit]] = [(fit_fold, (c.family, fold, c.configured.scale)) for c, fold in unknown]
        # Nobody knows how many there will be where time alone ends it.
        of = self.done + len(jobs) if self.most < NO_END else None
        for i, done in self.crew.each(self.training, jobs, deadline):
            candidate, fold = unknown[i]
            _take(candidate, fold, done)
            if isinstance(done, FoldFit):
                self.memory.keep(candidate.configured, fold, done)
            self.done += 1
            note(self.done, of, f"{self.done} fits; the last one was of {candidate.family.kind}")

    def race(self, candidates: Sequence[Candidate], deadline: float | None) -> None:
        """Fit candidates, and give those up that are behind after some folds."""
        self.fit(candidates, range(min(LOOK_AFTER, self.training.n_folds)), deadline)
        for candidate in candidates:
            self._look(candidate)
        self.fit(self._promising(candidates), self._all_folds, deadline)

    def vary(self, deadline: float | None) -> None:
        """Fit variations of what did best, until nothing gets better or time is over."""
        fruitless, best = 0, self._best_mean()
        scale = log_scale(self.training.target, self.training.y)
        while fruitless < PATIENCE and (deadline is None or time.monotonic() < deadline):
            drawn: list[Candidate] = []
            standing = [e.candidate.configured for e in self._standing()]
            while standing and len(drawn) < TOGETHER and self._room:
                tried = [c.configured for c in self.candidates]
                sized, seed = self.training.n_sized, self.training.seed
                found = variation(standing, tried, scale, self.training.target, sized, seed)
                if found is None:
                    break
                drawn.append(Candidate(found, self.training.n_folds))
                self.candidates.append(drawn[-1])
            if not drawn:
                return
            self._refuse(drawn)
            self.race(drawn, deadline)
            mean = self._best_mean()
            better = mean is not None and (best is None or self.metric.sign * (mean - best) > TIE * max(1.0, abs(best)))
            fruitless = 0 if better else fruitless + len(drawn)
            best = mean if better else best

    def repeat(self, deadline: float | None) -> None:
        """Fit the best on other divisions into folds, too: what is best on one of them may have been lucky."""
        promoted = self._promoted()
        n, fewest = self.training.n_folds, min(FEWEST_PROMOTED, len(promoted))
        for repeat in range(1, 1 + len(self.training.repeats)):
            self.fit(promoted, range(repeat * n, (repeat + 1) * n), deadline)
            # Those that the time was not enough for are not compared with the others.
            promoted = [c for c in promoted if c.has(repeat + 1)]
            if not promoted or len(promoted) < fewest:
                return
            self.repeats = repeat + 1

    def _promoted(self) -> list[Candidate]:
        """Return the best of every family, then the best of all others: an ensemble lives on what differs."""
        strongest, others = _firsts([e.candidate for e in self._standing()])
        return [*strongest, *others][:PROMOTED]

    def _promising(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return candidates by what their folds so far came to, the best first: time may not be enough for all."""
        means = [np.mean(list(own.values())) if (own := self._own(c)) else -np.inf for c in candidates]
        standing = sorted(range(len(candidates)), key=lambda i: -means[i])
        return [candidates[i] for i in standing]

    def _own(self, candidate: Candidate) -> dict[int, float]:
        found = fold_scores(self.training, candidate, self.metric)
        return {fold: self.metric.sign * value for fold, value in found.items() if fold < LOOK_AFTER}

    @property
    def _all_folds(self) -> range:
        return range(self.training.n_folds)

    @property
    def _room(self) -> bool:
        return sum(c.family.kind != "dummy" for c in self.candidates) < self.most

    def _best_mean(self) -> float | None:
        return best_of([scored(self.training, c, self.metric) for c in self.candidates], self.metric).mean

    def _standing(self) -> list[Scored]:
        """Return the candidates that completed their folds, the best first, the dummy left out."""
        entries = [
            scored(self.training, c, self.metric)
            for c in self.candidates
            if c.is_whole and c.family.kind != "dummy" and c.cost(self.training) <= self.most_ms
        ]
        there = [e for e in entries if e.mean is not None]
        return sorted(there, key=lambda e: -self.metric.sign * (e.mean if e.mean is not None else 0.0))

    def _refuse(self, candidates: Sequence[Candidate]) -> None:
        """Leave out what is none of a family's business, what one row would take too long for, and what has no room."""
        target, rows, columns = self.training.target, self.training.n_sized, self.training.cut.shape[1]
        for candidate in candidates:
            family = candidate.family
            why = family.refuses(target, rows, columns)
            if not why and not family.stops_early and family.cost(target, rows, columns) > self.most_ms:
                why = dear(family.cost(target, rows, columns), self.most_ms)
            candidate.left_out = why or want_of_memory(self.training, family)

    def _other_scale(self, strongest: Sequence[Candidate], deadline: float | None) -> None:
        """Try every family's strongest configuration on the logarithm of a skewed target."""
        scale = log_scale(self.training.target, self.training.y)
        if scale is None or self.most <= len(strongest):
            return
        others = [Candidate(Configured(c.family, scale), c.n_folds) for c in strongest if c.is_open]
        at = 1 + max(self.candidates.index(c) for c in strongest)
        self.candidates[at:at] = others
        while not self._within:
            self.candidates.pop()
        others = [c for c in others if c in self.candidates]
        # Two folds, for the factor that undoes a logarithm on one of them is learned from the other.
        self.fit(others, range(min(LOOK_AFTER, self.training.n_folds)), deadline)
        # A scale that serves one family serves not all: where the same rows say no, the other folds would, too.
        served = [c for c in others if self._serves(c, strongest)]
        for candidate in others:
            if candidate.is_open and candidate.fits and not candidate.is_whole and candidate not in served:
                candidate.left_out = f"given up after {len(candidate.fits)} folds, behind the target's own scale"
        self.fit(served, self._all_folds, deadline)
        self._prefer_scale([c for c in self.candidates if c not in strongest and c not in others])

    def _serves(self, candidate: Candidate, strongest: Sequence[Candidate]) -> bool:
        """Whether a candidate is ahead of the one that differs by its scale alone, on the folds that it has."""
        own = self._own(candidate)
        plain = next(c for c in strongest if c.family is candidate.family)
        known = self._own(plain)
        shared = [own[fold] - known[fold] for fold in own if fold in known]
        return bool(shared) and float(np.mean(shared)) > 0

    @property
    def _within(self) -> bool:
        return sum(c.family.kind != "dummy" for c in self.candidates) <= self.most

    def _prefer_scale(self, waiting: Sequence[Candidate]) -> None:
        """Let a family's further configurations learn on the scale that served its strongest one better."""
        preferred = {}
        for entry in reversed(self._standing()):
            preferred[entry.candidate.family.kind] = entry.candidate.configured.scale
        for candidate in waiting:
            candidate.configured = Configured(candidate.family, preferred.get(candidate.family.kind, PLAIN))

    def _look(self, candidate: Candidate) -> None:
        # The median stopping rule (Golovin et al. 2017, Google Vizier): behind half of what came before on the same
        # folds, it is unlikely to come out ahead.
        own = self._own(candidate)
        if candidate.is_whole or not candidate.is_open or not own:
            return
        others = []
        for other in self.candidates:
            if other.is_whole and other.family.kind != "dummy":
                known = self._own(other)
                others.append(np.mean([known.get(fold, np.nan) for fold in own]))
        if len(others) < FEWEST_TO_COMPARE:
            return
        if np.nanmedian(others) > np.mean(list(own.values())):
            candidate.left_out = f"given up after {len(own)} folds, behind half of the candidates before it"


def search(
    training: Training,
    families: Sequence[Family],
    metric: Metric,
    *,
    crew: Crew | None = None,
    deadline: float | None = None,
    grace: float = 0.0,
    most: int | None = 0,
    most_ms: float = np.inf,
    memory: Memory | None = None,
) -> Searched:
    """Cross-validate configurations and choose among them, or an ensemble of them.

    Only a candidate with all its folds can be chosen. The dummy comes first, costs nothing and completes whatever the
    deadline. What the deadline or Ctrl-C cut short is told on the leaderboard, with the folds that it completed. Which
    candidate comes next depends on what those before it came to, never on time: time only ends the search.

    Parameters
    ----------
    training : Training
        Rows, target and folds.
    families : sequence of Family
        Configurations in the order in which they are tried; of two equally good ones the earlier is chosen.
    metric : Metric
        What decides.
    crew : Crew, optional
        Who does the fits; by default this process.
    deadline : float, optional
        The reading of `time.monotonic` at which to stop.
    grace : float
        How many seconds longer the first two families beside the dummy may take, so that a small budget, too, ends in
        a model, and in more than a plain one.
    most : int, optional
        How many candidates there may be beside the dummy: the given ones up to there, then variations of the best. By
        default the given ones; None for as many as the deadline allows and get better.
    most_ms : float
        How many milliseconds one row may take in what is chosen.
    memory : Memory, optional
        What remembers fits of earlier runs; by default nothing does.

    Raises
    ------
    UserError
        A step of the plan finds fault with these rows, so no candidate can be fitted.
    """
    given = [Candidate(Configured(f), training.n_folds) for f in dict.fromkeys(families)]
    dummies = [c for c in given if c.family.kind == "dummy"]
    others = [c for c in given if c.family.kind != "dummy"]
    limit = len(others) if most == 0 else most if most is not None else NO_END
    for candidate in dummies:
        candidate.fits = {
            fold: _prior(training, candidate.family, fold)
            for fold in range(training.n_folds * (1 + len(training.repeats)))
        }
    state = _Search(
        training, metric, crew or Alone(), memory or Forgetful(), most_ms, limit, [*dummies, *others[:limit]]
    )
    interrupted = False
    try:
        state.run(deadline, grace)
    except KeyboardInterrupt:
        interrupted = True
    return concluded(
        training, state.candidates, metric, most_ms=most_ms, repeats=state.repeats, interrupted=interrupted
    )


def _firsts(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """Return the first candidate of every family, and the others."""
    seen: set[str] = set()
    firsts: list[Candidate] = []
    others: list[Candidate] = []
    for candidate in candidates:
        (others if candidate.family.kind in seen else firsts).append(candidate)
        seen.add(candidate.family.kind)
    return firsts, others


def _prior(training: Training, family: Family, fold: int) -> FoldFit:
    """Fit the dummy without the plan's steps: it looks at nothing but the target, and nobody should wait for it."""
    started = time.perf_counter()
    learn, test = training.learned(fold), training.tested(fold)
    if training.target.task == "forecast":
        mean = float(np.mean(training.y[learn].astype(np.float64)))
        naive = naive_values(training.cut.iloc[test], naive_name(training.target.name), mean)
        return FoldFit(naive, time.perf_counter() - started)
    model = family.estimator(training.target, training.n_sized, training.seed, 1)
    # A baseline says what the shares are: labels count in it as they do in scores.
    weights = None if training.weights is None else training.weights[learn]
    model.fit(np.zeros((len(learn), 1)), training.y[learn], sample_weight=weights)
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


def dummy_predictions(
    training_y: npt.NDArray[np.generic], n: int, n_labels: int, weights: Floats | None = None
) -> Floats:
    """Return what the dummy says of `n` rows: the shares of the labels in training, or the mean.

    Examples
    --------
    >>> dummy_predictions(np.array([0, 0, 1, 0]), 1, 2).tolist()
    [[0.75, 0.25]]
    """
    if not n_labels:
        return np.full(n, float(np.average(training_y.astype(np.float64), weights=weights)))
    shares = np.bincount(training_y.astype(np.int64), weights, minlength=n_labels)
    shares = shares / shares.sum()
    return np.tile(shares, (n, 1))
