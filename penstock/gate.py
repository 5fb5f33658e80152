"""The gate: scores, champion and findings in; a verdict and its reasons out. It reads nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.frozen import Frozen
from penstock.limits import Cost
from penstock.metrics.metric import Metric
from penstock.receipts import Interval, Verdict
from penstock.slices import Gate

# With fewer rows a bootstrap interval promises more than it can keep.
FEWEST_ROWS = 30
MOST_CHANGES = 12
# Parts of what the other one gains over the baseline. A challenger may possibly lose a fifth of the champion's gain,
# and surely no more than a hundredth; the floor may surely gain a twentieth more.
CHAMPION_SHARE, HAIR_SHARE, FLOOR_SHARE = 0.2, 0.01, 0.05
NO_SIGNAL = (
    "To do: see that the target's values stand beside the right rows; bring columns that say more of it, or more rows."
)
UNDER_THE_FLOOR = (
    "To do: give the search more time (--budget) or more families (model: {families: …}); where the kind of model "
    "matters more to you, say so: gate: {floor: false}."
)
# Milliseconds of a row where the spec doesn't say. The search keeps to 5 as it counts them; a machine that is half as
# fast is no reason to refuse what it found. A forecast's row is looked up in its series before.
ORDINARY_MS, FORECAST_MS = 10.0, 25.0
SLOW = "To do: name families that answer faster (model: {families: …}), or allow more: gate: {max_latency_ms: …}."
LARGE = (
    "To do: name families that take less (model: {families: …}), or allow more: "
    "gate: {max_memory_mb: …, max_bundle_mb: …}."
)


class Comparison(Frozen):
    """Two sets of predictions for the same held-out rows; a positive difference means that the candidate is better."""

    candidate: float
    other: float
    difference: Interval


class Challenge(Frozen):
    """The candidate's twin against the twin of the live version, on held-out rows that neither has seen.

    `champion` and `challenger` are their scores, None where they cannot be compared; `note` says why, or what else is
    to be known.
    """

    version: str
    metric: str
    champion: float | None = None
    challenger: float | None = None
    difference: Interval | None = None
    n: int = 0
    note: str = ""

    @property
    def comparison(self) -> Comparison | None:
        """The comparison, where there is one."""
        if self.champion is None or self.challenger is None or self.difference is None:
            return None
        return Comparison(candidate=self.challenger, other=self.champion, difference=self.difference)


class Check(Frozen):
    """One thing that the gate looked at, and a sentence about it."""

    name: str
    passed: bool
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    accepted: str | None = None


def decide(
    *,
    metric: Metric,
    baseline: Comparison | None,
    challenge: Challenge | None,
    blocking: Sequence[str],
    digest: str,
    withdrawn: Sequence[str],
    gate: Gate,
    changes: Sequence[str] | None = None,
    rival: str = "the dummy baseline",
    usual_ms: float = ORDINARY_MS,
    floor: Comparison | None = None,
    cost: Cost | None = None,
) -> Verdict:
    """Decide whether a candidate may go live.

    It must beat the dummy baseline, with the whole 95 % interval of the paired difference. Untuned gradient boosting
    must not be surely better than it by more than a twentieth of its own gain over the baseline. The champion must
    neither be surely better, nor possibly better by more than the margin. Nothing found may block it; it must take the
    requests that the champion takes, and cost no more than the limits; and it must not be a model that was rolled back.
    On fewer than 30 rows the difference itself decides, and that is said.

    Parameters
    ----------
    metric : Metric
        The main metric.
    baseline : Comparison, optional
        The candidate's twin against the dummy baseline; None where the metric is not defined on the held-out rows.
    challenge : Challenge, optional
        The candidate's twin against the champion's; None where there is no champion.
    blocking : sequence of str
        Findings that block a publish, in a sentence each.
    digest : str
        The candidate's content digest.
    withdrawn : sequence of str
        The content digests that were rolled back.
    gate : Gate
        What the spec decides.
    changes : sequence of str, optional
        What callers of the champion would have to follow; None where there is no champion to compare with.
    rival : str
        What the baseline is called.
    usual_ms : float
        How many milliseconds one row may take where the spec doesn't say.
    floor : Comparison, optional
        The candidate's twin against the floor; None where there is none.
    cost : Cost, optional
        What serving it costs; None where that was not measured.

    Returns
    -------
    Verdict
        The reasons are those that refuse; where none does, those that speak for it.

    References
    ----------
    Piaggio, G. et al. (2012), Reporting of noninferiority and equivalence randomized trials, JAMA 308, 2594-2604.

    Examples
    --------
    >>> from penstock.metrics.metric import metric_for
    >>> better = Comparison(candidate=0.9, other=0.5, difference=Interval(value=0.4, low=0.3, high=0.45, n=200))
    >>> verdict = decide(metric=metric_for("binary"), baseline=better, challenge=None, blocking=(), digest="d",
    ...                  withdrawn=(), gate=Gate())
    >>> verdict.passed, verdict.reasons[1]
    (True, 'There is no champion to compare with.')
    """
    gained = baseline.difference.value if baseline is not None else 0.0
    checks = [
        _beats_the_baseline(metric, baseline, rival),
        _not_worse_than_the_champion(metric, challenge, gate, gained),
        *_reaches_the_floor(metric, floor, gate, gained),
        *(Check(name="leakage", passed=False, reason=_sentence(what)) for what in blocking),
        *_takes_the_same_requests(changes),
        *_within_limits(cost, gate, usual_ms),
        *_not_withdrawn(digest, withdrawn),
    ]
    refusals = [check.reason for check in checks if not check.passed]
    return Verdict(
        passed=not refusals,
        reasons=tuple(refusals or [check.reason for check in checks]),
        champion=challenge.version if challenge else None,
        checks=tuple(check.model_dump(mode="json") for check in checks),
    )


def _beats_the_baseline(metric: Metric, baseline: Comparison | None, rival: str) -> Check:
    if baseline is None:
        reason = (
            f"{metric.title} is not defined on the held-out rows, so nothing shows that the model beats guessing. "
            "To do: hold out more rows, or name another metric."
        )
        return Check(name="baseline", passed=False, reason=reason)
    difference = baseline.difference
    passed = (difference.value if difference.n < FEWEST_ROWS else difference.low) > 0
    verb = "beats" if passed else "does not beat"
    clears = "clears" if passed else "does not clear"
    scores = f"{metric.title} {_number(baseline.candidate)}"
    if difference.n < FEWEST_ROWS:
        scores += f" {clears} {_number(baseline.other)}"
        judged = f"; judged by the score alone, since {difference.n} held-out rows are too few for an interval"
    else:
        scores += f" {_beside(metric, baseline)} {clears} {_number(baseline.other)}, n = {difference.n:,}"
        judged = ""
    todo = "" if passed else f" {NO_SIGNAL}"
    reason = f"The candidate {verb} {rival}: {scores}{judged}.{todo}"
    return _check("baseline", difference, reason, passed=passed)


def _beside(metric: Metric, comparison: Comparison) -> str:
    """Return the interval of the candidate's score beside the other's: the other's, and the ends of the difference."""
    difference = comparison.difference
    ends = sorted(comparison.other + metric.sign * end for end in (difference.low, difference.high))
    return f"[{_number(ends[0])}, {_number(ends[1])}]"


def _reaches_the_floor(metric: Metric, floor: Comparison | None, gate: Gate, gained: float) -> list[Check]:
    if floor is None or not gate.floor:
        return []
    difference = floor.difference
    margin = FLOOR_SHARE * max(gained - difference.value, 0.0)
    end = difference.value if difference.n < FEWEST_ROWS else difference.high
    passed = end >= -margin
    verb = "is not worse than" if passed else "is worse than"
    judged = f"paired difference {_interval(difference)}, margin {_number(margin)}, n = {difference.n:,}"
    todo = "" if passed else f" {UNDER_THE_FLOOR}"
    reason = (
        f"The candidate {verb} untuned histogram gradient boosting: {metric.title} {_number(floor.candidate)} against "
        f"{_number(floor.other)} ({judged}).{todo}"
    )
    return [_check("floor", difference, reason, passed=passed)]


def _not_worse_than_the_champion(metric: Metric, challenge: Challenge | None, gate: Gate, gained: float) -> Check:
    if challenge is None:
        return Check(name="champion", passed=True, reason="There is no champion to compare with.")
    comparison = challenge.comparison
    note = f" {_sentence(challenge.note)}" if challenge.note else ""
    if comparison is None:
        return Check(
            name="champion",
            passed=True,
            reason=f"The champion {challenge.version} could not be compared with, so it did not count.{note}",
        )
    difference = comparison.difference
    scores = f"{metric.title} {_number(comparison.candidate)} against {_number(comparison.other)}"
    verb, judged = _worse(difference, gate, max(gained - difference.value, 0.0))
    told = verb or "is not worse than"
    reason = f"The candidate {told} the champion {challenge.version}, twin against twin: {scores} ({judged}).{note}"
    return _check("champion", difference, reason, passed=not verb)


def _worse(difference: Interval, gate: Gate, gained: float) -> tuple[str, str]:
    """Return in which words a candidate is worse than a champion that gained so much over the baseline, and why."""
    rows = f"{difference.n:,} held-out rows that neither has seen"
    margin = gate.margin if gate.margin is not None else CHAMPION_SHARE * gained
    if difference.n < FEWEST_ROWS:
        few = f"judged by the difference alone, {_signed(difference.value)}, since {rows} are too few for an interval"
        return ("is worse than" if difference.value < -(gate.margin or 0.0) else ""), few
    judged = f"paired difference {_interval(difference)} on {rows}; the margin is {_number(margin)}"
    if difference.high < -min(margin, HAIR_SHARE * gained):
        return "is worse than", judged
    # Where the champion gains nothing there is nothing to lose, and the baseline decides.
    if 0 < margin <= -difference.low:
        return "may be worse by more than the margin than", judged
    return "", judged


def _within_limits(cost: Cost | None, gate: Gate, usual_ms: float) -> list[Check]:
    if cost is None:
        return []
    looked = (
        ("latency", cost.latency_ms, gate.max_latency_ms or usual_ms, "ms", "One row through the bundle takes", SLOW),
        ("memory", cost.memory_mb, gate.max_memory_mb, "MB", "The open model takes", LARGE),
        ("size", cost.bundle_mb, gate.max_bundle_mb, "MB", "The bundle takes", LARGE),
    )
    checks = []
    for name, value, most, unit, words, todo in looked:
        if value <= most:
            # What was measured differs from run to run and stands in the receipt; the verdict is the same.
            reason = f"{words} no more than the {most:g} {unit} that are allowed."
            checks.append(Check(name=name, passed=True, reason=reason))
        else:
            reason = f"{words} {value:.3g} {unit}, and {most:g} {unit} are allowed. {todo}"
            checks.append(Check(name=name, passed=False, reason=reason))
    return checks


def _takes_the_same_requests(changes: Sequence[str] | None) -> list[Check]:
    if changes is None:
        return []
    if not changes:
        reason = "It takes every request that the champion takes."
        return [Check(name="schema", passed=True, reason=reason)]
    more = f", and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    reason = (
        f"Callers of the champion would have to change: {', '.join(changes[:MOST_CHANGES])}{more}. A renamed field is "
        "covered by `aliases: {new: [old]}`; for anything else: penstock publish RUN --accept-schema-change REASON."
    )
    return [Check(name="schema", passed=False, reason=reason)]


def _not_withdrawn(digest: str, withdrawn: Sequence[str]) -> list[Check]:
    if digest not in withdrawn:
        return []
    reason = "This very model was rolled back: it comes back only with a reason (penstock publish RUN --force REASON)."
    return [Check(name="withdrawn", passed=False, reason=reason)]


def _check(name: str, difference: Interval, reason: str, *, passed: bool) -> Check:
    return Check(
        name=name,
        passed=passed,
        reason=reason,
        value=difference.value,
        low=difference.low,
        high=difference.high,
        n=difference.n,
    )


def _interval(difference: Interval) -> str:
    return f"{_signed(difference.value)}, 95 % interval {_signed(difference.low)} to {_signed(difference.high)}"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
