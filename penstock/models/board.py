"""The leaderboard: what became of every candidate, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from penstock.metrics.metric import Metric
from penstock.models.candidates import Candidate
from penstock.models.training import Training
from penstock.receipts import LeaderboardRow

State = Literal["completed", "stopped", "failed", "skipped"]
STATES: tuple[State, ...] = ("completed", "stopped", "failed", "skipped")


@dataclass(frozen=True)
class Place:
    """What a candidate's row tells beside its fits: its scores, its weight in what was chosen, and whether it is that.

    `mean` is the score over the folds, or over all rows together where no fold allows the metric.
    """

    scores: tuple[float, ...]
    mean: float | None
    weight: float = 0.0
    chosen: bool = False


def row_of(
    training: Training, candidate: Candidate, metric: Metric, place: Place, *, interrupted: bool
) -> LeaderboardRow:
    """Return a candidate's row."""
    state, note = _fate(candidate, "Ctrl-C" if interrupted else "the budget")
    if candidate.family.kind == "dummy" and training.target.task == "forecast":
        note = "the seasonal naive forecast"
    return LeaderboardRow(
        family=candidate.family.kind,
        config=candidate.configured.words,
        metric=metric.name,
        mean=place.mean,
        sd=sd_of(place.scores),
        folds=place.scores,
        seconds=round(candidate.seconds, 4),
        state=state,
        note=note,
        chosen=place.chosen,
        cost_ms=round(candidate.cost(training), 3),
        weight=round(place.weight, 4),
    )


def sd_of(scores: Sequence[float]) -> float | None:
    """Return the standard deviation of two or more scores."""
    return float(np.std(scores, ddof=1)) if len(scores) > 1 else None


def in_order(rows: Sequence[LeaderboardRow], metric: Metric) -> tuple[LeaderboardRow, ...]:
    """Return rows with the chosen one first, then by state, then the best first."""
    return tuple(sorted(rows, key=lambda row: _standing(row, metric)))


def _fate(candidate: Candidate, why: str) -> tuple[State, str]:
    done = f"{len(candidate.fits)} of {candidate.n_folds} folds"
    if candidate.error:
        return "failed", candidate.error
    if candidate.is_whole:
        return "completed", candidate.left_out
    if candidate.left_out:
        return ("stopped" if candidate.fits else "skipped"), candidate.left_out
    if candidate.fits:
        return "stopped", f"{done} when {why} ended it"
    return "skipped", f"no fold completed before {why} ended the search"


def _standing(row: LeaderboardRow, metric: Metric) -> tuple[bool, int, float, str, str]:
    order = STATES.index(row.state)
    return not row.chosen, order, -metric.sign * row.mean if row.mean is not None else 0.0, row.family, row.config
