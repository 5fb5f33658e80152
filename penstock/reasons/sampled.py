"""Contributions that are drawn: for models that are no sums, and for forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from penstock.bundle.bundle import Bundle
from penstock.metrics.weighted import Floats

Row = dict[str, object]
# Questions to the model for one row, and the orders of columns that these allow.
QUESTIONS = 600
FEWEST_ORDERS, MOST_ORDERS = 8, 40
SEED = 20_240_229


def sampled(
    bundle: Bundle, row: Mapping[str, object], background: Sequence[Row], names: Sequence[str], place: int | None
) -> tuple[float, dict[str, float], float]:
    """Draw the Shapley values of a row's cells.

    In each drawn order of columns a background row's cells become the row's own, one after the other; what a change
    brings is the column's. Every order is walked both ways, with another background row for each pair.

    Parameters
    ----------
    bundle : Bundle
        Who is asked.
    row : mapping of str to object
        The raw row.
    background : sequence of dict
        Raw rows to begin from.
    names : sequence of str
        The columns.
    place : int, optional
        Whose label's probability is explained; None for a value.

    Returns
    -------
    tuple
        The base, the contribution of each column, and the largest standard error of one.

    References
    ----------
    Strumbelj, E. and Kononenko, I. (2014), Explaining prediction models and individual predictions with feature
    contributions, Knowledge and Information Systems 41, algorithm 1.
    Mitchell, R., Cooper, J., Frank, E. and Holmes, G. (2022), Sampling permutations for Shapley value estimation,
    Journal of Machine Learning Research 23 (antithetic orders).
    """
    n = len(names)
    pairs = int(np.clip(QUESTIONS // (n + 1), FEWEST_ORDERS, MOST_ORDERS)) // 2
    random = np.random.default_rng(SEED)
    orders: list[np.ndarray] = []
    asked: list[Row] = []
    for start in random.integers(0, len(background), size=pairs):
        order = random.permutation(n)
        for each in (order, order[::-1]):
            orders.append(each)
            now = {**row, **{name: background[start].get(name) for name in names}}
            asked.append(dict(now))
            for k in each:
                now[names[k]] = row.get(names[k])
                asked.append(dict(now))
    estimates = bundle.predict(asked).estimates
    said: Floats = (estimates if place is None else estimates[:, place]).reshape(len(orders), n + 1)
    changes = np.empty((len(orders), n))
    np.put_along_axis(changes, np.stack(orders), np.diff(said, axis=1), axis=1)
    of_pairs = changes.reshape(pairs, 2, n).mean(axis=1)
    error = float(of_pairs.std(axis=0, ddof=1).max() / pairs**0.5) if pairs > 1 and n else 0.0
    means = of_pairs.mean(axis=0)
    return float(said[:, 0].mean()), dict(zip(names, means.tolist(), strict=True)), error
