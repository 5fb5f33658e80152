"""What good means for one model: the metric that decides, what errors cost, who counts how much, and what is answered.

It stands in the bundle's signed steps beside the plan, and in the content digest: other aims make another model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penstock.aims import Measure
from penstock.answering.decision import Decision, Floats, optimal_decision, threshold_for
from penstock.answering.widths import Offsets, widths_for
from penstock.errors import DataError, SpecError
from penstock.frozen import Frozen
from penstock.metrics.metric import METRICS, Metric, metric_for
from penstock.metrics.weighted import Context, defined_metrics
from penstock.slices import Modelling, Typing
from penstock.table import Domain, Target

# Metrics that look at ranks, and how labels come by theirs.
RANKED = ("quadratic_kappa", "mean_rank_error")
ORDER = "Or give the labels their order: columns: {TARGET: {ordinal: [LOW, MIDDLE, HIGH]}}"
# The plan's key under which it stands.
AIM = "aim"


class Aim(Frozen):
    """What good means.

    Attributes
    ----------
    metric : Metric, optional
        What decides.
    own : Measure, optional
        The user's own function, where that is the metric.
    decision : Decision, optional
        How labels are answered, where errors differ in what they cost.
    level : float, optional
        Which share of true values the interval of a predicted number should hold, where one is asked for.
    offsets : Offsets, optional
        Where the ends of these intervals lie; None where there were too few rows to tell.
    class_weight : tuple of float, optional
        How much a row of each label counts in fits, in the order of the labels.
    weight, group : str
        The columns of how much rows count, and of who must not be on both sides; empty where there is none.
    """

    metric: Metric | None = None
    own: Measure | None = None
    decision: Decision | None = None
    level: float | None = None
    offsets: Offsets | None = None
    class_weight: tuple[float, ...] | None = None
    weight: str = ""
    group: str = ""

    def answering(
        self,
        y: npt.NDArray[np.generic],
        out_of_fold: Floats,
        weights: Floats | None = None,
        domain: Domain | None = None,
    ) -> Aim:
        """Return the aim with the threshold, and the ends of intervals, that out-of-fold predictions bear out.

        Parameters
        ----------
        y : numpy.ndarray
            True values, shape (n_rows,).
        out_of_fold : numpy.ndarray
            Predictions from fits that had not seen the row, shape (n_rows, n_labels) or (n_rows,), in the target's own
            units; rows that have none are NaN.
        weights : numpy.ndarray, optional
            How much each row counts, shape (n_rows,).
        domain : Domain, optional
            What the target may be; a number that was never negative is taken not to become so.
        """
        if self.decision is not None:
            return self.model_copy(update={"decision": threshold_for(y, out_of_fold, self.decision, weights)})
        if self.level is None:
            return self
        floor = domain.low if domain is not None else None
        if floor is None and float(y.astype(np.float64).min(initial=np.inf)) >= 0:
            floor = 0.0
        ceiling = domain.high if domain is not None else None
        return self.model_copy(
            update={"offsets": widths_for(y, out_of_fold, self.level, weights, floor=floor, ceiling=ceiling)}
        )


def aim_of(target: Target, modelling: Modelling, typing: Typing) -> Aim:
    """Return what good means for a target, by the spec.

    Raises
    ------
    SpecError
        The target's task has no such metric, costs or intervals.
    """
    own = modelling.metric if isinstance(modelling.metric, Measure) else None
    private = is_private(typing)
    decision = optimal_decision(target, modelling.cost, private=private) if modelling.cost is not None else None
    if modelling.intervals is not None and target.is_classification:
        raise SpecError(
            f"`intervals` are for numbers, and {target.name!r} is one of {len(target.labels)} labels",
            where="intervals",
            todo="Leave it out: labels are answered with a probability for each.",
        )
    metric = _own_metric(own, target) if own is not None else _metric(target, modelling.metric, decision)
    if target.ordered and target.task == "multiclass" and decision is None:
        # The label in the middle of what is predicted errs least in ranks; the likeliest one knows of no order.
        decision = Decision.of_ranks(len(target.labels), 2 if metric.name == "quadratic_kappa" else 1)
    return Aim(
        metric=metric,
        own=own,
        decision=decision,
        level=modelling.intervals if target.task == "regression" else None,
        weight=typing.weight or "",
        group=typing.group or "",
    )


def _metric(target: Target, name: str | Measure | None, decision: Decision | None) -> Metric:
    assert not isinstance(name, Measure)
    if name == "cost" and decision is None and target.is_classification:
        raise SpecError(
            "The metric `cost` needs to know what errors cost",
            where="metric",
            todo="Add a line: cost: {fp: 5, fn: 100}",
        )
    if name in RANKED and target.is_classification and not (target.ordered or target.label_type == "integer"):
        raise SpecError(
            f"The metric {name!r} needs labels that have an order",
            where="metric",
            got=f"the labels of {target.name!r}, of which nobody says which is more",
            todo=ORDER.replace("TARGET", target.name),
        )
    return metric_for(target.task, name or ("cost" if decision is not None else None))


def _own_metric(own: Measure, target: Target) -> Metric:
    if any(own.name == known.name for known in METRICS):
        raise SpecError(
            f"A metric of your own is called as a built-in one is: {own.name!r}",
            where=f"metric: use: {own.use}",
            todo="Give it another name: metric: {use: MODULE:NAME, name: OTHER}",
        )
    title = own.name.replace("_", " ")
    title = title[:1].upper() + title[1:]
    return Metric(name=own.name, title=title, greater_is_better=own.greater_is_better, tasks=(target.task,))


def is_private(typing: Typing) -> bool:
    """Whether nobody may be told the target's values."""
    decided = typing.columns.get(typing.target)
    return decided is not None and decided.private


def domain_of(typing: Typing) -> Domain | None:
    """Return what the target may be, where the spec declares it."""
    decided = typing.columns.get(typing.target)
    return decided.domain if decided is not None else None


def check_defined(aim: Aim, target: Target, y: npt.NDArray[np.generic], context: Context) -> None:
    """Refuse a metric that the true values of training rows do not allow.

    Raises
    ------
    DataError
        They do not.
    """
    if aim.metric is None or aim.metric.name in defined_metrics(target, y, context):
        return
    needs = {
        "rmsle": "no value below 0",
        "poisson_deviance": "no value below 0",
        "gamma_deviance": "values above 0",
        "mape": "no value near 0, where a relative error means nothing",
        "r2": "values that differ",
        "quadratic_kappa": "labels that have an order, at least two of them",
        "mean_rank_error": "labels that have an order, at least two of them",
    }
    raise DataError(
        f"The metric {aim.metric.name!r} is not defined for the target {target.name!r}",
        where="metric",
        expected=needs.get(aim.metric.name, "at least two labels"),
        todo="Choose another metric." + (f" {ORDER}" if aim.metric.name in RANKED else ""),
    )
