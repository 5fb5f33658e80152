"""The last fits: what was chosen, on each set of rows that a recipe is wanted for, as far as time allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from penstock.metrics.weighted import Ints
from penstock.models.blend import Encoders
from penstock.models.calibration import Calibration
from penstock.models.crew import Crew, Job
from penstock.models.families import MOST_SEED
from penstock.models.recipe import Recipe, with_places_of_codes
from penstock.models.refit import Planned, blend_of, is_plain, kinds_of, member_of, plain_recipe
from penstock.models.training import Training, fit_recipe, weighted


@dataclass(frozen=True)
class Part:
    """One seed of one member: the smallest thing that can be fitted or left out."""

    member: int
    bag: int
    kind: str


def finished(
    whole: Training,
    plan: Sequence[Planned],
    calibration: Calibration | None,
    wanted: Sequence[Ints],
    crew: Crew,
    deadline: float | None,
) -> tuple[list[Recipe], tuple[Planned, ...]]:
    """Fit a plan on each of several sets of rows.

    The weightiest member is always fitted. What the deadline cuts short is left out of every recipe, so that all of
    them are of the same members; the weights of those that are left go up in proportion.

    Parameters
    ----------
    whole : Training
        All rows.
    plan : sequence of Planned
        The weightiest first.
    calibration : Calibration, optional
        What probabilities go through.
    wanted : sequence of numpy.ndarray
        For each recipe the positions of its rows.
    crew : Crew
        Who does the fits.
    deadline : float, optional
        The reading of `time.monotonic` at which to stop.

    Returns
    -------
    recipes : list of Recipe
        In the order of `wanted`.
    plan : tuple of Planned
        What they came to be.
    """
    if is_plain(plan, calibration):
        jobs: list[Job[Any]] = [(fit_recipe, (plain_recipe(plan, whole), rows)) for rows in wanted]
        return [done for _, done in sorted(_done(crew, whole, jobs, None).items())], tuple(plan)
    parts = _in_order(plan)
    first: list[Job[Any]] = [(fit_front, (kinds_of(plan), rows)) for rows in wanted]
    first += [(fit_part, (parts[0], plan[parts[0].member], rows)) for rows in wanted]
    there = _done(crew, whole, first, None)
    fronts = [there[i] for i in range(len(wanted))]
    fitted = {(parts[0], i): there[len(wanted) + i] for i in range(len(wanted))}
    places = [(part, i) for part in parts[1:] for i in range(len(wanted))]
    others: list[Job[Any]] = [(fit_part, (part, plan[part.member], wanted[i])) for part, i in places]
    fitted |= {places[k]: done for k, done in _done(crew, whole, others, deadline).items()}
    whole_parts = [part for part in parts if all((part, i) in fitted for i in range(len(wanted)))]
    kept = _kept(plan, whole_parts)
    recipes = []
    for i, rows in enumerate(wanted):
        each = [[fitted[part, i] for part in whole_parts if part.member == m] for m, _ in kept]
        members = [member_of(p, estimators) for (_, p), estimators in zip(kept, each, strict=True)]
        steps, encoders = fronts[i]
        blend = blend_of(members, calibration, whole.target).taken_as_fitted(whole.y[rows], encoders.categorical)
        recipes.append(Recipe([("steps", steps), ("encode", encoders), ("model", blend)]))
    return recipes, tuple(p for _, p in kept)


def fit_front(training: Training, kinds: tuple[str, ...], rows: Ints) -> tuple[Any, Encoders]:
    """Return the learned steps and the encodings of some rows, fitted."""
    steps = training.plan.transformer(len(training.target.labels), training.seed & MOST_SEED)
    encoders = Encoders(kinds)
    with threadpool_limits(limits=1):
        encoders.fit(steps.fit_transform(training.cut.iloc[rows], training.y[rows]), training.y[rows])
    return steps, encoders


def fit_part(training: Training, part: Part, plan: Planned, rows: Ints) -> Any:  # any fitted estimator
    """Return one seed of a member, fitted on some rows."""
    family = plan.family
    with threadpool_limits(limits=1):
        encoded, categorical = training.encoded_alone(rows, family.encoding)
        estimator = family.estimator(training.target, training.n_sized, plan.seed(training.seed, part.bag), 1)
        with_places_of_codes(estimator, categorical)
        return estimator.fit(encoded, plan.chosen.configured.scale.to(training.y[rows]), **weighted(training, rows))


def _in_order(plan: Sequence[Planned]) -> list[Part]:
    """Return all parts: one seed of every member, then the seeds whose share in what is answered is largest."""
    parts = [Part(m, bag, p.family.kind) for m, p in enumerate(plan) for bag in range(p.bags)]
    return sorted(parts, key=lambda part: (part.bag > 0, -plan[part.member].weight / (part.bag + 1), part.member))


def _kept(plan: Sequence[Planned], parts: Sequence[Part]) -> list[tuple[int, Planned]]:
    bags = [sum(part.member == m for part in parts) for m in range(len(plan))]
    total = sum(p.weight for p, n in zip(plan, bags, strict=True) if n)
    return [(m, p.cut(p.weight / total, n)) for m, (p, n) in enumerate(zip(plan, bags, strict=True)) if n]


def _done(crew: Crew, whole: Training, jobs: Sequence[Job[Any]], deadline: float | None) -> dict[int, Any]:
    there = {}
    for i, done in crew.each(whole, jobs, deadline):
        if isinstance(done, Exception):
            raise done
        there[i] = done
    return there
