from __future__ import annotations

import pytest

from penstock.gate import FORECAST_MS, Challenge, Comparison, decide
from penstock.limits import Cost
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
    assert reason.startswith(
        "The candidate does not beat the dummy baseline: ROC AUC 0.55 [0.49, 0.61] does not clear 0.5, n = 500. To do: "
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


def test_a_challenger_that_may_be_worse_by_more_than_the_margin_is_refused() -> None:
    """Who declares a margin wants it shown that no more is lost, not that nothing was shown."""
    slightly = challenge(span(-0.02, -0.05, 0.01))
    assert judged(against=slightly, gate=Gate(margin=0.06)).passed
    verdict = judged(against=slightly, gate=Gate(margin=0.03))
    assert not verdict.passed
    assert "may be worse by more than the margin" in verdict.reasons[0]
    assert "the margin is 0.03" in verdict.reasons[0]


def test_the_margin_is_a_fifth_of_what_the_champion_gains_unless_it_is_declared() -> None:
    """A unit of a metric means little by itself: what a model has over guessing is what there is to lose."""
    # The candidate gains 0.4 over the dummy, so the champion gains 0.42 and the margin is 0.084.
    assert judged(against=challenge(span(-0.02, -0.083, 0.04))).passed
    assert not judged(against=challenge(span(-0.02, -0.085, 0.04))).passed


def test_what_is_surely_worse_by_a_hair_passes() -> None:
    """On a hundred thousand rows a refit alone is surely other than the fit before it."""
    assert judged(against=challenge(span(-0.0002, -0.0003, -0.0001, n=100_000))).passed


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


def against_the_floor(difference: Interval, *, gate: Gate | None = None) -> Verdict:
    floor = Comparison(candidate=0.9, other=0.9 - difference.value, difference=difference)
    return decide(
        metric=AUC,
        baseline=GOOD,
        challenge=None,
        blocking=(),
        digest="mine",
        withdrawn=(),
        gate=gate or Gate(),
        floor=floor,
    )


def test_a_model_that_untuned_boosting_surely_beats_is_refused_and_told_how_to_do_better() -> None:
    """A budget of a second must not publish what an expert would be ashamed of."""
    verdict = against_the_floor(span(-0.06, -0.08, -0.04))
    assert not verdict.passed
    assert "is worse than untuned histogram gradient boosting: ROC AUC 0.9 against 0.96" in verdict.reasons[0]
    assert "--budget" in verdict.reasons[0]
    assert "floor: false" in verdict.reasons[0]


def test_the_floor_refuses_neither_within_its_margin_nor_where_it_was_waived() -> None:
    """Its gain over the dummy is 0.42; a twentieth of that, 0.021, is no reason against a model."""
    assert against_the_floor(span(-0.02, -0.03, -0.01)).passed
    assert not against_the_floor(span(-0.03, -0.04, -0.022)).passed
    assert against_the_floor(span(-0.06, -0.08, -0.04), gate=Gate(floor=False)).passed


@pytest.mark.parametrize(
    ("cost", "name"),
    [
        (Cost(latency_ms=17.93, memory_mb=1, bundle_mb=1), "latency"),
        (Cost(latency_ms=1, memory_mb=3e3, bundle_mb=1), "memory"),
        (Cost(latency_ms=1, memory_mb=1, bundle_mb=2e3), "size"),
    ],
)
def test_a_model_that_costs_more_than_is_allowed_is_refused(cost: Cost, name: str) -> None:
    """The reason has the figure, the limit and the line that raises it; what passes has no figure of its own."""
    asked = {"metric": AUC, "baseline": GOOD, "challenge": None, "blocking": (), "digest": "mine", "withdrawn": ()}
    verdict = decide(**asked, gate=Gate(), cost=cost)
    assert [check["name"] for check in verdict.checks if not check["passed"]] == [name]
    assert "gate: {max_" in verdict.reasons[0]
    cheap, cheaper = (Cost(latency_ms=ms, memory_mb=1, bundle_mb=1) for ms in (2.0, 1.0))
    assert decide(**asked, gate=Gate(), cost=cheap) == decide(**asked, gate=Gate(), cost=cheaper)


def test_the_time_of_a_row_is_what_the_spec_allows_or_what_is_usual() -> None:
    """A limit that is set is held to; a forecast may take longer without one."""
    asked = {"metric": AUC, "baseline": GOOD, "challenge": None, "blocking": (), "digest": "mine", "withdrawn": ()}
    cost = Cost(latency_ms=17.0, memory_mb=1, bundle_mb=1)
    assert decide(**asked, gate=Gate(), cost=cost, usual_ms=FORECAST_MS).passed
    assert not decide(**asked, gate=Gate(max_latency_ms=5), cost=cost, usual_ms=FORECAST_MS).passed
    assert decide(**asked, gate=Gate(max_latency_ms=20), cost=cost).passed
