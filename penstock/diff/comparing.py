"""Two runs or versions compared, part by part; times and ids of runs make no difference."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.aiming import aim_in
from penstock.answering.widths import Offsets
from penstock.diff.difference import Change, Difference, Part
from penstock.diff.profiles import profile_changes
from penstock.diff.sides import Pair, Side
from penstock.diff.values import changes_of, told
from penstock.metrics.aim import AIM
from penstock.plots.words import number
from penstock.receipts import Interval
from penstock.report.words import between, greater_is_better, metric_title
from penstock.spec.shown import PRIVATE, masked_spec
from penstock.steps.hidden import hidden_columns
from penstock.steps.plan import Plan
from penstock.table import Column

# How a raw cell is read, beside its kind and what the column is for.
_READING = frozenset(
    ("decimal", "thousands", "prefix", "suffix", "unit", "units", "true_words", "false_words", "formats", "timezone")
) | {"missing", "domain", "nullable"}
_SCHEMA = ("kind", "role", "table", "serve", "private")


def difference(pair: Pair) -> Difference:
    """Return what changed from one side to the other.

    Parameters
    ----------
    pair : Pair
        What was before, and what came after.
    """
    private = _private(pair.one) | _private(pair.other)
    parts = (
        Part.of("verdict", "Verdict", list(_verdict(pair))),
        Part.of("scores", "Scores", list(_scores(pair))),
        Part.of("spec", "Spec", list(_spec(pair, private))),
        Part.of("lock", "Lock", list(_lock(pair, private))),
        Part.of("aim", "What good means", list(_aims(pair, private))),
        Part.of("schema", "Schema", list(_schema(pair, private))),
        Part.of("rows", "Rows", list(_rows(pair))),
        Part.of("profile", "Profile", profile_changes(pair.one.profile, pair.other.profile, private)),
        Part.of("code", "Code", list(_code(pair))),
        Part.of("libraries", "Libraries", list(_libraries(pair))),
    )
    return Difference(
        one=pair.one.called,
        other=pair.other.called,
        one_made_at=pair.one.made_at,
        other_made_at=pair.other.made_at,
        parts=parts,
    )


def _private(side: Side) -> frozenset[str]:
    return hidden_columns(Plan.model_validate({"steps": side.plan["steps"]}), side.schema_)


def _verdict(pair: Pair) -> Iterator[Change]:
    one, other = pair
    words = {True: "passed", False: "refused"}
    if one.verdict.passed != other.verdict.passed:
        yield Change(what="gate", before=words[one.verdict.passed], after=words[other.verdict.passed])
    if one.verdict.reasons != other.verdict.reasons:
        yield Change(what="reasons", before=" ".join(one.verdict.reasons), after=" ".join(other.verdict.reasons))


def _scores(pair: Pair) -> Iterator[Change]:
    one, other = pair
    if one.trained.family != other.trained.family:
        yield Change(what="model", before=one.trained.family, after=other.trained.family)
    if one.evaluated.metric != other.evaluated.metric:
        titles = [metric_title(side.evaluated.metric) for side in pair]
        yield Change(what="deciding metric", before=titles[0], after=titles[1])
    before, after = one.evaluated.scores, other.evaluated.scores
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was != now:
            note = _moved(_more_is_better(pair.other, name), was, now) if was is not None and now is not None else ""
            yield Change(what=metric_title(name), before=_score(was), after=_score(now), note=note)


def _more_is_better(side: Side, name: str) -> bool:
    own = aim_in(side.plan).metric
    return own.greater_is_better if own is not None and own.name == name else greater_is_better(name)


def _score(score: Interval | None) -> str:
    return f"{number(score.value)} ({between(score)}, {score.n:,} rows)" if score is not None else ""


def _moved(more: bool, was: Interval, now: Interval) -> str:
    if was.value == now.value:
        return "the same, on other rows" if was.n != now.n else "the interval is another"
    better = (now.value > was.value) == more
    apart = now.low > was.high or now.high < was.low
    by = number(abs(now.value - was.value))
    return f"{'better' if better else 'worse'} by {by}; the intervals {'lie apart' if apart else 'overlap'}"


def _spec(pair: Pair, private: frozenset[str]) -> Iterator[Change]:
    shown = (masked_spec(pair.one.spec, private), masked_spec(pair.other.spec, private))
    return changes_of(pair.one.spec, pair.other.spec, shown)


def _lock(pair: Pair, private: frozenset[str]) -> Iterator[Change]:
    plans = [_decided(side.plan) for side in pair]
    masked = [masked_spec(plan, private) for plan in plans]
    yield from changes_of(plans[0], plans[1], (masked[0], masked[1]))
    for before, after in _both(pair):
        for name in sorted(_READING):
            was, now = getattr(before, name), getattr(after, name)
            if was != now:
                texts = [PRIVATE] * 2 if before.name in private else [told(_plain(value)) for value in (was, now)]
                yield Change(what=f"{before.name}: {name.replace('_', ' ')}", before=texts[0], after=texts[1])


def _decided(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a plan decides: without the reasons, and without source text, which is compared by itself."""
    told_elsewhere = ("why", "source")
    steps = [{k: v for k, v in step.items() if k not in told_elsewhere} for step in plan["steps"]]
    joins = [{k: v for k, v in join.items() if v not in (None, "", [], {})} for join in plan.get("joins", [])]
    return {"split": plan.get("split"), "joins": joins, "steps": steps}


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value


def _both(pair: Pair) -> Iterator[tuple[Column, Column]]:
    later = {column.name: column for column in pair.other.schema_.columns}
    return ((column, later[column.name]) for column in pair.one.schema_.columns if column.name in later)


def _schema(pair: Pair, private: frozenset[str]) -> Iterator[Change]:
    names = [{column.name: column for column in side.schema_.columns} for side in pair]
    yield from (
        Change(what=n, before=f"{c.kind}, {c.role}", note="gone") for n, c in names[0].items() if n not in names[1]
    )
    yield from (
        Change(what=n, after=f"{c.kind}, {c.role}", note="new") for n, c in names[1].items() if n not in names[0]
    )
    for before, after in _both(pair):
        for name in _SCHEMA:
            was, now = getattr(before, name), getattr(after, name)
            if was != now:
                yield Change(what=f"{before.name}: {name}", before=told(was), after=told(now))
    targets = [side.schema_.target for side in pair]
    if targets[0] is not None and targets[1] is not None:
        hidden = {target.name for target in targets if target is not None} & private
        for name in ("name", "task", "labels", "positive"):
            was, now = getattr(targets[0], name), getattr(targets[1], name)
            if was != now:
                texts = [PRIVATE] * 2 if hidden and name in ("labels", "positive") else [told(was), told(now)]
                yield Change(what=f"target: {name}", before=texts[0], after=texts[1])


def _aims(pair: Pair, private: frozenset[str]) -> Iterator[Change]:
    """Return how what decides, and what is answered, changed beyond what the spec says."""
    aims = [aim_in(side.plan) for side in pair]
    facts = []
    for side, aim in zip(pair, aims, strict=True):
        target = side.schema_.target
        shown = target is None or target.name not in private
        decision = aim.decision
        facts.append(
            {
                "metric": aim.metric.title if aim.metric is not None else "",
                "weights of rows": aim.weight,
                "groups": aim.group,
                "costs": told(decision.cost) if decision is not None and shown else "",
                "threshold": _number(decision.threshold if decision is not None else None),
                "intervals": f"{aim.level:.0%}" if aim.level is not None else "",
                "widest interval": _number(_widest(aim.offsets)),
            }
        )
    for what, was in facts[0].items():
        if was != facts[1][what]:
            yield Change(what=what, before=was, after=facts[1][what])


def _number(value: float | None) -> str:
    return number(value) if value is not None else ""


def _widest(offsets: Offsets | None) -> float | None:
    if offsets is None:
        return None
    return max(above - below for below, above in zip(offsets.below, offsets.above, strict=True))


def _rows(pair: Pair) -> Iterator[Change]:
    sources = [{snapshot.name: snapshot for snapshot in side.collected.snapshots} for side in pair]
    for name in dict.fromkeys([*sources[0], *sources[1]]):
        was, now = (some.get(name) for some in sources)
        if was is None or now is None:
            counts = [f"{snapshot.n_rows:,} rows" if snapshot is not None else "" for snapshot in (was, now)]
            yield Change(what=name, before=counts[0], after=counts[1], note="new" if was is None else "gone")
        elif (was.sha256, was.n_quarantined) != (now.sha256, now.n_quarantined):
            texts = [f"{snapshot.n_rows:,} rows, sha256 {snapshot.sha256[:12]}" for snapshot in (was, now)]
            aside = was.n_quarantined, now.n_quarantined
            note = f"set aside: {aside[0]:,}, now {aside[1]:,}" if aside[0] != aside[1] else ""
            yield Change(what=name, before=texts[0], after=texts[1], note=note)
    numbers = [_counts(side) for side in pair]
    for what, was_n in numbers[0].items():
        if was_n != numbers[1][what]:
            yield Change(what=f"rows {what}", before=f"{was_n:,}", after=f"{numbers[1][what]:,}")


def _counts(side: Side) -> dict[str, int]:
    wrangled = side.wrangled
    return {"trained on": wrangled.n_train, "held out": wrangled.n_heldout, "rejected": wrangled.rejected.n_rows}


def _code(pair: Pair) -> Iterator[Change]:
    sources = [
        {
            module: text
            for user in (*side.plan["steps"], (side.plan.get(AIM) or {}).get("own") or {})
            for module, text in user.get("source", {}).items()
        }
        for side in pair
    ]
    for module in dict.fromkeys([*sources[0], *sources[1]]):
        was, now = (some.get(module) for some in sources)
        if was == now:
            continue
        lines = [(text or "").splitlines() for text in (was, now)]
        marks = [line[0] for line in difflib.ndiff(lines[0], lines[1])]
        texts = [
            f"{len(some):,} lines" if text is not None else "" for some, text in zip(lines, (was, now), strict=True)
        ]
        note = f"{marks.count('+'):,} lines added, {marks.count('-'):,} taken out"
        yield Change(what=module, before=texts[0], after=texts[1], note=note)


def _libraries(pair: Pair) -> Iterator[Change]:
    # What only one side tells of, a version nothing of the release that made it, is no difference.
    for name in sorted(set(pair.one.libraries) & set(pair.other.libraries)):
        was, now = pair.one.libraries[name], pair.other.libraries[name]
        if was != now:
            yield Change(what=name, before=was, after=now)
