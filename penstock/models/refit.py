"""What was chosen, as recipes fitted on whole sets of rows: as many seeds of each member as time and latency allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.models.blend import BlendClassifier, BlendRegressor, Encoders, Member
from penstock.models.calibration import Calibration
from penstock.models.concluding import Chosen
from penstock.models.families import MOST_SEED
from penstock.models.recipe import Recipe
from penstock.models.scales import PLAIN
from penstock.models.training import Training

# Seeds of one configuration; each further one takes away less of the chance in a fit.
MOST_BAGS = 4
# More rows bear more rounds, by a root of how many more there are.
GROWTH = 0.3
# Two numbers that a fold's rows are multiplied with to say how long all of them take.
SLACK = 1.15
# Seeds of the same estimator stand so far apart that no library's own successive seeds meet.
APART = 7919


@dataclass(frozen=True)
class Planned:
    """One member and how it is fitted: after so many rounds, with so many seeds."""

    chosen: Chosen
    weight: float
    rounds: int
    bags: int


def planned(
    members: Sequence[Chosen], training: Training, *, most_ms: float, seconds: float | None
) -> tuple[Planned, ...]:
    """Return how each member is fitted, so that one row and the fits themselves take no longer than they may.

    Parameters
    ----------
    members : sequence of Chosen
        The weightiest first.
    training : Training
        The rows that they were chosen on.
    most_ms : float
        What one row may take.
    seconds : float, optional
        What fitting all members once may take; None where time must decide nothing.
    """
    larger = _larger(training)
    each = [m.seconds * larger * SLACK for m in members]
    kept = len(members)
    if seconds is not None:
        while kept > 1 and sum(each[:kept]) > seconds:
            kept -= 1
    total = sum(m.weight for m in members[:kept])
    bags = _bags(members[:kept], each[:kept], training, most_ms, seconds)
    return tuple(
        Planned(m, m.weight / total, round(m.rounds * larger**GROWTH), n)
        for m, n in zip(members[:kept], bags, strict=True)
    )


def _bags(
    members: Sequence[Chosen], each: Sequence[float], training: Training, most_ms: float, seconds: float | None
) -> list[int]:
    bags = [1] * len(members)
    open_ones = [i for i, m in enumerate(members) if _is_random(m, training)]
    spent, cost = sum(each), sum(m.cost_ms for m in members)
    while open_ones:
        # Whose single seeds weigh most.
        i = max(open_ones, key=lambda i: members[i].weight / bags[i])
        fits_time = seconds is None or spent + each[i] <= seconds
        if bags[i] == MOST_BAGS or not fits_time or cost + members[i].cost_ms > most_ms:
            open_ones.remove(i)
            continue
        bags[i] += 1
        spent += each[i]
        cost += members[i].cost_ms
    return bags


def _is_random(member: Chosen, training: Training) -> bool:
    """Whether another seed is another estimator."""
    one, other = (
        member.configured.family.estimator(training.target, training.n_sized, seed, 1).get_params() for seed in (1, 2)
    )
    return any(one[name] != other[name] for name in one if isinstance(one[name], int))


def _larger(training: Training) -> float:
    """Return how many times the rows of a fold all rows are."""
    learned = np.mean([len(training.learned(fold)) for fold in range(training.n_folds)])
    return float(len(training.y) / max(1.0, float(learned)))


def recipe_of(plan: Sequence[Planned], training: Training, calibration: Calibration | None, threads: int = 1) -> Recipe:
    """Return the unfitted recipe: one estimator where that is all, else a blend."""
    first = plan[0]
    if len(plan) == 1 and first.bags == 1 and calibration is None and first.chosen.configured.scale == PLAIN:
        family = first.chosen.configured.family
        family = family.with_rounds(first.rounds) if first.rounds else family
        return family.pipeline(training.plan, training.target, training.n_sized, training.seed, threads)
    members = [_member(p, training, threads) for p in plan]
    blend: Any = (
        BlendClassifier(members, calibration=calibration)
        if training.target.is_classification
        else BlendRegressor(members)
    )
    kinds = tuple(dict.fromkeys(m.encoding for m in members))
    steps = training.plan.transformer(len(training.target.labels), training.seed & MOST_SEED)
    return Recipe([("steps", steps), ("encode", Encoders(kinds)), ("model", blend)], threads=threads)


def _member(plan: Planned, training: Training, threads: int) -> Member:
    family = plan.chosen.configured.family
    family = family.with_rounds(plan.rounds) if plan.rounds else family
    seeds = [(training.seed + APART * bag) & MOST_SEED for bag in range(plan.bags)]
    return Member(
        [family.estimator(training.target, training.n_sized, seed, threads) for seed in seeds],
        encoding=family.encoding,
        weight=plan.weight,
        scale=plan.chosen.configured.scale,
        smear=plan.chosen.smear,
    )
