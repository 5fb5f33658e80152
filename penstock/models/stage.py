"""The train stage: clean training rows in; the winning recipe, fitted twice, and its leaderboard out."""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import Executor
from typing import Any, Literal

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.bundle.canonical import content_digest
from penstock.bundle.environment import environment
from penstock.bundle.probe import build_probe, with_moments
from penstock.errors import DataError
from penstock.metrics.aim import AIM, domain_of, is_private
from penstock.metrics.class_weight import class_weights
from penstock.metrics.metric import Metric
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.aimed import aimed
from penstock.models.checking import check_modelling
from penstock.models.concluding import Searched
from penstock.models.crew import Alone, Crew, Growing, Processes
from penstock.models.dividing import division_told
from penstock.models.families import Refusal, families_for
from penstock.models.finishing import finished
from penstock.models.folds import folds_in_time, make_folds, ordered_folds
from penstock.models.proposing import portfolio
from penstock.models.recipe import Recipe
from penstock.models.refit import planned
from penstock.models.remembered import Kept
from penstock.models.search import search
from penstock.models.standing import standing_told
from penstock.models.training import Training
from penstock.progress import note
from penstock.receipts import Trained, Wrangled
from penstock.series.rule import HISTORY, SERIES, SeriesRule
from penstock.series.widths import widths_of
from penstock.slices import Modelling, Typing
from penstock.split import SplitRule, times_of
from penstock.steps.plan import Plan
from penstock.steps.relations.travelling import lookups_of
from penstock.store import Store
from penstock.table import TableSchema, Target

# Below so many cells a process costs more to start than all fits together.
LARGE = 120_000
# What the search may take of the budget; the rest is for fitting what was chosen, as twin and as served model.
SEARCH_SHARE = 0.67
# Seconds that the first two families, and the last fits, may take beyond it: a run may last 45 s longer than its
# budget.
GRACE = 20.0
LAST_FITS = 4.0
# A budget of next to nothing is one: the first two families get no more than so many times of it.
MOST_GRACE = 20.0
# Of what one row may take, in milliseconds, what the rest of a bundle's prediction does.
REST_MS = 2.0
# A model cannot be asked to take less than this.
FEWEST_MS = 0.2
# With fewer rows than these, chance in how they are divided into folds is large: they are divided again.
FEW_ROWS = 3_000
REPEATS = 2
# How many cells of the training rows a boosted model of some hundred trees learns from in a second, roughly.
CELLS_A_SECOND = 50_000


def train(
    wrangled: Wrangled,
    modelling: Modelling,
    typing: Typing,
    seed: int,
    store: Store,
    executor: Executor | None = None,
) -> Trained:
    """Search among families, then fit the best on training rows (the twin) and on all rows (what is served).

    Parameters
    ----------
    wrangled : Wrangled
        The rows at the plan's cut, their sides and their target.
    modelling : Modelling
        Families, metric, folds, budget in seconds, and threads.
    typing : Typing
        What is predicted.
    seed : int
        The stage's seed. Where the budget ends the search, results depend on time too.
    store : Store
        Where the fitted pipelines go.
    executor : concurrent.futures.Executor, optional
        Threads of this process that every fit goes through, so that their owner sees it; they never wait for each
        other. Long fits are done by processes that such a thread waits for, for the budget can end no thread.

    Returns
    -------
    Trained
        Whose leaderboard says what became of every family.

    Raises
    ------
    SpecError
        The metric is not one of the target's, or a family's library is not installed.
    DataError
        There is nothing to learn from.
    """
    started = time.monotonic()
    schema = TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema))
    target = _target(schema, typing)
    aim = check_modelling(target, modelling, typing)
    metric = aim.metric
    assert metric is not None
    plan = json.loads(store.read_bytes(wrangled.plan))
    cut, sides = store.read_frame(wrangled.cut), store.read_frame(wrangled.sides)
    learn = np.flatnonzero((sides["side"] == "train").to_numpy(dtype=bool))
    rule = SeriesRule.model_validate(plan[SERIES]) if SERIES in plan else None
    whole = _training(cut, sides, Plan.model_validate({"steps": plan["steps"]}), target, seed, len(learn))
    raw_train = store.read_table(wrangled.raw).take(learn)
    if rule is None:
        shown = _only(whole, learn, sides, modelling, _times(plan, raw_train, schema))
    else:
        shown = _in_order(whole, learn, sides, modelling, rule)
    if modelling.class_weight is not None:
        counted = class_weights(target, modelling.class_weight, shown.y, shown.weights, private=is_private(typing))
        aim = aim.model_copy(update={"class_weight": counted})
    whole, shown = aimed(whole, aim, sides), aimed(shown, aim, sides.iloc[learn])
    divided = division_told(
        shown,
        group=typing.group or "" if sides["group"].notna().any() else "",
        wanted=modelling.folds,
        private=is_private(typing),
        split_by=str(plan.get("split", {}).get("by", "")),
    )
    crew = _crew(shown, modelling, executor)
    most_ms = max(FEWEST_MS, modelling.max_latency_ms - REST_MS)
    try:
        found = search(
            shown,
            portfolio(families_for(modelling.families), target, shown.n_sized, cut.shape[1]),
            metric,
            crew=crew,
            deadline=started + SEARCH_SHARE * modelling.budget,
            grace=min(GRACE, MOST_GRACE * modelling.budget),
            most=modelling.trials,
            most_ms=most_ms,
            memory=Kept(store, shown, wrangled.cut.digest + wrangled.sides.digest),
        )
        deadline = None if modelling.trials else started + modelling.budget + LAST_FITS
        served_rows = learn if modelling.refit == "train" else _unflagged(sides)
        twin, served, found = _fit_twice(whole, shown, found, learn, served_rows, crew, most_ms, deadline)
    finally:
        crew.close()
    tables = {name: store.read_table(ref) for name, ref in wrangled.lookups.items()}
    lookups = lookups_of(plan, tables)
    keys = [name for lookup in lookups for name in lookup.needs]
    decided = _decided(found, metric, modelling)
    plan[AIM] = aim.answering(shown.y, found.out_of_fold, shown.weights, domain_of(typing)).model_dump(mode="json")
    probe = build_probe(raw_train, schema, seed, keys=keys)
    if rule is not None:
        rule = with_widths(rule, shown, found.out_of_fold)
        plan[SERIES] = rule.model_dump(mode="json")
        probe = with_moments(probe, rule, schema, tables[HISTORY], seed)
        decided[HISTORY] = tables[HISTORY]
    return Trained(
        family=found.kind,
        metric=metric.name,
        served=store.put_bytes(_pickled(served), "joblib"),
        twin=store.put_bytes(_pickled(twin), "joblib"),
        probe=store.put_table(probe),
        table_schema=wrangled.table_schema,
        plan=store.put_json(plan),
        profile=wrangled.profile,
        lookups=wrangled.lookups,
        environment=store.put_json(environment()),
        content_digest=content_digest(
            served,
            schema,
            plan,
            {lookup.name: lookup for lookup in lookups},
            decided,
        ),
        leaderboard=found.rows,
        selection=(*divided, *filter(None, [standing_told(found.rows, metric.title)])),
        cross_validation=found.cross_validation,
    )


def _target(schema: TableSchema, typing: Typing) -> Target:
    if schema.target is None:
        raise DataError("There is nothing to predict", where=f"target {typing.target!r}", todo="Name a target.")
    return schema.target


def _decided(found: Searched, metric: Metric, modelling: Modelling) -> dict[str, Any]:
    # Budget and threads are left out: they decide what is found, which the fitted state tells by itself.
    members = [member.configured.record for member in found.members]
    return {"family": found.kind, "members": members, "metric": metric.name, "refit": modelling.refit}


def _training(
    cut: pd.DataFrame,
    sides: pd.DataFrame,
    plan: Plan,
    target: Target,
    seed: int,
    n_sized: int,
) -> Training:
    kind: Literal["int64", "float64"] = "int64" if target.is_classification else "float64"
    y = sides["target"].to_numpy(dtype=kind)
    weights = sides["weight"].to_numpy(dtype=np.float64) if "weight" in sides.columns else None
    return Training(cut, y, np.zeros(len(y), dtype=np.int64), plan, target, seed, n_sized, weights=weights)


def _times(plan: dict[str, Any], raw: pa.Table, schema: TableSchema) -> Floats | None:
    """Return when training rows were, where held-out rows are the latest; None where they are not."""
    if "split" not in plan:
        return None
    rule = SplitRule.model_validate(plan["split"])
    if rule.by != "time" or not set(rule.columns) <= set(raw.column_names):
        return None
    return times_of(raw, rule, schema)


def _only(
    whole: Training, rows: Ints, sides: pd.DataFrame, modelling: Modelling, times: Floats | None = None
) -> Training:
    """Return the training rows alone, divided into folds: in the order of their times, where these are given."""
    y = whole.y[rows]
    groups: npt.NDArray[np.object_] | None = None
    if sides["group"].notna().any():
        groups = sides["group"].to_numpy(dtype=object)[rows]
    folds = _affordable_folds(whole, len(rows), modelling)
    cut = whole.cut.iloc[rows].reset_index(drop=True)
    parts = (whole.plan, whole.target, whole.seed, whole.n_sized)
    # A step that looks back finds in a fold what callers send along; of folds in time it would know stale rows alone.
    orderly = times is not None and groups is None and not whole.plan.uses_history
    in_time = folds_in_time(whole.target, y, times, folds) if orderly and times is not None else None
    if in_time is not None:
        return Training(cut, y, in_time[0], *parts, order=in_time[1], weights=_of(whole.weights, rows))
    fold_of = make_folds(whole.target, y, groups, folds, whole.seed)
    # Groups are few where rows are few, and there is hardly another way to divide them.
    again = REPEATS if len(rows) < FEW_ROWS and groups is None else 0
    repeats = (make_folds(whole.target, y, None, folds, whole.seed + 1 + r) for r in range(again))
    return Training(cut, y, fold_of, *parts, weights=_of(whole.weights, rows), repeats=tuple(repeats))


def _affordable_folds(whole: Training, n_rows: int, modelling: Modelling) -> int:
    """Return how many folds there are: of a table so large that one candidate would take most of the budget, fewer."""
    cells = n_rows * max(1, whole.cut.shape[1]) * (len(whole.target.labels) if whole.target.task == "multiclass" else 1)
    seconds = cells / CELLS_A_SECOND / modelling.threads
    return next((n for n in range(modelling.folds, 2, -1) if n * seconds <= modelling.budget / 4), 2)


def _of(weights: Floats | None, rows: Ints) -> Floats | None:
    return None if weights is None else weights[rows]


def _in_order(whole: Training, rows: Ints, sides: pd.DataFrame, modelling: Modelling, rule: SeriesRule) -> Training:
    """Return the training rows alone, divided into folds that follow each other in time."""
    index = sides["index"].to_numpy(dtype=np.int64)[rows]
    origin = sides["origin"].to_numpy(dtype=np.int64)[rows]
    fold_of, order = ordered_folds(index, origin, modelling.folds, rule.horizon)
    groups = [group if isinstance(group, str) else "" for group in sides["group"].to_numpy(dtype=object)[rows]]
    scale = np.array([rule.scale_of(group) for group in groups])
    block = (index - index.min()) // rule.horizon
    cut = whole.cut.iloc[rows].reset_index(drop=True)
    context = Context(scale, block).take(np.arange(len(rows)))
    parts = (whole.plan, whole.target, whole.seed, whole.n_sized)
    weights = _of(whole.weights, rows)
    return Training(cut, whole.y[rows], fold_of, *parts, order=order, context=context, weights=weights)


def with_widths(rule: SeriesRule, training: Training, out_of_fold: Floats) -> SeriesRule:
    """Return the rule of a forecast with the widths of its intervals, from the winner's errors on later rows."""
    scale = training.context.scale if training.context is not None else None
    if rule.intervals is None or training.order is None or scale is None:
        return rule
    y = training.y.astype(np.float64)
    tested = np.flatnonzero(np.isfinite(out_of_fold))
    errors = np.abs(y - out_of_fold)[tested] / scale[tested]
    steps = (training.order.index - training.order.origin)[tested]
    floor = 0.0 if y.min(initial=np.inf) >= 0 else None
    return rule.model_copy(update={"widths": widths_of(errors, steps, rule.horizon, rule.intervals, floor)})


def _crew(training: Training, modelling: Modelling, executor: Executor | None) -> Crew:
    if training.n_cells > LARGE:
        return Processes(modelling.threads, executor)
    return Growing(modelling.threads, executor) if modelling.threads > 1 else Alone(executor)


def _unflagged(sides: pd.DataFrame) -> Ints:
    return np.flatnonzero(sides["reason"].isna().to_numpy(dtype=bool))


def _fit_twice(
    whole: Training,
    shown: Training,
    found: Searched,
    learn: Ints,
    served: Ints,
    crew: Crew,
    most_ms: float,
    deadline: float | None,
) -> tuple[Recipe, Recipe, Searched]:
    wanted = [learn] if np.array_equal(learn, served) else [learn, served]
    left = None if deadline is None else max(1.0, deadline - time.monotonic())
    more = len(served) / max(1, len(learn))
    plan = planned(found.members, shown, most_ms=most_ms, seconds=left, more_rows=more)
    note(0, None, f"the search is over; fitting {found.kind} on all rows")
    try:
        recipes, plan = finished(whole, plan, found.calibration, wanted, crew, deadline)
    except Refusal as error:
        raise DataError(f"What was chosen, {found.kind}, cannot be fitted on all rows", got=str(error)) from error
    return recipes[0], recipes[-1], found.costing(sum(p.cost_ms for p in plan))


def _pickled(recipe: Recipe) -> bytes:
    sink = io.BytesIO()
    joblib.dump(recipe, sink)
    return sink.getvalue()
