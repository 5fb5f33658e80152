"""Which metrics there are, for which task, and which direction is better."""

from __future__ import annotations

from typing import Literal

from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.table import closest

Task = Literal["binary", "multiclass", "regression", "forecast"]


class Metric(Frozen):
    """One measure of predictions."""

    name: str
    title: str
    greater_is_better: bool
    tasks: tuple[Task, ...]

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return 1.0 if self.greater_is_better else -1.0

    def better(self, a: float, b: float) -> bool:
        """Whether score `a` is strictly better than score `b`."""
        return self.sign * a > self.sign * b


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
METRICS: tuple[Metric, ...] = (
    Metric(name="roc_auc", title="ROC AUC", greater_is_better=True, tasks=_CLASSES),
    Metric(name="average_precision", title="Average precision", greater_is_better=True, tasks=("binary",)),
    Metric(name="log_loss", title="Log loss", greater_is_better=False, tasks=_CLASSES),
    Metric(name="brier", title="Brier score", greater_is_better=False, tasks=_CLASSES),
    Metric(name="accuracy", title="Accuracy", greater_is_better=True, tasks=_CLASSES),
    Metric(name="f1", title="F1", greater_is_better=True, tasks=_CLASSES),
    Metric(name="mase", title="MASE", greater_is_better=False, tasks=("forecast",)),
    Metric(name="smape", title="sMAPE", greater_is_better=False, tasks=("forecast",)),
    Metric(name="rmse", title="RMSE", greater_is_better=False, tasks=("regression", "forecast")),
    Metric(name="mae", title="MAE", greater_is_better=False, tasks=("regression", "forecast")),
    Metric(name="r2", title="R²", greater_is_better=True, tasks=("regression",)),
    Metric(name="mape", title="MAPE", greater_is_better=False, tasks=("regression",)),
)
MAIN: dict[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse", "forecast": "mase"}


def metrics_for(task: Task) -> tuple[Metric, ...]:
    """Return the metrics of a task; the main one stands first."""
    own = [m for m in METRICS if task in m.tasks]
    return tuple(sorted(own, key=lambda m: m.name != MAIN[task]))


def metric_for(task: Task, name: str | None = None) -> Metric:
    """Return a task's metric by name, or its main one.

    Raises
    ------
    SpecError
        The task has no such metric; the error names the closest.

    Examples
    --------
    >>> metric_for("binary").name, metric_for("regression", "mae").greater_is_better
    ('roc_auc', False)
    """
    known = {m.name: m for m in metrics_for(task)}
    wanted = name or MAIN[task]
    if wanted not in known:
        raise SpecError(
            f"There is no metric {wanted!r} for a {task} target",
            where="metric",
            expected=closest(wanted, list(known)),
            todo="Name one of the known metrics, or leave `metric` out.",
        )
    return known[wanted]
