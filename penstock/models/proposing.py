"""Which configuration is tried next: what is known to be strong, then variations of what did best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TypeVar

import numpy as np

from penstock.models.candidates import Configured
from penstock.models.families import Family
from penstock.models.scales import PLAIN, Scale
from penstock.table import Target

Item = TypeVar("Item")
# Which family is varied, and which of its configurations: the best has this chance to be passed over for the next, and
# so on. Of one family alone an ensemble would have little.
PASSED_OVER = 0.5
# How often a variation changes the scale of the target, where there are two.
OTHER_SCALE = 0.15
# Drawn again so often when a variation has been tried already; a small space is exhausted then.
TRIES = 20


def portfolio(families: Sequence[Family], target: Target, n_rows: int, n_columns: int) -> tuple[Family, ...]:
    """Return what is tried first: the strongest configuration of every family, then the second of each, and so on.

    A family that was set by hand comes as it is, before what its portfolio adds.

    Examples
    --------
    >>> from penstock.models.families import DummyFamily, LinearFamily
    >>> number = Target(name="price", task="regression")
    >>> [f.kind for f in portfolio((DummyFamily(), LinearFamily()), number, 100, 3)][:2]
    ['dummy', 'linear']
    """
    each = [_of(family, target, n_rows, n_columns) for family in families]
    return tuple(f for n_th in zip_longest(*each) for f in n_th if f is not None)


def _of(family: Family, target: Target, n_rows: int, n_columns: int) -> tuple[Family, ...]:
    known: tuple[Family, ...] = type(family).portfolio(target, n_rows, n_columns)
    if family != type(family)():
        known = (family, *(f for f in known if f != family))
    return known


def variation(
    best: Sequence[Configured],
    tried: Sequence[Configured],
    scale: Scale | None,
    target: Target,
    n_rows: int,
    seed: int,
) -> Configured | None:
    """Return a configuration that has not been tried, drawn around one of the best; None where none is found.

    Parameters
    ----------
    best : sequence of Configured
        What can be varied, the best first.
    tried : sequence of Configured
        What has been.
    scale : Scale, optional
        The other scale that the target may be learned on.
    target, n_rows
        As a family's `varied` wants them.
    seed : int
        With the number of those tried it decides the draw: time doesn't.
    """
    random = np.random.default_rng((seed, len(tried)))
    known = list(tried)
    kinds = dict.fromkeys(one.family.kind for one in best)
    families = [[one for one in best if one.family.kind == kind] for kind in kinds]
    for _ in range(TRIES):
        parent = _drawn(random, _drawn(random, families))
        drawn = replace(parent, family=parent.family.varied(random, target, n_rows))
        if scale is not None and random.random() < OTHER_SCALE:
            drawn = replace(drawn, scale=scale if drawn.scale == PLAIN else PLAIN)
        if drawn not in known:
            return drawn
    return None


def _drawn(random: np.random.Generator, of: Sequence[Item]) -> Item:
    """Return one of some, the first ones more often."""
    return of[min(int(random.geometric(1 - PASSED_OVER)) - 1, len(of) - 1)]
