"""The gate: scores, champion and findings in; a verdict and its reasons out. It reads nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.frozen import Frozen
from penstock.metrics.metric import Metric
from penstock.receipts import Interval, Verdict
from penstock.slices import Gate

# With fewer rows a bootstrap interval promises more than it can keep.
FEWEST_ROWS = 30
MOST_CHANGES = 12


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
) -> Verdict:
    """Decide whether a candidate may go live.

    It must beat the dummy baseline, with the whole 95 % interval of the paired difference; it must not be worse than
    the champion, neither with the whole interval nor by more than `gate.margin`; nothing found may block it; it must
    take the requests that the champion takes; and it must not be a model that was rolled back. On fewer than 30 rows
    the difference itself decides, and that is said.

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

    Returns
    -------
    Verdict
        The reasons are those that refuse; where none does, those that speak for it.

    Examples
    --------
    >>> from penstock.metrics.metric import metric_for
    >>> better = Comparison(candidate=0.9, other=0.5, difference=Interval(value=0.4, low=0.3, high=0.45, n=200))
    >>> verdict = decide(metric=metric_for("binary"), baseline=better, challenge=None, blocking=(), digest="d",
    ...                  withdrawn=(), gate=Gate())
    >>> verdict.passed, verdict.reasons[1]
    (True, 'There is no champion to compare with.')
    """
    checks = [
        _beats_the_baseline(metric, baseline, rival),
        _not_worse_than_the_champion(metric, challenge, gate),
        *(Check(name="leakage", passed=False, reason=_sentence(what)) for what in blocking),
        *_takes_the_same_requests(changes),
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
        reason = f"{metric.title} is not defined on the held-out rows, so nothing shows that the model beats guessing."
        return Check(name="baseline", passed=False, reason=reason)
    difference = baseline.difference
    scores = f"{metric.title} {_number(baseline.candidate)} against {rival}'s {_number(baseline.other)}"
    if difference.n < FEWEST_ROWS:
        passed = difference.value > 0
        judged = f"judged by the difference alone, since {difference.n} held-out rows are too few for an interval"
    else:
        passed = difference.low > 0
        judged = f"paired difference {_interval(difference)} on {difference.n:,} held-out rows"
    verb = "beats" if passed else "does not beat"
    reason = f"The candidate {verb} {rival}: {scores} ({judged})."
    return _check("baseline", difference, reason, passed=passed)


def _not_worse_than_the_champion(metric: Metric, challenge: Challenge | None, gate: Gate) -> Check:
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
    worse, judged = _worse(difference, gate)
    verb = "is worse than" if worse else "is not worse than"
    reason = f"The candidate {verb} the champion {challenge.version}, twin against twin: {scores} ({judged}).{note}"
    return _check("champion", difference, reason, passed=not worse)


def _worse(difference: Interval, gate: Gate) -> tuple[bool, str]:
    rows = f"{difference.n:,} held-out rows that neither has seen"
    if difference.n < FEWEST_ROWS:
        few = f"judged by the difference alone, {_signed(difference.value)}, since {rows} are too few for an interval"
        return difference.value < -(gate.margin or 0.0), few
    judged = f"paired difference {_interval(difference)} on {rows}"
    if difference.high < 0:
        return True, judged
    if gate.margin is not None and difference.value < -gate.margin:
        return True, f"{judged}; the margin is {_number(gate.margin)}"
    return False, judged


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
