"""Everything that is told of what a model goes by, as the evaluate stage stores it."""

from __future__ import annotations

from typing import Any

from penstock.explain.ahead import along_horizon, examples
from penstock.explain.asking import Asking, Clock
from penstock.explain.effects import effects
from penstock.explain.importance import importance
from penstock.explain.learning import learning_curve
from penstock.explain.screening import costliness, rows_to_ask, screened
from penstock.judging import Judged
from penstock.metrics.metric import Metric
from penstock.models.families import coefficient_table
from penstock.receipts import Trained, Wrangled
from penstock.store import Store

# Seconds that each of the three may take. What is planned takes a part of it, so that a busy machine tells no other
# story than an idle one; only a model that is slow by itself is asked less.
LONGEST = 9.0
ROWS_OF_EFFECTS = 600


def explained(
    wrangled: Wrangled, trained: Trained, judged: Judged, metric: Metric, seed: int, store: Store
) -> dict[str, Any]:
    """Return importance, effects and learning curve of a candidate, and a forecast's errors along its horizon.

    How much is asked hangs on the size of the table alone, so that the same run tells the same; only where steps are
    slow by themselves a clock ends it, which is then said.

    Parameters
    ----------
    wrangled, trained
        The receipts of the stages before.
    judged : Judged
        All held-out rows and the twin.
    metric : Metric
        The main metric.
    seed : int
        Which rows are asked about, and how they are resampled.
    store : Store
        Where the objects lie.

    Returns
    -------
    dict
        JSON-ready and bounded, whatever the table's size. Private columns stand in it by name alone.
    """
    n_columns = len(judged.raw.column_names)
    asking = Asking.of(judged, rows_to_ask(n_columns, costliness(trained)), seed)
    ranked = importance(asking, screened(judged, asking, costliness(trained), seed), metric, seed, Clock(LONGEST))
    names = [row["feature"] for row in ranked["features"] if row["mean"] > 0]
    fewer = Asking.of(judged, min(ROWS_OF_EFFECTS, len(asking)), seed)
    told: dict[str, Any] = {
        "importance": ranked,
        "effects": effects(fewer, names, seed, Clock(LONGEST / 2)),
        "learning": learning_curve(
            wrangled, trained, judged.target, metric, judged.twin.estimator, seed, store, Clock(LONGEST)
        ),
    }
    if not judged.is_private:
        private = frozenset(c.name for c in judged.schema.columns if c.private)
        told["coefficients"] = coefficient_table(judged.twin.estimator, private)
    if judged.test is not None:
        told |= {"horizon": along_horizon(judged, metric, seed), "examples": examples(judged)}
    return told
