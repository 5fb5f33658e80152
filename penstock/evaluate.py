"""The evaluate stage: raw held-out rows through `Bundle.predict`; scores, slices, leaks, the champion, the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.bundle.candidate import accepting
from penstock.bundle.disk import read_regular
from penstock.bundle.keys import Trust
from penstock.bundle.manifest import PROMISES, SCHEMA, STEPS, entry
from penstock.bundle.promises import Promises
from penstock.bundle.sealed import open_sealed
from penstock.compatible import Aliases, schema_changes
from penstock.errors import BundleError, StoreError, Tampered, UserError
from penstock.explain.stage import explained
from penstock.gate import Challenge, Comparison, decide
from penstock.judging import Judged, as_they_call_it, forecast_facts, judge
from penstock.leakage import Finding, find_leaks, find_shared_groups, find_shared_rows
from penstock.metrics.curves import curves
from penstock.metrics.metric import Metric, metric_for
from penstock.metrics.scores import bootstrap, paired, score
from penstock.metrics.slices import Slice, slices
from penstock.metrics.weighted import Floats, Ints, defined_metrics
from penstock.receipts import Evaluated, Interval, Trained, Wrangled
from penstock.series.rule import HISTORY, SERIES, SeriesRule
from penstock.slices import Gate, Typing
from penstock.split import HELDOUT, TRAIN, SplitRule, sides
from penstock.store import Store
from penstock.table import TableSchema, Target


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
    findings = _findings(wrangled, judged, table, typing, seed, store)
    challenge = _challenge(champion, judged, metric, replicates, seed, aliases or {}) if champion is not None else None
    verdict = decide(
        metric=metric,
        baseline=_against_dummy(judged, metric, replicates, seed),
        challenge=challenge,
        blocking=[f.what for f in findings if f.blocks],
        digest=trained.content_digest,
        withdrawn=withdrawn,
        gate=gate,
        changes=_changes(champion, judged, aliases or {}) if champion is not None else None,
        **({"rival": "the seasonal naive forecast"} if judged.test is not None else {}),
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
        **forecast_facts(judged),
        **explained(wrangled, trained, judged, metric, seed, store),
    }
    return Evaluated(
        metric=metric.name,
        scores=scores,
        cross_validation=validated,
        baseline=baseline,
        verdict=verdict,
        metrics=store.put_json(told),
    )


def _against_dummy(judged: Judged, metric: Metric, replicates: int, seed: int) -> Comparison | None:
    if metric.name not in defined_metrics(judged.target, judged.y, judged.context):
        return None
    return _compare(judged, metric, np.arange(len(judged.y)), judged.dummy, replicates, seed)


def _compare(judged: Judged, metric: Metric, rows: Ints, other: Floats, replicates: int, seed: int) -> Comparison:
    """Compare the candidate with other predictions, `other` being those of the given rows alone."""
    y, own = judged.y[rows], judged.predicted[rows]
    context = judged.context.take(rows) if judged.context is not None else None
    return Comparison(
        candidate=score(judged.target, metric.name, y, own, context),
        other=score(judged.target, metric.name, y, other, context),
        difference=paired(judged.target, metric.name, y, own, other, replicates=replicates, seed=seed, context=context),
    )


def _changes(champion: Path, judged: Judged, aliases: Aliases) -> list[str] | None:
    """Return what callers of the champion would have to follow; None where it cannot be opened, which is told apart."""
    try:
        live = open_sealed(champion, Trust.standard(), keep=lambda path: path in (SCHEMA, PROMISES, STEPS))
    except (BundleError, StoreError):
        return None
    theirs = TableSchema.model_validate_json(live.files[SCHEMA])
    promised = Promises.model_validate_json(live.files[PROMISES]) if PROMISES in live.files else Promises()
    found = [change.told for change in schema_changes(theirs, judged.schema, aliases, promised.aliases)]
    return [*found, *_shorter(json.loads(live.files[STEPS]), judged.series)]


def _shorter(steps: dict[str, Any], ours: SeriesRule | None) -> list[str]:
    """Return what callers of a forecast would miss: it reaches less far, or has another step."""
    if SERIES not in steps or ours is None:
        return []
    theirs = SeriesRule.model_validate(steps[SERIES])
    if (theirs.every, theirs.phase) != (ours.every, ours.phase):
        return [f"{ours.time!r} was a moment every {theirs.length(1)} and is one every {ours.length(1)}"]
    if theirs.horizon > ours.horizon:
        return [f"the horizon was {theirs.length(theirs.horizon)} and is {ours.length(ours.horizon)}"]
    return []


def _challenge(
    champion: Path, judged: Judged, metric: Metric, replicates: int, seed: int, aliases: Aliases
) -> Challenge:
    try:
        twin = Bundle.load(champion, twin=True)
    except (BundleError, StoreError) as error:
        return Challenge(version=champion.name, metric=metric.name, note=f"It cannot be opened: {error.what}")
    version = twin.version or champion.name
    why = _incomparable(twin.target, judged.target)
    if why:
        return Challenge(version=version, metric=metric.name, note=why)
    raw = as_they_call_it(judged.raw, twin.schema, aliases)
    rows, note = _unseen_by(twin, judged, raw)
    part = judged.context.take(rows) if judged.context is not None else None
    if metric.name not in defined_metrics(judged.target, judged.y[rows], part):
        few = f"{metric.title} is not defined on the {len(rows)} held-out rows that neither has seen"
        return Challenge(version=version, metric=metric.name, n=len(rows), note=_joined(note, few))
    try:
        predicted = judged.asked_of(twin, rows, aliases)
    except UserError as error:
        return Challenge(version=version, metric=metric.name, note=f"It does not take these rows: {error.what}")
    found = _compare(judged, metric, rows, _in_order(predicted, twin.target, judged.target), replicates, seed)
    return Challenge(
        version=version,
        metric=metric.name,
        champion=found.other,
        challenger=found.candidate,
        difference=found.difference,
        n=len(rows),
        note=_joined(note, _lacking(twin.schema, raw)),
    )


def _incomparable(theirs: Target, ours: Target) -> str:
    if theirs.name != ours.name:
        return f"It predicts another column, {theirs.name!r} and not {ours.name!r}"
    if theirs.task != ours.task:
        return f"It solves another task, {theirs.task} and not {ours.task}"
    if set(theirs.labels) != set(ours.labels):
        differing = sorted(set(theirs.labels) ^ set(ours.labels))
        shown = ", ".join(repr(label) for label in differing[:8])
        return f"It knows other labels; those that only one of them knows: {shown}"
    return ""


def _in_order(predicted: Floats, theirs: Target, ours: Target) -> Floats:
    if theirs.labels == ours.labels:
        return predicted
    return predicted[:, [theirs.labels.index(label) for label in ours.labels]]


def _unseen_by(twin: Bundle, judged: Judged, raw: pa.Table) -> tuple[Ints, str]:
    """Return the held-out rows that the champion's twin has not seen either, and what is to be said of it."""
    everything = np.arange(len(judged.y))
    rule = _rule_of(twin)
    if rule == judged.rule:
        return everything, ""
    if rule is None:
        return everything[:0], "it does not say how its rows were split, so it may have seen any of these"
    try:
        theirs = sides(raw, rule, twin.schema)
    except UserError as error:
        return everything[:0], f"its rows were split otherwise, and by what is not here: {error.what}"
    rows = np.flatnonzero(theirs == HELDOUT)
    return rows, f"its rows were split otherwise: {len(rows)} of {len(everything)} held-out rows are unseen by both"


def _rule_of(twin: Bundle) -> SplitRule | None:
    if twin.folder is None or twin.manifest is None:
        return None
    signed = twin.manifest.files[STEPS]
    data = read_regular(twin.folder / STEPS, signed.size)
    if entry(data) != signed:
        raise Tampered("The steps are not those that were signed", where=str(twin.folder / STEPS))
    steps = json.loads(data)
    return SplitRule.model_validate(steps["split"]) if "split" in steps else None


def _lacking(schema: TableSchema, raw: pa.Table) -> str:
    gone = [c.name for c in schema.features if c.serve == "request" and c.name not in raw.column_names]
    if not gone:
        return ""
    shown = ", ".join(repr(name) for name in gone[:8])
    return f"{len(gone)} of its columns are not there any more and count as missing: {shown}"


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


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


def _findings(
    wrangled: Wrangled, judged: Judged, table: pd.DataFrame, typing: Typing, seed: int, store: Store
) -> tuple[Finding, ...]:
    target, schema = judged.target, judged.schema
    cut = store.read_frame(wrangled.cut)
    is_train = (table["side"] == TRAIN).to_numpy(dtype=bool)
    kind: Literal["int64", "float64"] = "int64" if target.is_classification else "float64"
    targets = table["target"].to_numpy(dtype=kind)
    y = targets[is_train]
    train, held = cut[is_train].reset_index(drop=True), cut[~is_train].reset_index(drop=True)
    if judged.test is not None:
        # Series go on from one side to the other, and what is made of their past may tell nearly all of the next step.
        made = [c.name for c in schema.features if c.table == HISTORY]
        own = train.drop(columns=[name for name in made if name in train.columns])
        return find_leaks(own, y, target, schema, typing.known_after, seed=seed)
    return (
        *find_leaks(train, y, target, schema, typing.known_after, seed=seed),
        *find_shared_rows(train, held, y, targets[~is_train]),
        *find_shared_groups(table["group"], table["side"]),
    )


def _plain(intervals: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval.model_dump(mode="json") for name, interval in intervals.items()}
