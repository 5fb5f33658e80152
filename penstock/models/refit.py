"""What was chosen, as recipes fitted on whole sets of rows: as many seeds of each member as time and latency allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penstock.models.blend import BlendClassifier, BlendRegressor, Member
from penstock.models.calibration import Calibration
from penstock.models.concluding import Chosen
from penstock.models.families import MOST_SEED, Family
from penstock.models.recipe import Recipe
from penstock.models.scales import PLAIN
from penstock.models.training import Training
from penstock.table import Target

# Seeds of one configuration; each further one takes away less of the chance in a fit.
MOST_BAGS = 4
# Leaves of forests, as their families count them, beyond which none gets another seed: one takes some 230 bytes in the
# twin and as many in what is served.
MOST_LEAVES = 1_200_000
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

    @property
    def family(self) -> Family:
        """The family as it is set, with its rounds."""
        family = self.chosen.configured.family
        return family.with_rounds(self.rounds) if self.rounds else family

    @property
    def cost_ms(self) -> float:
        """About how many milliseconds all its seeds take for one row."""
        return self.bags * self.chosen.cost_ms

    def seed(self, start: int, bag: int) -> int:
        """Return the seed of one of its estimators."""
        return (start + APART * bag) & MOST_SEED

    def cut(self, weight: float, bags: int) -> Planned:
        """Return it with another weight, and fewer seeds."""
        return replace(self, weight=weight, bags=bags)


def planned(
    members: Sequence[Chosen], training: Training, *, most_ms: float, seconds: float | None, more_rows: float = 1.0
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
    more_rows : float
        How many times the rows that they were chosen on the largest fit has.
    """
    larger = _larger(training)
    each = [m.seconds * larger * more_rows * SLACK for m in members]
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
    leaves = [m.configured.family.n_leaves(training.n_sized) for m in members]
    grown = sum(leaves)
    while open_ones:
        # Whose single seeds weigh most.
        i = max(open_ones, key=lambda i: members[i].weight / bags[i])
        fits_time = seconds is None or spent + each[i] <= seconds
        fits_bundle = not leaves[i] or grown + leaves[i] <= MOST_LEAVES
        if bags[i] == MOST_BAGS or not (fits_time and fits_bundle) or cost + members[i].cost_ms > most_ms:
            open_ones.remove(i)
            continue
        bags[i] += 1
        spent += each[i]
        cost += members[i].cost_ms
        grown += leaves[i]
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


def is_plain(plan: Sequence[Planned], calibration: Calibration | None) -> bool:
    """Whether one estimator is all that there is."""
    first = plan[0]
    return len(plan) == 1 and first.bags == 1 and calibration is None and first.chosen.configured.scale == PLAIN


def kinds_of(plan: Sequence[Planned]) -> tuple[str, ...]:
    """Return the encodings that are needed, each once."""
    return tuple(dict.fromkeys(p.family.encoding for p in plan))


def plain_recipe(plan: Sequence[Planned], training: Training) -> Recipe:
    """Return the unfitted recipe of a plan that is one estimator."""
    return plan[0].family.pipeline(training.plan, training.target, training.n_sized, training.seed, 1)


def member_of(plan: Planned, estimators: Sequence[Any]) -> Member:
    """Return a member of the given estimators, fitted or not."""
    return Member(
        estimators,
        encoding=plan.family.encoding,
        weight=plan.weight,
        scale=plan.chosen.configured.scale,
        smear=plan.chosen.smear,
    )


def blend_of(members: Sequence[Member], calibration: Calibration | None, target: Target) -> Any:
    """Return the members together."""
    if target.is_classification:
        return BlendClassifier(members, calibration=calibration)
    return BlendRegressor(members)
