"""What a search comes to: the best candidate or an ensemble of several, calibrated, and the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from penstock.metrics.metric import Metric
from penstock.metrics.scores import scores
from penstock.metrics.weighted import Floats
from penstock.models.board import Place, in_order, row_of, sd_of
from penstock.models.calibration import Calibration, calibrated
from penstock.models.candidates import (
    Candidate,
    Configured,
    context_of,
    estimates,
    fold_scores,
    score_of,
    smear_of,
)
from penstock.models.families import Family
from penstock.models.selection import Pool, ensemble, mean_of
from penstock.models.standing import standing, with_standing
from penstock.models.training import Training, fit_weights
from penstock.receipts import LeaderboardRow

# Scores closer than this are equal: which of two is a last bit ahead may differ between machines.
TIE = 1e-9
# So many of the best may stand in an ensemble, and the best of every family beside them.
MOST_MEMBERS = 25
ENSEMBLE = "ensemble"
# The place in the pool of what is not in it.
NOWHERE = -1


@dataclass(frozen=True)
class Chosen:
    """One configuration of what was chosen, and all that is needed to fit it on other rows.

    `rounds` is where it stopped in the mean, 0 for what doesn't stop early; `seconds` what a fold took in the mean.
    """

    configured: Configured
    weight: float
    rounds: int
    smear: float
    cost_ms: float
    seconds: float


@dataclass(frozen=True)
class Searched:
    """What a search came to.

    Attributes
    ----------
    kind : str
        The chosen family; `ensemble` where several configurations stand together.
    members : tuple of Chosen
        What was chosen, the weightiest first; the dummy where nothing else completed its folds.
    calibration : Calibration, optional
        What its probabilities go through.
    rows : tuple of LeaderboardRow
        Best first; then those that did not complete.
    out_of_fold : numpy.ndarray
        The predictions of what was chosen for every row, from fits that had not seen it, calibrated and in the target's
        own units: shape (n_rows, n_labels) or (n_rows,); NaN for a row that no fold was tested on.
    cross_validation : dict
        Mean and standard deviation over the folds of every metric, for what was chosen.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    kind: str
    members: tuple[Chosen, ...]
    calibration: Calibration | None
    rows: tuple[LeaderboardRow, ...]
    out_of_fold: Floats
    cross_validation: dict[str, tuple[float, float]]
    interrupted: bool = False

    @property
    def winner(self) -> Family:
        """The family of the weightiest member, as it is set."""
        return self.members[0].configured.family

    def costing(self, cost_ms: float) -> Searched:
        """Return the same with what one row of the fitted whole takes, in milliseconds, all its seeds counted."""
        told = {"cost_ms": round(cost_ms, 3)}
        rows = tuple(row.model_copy(update=told) if row.chosen else row for row in self.rows)
        return replace(self, rows=rows)


@dataclass(frozen=True)
class Scored:
    """A candidate with its scores."""

    candidate: Candidate
    scores: tuple[float, ...]
    mean: float | None


def scored(training: Training, candidate: Candidate, metric: Metric) -> Scored:
    """Score a candidate over its folds; over all rows together, where no fold allows the metric."""
    values = tuple(value for _, value in sorted(fold_scores(training, candidate, metric).items()))
    if values:
        return Scored(candidate, values, float(np.mean(values)))
    if not candidate.is_whole:
        return Scored(candidate, (), None)
    predicted = estimates(training, candidate, metric)
    pooled = score_of(training, metric.name, predicted, np.flatnonzero(training.fold_of >= 0))
    return Scored(candidate, (pooled,), pooled) if np.isfinite(pooled) else Scored(candidate, (), None)


def best_of(entries: Sequence[Scored], metric: Metric) -> Scored:
    """Return the best of those that completed all folds; of two equally good ones the earlier."""
    best: Scored | None = None
    for entry in entries:
        if not entry.candidate.is_whole:
            continue
        if best is None or best.mean is None:
            best = entry if best is None or entry.mean is not None else best
        elif entry.mean is not None and metric.sign * (entry.mean - best.mean) > TIE * max(1.0, abs(best.mean)):
            best = entry
    if best is None:
        raise ValueError("no candidate completed its folds, not even the dummy")
    return best


def concluded(
    training: Training,
    candidates: Sequence[Candidate],
    metric: Metric,
    *,
    most_ms: float,
    repeats: int,
    interrupted: bool,
) -> Searched:
    """Choose among candidates.

    Parameters
    ----------
    training : Training
        What they were fitted on.
    candidates : sequence of Candidate
        All of them, in the order of trying.
    metric : Metric
        What decides.
    most_ms : float
        What one row may take: candidates and ensembles beyond are not chosen.
    repeats : int
        How many divisions into folds count; those that lack one of them are compared with none that has.
    interrupted : bool
        Whether Ctrl-C ended the search.
    """
    entries = [scored(training, c, metric) for c in candidates]
    can = [e for e in entries if e.candidate.has(repeats) and _is_affordable(training, e.candidate, most_ms)]
    best = best_of(can, metric)
    pool = [best, *(e for e in _strongest(can, metric) if e is not best)]
    predicted = [estimates(training, e.candidate, metric, repeats) for e in pool]
    costs = [e.candidate.cost(training) for e in pool]
    weights = ensemble(
        Pool(
            training.target,
            metric,
            training.y,
            training.fold_of,
            predicted,
            costs,
            most_ms,
            training.context,
        ),
        training.seed,
    )
    if best.candidate.family.kind == "dummy" or weights is None:
        weights = np.eye(len(pool))[0]
    together = mean_of(predicted, weights)
    tested = np.flatnonzero(training.fold_of >= 0)
    calibration = None
    if training.target.is_classification and best.candidate.family.kind != "dummy":
        # What labels count in fits moves probabilities; a map to their shares would only take that back.
        rows_weights = fit_weights(training, tested)
        calibration = calibrated(training.y[tested], together[tested], training.fold_of[tested], rows_weights)
    final = together if calibration is None else calibration.apply(together)
    counted = {id(e.candidate): float(w) for e, w in zip(pool, weights, strict=True)}
    members = _members(training, pool, weights, metric)
    several = len(members) > 1
    rows = _rows(training, entries, metric, counted, best, interrupted, chosen=not several)
    places: list[int | None] = [next((i for i, p in enumerate(pool) if p is e), NOWHERE) for e in entries]
    if several:
        rows.append(_ensemble_row(training, metric, final, members))
        places.append(None)
    pooled = [e.candidate for e in pool]
    rows = with_standing(rows, standing(training, metric, pooled, predicted, together if several else None), places)
    rows = [_explained(row, training, repeats, interrupted) if row.chosen else row for row in rows]
    return Searched(
        kind=ENSEMBLE if several else best.candidate.family.kind,
        members=members,
        calibration=calibration,
        rows=in_order(rows, metric),
        out_of_fold=final,
        cross_validation=_every_metric(training, final),
        interrupted=interrupted,
    )


def _explained(row: LeaderboardRow, training: Training, repeats: int, interrupted: bool) -> LeaderboardRow:
    told = [row.note] if row.note else []
    if repeats > 1:
        told.append(f"over {repeats} divisions into {training.n_folds} folds, for {len(training.y):,} rows are few")
    if interrupted:
        told.append("Ctrl-C ended the search")
    return row.model_copy(update={"note": "; ".join(told)})


def _is_affordable(training: Training, candidate: Candidate, most_ms: float) -> bool:
    cost = candidate.cost(training)
    if candidate.family.kind == "dummy" or cost <= most_ms:
        return True
    candidate.left_out = dear(cost, most_ms)
    return False


def dear(cost: float, most_ms: float) -> str:
    """Say that a candidate takes too long for one row.

    Examples
    --------
    >>> dear(4.25, 3.0)
    'about 4.2 ms a row, and `max_latency_ms` leaves 3.0 ms to the model'
    """
    return f"about {cost:.1f} ms a row, and `max_latency_ms` leaves {most_ms:.1f} ms to the model"


def _strongest(entries: Sequence[Scored], metric: Metric) -> list[Scored]:
    # The baseline stands for itself: of a forecast its recipe is one of its own.
    standing = sorted(
        (e for e in entries if e.mean is not None and e.candidate.family.kind != "dummy"),
        key=lambda e: -metric.sign * (e.mean if e.mean is not None else 0),
    )
    kinds: set[str] = set()
    kept = []
    for n, entry in enumerate(standing):
        if n < MOST_MEMBERS or entry.candidate.family.kind not in kinds:
            kept.append(entry)
        kinds.add(entry.candidate.family.kind)
    return kept


def _members(training: Training, pool: Sequence[Scored], weights: Floats, metric: Metric) -> tuple[Chosen, ...]:
    chosen = [
        Chosen(
            configured=e.candidate.configured,
            weight=float(w),
            rounds=e.candidate.rounds,
            smear=smear_of(training, e.candidate, metric),
            cost_ms=e.candidate.cost(training),
            seconds=e.candidate.seconds / max(1, len(e.candidate.fits)),
        )
        for e, w in zip(pool, weights, strict=True)
        if w > 0
    ]
    return tuple(sorted(chosen, key=lambda member: -member.weight))


def _rows(
    training: Training,
    entries: Sequence[Scored],
    metric: Metric,
    weights: dict[int, float],
    best: Scored,
    interrupted: bool,
    *,
    chosen: bool,
) -> list[LeaderboardRow]:
    rows = [
        row_of(
            training,
            e.candidate,
            metric,
            Place(e.scores, e.mean, weights.get(id(e.candidate), 0.0), chosen=chosen and e is best),
            interrupted=interrupted,
        )
        for e in entries
    ]
    others = [row for row in rows if row.family != "dummy"]
    if best.candidate.family.kind == "dummy" and others and all(row.state != "completed" for row in others):
        note = "it stands in, for no other family completed its folds"
        rows = [row.model_copy(update={"note": note}) if row.family == "dummy" else row for row in rows]
    return rows


def _ensemble_row(training: Training, metric: Metric, final: Floats, members: Sequence[Chosen]) -> LeaderboardRow:
    folds = [training.tested(fold) for fold in range(training.n_folds)]
    values = [score_of(training, metric.name, final, rows) for rows in folds]
    values = [v for v in values if np.isfinite(v)]
    kinds = sorted({m.configured.family.kind for m in members})
    return LeaderboardRow(
        family=ENSEMBLE,
        config=f"{len(members)} models: {', '.join(kinds)}",
        metric=metric.name,
        mean=float(np.mean(values)) if values else None,
        sd=sd_of(values),
        folds=tuple(values),
        chosen=True,
        cost_ms=round(sum(m.cost_ms for m in members), 3),
        weight=1.0,
    )


def _every_metric(training: Training, final: Floats) -> dict[str, tuple[float, float]]:
    gathered: dict[str, list[float]] = {}
    for fold in range(training.n_folds):
        rows = training.tested(fold)
        y: npt.NDArray[np.generic] = training.y[rows]
        for name, value in scores(training.target, y, final[rows], context_of(training, rows)).items():
            if np.isfinite(value):
                gathered.setdefault(name, []).append(value)
    return {name: (float(np.mean(values)), sd_of(values) or 0.0) for name, values in gathered.items()}
