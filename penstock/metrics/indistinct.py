"""Which candidates are as good as the best, as far as their rows can tell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen
from penstock.metrics.scores import paired, score, sign_of
from penstock.metrics.weighted import Context, Floats
from penstock.receipts import Interval
from penstock.table import Target


class Beside(Frozen):
    """One candidate beside the best one.

    `behind` is by how much the best one is better, with an interval that holds for all comparisons together with 95 %;
    `indistinct` whether that may be nothing.
    """

    name: str
    score: float
    behind: Interval | None = None
    indistinct: bool = True


def beside_the_best(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    candidates: Mapping[str, Floats],
    *,
    seed: int,
    replicates: int = 400,
    context: Context | None = None,
) -> tuple[Beside, ...]:
    """Compare candidates with the best of them, on predictions for the same rows.

    Each is compared in pairs with the best, on one set of resamples. The interval's level is divided by the number of
    comparisons (Bonferroni) by widening it, so that of many candidates none is put behind by chance.

    Parameters
    ----------
    target, metric, y, seed, replicates, context
        As for `penstock.metrics.scores.paired`.
    candidates : mapping of str to numpy.ndarray
        Out-of-fold predictions by candidate; rows for which one has none (NaN) are left out for all.

    Returns
    -------
    tuple of Beside
        The best first, the others by their score.

    References
    ----------
    Dunn, O. J. (1961), Multiple comparisons among means, JASA 56, 52-64.

    Examples
    --------
    >>> y = np.array([0, 1] * 50)
    >>> sure, coin = np.column_stack([1 - y, y]) * 0.8 + 0.1, np.full((100, 2), 0.5)
    >>> target = Target(name="y", task="binary", labels=("a", "b"))
    >>> found = beside_the_best(target, "log_loss", y, {"coin": coin, "sure": sure}, seed=1)
    >>> [(one.name, one.indistinct) for one in found]
    [('sure', True), ('coin', False)]
    """
    there = np.ones(len(y), dtype=bool)
    for predicted in candidates.values():
        there &= np.isfinite(predicted.reshape(len(y), -1)).all(axis=1)
    rows = np.flatnonzero(there)
    if not len(rows) or not candidates:
        return ()
    part = context.take(rows) if context is not None else None
    known = {name: predicted[rows] for name, predicted in candidates.items()}
    scores = {name: score(target, metric, y[rows], predicted, part) for name, predicted in known.items()}
    sign = sign_of(target, metric, context)
    order = sorted(scores, key=lambda name: (-sign * scores[name] if np.isfinite(scores[name]) else np.inf, name))
    best, *others = order
    wider = _widening(len(others))
    found = [Beside(name=best, score=scores[best])]
    for name in others:
        gap = paired(target, metric, y[rows], known[best], known[name], replicates=replicates, seed=seed, context=part)
        low, high = (gap.value + wider * (end - gap.value) for end in (gap.low, gap.high))
        behind = gap.model_copy(update={"low": low, "high": high})
        found.append(Beside(name=name, score=scores[name], behind=behind, indistinct=not low > 0))
    return tuple(found)


def _widening(comparisons: int) -> float:
    """Return by which factor the half of a 95 % interval grows where it is one of so many."""
    from scipy.stats import norm

    return float(norm.ppf(1 - 0.025 / max(1, comparisons)) / norm.ppf(0.975))


def told(found: tuple[Beside, ...]) -> str:
    """Say which candidates cannot be told from the best.

    Examples
    --------
    >>> told((Beside(name="linear", score=0.9), Beside(name="forest", score=0.89)))
    'linear is ahead, and forest cannot be told from it on these rows'
    """
    if not found:
        return ""
    alike = [one.name for one in found[1:] if one.indistinct]
    if not alike:
        return f"{found[0].name} is ahead" + (" of all others, beyond chance" if len(found) > 1 else "")
    return f"{found[0].name} is ahead, and {', '.join(alike)} cannot be told from it on these rows"
