"""A champion is judged by the labels that it answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.answering.decision import Decision
from penstock.challenge import answering_as
from penstock.metrics.aim import Aim
from penstock.metrics.scores import paired, score
from penstock.metrics.weighted import Context
from penstock.table import Target
from tests.unit.bundle.making import TARGETS, make

OURS = Decision(cost=((0, 1), (9, 0)), threshold=0.1)
THEIRS = Decision(cost=((0, 1), (1, 0)), threshold=0.5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_champion_is_scored_under_its_own_threshold_and_todays_costs(turned: bool) -> None:
    """Under the candidate's threshold it would be judged by labels that it never answered."""
    target = TARGETS["binary"]
    decision = THEIRS
    bundle = make("binary", n=60, report=None).bundle
    if turned:
        bundle = replace(bundle, schema=bundle.schema.model_copy(update={"target": _turned(target)}))
        decision = decision.model_copy(update={"positive": 0})
    champion = replace(bundle, aim=Aim(decision=decision))
    y = np.array([0, 0, 1, 1] * 20)
    shares = np.column_stack([1 - np.tile([0.2, 0.3, 0.3, 0.9], 20), np.tile([0.2, 0.3, 0.3, 0.9], 20)])
    context = Context(decision=OURS)
    theirs = answering_as(champion, target)(context)
    assert score(target, "accuracy", y, shares, context) == pytest.approx(0.5)
    assert score(target, "accuracy", y, shares, theirs) == pytest.approx(0.75)
    assert score(target, "cost", y, shares, theirs) == pytest.approx(9 / 4)
    gap = paired(target, "accuracy", y, shares, shares, seed=1, context=context, theirs=theirs)
    assert gap.value == pytest.approx(-0.25)
    assert gap.high < 0
    none = answering_as(replace(bundle, aim=Aim()), target)(context)
    assert score(target, "cost", y, shares, none) == pytest.approx(9 / 4)


def _turned(target: Target) -> Target:
    return target.model_copy(update={"labels": ("yes", "no")})
