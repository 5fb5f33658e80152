"""Every column against the target: how strongly related, and the target in groups of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from penstock.arrays.infer import infer_target
from penstock.arrays.moments import finite_or_none
from penstock.errors import DataError, SpecError
from penstock.profiling.columns import Seen
from penstock.profiling.pairs import SAMPLE, Sample, has_many_levels, sampled, strength_of, take_sample
from penstock.profiling.records import Against, Alert, Group, TargetLook
from penstock.profiling.shapes import clock_of
from penstock.slices import Typing
from penstock.target import encode_target

BINS, MOST_FEATURES = 10, 500
# Columns that are looked at at once.
WORKERS = 2
# Two standard errors to both sides, near enough, of a normal mean.
Z = 1.959963984540054
# A tree's numbers have four bytes, and what is larger than these has no square.
MOST = 1e18


class Goal(NamedTuple):
    """The target's rows: `y` is what is averaged, NaN where there is no target; `codes` are label indices or None."""

    look: TargetLook
    y: Any
    target: Any
    codes: Any


def look_at_target(seen: Seen, columns: Sequence[Seen], raw: Any, typing: Typing) -> TargetLook:
    """Look at every feature against the target.

    Parameters
    ----------
    seen : Seen
        The target's own column.
    columns : sequence of Seen
        All columns; private ones and the target itself are passed over.
    raw : pyarrow.ChunkedArray
        The target's raw values.
    typing : Typing
        What the user decided.
    """
    goal = _goal(seen, raw, typing)
    features = [c for c in columns if not c.look.private and c is not seen and c.look.profile.distinct > 1]
    if goal.y is None or seen.look.private:
        return goal.look
    rows = sampled(len(goal.y))
    present = ~np.isnan(goal.y)
    aimed = take_sample([_as_target(seen, goal)], rows)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda c: _against(c, aimed, goal, rows, present), features[:MOST_FEATURES]))
    found.sort(key=lambda a: -abs(a.strength or 0.0))
    with np.errstate(over="ignore"):
        overall = finite_or_none(float(goal.y[present].mean())) if present.any() else None
    return goal.look.model_copy(
        update={"features": tuple(found), "overall": overall, "suspicious": _suspicious(features, goal, rows)}
    )


def _goal(seen: Seen, raw: Any, typing: Typing) -> Goal:
    look = TargetLook(name=seen.name)
    if seen.look.private:
        return Goal(look.model_copy(update={"note": "The target is private: nothing is told of it."}), None, None, None)
    try:
        target = infer_target(raw, typing)
    except (DataError, SpecError) as error:
        note = f"A run would refuse this target. {error.what}" + (f" ({error.got})." if error.got else ".")
        return Goal(look.model_copy(update={"note": note}), None, None, None)
    told = {"task": target.task, "evidence": target.evidence}
    values = encode_target(target, raw)
    if not target.is_classification:
        y = np.where(np.isfinite(values), values, np.nan)
        return Goal(look.model_copy(update={**told, "of": f"mean of {seen.name}"}), y, target, None)
    counts = np.bincount(values[values >= 0], minlength=len(target.labels))
    chosen = target.labels.index(target.positive) if target.positive in target.labels else int(counts.argmax())
    y = np.where(values < 0, np.nan, (values == chosen).astype(np.float64))
    told |= {"of": f"share of {seen.name} = {target.labels[chosen]}"}
    return Goal(look.model_copy(update={**told, "is_share": True}), y, target, values)


def _against(column: Seen, aimed: Sample, goal: Goal, rows: Any, present: Any) -> Against:
    measure, strength = strength_of(column, aimed)
    return Against(
        column=column.name, measure=measure, strength=strength, groups=tuple(_groups(column, goal, rows, present))
    )


def _as_target(seen: Seen, goal: Goal) -> Seen:
    """Return the target's column as what it is predicted as: labels, or numbers."""
    if goal.codes is not None:
        return seen._replace(values=goal.codes.astype(np.int32), n_codes=len(goal.target.labels))
    return seen._replace(values=goal.y, n_codes=0)


def _groups(column: Seen, goal: Goal, rows: Any, present: Any) -> list[Group]:
    places, labels = _places(column, rows)
    # Rows without a target are a group of their own, which is left out.
    at, y = (places, goal.y) if present.all() else (np.where(present, places, len(labels)), np.nan_to_num(goal.y))
    n = np.bincount(at, minlength=len(labels))
    sums = np.bincount(at, weights=y, minlength=len(labels))
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sums if goal.look.is_share else np.bincount(at, weights=y * y, minlength=len(labels))
    return [
        Group(label=label, n=int(n[i]), **_interval(int(n[i]), float(sums[i]), float(squares[i]), goal.look.is_share))
        for i, label in enumerate(labels)
        # Of numbers too large to be squared there is no interval.
        if n[i] and np.isfinite(squares[i])
    ]


def _interval(n: int, total: float, squares: float, is_share: bool) -> dict[str, float]:
    mean = total / n
    if is_share:
        # E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
        centre = (mean + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(mean * (1 - mean) / n + Z * Z / (4 * n * n))
        return {"value": mean, "low": max(0.0, centre - half), "high": min(1.0, centre + half)}
    spread = math.sqrt(max(squares / n - mean * mean, 0.0) / max(n - 1, 1)) if n > 1 else 0.0
    return {"value": mean, "low": mean - Z * spread, "high": mean + Z * spread}


def _places(column: Seen, rows: Any) -> tuple[Any, list[str]]:
    """Return the group of each row, and the groups' labels; the last one is for what is missing."""
    if not column.is_number and has_many_levels(column, len(rows)):
        return column.gone().astype(np.int64), ["(there)", "(missing)"]
    if not column.is_number:
        codes = column.codes()
        order = sorted(column.labels) if column.look.kind == "boolean" else list(column.labels)
        place = np.full(max(column.n_codes, 2), len(order))
        place[order] = np.arange(len(order))
        labels = [column.labels[i] for i in order]
        found = np.where(codes < 0, len(order) + 1, place[codes])
        return found, [*labels, "all others", "(missing)"]
    values = column.floats()
    if column.look.kind == "integer" and column.look.tops and not column.look.rest:
        known = sorted(float(level.value) for level in column.look.tops)
        found = np.searchsorted(known, np.nan_to_num(values, nan=known[0]))
        labels = [f"{value:.0f}" for value in known]
    else:
        some = values[rows]
        some = some[~np.isnan(some)]
        if not len(some):
            return np.full(len(values), 0), ["(missing)"]
        edges = np.unique(np.quantile(some, np.arange(1, BINS) / BINS))
        # So few comparisons of whole columns are quicker than a search for each row.
        found = np.zeros(len(values), np.int8)
        for edge in edges:
            found += values >= edge
        labels = _between(edges, column)
    if column.look.profile.n < len(values):
        found = np.where(np.isnan(values), len(labels), found)
    return found, [*labels, "(missing)"]


def _between(edges: Any, column: Seen) -> list[str]:
    told = [_edge(float(edge), column) for edge in edges]
    return [f"below {told[0]}", *(f"{a} to {b}" for a, b in pairwise(told)), f"{told[-1]} and more"]


def _edge(value: float, column: Seen) -> str:
    if column.look.kind == "datetime":
        return str(np.datetime64(int(value), "us").astype("datetime64[D]"))
    return clock_of(value) if column.look.kind == "time" else f"{value:.4g}"


def _suspicious(columns: Sequence[Seen], goal: Goal, rows: Any) -> tuple[Alert, ...]:
    from penstock.suspicion.finding import find_suspicions

    usable = [c for c in columns if c.look.role not in ("id", "ignored")]
    if not usable:
        return ()
    frame = pd.DataFrame({c.name: _plain(c, rows) for c in usable})
    y = np.clip(goal.y[rows], -MOST, MOST) if goal.codes is None else goal.codes[rows]
    labelled = ~np.isnan(goal.y[rows])
    odd = find_suspicions(frame, y, labelled, ~labelled, goal.target)
    more = f"; looked for in {SAMPLE:,} rows drawn with a fixed seed" if len(goal.y) > SAMPLE else ""
    told = [(s.column, s.what.replace("training rows", "rows") + more) for s in odd if s.is_late]
    return tuple(Alert(sort="suspicious", column=column, what=what) for column, what in told)


def _plain(column: Seen, rows: Any) -> Any:
    if column.is_number:
        return np.clip(column.floats(rows), -MOST, MOST)
    codes = column.codes(rows)
    # A level's own text does not matter here, only that it is one.
    names = np.array([*(f"level {i}" for i in range(max(column.n_codes, 2))), None], dtype=object)
    return pd.Series(names[codes], dtype="str")
