"""What came of the aim on held-out rows: what answers cost, what intervals held, and how it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.answering.decision import Decision, codes_of
from penstock.metrics.aim import Aim
from penstock.metrics.metric import MAIN
from penstock.metrics.scores import spread_of
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.receipts import Interval
from penstock.table import Target

FEWEST_IN_PART = 20
MOST_PARTS = 10
_ANY = Target(name="", task="regression")


def aim_facts(
    aim: Aim,
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    ends: tuple[Floats | None, Floats | None],
    context: Context,
    *,
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    """Return what is told of the aim, JSON-ready.

    Parameters
    ----------
    aim : Aim
        What good means.
    target : Target
        What is predicted, as it may be shown.
    y : numpy.ndarray
        True values of held-out rows, shape (n_rows,).
    predicted : numpy.ndarray
        What the twin says of them, shape (n_rows, n_labels) or (n_rows,).
    ends : tuple of numpy.ndarray
        The ends of its intervals, shape (n_rows,), or None.
    context : Context
        What scores of these rows hang on.
    replicates, seed : int
        How the rows are resampled.

    Returns
    -------
    dict
        `aim`, with `lines` of sentences and, where there are such, `costs` of this and of simpler answers with their
        intervals; and `intervals` of predicted numbers, with their `coverage`.
    """

    def mean(values: Floats, rows: Ints | None = None) -> Interval:
        some = np.arange(len(y)) if rows is None else rows
        plain = replace(context.take(some), own=None, asked="", scale=None, decision=None)
        zeros = np.zeros(len(some))
        return spread_of(_ANY, "mae", zeros, values[some], replicates=replicates, seed=seed, context=plain)

    told: dict[str, Any] = {}
    costs, held = None, None
    if aim.decision is not None and not aim.decision.ranks:
        costs = _costs(aim.decision, target, y.astype(np.int64), predicted, mean)
    if aim.offsets is not None and ends[0] is not None and ends[1] is not None and target.task == "regression":
        held = _coverage(aim.offsets.level, y.astype(np.float64), predicted, (ends[0], ends[1]), mean)
        told["intervals"] = held
    lines = [*aim_lines(aim, target), *_cost_line(costs), *_coverage_line(held)]
    decided = decided_line(aim.decision, target) if aim.decision is not None else ""
    return {"aim": {"lines": lines, "decided": decided, **({"costs": costs} if costs else {})}, **told}


def aim_lines(aim: Aim, target: Target) -> list[str]:
    """Return what good means for a model, in sentences; nothing where nothing was decided.

    Examples
    --------
    >>> target = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
    >>> aim_lines(Aim(weight="n"), target)
    ["Rows count by 'n', in fits, in scores and in their intervals."]
    """
    lines = []
    if aim.own is not None:
        sense = "more" if aim.own.greater_is_better else "less"
        lines.append(f"What decides is a metric of your own, {aim.own.name} ({aim.own.use}): {sense} is better.")
    elif aim.metric is not None and aim.metric.name != MAIN[target.task]:
        lines.append(f"What decides is {aim.metric.title}.")
    if aim.decision is not None:
        lines.append(decided_line(aim.decision, target))
    if aim.weight:
        lines.append(f"Rows count by {aim.weight!r}, in fits, in scores and in their intervals.")
    if aim.class_weight is not None:
        each = ", ".join(f"{label!r} {w:.3g}" for label, w in zip(target.labels[:8], aim.class_weight, strict=False))
        more = f" and {len(target.labels) - 8} more" if len(target.labels) > 8 else ""
        lines.append(
            f"In fits rows count by their label: {each}{more}. Scores count every row as it is; probabilities are "
            "those of labels as frequent as their weights make them."
        )
    if aim.group and target.task != "forecast":
        lines.append(
            f"Rows of one {aim.group!r} stay together: in one fold, on one side where it is split by group, and where "
            "rows are resampled for an interval."
        )
    if aim.level is not None and aim.offsets is None:
        lines.append(f"Intervals that hold {aim.level:.0%} were asked for; there were too few rows to tell how wide.")
    return lines


def decided_line(decision: Decision, target: Target) -> str:
    """Return what errors cost and how a label is answered, in a sentence."""
    if decision.ranks:
        far = "squared distance" if decision.ranks == 2 else "distance"
        return f"Labels have an order: the one is answered whose rank has the least expected {far} from the true one."
    if decision.threshold is None or len(target.labels) != 2:
        return "Errors differ in what they cost: the label with the least expected cost is answered."
    own, other = decision.positive, 1 - decision.positive
    cost = decision.cost
    told = (
        f"A false {target.labels[own]!r} costs {cost[other][own]:g} and a false {target.labels[other]!r} "
        f"{cost[own][other]:g}: "
    )
    told += f"{target.labels[own]!r} is answered from a probability of {decision.threshold:.3g} on"
    if decision.optimal is None or not decision.n:
        return told + "."
    rows = f"{decision.n:,} out-of-fold predictions"
    if decision.threshold == decision.optimal:
        told += f", which is best for exact probabilities; {rows} do not speak against that"
    else:
        told += f", by {rows} ({decision.optimal:.3g} would be best for exact probabilities)"
    return told + "."


def _costs(
    decision: Decision, target: Target, codes: Ints, predicted: Floats, mean: Callable[[Floats], Interval]
) -> list[dict[str, Any]]:
    """Return what answers cost on average, and what simpler ones would: the same label always, or the likeliest."""
    likeliest = "from 0.5 on" if target.task == "binary" else "the likeliest label"
    answers = {"as answered": codes_of(predicted, decision), likeliest: codes_of(predicted, None)}
    table = np.array(decision.cost)
    cheapest = np.argsort([table[codes, k].sum() for k in range(len(table))], kind="stable")[:2]
    answers |= {f"always {target.labels[k]!r}": np.full(len(codes), k) for k in sorted(cheapest.tolist())}
    return [
        {"answers": name, **mean(decision.costs(codes, given)).model_dump(mode="json")}
        for name, given in answers.items()
    ]


def _coverage(
    level: float,
    y: Floats,
    predicted: Floats,
    ends: tuple[Floats, Floats],
    mean: Callable[[Floats, Ints | None], Interval],
) -> dict[str, Any]:
    """Return which share of true values the intervals held, in all and by how high the prediction is."""
    inside = ((y >= ends[0]) & (y <= ends[1])).astype(np.float64)
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, max(1, min(MOST_PARTS, len(y) // FEWEST_IN_PART)))
    found = mean(inside, None)
    by_part = [mean(inside, np.sort(part)) for part in parts] if len(parts) > 1 else []
    return {
        "level": level,
        "coverage": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "mean_width": float(np.mean(ends[1] - ends[0])),
        "by_prediction": [{"coverage": p.value, "low": p.low, "high": p.high, "n": p.n} for p in by_part],
    }


def _cost_line(costs: list[dict[str, Any]] | None) -> list[str]:
    if not costs:
        return []
    own, *others = costs
    told = [f"{c['answers']} {c['value']:.4g} ({c['low']:.4g} to {c['high']:.4g})" for c in others]
    spread = f"95 % interval {own['low']:.4g} to {own['high']:.4g}"
    return [f"On {own['n']:,} held-out rows an answer costs {own['value']:.4g} ({spread}); {'; '.join(told)}."]


def _coverage_line(held: dict[str, Any] | None) -> list[str]:
    if held is None:
        return []
    parts = [p["coverage"] for p in held["by_prediction"]]
    along = f", by how high the prediction is between {min(parts):.0%} and {max(parts):.0%}" if parts else ""
    told = (
        f"low and high are to hold {held['level']:.0%} of true values: they held {held['coverage']:.1%} of "
        f"{held['n']:,} held-out rows (95 % interval {held['low']:.1%} to {held['high']:.1%}){along}; they lie "
        f"{held['mean_width']:.4g} apart on average."
    )
    return [told]
