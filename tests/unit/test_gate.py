from __future__ import annotations

import pytest

from penstock.gate import Challenge, Comparison, decide
from penstock.metrics.metric import Metric, metric_for
from penstock.receipts import Interval, Verdict
from penstock.slices import Gate

AUC = metric_for("binary")
RMSE = metric_for("regression")


def span(value: float, low: float, high: float, n: int = 500) -> Interval:
    return Interval(value=value, low=low, high=high, n=n)


GOOD = Comparison(candidate=0.9, other=0.5, difference=span(0.4, 0.35, 0.45))


def challenge(difference: Interval | None, note: str = "") -> Challenge:
    scored = difference is not None
    return Challenge(
        version="7-abc",
        metric="roc_auc",
        champion=0.9 if scored else None,
        challenger=0.9 + difference.value if difference else None,
        difference=difference,
        note=note,
    )


def judged(
    baseline: Comparison | None = GOOD,
    against: Challenge | None = None,
    *,
    metric: Metric = AUC,
    blocking: tuple[str, ...] = (),
    withdrawn: tuple[str, ...] = (),
    gate: Gate | None = None,
) -> Verdict:
    return decide(
        metric=metric,
        baseline=baseline,
        challenge=against,
        blocking=blocking,
        digest="mine",
        withdrawn=withdrawn,
        gate=gate or Gate(),
    )


def test_a_first_model_must_beat_the_dummy_with_its_whole_interval() -> None:
    """There is no rubber stamp for the first publish."""
    assert judged().passed
    touching = Comparison(candidate=0.55, other=0.5, difference=span(0.05, -0.01, 0.11))
    verdict = judged(touching)
    assert not verdict.passed
    (reason,) = verdict.reasons
    assert reason == (
        "The candidate does not beat the dummy baseline: ROC AUC 0.55 against the dummy baseline's 0.5 "
        "(paired difference +0.05, 95 % interval -0.01 to +0.11 on 500 held-out rows)."
    )


def test_a_challenger_that_is_surely_worse_is_refused() -> None:
    """The whole interval lies below nothing."""
    verdict = judged(against=challenge(span(-0.02, -0.03, -0.01)))
    assert not verdict.passed
    assert "is worse than the champion 7-abc, twin against twin: ROC AUC 0.88 against 0.9" in verdict.reasons[0]
    assert verdict.champion == "7-abc"


@pytest.mark.parametrize("difference", [span(-0.02, -0.05, 0.01), span(0.0, 0.0, 0.0), span(0.02, 0.01, 0.03)])
def test_a_challenger_that_may_be_as_good_passes(difference: Interval) -> None:
    """Not worse is enough: new data make a model worth publishing."""
    verdict = judged(against=challenge(difference))
    assert verdict.passed
    assert "is not worse than the champion" in verdict.reasons[1]


def test_a_margin_refuses_a_point_difference_beyond_it() -> None:
    """Who declares a margin wants no drift downwards in small steps."""
    slightly = challenge(span(-0.02, -0.05, 0.01))
    assert judged(against=slightly, gate=Gate(margin=0.03)).passed
    verdict = judged(against=slightly, gate=Gate(margin=0.01))
    assert not verdict.passed
    assert "the margin is 0.01" in verdict.reasons[0]


def test_a_margin_does_not_excuse_what_is_surely_worse() -> None:
    """The interval decides first."""
    assert not judged(against=challenge(span(-0.02, -0.03, -0.01)), gate=Gate(margin=0.5)).passed


def test_too_few_rows_are_said_and_the_difference_itself_decides() -> None:
    """Twenty rows bear no interval; that is never passed over in silence."""
    few = Comparison(candidate=0.9, other=0.5, difference=span(0.4, -0.1, 0.8, n=20))
    verdict = judged(few, challenge(span(-0.1, -0.4, 0.4, n=20)))
    assert not verdict.passed
    assert len(verdict.reasons) == 1
    assert "20 held-out rows that neither has seen are too few for an interval" in verdict.reasons[0]
    better = judged(few, challenge(span(0.1, -0.4, 0.4, n=20)))
    assert better.passed
    assert all("too few" in reason for reason in better.reasons)


def test_a_champion_that_cannot_be_compared_with_is_said() -> None:
    """It does not refuse, and does not pass for a comparison either."""
    verdict = judged(against=challenge(None, "It predicts another column, 'x' and not 'y'"))
    assert verdict.passed
    assert verdict.reasons[1] == (
        "The champion 7-abc could not be compared with, so it did not count. "
        "It predicts another column, 'x' and not 'y'."
    )


def test_a_blocking_finding_refuses_whatever_the_scores() -> None:
    """The better it scores, the more a leak is to be feared."""
    verdict = judged(blocking=("the column 'outcome_code' alone tells the target",))
    assert verdict.reasons == ("The column 'outcome_code' alone tells the target.",)


def test_a_withdrawn_model_does_not_come_back_by_itself() -> None:
    """Its digest was rolled back; the reason says what would bring it back."""
    verdict = judged(withdrawn=("other", "mine"))
    assert not verdict.passed
    assert "--force REASON" in verdict.reasons[0]
    assert judged(withdrawn=("other",)).passed


def test_a_metric_that_is_not_defined_proves_nothing() -> None:
    """Held-out rows of one class cannot show that a model is any good."""
    assert not judged(None).passed


def test_every_refusal_is_told_not_only_the_first() -> None:
    """Correcting one thing after the other would cost a run each."""
    worse = challenge(span(-0.02, -0.03, -0.01))
    bad = Comparison(candidate=0.5, other=0.5, difference=span(0, -0.1, 0.1))
    verdict = judged(bad, worse, blocking=("a leak",), withdrawn=("mine",))
    assert len(verdict.reasons) == 4
    assert [check["name"] for check in verdict.checks] == ["baseline", "champion", "leakage", "withdrawn"]


def test_a_positive_difference_is_better_for_a_loss_too() -> None:
    """The gate reads differences, whose sign the metrics have settled."""
    lower = Comparison(candidate=1.0, other=3.0, difference=span(2.0, 1.5, 2.5))
    assert judged(lower, metric=RMSE).passed
