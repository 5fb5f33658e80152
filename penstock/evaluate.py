"""The evaluate stage: raw held-out rows through `Bundle.predict`; scores, slices, leaks, the champion, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.aiming import weights_in
from penstock.bundle.candidate import accepting
from penstock.challenge import Live, challenged, compared
from penstock.compatible import Aliases
from penstock.explain.errors import residual_facts
from penstock.explain.stage import explained
from penstock.faults.find import Rows, find_in_answers, find_in_rows, find_since
from penstock.faults.finding import Finding
from penstock.faults.telling import find_leaks
from penstock.floor import floor_predictions
from penstock.gate import FORECAST_MS, ORDINARY_MS, Comparison, decide
from penstock.judging import Judged, forecast_facts, judge
from penstock.limits import MB, Cost, memory_of, row_milliseconds
from penstock.metrics.curves import curves
from penstock.metrics.metric import Metric, metric_for
from penstock.metrics.scores import bootstrap
from penstock.metrics.slices import Slice, slices
from penstock.metrics.weighted import defined_metrics
from penstock.receipts import Evaluated, Interval, Trained, Wrangled
from penstock.series.rule import HISTORY
from penstock.slices import Gate, Typing
from penstock.split import TRAIN
from penstock.store import Store

# Single rows that are timed.
TIMED_ROWS = 16


def evaluate(
    wrangled: Wrangled,
    trained: Trained,
    champion: Path | None,
    gate: Gate,
    typing: Typing,
    seed: int,
    store: Store,
    *,
    withdrawn: Sequence[str] = (),
    aliases: Aliases | None = None,
    accepted: str = "",
    refreshed: bool = False,
) -> Evaluated:
    """Judge a candidate by its twin, which has not seen the held-out rows.

    Parameters
    ----------
    wrangled : Wrangled
        The raw rows, their sides and their target.
    trained : Trained
        The candidate.
    champion : pathlib.Path, optional
        The directory of the version that is live now.
    gate : Gate
        What the spec decides.
    typing : Typing
        What is predicted, and what is known only after the fact.
    seed : int
        The stage's seed, for resampling.
    store : Store
        Where the objects lie.
    withdrawn : sequence of str
        Content digests that were rolled back.
    aliases : mapping of str to tuple of str, optional
        By feature, the names that it had before.
    accepted : str
        Why callers of the champion may be asked to change; empty where they may not.
    refreshed : bool
        Whether the candidate is the live version with its look-ups read anew: then it is not compared with untuned
        boosting again, nor weighed.

    Returns
    -------
    Evaluated
        `metrics` is a JSON file: scores with and without flagged rows, baseline, curves, slices, findings, and the
        comparison with the champion.
    """
    table = store.read_frame(wrangled.sides)
    judged = judge(wrangled, trained, table, store)
    metric = judged.aim.metric or metric_for(judged.target.task, trained.metric)
    replicates = gate.replicates
    drawn: dict[str, Any] = {"replicates": replicates, "seed": seed, "context": judged.context}
    scores = bootstrap(judged.target, judged.y, judged.predicted, **drawn)
    baseline = bootstrap(judged.target, judged.y, judged.dummy, **drawn)
    renamed = aliases or {}
    live = Live.of(champion) if champion is not None else None
    findings = _findings(wrangled, judged, table, typing, live, seed, store)
    challenge = challenged(champion, judged, metric, replicates, seed, renamed) if champion is not None else None
    cost = None if refreshed else _cost(judged, trained, store)
    floor = None if refreshed or not gate.floor else _against_floor(wrangled, judged, table, metric, gate, seed, store)
    verdict = decide(
        metric=metric,
        baseline=_against_dummy(judged, metric, replicates, seed),
        challenge=challenge,
        blocking=[f.what for f in findings if f.blocks],
        digest=trained.content_digest,
        withdrawn=withdrawn,
        gate=gate,
        changes=live.changes(judged, renamed) if live is not None else None,
        floor=floor,
        cost=cost,
        rival="the dummy baseline" if judged.test is None else "the seasonal naive forecast",
        usual_ms=ORDINARY_MS if judged.test is None else FORECAST_MS,
    )
    verdict = accepting(verdict, accepted)
    validated = trained.cross_validation
    told = {
        "task": judged.target.task,
        "metric": metric.name,
        "greater_is_better": metric.greater_is_better,
        "n_heldout": len(judged.y),
        "n_flagged": int(judged.flagged.sum()),
        "scores": _plain(scores),
        "unflagged": _plain(_unflagged(judged, replicates, seed)),
        "baseline": _plain(baseline),
        "cross_validation": validated,
        "curves": curves(
            judged.target, judged.y, judged.predicted, private=judged.is_private, decision=judged.aim.decision
        ),
        "slices": [s.model_dump(mode="json") for s in _slices(judged, metric, seed)],
        "findings": [f.model_dump(mode="json") for f in findings],
        "champion": challenge.model_dump(mode="json") if challenge else None,
        **judged.aim_facts(replicates, seed),
        "selection": list(trained.selection),
        "floor": floor.model_dump(mode="json") if floor else None,
        **forecast_facts(judged),
        **residual_facts(judged, seed),
        **explained(wrangled, trained, judged, metric, seed, store),
    }
    return Evaluated(
        metric=metric.name,
        scores=scores,
        cross_validation=validated,
        baseline=baseline,
        verdict=verdict,
        metrics=store.put_json(told),
        measured={} if cost is None else cost.model_dump(),
    )


def _against_dummy(judged: Judged, metric: Metric, replicates: int, seed: int) -> Comparison | None:
    if metric.name not in defined_metrics(judged.target, judged.y, judged.context):
        return None
    return compared(judged, metric, np.arange(len(judged.y)), judged.dummy, replicates, seed)


def _unflagged(judged: Judged, replicates: int, seed: int) -> dict[str, Interval]:
    rows = np.flatnonzero(~judged.flagged)
    if len(rows) == len(judged.y) or not len(rows):
        return {}
    context = judged.context.take(rows) if judged.context is not None else None
    y, predicted = judged.y[rows], judged.predicted[rows]
    return bootstrap(judged.target, y, predicted, replicates=replicates, seed=seed, context=context)


def _slices(judged: Judged, metric: Metric, seed: int) -> list[Slice]:
    sent = [c.name for c in judged.schema.features if c.name in judged.raw.column_names]
    frame = judged.schema.cast(judged.raw, sent).frame
    context = judged.context
    return slices(judged.target, metric.name, judged.y, judged.predicted, frame, judged.schema, context, seed=seed)


def _rows(wrangled: Wrangled, judged: Judged, table: pd.DataFrame, store: Store) -> Rows:
    kind: Literal["int64", "float64"] = "int64" if judged.target.is_classification else "float64"
    return Rows(
        cut=store.read_frame(wrangled.cut),
        raw=store.read_table(wrangled.raw),
        y=table["target"].to_numpy(dtype=kind),
        is_train=(table["side"] == TRAIN).to_numpy(dtype=bool),
        groups=table["group"],
        schema=judged.schema,
        target=judged.target,
        rule=judged.rule,
    )


def _findings(
    wrangled: Wrangled,
    judged: Judged,
    table: pd.DataFrame,
    typing: Typing,
    live: Live | None,
    seed: int,
    store: Store,
) -> tuple[Finding, ...]:
    target, schema = judged.target, judged.schema
    rows = _rows(wrangled, judged, table, store)
    found = list(find_in_answers(judged.predicted))
    if live is not None:
        known, private = live.labels_for(target), judged.is_private
        found += find_since(live.profile, judged.twin.profile, known, target, live.version, private=private)
    if judged.test is None:
        return (*find_in_rows(rows, typing.known_after, seed=seed), *found)
    # Series go on from one side to the other, and what is made of their past may tell nearly all of the next step.
    made = [c.name for c in schema.features if c.table == HISTORY]
    own = rows.train.drop(columns=[name for name in made if name in rows.cut.columns])
    return (*find_leaks(own, rows.y[rows.is_train], target, schema, typing.known_after, seed=seed), *found)


def _against_floor(
    wrangled: Wrangled, judged: Judged, table: pd.DataFrame, metric: Metric, gate: Gate, seed: int, store: Store
) -> Comparison | None:
    """Compare with untuned boosting; None of a forecast, which has the seasonal naive forecast to beat."""
    if judged.test is not None or metric.name not in defined_metrics(judged.target, judged.y, judged.context):
        return None
    rows = _rows(wrangled, judged, table, store)
    weights = weights_in(table[rows.is_train])
    said = floor_predictions(rows.train, rows.y[rows.is_train], rows.heldout, judged.target, seed=seed, weights=weights)
    if said is None:
        return None
    return compared(judged, metric, np.arange(len(judged.y)), said, gate.replicates, seed)


def _cost(judged: Judged, trained: Trained, store: Store) -> Cost:
    if judged.test is not None:
        # Held-out rows of a forecast need the actual values of their own time beside them.
        rows: list[dict[str, object]] = [dict(judged.twin.example())]
    else:
        sent = [c.name for c in judged.schema.columns if c.name in judged.raw.column_names]
        rows = judged.raw.select(sent).slice(0, TIMED_ROWS).to_pylist()
    tables = [store.read_table(ref).nbytes for ref in trained.lookups.values()]
    objects = {ref.digest: ref.size for ref in (trained.served, trained.twin, trained.probe, trained.plan)}
    return Cost(
        latency_ms=row_milliseconds(lambda row: judged.twin.predict([row]), rows),
        memory_mb=memory_of(store.read_bytes(trained.served), tables),
        bundle_mb=(sum(objects.values()) + sum(ref.size for ref in trained.lookups.values())) / MB,
    )


def _plain(intervals: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval.model_dump(mode="json") for name, interval in intervals.items()}
