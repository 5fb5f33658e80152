"""A candidate against the version that is live: twin against twin, on held-out rows that neither has seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.arrays.profile import Profile
from penstock.bundle.bundle import Bundle
from penstock.bundle.disk import read_regular
from penstock.bundle.keys import Trust
from penstock.bundle.manifest import PROFILE, PROMISES, SCHEMA, STEPS, entry
from penstock.bundle.promises import Promises
from penstock.bundle.sealed import open_sealed
from penstock.compatible import Aliases, schema_changes
from penstock.errors import BundleError, StoreError, Tampered, UserError
from penstock.gate import Challenge, Comparison
from penstock.judging import Judged, as_they_call_it
from penstock.metrics.metric import Metric
from penstock.metrics.scores import paired, score
from penstock.metrics.weighted import Context, Floats, Ints, defined_metrics
from penstock.series.rule import SERIES, SeriesRule
from penstock.split import HELDOUT, SplitRule, sides
from penstock.table import TableSchema, Target


@dataclass(frozen=True)
class Live:
    """What the live version says of itself, its signature checked: no model of it is opened.

    Attributes
    ----------
    version : str
        Its name.
    schema : TableSchema
        Its columns and its target.
    promises : Promises
        The names that it still reads.
    profile : Profile
        What its training rows held.
    steps : dict
        Its plan, and how its rows were split.
    """

    version: str
    schema: TableSchema
    promises: Promises
    profile: Profile
    steps: dict[str, Any]  # the plan's JSON

    @classmethod
    def of(cls, champion: Path) -> Live | None:
        """Return what a version says; None where it cannot be opened, which the challenge tells."""
        wanted = (SCHEMA, PROMISES, STEPS, PROFILE)
        try:
            sealed = open_sealed(champion, Trust.standard(), keep=lambda path: path in wanted)
        except (BundleError, StoreError):
            return None
        files = sealed.files
        return cls(
            version=sealed.manifest.version,
            schema=TableSchema.model_validate_json(files[SCHEMA]),
            promises=Promises.model_validate_json(files[PROMISES]) if PROMISES in files else Promises(),
            profile=Profile.model_validate_json(files[PROFILE]),
            steps=json.loads(files[STEPS]),
        )

    def changes(self, judged: Judged, aliases: Aliases) -> list[str]:
        """Return what its callers would have to follow."""
        found = [change.told for change in schema_changes(self.schema, judged.schema, aliases, self.promises.aliases)]
        return [*found, *_shorter(self.steps, judged.series)]

    def labels_for(self, target: Target) -> tuple[str, ...]:
        """Return its labels, where it predicts the same column."""
        theirs = self.schema.target
        return theirs.labels if theirs is not None and theirs.name == target.name else ()


def compared(
    judged: Judged,
    metric: Metric,
    rows: Ints,
    other: Floats,
    replicates: int,
    seed: int,
    theirs: Callable[[Context], Context] = lambda context: context,
) -> Comparison:
    """Compare a candidate with other predictions.

    Parameters
    ----------
    judged : Judged
        All held-out rows and what the candidate says of them.
    metric : Metric
        The main metric.
    rows : numpy.ndarray
        Positions of the rows that count, int64.
    other : numpy.ndarray
        The other predictions, of the given rows alone.
    replicates, seed : int
        How rows are resampled.
    theirs : callable
        From the context of the candidate's scores to that of the others: labels may be answered otherwise.
    """
    y, own = judged.y[rows], judged.predicted[rows]
    context = judged.context.take(rows) if judged.context is not None else None
    other_context = theirs(context or Context())
    drawn: dict[str, Any] = {"replicates": replicates, "seed": seed, "context": context, "theirs": other_context}
    return Comparison(
        candidate=score(judged.target, metric.name, y, own, context),
        other=score(judged.target, metric.name, y, other, other_context),
        difference=paired(judged.target, metric.name, y, own, other, **drawn),
    )


def answering_as(twin: Bundle, ours: Target) -> Callable[[Context], Context]:
    """Return what makes scores those of the labels that a bundle answers, which has a threshold of its own.

    What answers cost stays the candidate's: that is what the user says now.
    """

    def own(context: Context) -> Context:
        decision = twin.aim.decision
        if decision is not None and twin.target.labels != ours.labels:
            places = [twin.target.labels.index(label) for label in ours.labels]
            cost = tuple(tuple(decision.cost[i][j] for j in places) for i in places)
            positive = places.index(decision.positive)
            decision = decision.model_copy(update={"cost": cost, "positive": positive})
        return replace(context, decision=decision, costed=context.decision)

    return own


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


def challenged(
    champion: Path, judged: Judged, metric: Metric, replicates: int, seed: int, aliases: Aliases
) -> Challenge:
    """Compare a candidate's twin with the twin of the live version.

    Parameters
    ----------
    champion : pathlib.Path
        The directory of the live version.
    judged : Judged
        All held-out rows and what the candidate says of them.
    metric : Metric
        The main metric.
    replicates, seed : int
        How rows are resampled.
    aliases : mapping of str to tuple of str
        By feature, the names that it had before.
    """
    try:
        twin = Bundle.load(champion, twin=True)
    except (BundleError, StoreError) as error:
        return Challenge(version=champion.name, metric=metric.name, note=f"It cannot be opened: {error.what}")
    version = twin.version or champion.name
    why = _incomparable(twin.target, judged.target, private=judged.is_private)
    if why:
        return Challenge(version=version, metric=metric.name, note=why)
    raw = as_they_call_it(judged.raw, twin.schema, aliases)
    rows, note = _unseen_by(twin, judged, raw)
    part = judged.context.take(rows) if judged.context is not None else None
    if not len(rows) or metric.name not in defined_metrics(judged.target, judged.y[rows], part):
        few = f"{metric.title} is not defined on the {len(rows)} held-out rows that neither has seen"
        return Challenge(version=version, metric=metric.name, n=len(rows), note=_joined(note, few))
    try:
        predicted = judged.asked_of(twin, rows, aliases)
    except UserError as error:
        return Challenge(version=version, metric=metric.name, note=f"It does not take these rows: {error.what}")
    other = _in_order(predicted, twin.target, judged.target)
    found = compared(judged, metric, rows, other, replicates, seed, answering_as(twin, judged.target))
    return Challenge(
        version=version,
        metric=metric.name,
        champion=found.other,
        challenger=found.candidate,
        difference=found.difference,
        n=len(rows),
        note=_joined(note, _lacking(twin.schema, raw)),
    )


def _incomparable(theirs: Target, ours: Target, *, private: bool) -> str:
    if theirs.name != ours.name:
        return f"It predicts another column, {theirs.name!r} and not {ours.name!r}"
    if theirs.task != ours.task:
        return f"It solves another task, {theirs.task} and not {ours.task}"
    if set(theirs.labels) != set(ours.labels):
        if private:
            return "It knows other labels"
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
