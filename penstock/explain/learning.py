"""The learning curve: what the chosen recipe would have come to with fewer rows to learn from."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.aiming import aim_in, context_of, weights_in
from penstock.explain.asking import Clock
from penstock.explain.screening import costliness
from penstock.metrics.metric import Metric
from penstock.metrics.scores import paired, score, spread_of
from penstock.metrics.weighted import Context, Floats, Ints, defined_metrics
from penstock.models.recipe import predictions
from penstock.models.training import Training, fit_recipe
from penstock.receipts import Interval, Trained, Wrangled
from penstock.series.rule import SERIES, SeriesRule
from penstock.split import HELDOUT, TRAIN
from penstock.steps.plan import Plan
from penstock.store import Store
from penstock.table import Target

SHARES = (0.1, 0.2, 0.4, 0.7)
FEWEST_ROWS = 40
# What may be learned from in all, in cells; a model of many trees takes longer for each.
MOST_CELLS = 500_000
# What a fit takes more than an answer, from a plain model to a costly one.
FITS = 1.5
MOST_SCORED = 3_000
REPLICATES = 200
SLOW = "no larger part of the rows was fitted, but all of them: it would take too long"


def learning_curve(
    wrangled: Wrangled,
    trained: Trained,
    target: Target,
    metric: Metric,
    twin: Any,  # any fitted recipe
    seed: int,
    store: Store,
    clock: Clock,
) -> dict[str, Any]:
    """Fit the winning recipe on growing parts of the training rows, and score it on held-out rows.

    Parts of a forecast are its latest rows; others are drawn with a seed, each holding the one before. The last point
    is the twin itself. The recipe stays what it is, with as many rounds and members.

    Parameters
    ----------
    wrangled, trained
        The receipts of the stages before.
    target, metric
        What is predicted, and what is measured.
    twin : object
        The recipe that was fitted on all training rows.
    seed : int
        Which rows.
    store : Store
        Where the objects lie.
    clock : Clock
        When to stop.

    Returns
    -------
    dict
        `points`, each with the number of rows `n`, the score on held-out rows `value` with its interval `low` to
        `high`, and `learned`, that on the rows learned from; `answer`, a sentence on whether more rows would help;
        and a note where something is to be said.
    """
    told: dict[str, Any] = {"metric": metric.name, "points": [], "answer": "", "note": ""}
    if trained.family == "dummy":
        return {**told, "note": "a baseline learns nothing more from more rows"}
    whole = _Rows.of(wrangled, trained, target, seed, store)
    if metric.name not in defined_metrics(target, whole.y[whole.held], whole.context):
        return {**told, "note": f"{metric.title} is not defined on the held-out rows"}
    sizes = whole.sizes(FITS * costliness(trained))
    if sizes and sizes[-1] < 0.9 * SHARES[-1] * len(whole.order):
        told["note"] = SLOW
    before: tuple[int, Any] | None = None
    lasted = 0.0
    for n in sizes:
        # A fit on more rows takes longer in proportion, at the least.
        if clock.over_after(lasted * n / before[0] if before else 0.0):
            told["note"] = SLOW
            break
        begun = time.monotonic()
        rows = whole.order[:n]
        if target.is_classification and len(np.unique(whole.y[rows])) < 2:
            continue
        recipe = fit_recipe(whole.training(n), twin, rows)
        told["points"].append(whole.point(metric, recipe, rows, seed))
        before, lasted = (n, recipe), time.monotonic() - begun
    told["points"].append(whole.point(metric, twin, whole.order, seed))
    told["points"] = [point for point in told["points"] if point is not None]
    if before is not None:
        told["answer"] = whole.answer(metric, before, twin, seed)
    return told


@dataclass(frozen=True)
class _Rows:
    """The rows at the plan's cut: which may be learned from, in which order, and which are scored."""

    cut: pd.DataFrame
    y: npt.NDArray[np.generic]
    order: Ints
    held: Ints
    plan: Plan
    target: Target
    seed: int
    context: Context
    weights: Floats | None
    class_weight: tuple[float, ...] | None

    @classmethod
    def of(cls, wrangled: Wrangled, trained: Trained, target: Target, seed: int, store: Store) -> _Rows:
        plan = json.loads(store.read_bytes(trained.plan))
        sides = store.read_frame(wrangled.sides)
        kind: Literal["int64", "float64"] = "int64" if target.is_classification else "float64"
        learn = np.flatnonzero((sides["side"] == TRAIN).to_numpy(dtype=bool))
        held = np.flatnonzero((sides["side"] == HELDOUT).to_numpy(dtype=bool))
        random = np.random.default_rng(seed)
        order = learn[random.permutation(len(learn))]
        if len(held) > MOST_SCORED:
            held = np.sort(random.permutation(held)[:MOST_SCORED])
        aim = aim_in(plan)
        context = context_of(aim, sides.iloc[held])
        if SERIES in plan:
            rule = SeriesRule.model_validate(plan[SERIES])
            index = sides["index"].to_numpy(dtype=np.int64)
            order = learn[np.argsort(-index[learn], kind="stable")]
            context = _context(rule, context, index[held], sides.iloc[held])
        y = sides["target"].to_numpy(dtype=kind)
        steps = Plan.model_validate({"steps": plan["steps"]})
        weights = weights_in(sides), aim.class_weight
        return cls(store.read_frame(wrangled.cut), y, order, held, steps, target, seed, context, *weights)

    def sizes(self, costly: float) -> list[int]:
        """Return how many rows are learned from: growing, and no more in all than there is time for."""
        trees = len(self.target.labels) if self.target.task == "multiclass" else 1
        rows = MOST_CELLS / costly / max(1, self.cut.shape[1]) / trees
        whole = min(len(self.order), rows / sum(SHARES))
        return [n for n in (round(share * whole) for share in SHARES) if n >= FEWEST_ROWS]

    def training(self, n: int) -> Training:
        fold_of = np.zeros(len(self.y), dtype=np.int64)
        parts = (self.cut, self.y, fold_of, self.plan, self.target, self.seed, n)
        return Training(*parts, weights=self.weights, class_weight=self.class_weight)

    def point(self, metric: Metric, recipe: Any, rows: Ints, seed: int) -> dict[str, Any] | None:
        held = self._said(recipe, self.held)
        if not np.isfinite(held).all():
            return None
        drawn: dict[str, Any] = {"replicates": REPLICATES, "seed": seed, "context": self.context}
        found = spread_of(self.target, metric.name, self.y[self.held], held, **drawn)
        told: dict[str, Any] = {"n": len(rows), "value": found.value, "low": found.low, "high": found.high}
        told["learned"] = None
        if self.context.scale is None:
            seen = np.sort(rows[:MOST_SCORED])
            known = replace(self.context, block=None, weight=None if self.weights is None else self.weights[seen])
            learned = score(self.target, metric.name, self.y[seen], self._said(recipe, seen), known)
            told["learned"] = learned if np.isfinite(learned) else None
        return told if np.isfinite([found.value, found.low, found.high]).all() else None

    def answer(self, metric: Metric, before: tuple[int, Any], twin: Any, seed: int) -> str:
        """Say whether more rows would help, from what the last ones brought on the same held-out rows."""
        n, recipe = before
        own, fewer = self._said(twin, self.held), self._said(recipe, self.held)
        if not (np.isfinite(own).all() and np.isfinite(fewer).all()) or n >= len(self.order):
            return ""
        drawn: dict[str, Any] = {"replicates": REPLICATES, "seed": seed, "context": self.context}
        gain = paired(self.target, metric.name, self.y[self.held], own, fewer, **drawn)
        return would_more_help(metric.title, n, len(self.order), gain)

    def _said(self, recipe: Any, rows: Ints) -> Floats:
        return predictions(recipe, self.cut.iloc[rows], len(self.target.labels))


def would_more_help(title: str, fewer: int, all_rows: int, gain: Interval) -> str:
    """Say whether more rows would help.

    Parameters
    ----------
    title : str
        What is measured.
    fewer, all_rows : int
        How many rows the recipe learned from at the last points.
    gain : Interval
        By how much the score got better from one to the other, more than 0 being better.

    Examples
    --------
    >>> would_more_help("ROC AUC", 700, 1000, Interval(value=0.01, low=0.004, high=0.016, n=300))
    'More data would help: from 700 to 1,000 rows ROC AUC got better by 0.01 [0.004, 0.016], and twice as many may
    bring up to 0.0194 more'
    """
    step = f"from {fewer:,} to {all_rows:,} rows {title}"
    if gain.low > 0:
        most = gain.value / float(np.log2(all_rows / fewer))
        told = f"got better by {gain.value:.3g} [{gain.low:.3g}, {gain.high:.3g}]"
        return f"More data would help: {step} {told}, and twice as many may bring up to {most:.3g} more"
    if gain.high < 0:
        return f"More data of this kind would not help: {step} got worse by {-gain.value:.3g}"
    return (
        f"More data alone would help little, as far as can be seen: {step} changed by {gain.value:+.3g} "
        f"[{gain.low:.3g}, {gain.high:.3g}]"
    )


def _context(rule: SeriesRule, context: Context, index: Ints, sides: pd.DataFrame) -> Context:
    groups = [group if isinstance(group, str) else "" for group in sides["group"].to_numpy(dtype=object)]
    block = (index - index.min()) // rule.horizon
    scale = np.array([rule.scale_of(group) for group in groups])
    return replace(context, scale=scale, block=block).take(np.arange(len(index)))
