"""Which candidates cannot be told from the best one, as far as their out-of-fold predictions tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock.metrics.indistinct import Beside, beside_the_best
from penstock.metrics.metric import Metric
from penstock.metrics.weighted import Floats
from penstock.models.candidates import Candidate
from penstock.models.training import Training
from penstock.receipts import LeaderboardRow

# Each comparison is a bootstrap: the strongest are compared, and of a metric of the user's own fewer.
MOST_COMPARED, MOST_WITH_OWN = 12, 3
REPLICATES = 200
CHOSEN = "chosen"


def standing(
    training: Training, metric: Metric, pool: Sequence[Candidate], predicted: Sequence[Floats], ensemble: Floats | None
) -> tuple[Beside, ...]:
    """Compare candidates in pairs with the best of them, on the same rows.

    Parameters
    ----------
    training : Training
        What they were fitted on.
    metric : Metric
        What decides.
    pool : sequence of Candidate
        Those that completed, the strongest first.
    predicted : sequence of numpy.ndarray
        Their out-of-fold predictions, shape (n_rows, n_labels) or (n_rows,).
    ensemble : numpy.ndarray, optional
        Those of the ensemble that was chosen of them.

    Returns
    -------
    tuple of Beside
        The best first. Candidates are called by their place in the pool, the ensemble `chosen`.
    """
    own = training.context is not None and training.context.own is not None
    most = MOST_WITH_OWN if own else MOST_COMPARED
    named = {str(i): p for i, p in enumerate(predicted[:most]) if pool[i].family.kind != "dummy"}
    if ensemble is not None:
        named[CHOSEN] = ensemble
    if len(named) < 2 or not all(np.isfinite(p).any() for p in named.values()):
        return ()
    drawn = {"seed": training.seed, "replicates": REPLICATES}
    return beside_the_best(training.target, metric.name, training.y, named, context=training.context, **drawn)


def with_standing(
    rows: Sequence[LeaderboardRow], found: Sequence[Beside], places: Sequence[int | None]
) -> list[LeaderboardRow]:
    """Return leaderboard rows with how far each is behind the best one; `places` are theirs in the pool, or None."""
    by_name = {one.name: one for one in found if one.behind is not None}
    told = []
    for row, place in zip(rows, places, strict=True):
        one = by_name.get(CHOSEN if place is None else str(place))
        update = {"behind": one.behind, "indistinct": one.indistinct} if one is not None else {}
        told.append(row.model_copy(update=update))
    return told


def standing_told(rows: Sequence[LeaderboardRow], title: str) -> str:
    """Say which candidates cannot be told from the best one; nothing where none were compared.

    Examples
    --------
    >>> row = LeaderboardRow(family="linear", metric="rmse", mean=1.0, sd=None)
    >>> standing_told([row], "RMSE")
    ''
    """
    compared = [row for row in rows if row.behind is not None]
    if not compared:
        return ""
    alike = [row.words for row in compared if row.indistinct]
    how = f"by {title} on the same out-of-fold rows, 95 % intervals of the difference for all pairs together"
    if not alike:
        return f"The best of {len(compared) + 1} candidates is ahead of all others, beyond chance ({how})."
    shown = ", ".join(alike[:5]) + (f" and {len(alike) - 5} more" if len(alike) > 5 else "")
    return f"{len(alike)} of {len(compared)} candidates cannot be told from the best one ({how}): {shown}."
