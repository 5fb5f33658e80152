"""Every metric as a function of row weights, for many weightings at once.

A plain score is the metric with every weight 1; a bootstrap replicate is the metric with each row's weight the number
of times it was drawn. So scores and intervals cannot disagree about what a metric means. Where rows count differently
by the spec, each weighting is multiplied by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from penstock.answering.decision import Decision, codes_of
from penstock.metrics.labels import label_scores
from penstock.metrics.numbers import number_scores
from penstock.metrics.ranks import Floats, Ints, average_precision, macro_auc, rank_auc
from penstock.table import Target

__all__ = ["Context", "Floats", "Ints", "Own", "defined_metrics", "positive_index", "weighted_scores"]

# Below this share of the median size, a true value makes the relative error meaningless.
NEAR_ZERO = 0.01
# Told of every target of their task that allows them, beside the metric that is asked for.
_TWO: tuple[str, ...] = ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "balanced_accuracy")
_TWO += ("f1", "precision", "recall", "specificity", "mcc")
_MANY = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "mcc", "brier")


class Own(Protocol):
    """A metric of the user's own."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""

    def values(
        self, target: Target, y: npt.NDArray[np.generic], predicted: Floats, decision: Decision | None, weights: Floats
    ) -> Floats:
        """Return it under each of several weightings, shape (n_weightings,)."""


@dataclass(frozen=True)
class Context:
    """What scores hang on, beside what is true and what is predicted.

    Attributes
    ----------
    scale : numpy.ndarray, optional
        Of a forecast, the mean absolute error of the seasonal naive forecast of a row's series in training, shape
        (n_rows,).
    block : numpy.ndarray, optional
        From 0 on, which rows stand or fall together and are resampled as one, int64, shape (n_rows,).
    weight : numpy.ndarray, optional
        How much each row counts, shape (n_rows,).
    decision : Decision, optional
        How labels are answered, where errors differ in what they cost.
    costed : Decision, optional
        What answers cost, where they are chosen by something else than that.
    own : Own, optional
        The user's metric.
    asked : str
        The metric that decides, which is told even where its task does not usually have it.
    """

    scale: Floats | None = None
    block: Ints | None = None
    weight: Floats | None = None
    decision: Decision | None = None
    costed: Decision | None = None
    own: Own | None = None
    asked: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether every row counts the same, stands for itself, and has the likeliest label as its answer."""
        return all(part is None for part in (self.scale, self.block, self.weight, self.decision, self.own))

    def take(self, rows: npt.NDArray[np.generic]) -> Context:
        """Return the context of some rows, its blocks numbered anew."""
        block = self.block
        return replace(
            self,
            scale=None if self.scale is None else self.scale[rows],
            block=None if block is None else np.unique(block[rows], return_inverse=True)[1].astype(np.int64),
            weight=None if self.weight is None else self.weight[rows],
        )


def positive_index(target: Target) -> int:
    """Return which label counts as positive; the last one where nothing is declared."""
    return target.labels.index(target.positive) if target.positive in target.labels else len(target.labels) - 1


def relative_error_makes_sense(y: Floats) -> bool:
    """Whether no true value lies so near to zero that MAPE would measure that value alone."""
    size = np.abs(y)
    return bool(len(y)) and bool(size.min() > 0) and bool(size.min() >= NEAR_ZERO * np.median(size))


def defined_metrics(target: Target, y: npt.NDArray[np.generic], context: Context | None = None) -> tuple[str, ...]:
    """Return the names of the metrics that these true values allow, in a fixed order.

    They are those that are always told, `cost` where the context has a decision, and what else it asks for: `rmsle`
    and `poisson_deviance` of numbers from 0 on, `gamma_deviance` of numbers above 0, `quadratic_kappa` and
    `mean_rank_error` of at least two labels that have an order or are whole numbers, `gini` where both labels are
    there. A metric of the user's own says itself what it cannot do.
    """
    if context is not None and context.weight is not None:
        # What rows without weight hold does not define anything.
        y = y[context.weight > 0]
    told = _usual(target, y)
    if context is None:
        return told
    if context.decision is not None and not context.decision.ranks:
        told = ("cost", *told)
    asked = context.asked
    if not asked or asked in told or not (len(y) and _allows(asked, target, y, context)):
        return told
    return (asked, *told)


def _usual(target: Target, y: npt.NDArray[np.generic]) -> tuple[str, ...]:
    if target.task == "forecast":
        return ("mase", "mae", "rmse", "smape")
    if target.task == "regression":
        spread = len(y) > 1 and bool(np.ptp(y.astype(np.float64)) > 0)
        mape = relative_error_makes_sense(y.astype(np.float64))
        return ("rmse", "mae", "median_ae", *(("r2",) if spread else ()), *(("mape",) if mape else ()))
    present = len(np.unique(y))
    if target.task == "multiclass":
        ranks = ("mean_rank_error", *(("quadratic_kappa",) if present > 1 else ())) if target.ordered else ()
        return ("log_loss", *(("roc_auc",) if present > 1 else ()), *ranks, *_MANY)
    return _TWO if present > 1 else ("log_loss", "brier", "accuracy", "f1")


def _allows(name: str, target: Target, y: npt.NDArray[np.generic], context: Context) -> bool:
    if context.own is not None and name == context.own.name:
        return True
    if target.is_classification:
        several = len(np.unique(y)) > 1
        ordered = (target.ordered or target.label_type == "integer") and name in ("quadratic_kappa", "mean_rank_error")
        return several and (ordered or (name == "gini" and target.task == "binary"))
    if target.task != "regression":
        return False
    lowest = float(y.astype(np.float64).min())
    needed = {"rmsle": lowest >= 0, "poisson_deviance": lowest >= 0, "gamma_deviance": lowest > 0}
    return needed.get(name, name == "max_error" or name.startswith("pinball_"))


def weighted_scores(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    names: Sequence[str],
    weights: Floats,
    context: Context | None = None,
) -> dict[str, Floats]:
    """Return metrics under each of several weightings.

    Parameters
    ----------
    target : Target
        What is predicted.
    y : numpy.ndarray
        True values, shape (n_rows,): int64 indices of labels, or float64.
    predicted : numpy.ndarray
        Probabilities of shape (n_rows, n_labels), or values of shape (n_rows,), float64.
    names : sequence of str
        Which metrics.
    weights : numpy.ndarray
        Shape (n_weightings, n_rows), float64.
    context : Context, optional
        What else they hang on: the scales of a forecast's series (without them MASE is MAE), the weights of rows, the
        decision that costs are reckoned by, and the user's own metric.

    Returns
    -------
    dict of str to numpy.ndarray
        One float64 array of shape (n_weightings,) for each metric; NaN where a weighting leaves only one class.

    References
    ----------
    Hyndman, R. J. and Koehler, A. B. (2006), Another look at measures of forecast accuracy, International Journal of
    Forecasting 22, section 3 (MASE).
    Makridakis, S. (1993), Accuracy measures: theoretical and practical concerns, International Journal of Forecasting 9
    (sMAPE, here a share from 0 to 2).
    Hand, D. J. and Till, R. J. (2001), A simple generalisation of the area under the ROC curve, Machine Learning 45
    (`gini`: twice the area less 1).
    """
    context = context or Context()
    if context.weight is not None:
        weights = weights * context.weight
    own = context.own if context.own is not None and context.own.name in names else None
    usual = [name for name in names if own is None or name != own.name]
    done = _scores(target, y, predicted, usual, weights, context)
    if own is not None:
        done[own.name] = own.values(target, y, predicted, context.decision, weights)
    return {name: done[name] for name in names}


def _scores(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    names: Sequence[str],
    weights: Floats,
    context: Context,
) -> dict[str, Floats]:
    if target.task == "forecast":
        return _forecast(y.astype(np.float64), predicted, names, weights, context.scale)
    if target.task == "regression":
        return number_scores(y.astype(np.float64), predicted, names, weights)
    codes = y.astype(np.int64)
    answers = codes_of(predicted, context.decision)
    positive = positive_index(target) if target.task == "binary" else None
    done = label_scores(codes, predicted, answers, names, weights, positive)
    reckoned = context.costed or context.decision
    if "cost" in names and reckoned is not None:
        costs = reckoned.costs(codes, answers)
        with np.errstate(divide="ignore", invalid="ignore"):
            done["cost"] = weights @ costs / weights.sum(axis=1)
    if positive is None:
        return done | ({"roc_auc": macro_auc(codes, predicted, weights)} if "roc_auc" in names else {})
    if "roc_auc" in names or "gini" in names:
        done["roc_auc"] = rank_auc(codes == positive, predicted[:, positive], weights)
        done["gini"] = 2 * done["roc_auc"] - 1
    if "average_precision" in names:
        done["average_precision"] = average_precision(codes == positive, predicted[:, positive], weights)
    return done


def _forecast(
    y: Floats, predicted: Floats, names: Sequence[str], weights: Floats, scale: Floats | None
) -> dict[str, Floats]:
    error = np.abs(predicted - y)
    size = np.abs(predicted) + np.abs(y)
    scaled = error if scale is None else error / scale
    relative = np.divide(2.0 * error, size, out=np.zeros_like(error), where=size > 0)
    n, squared, absolute, in_scale, ratio = (
        weights @ np.column_stack([np.ones_like(y), error**2, error, scaled, relative])
    ).T
    with np.errstate(divide="ignore", invalid="ignore"):
        every = {"mase": in_scale / n, "mae": absolute / n, "rmse": np.sqrt(squared / n), "smape": ratio / n}
    return {name: every[name] for name in names}
