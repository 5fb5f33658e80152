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
    Metric(name="balanced_accuracy", title="Balanced accuracy", greater_is_better=True, tasks=_CLASSES),
    Metric(name="f1", title="F1", greater_is_better=True, tasks=_CLASSES),
    Metric(name="precision", title="Precision", greater_is_better=True, tasks=_CLASSES),
    Metric(name="recall", title="Recall", greater_is_better=True, tasks=_CLASSES),
    Metric(name="specificity", title="Specificity", greater_is_better=True, tasks=("binary",)),
    Metric(name="mcc", title="Matthews correlation", greater_is_better=True, tasks=_CLASSES),
    Metric(name="gini", title="Gini", greater_is_better=True, tasks=("binary",)),
    Metric(name="quadratic_kappa", title="Quadratic kappa", greater_is_better=True, tasks=_CLASSES),
    Metric(name="mean_rank_error", title="Mean absolute rank error", greater_is_better=False, tasks=_CLASSES),
    Metric(name="cost", title="Cost", greater_is_better=False, tasks=_CLASSES),
    Metric(name="mase", title="MASE", greater_is_better=False, tasks=("forecast",)),
    Metric(name="smape", title="sMAPE", greater_is_better=False, tasks=("forecast",)),
    Metric(name="rmse", title="RMSE", greater_is_better=False, tasks=("regression", "forecast")),
    Metric(name="mae", title="MAE", greater_is_better=False, tasks=("regression", "forecast")),
    Metric(name="r2", title="R²", greater_is_better=True, tasks=("regression",)),
    Metric(name="mape", title="MAPE", greater_is_better=False, tasks=("regression",)),
    Metric(name="median_ae", title="Median absolute error", greater_is_better=False, tasks=("regression",)),
    Metric(name="max_error", title="Largest error", greater_is_better=False, tasks=("regression",)),
    Metric(name="rmsle", title="RMSLE", greater_is_better=False, tasks=("regression",)),
    Metric(name="poisson_deviance", title="Poisson deviance", greater_is_better=False, tasks=("regression",)),
    Metric(name="gamma_deviance", title="Gamma deviance", greater_is_better=False, tasks=("regression",)),
    *(
        Metric(name=f"pinball_{q:02}", title=f"Pinball loss, {q} %", greater_is_better=False, tasks=("regression",))
        for q in (5, 10, 25, 75, 90, 95)
    ),
)
# What metrics are called elsewhere. RMSE puts candidates in the same order as the mean squared error does.
OTHER_NAMES: dict[str, str] = {
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "rocauc": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "roc_auc_score": "roc_auc",
    "ap": "average_precision",
    "aucpr": "average_precision",
    "pr_auc": "average_precision",
    "average_precision_score": "average_precision",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "acc": "accuracy",
    "accuracy_score": "accuracy",
    "error_rate": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "f1_macro": "f1",
    "f1_score": "f1",
    "ppv": "precision",
    "sensitivity": "recall",
    "tpr": "recall",
    "tnr": "specificity",
    "matthews_corrcoef": "mcc",
    "qwk": "quadratic_kappa",
    "ordinal_mae": "mean_rank_error",
    "rank_error": "mean_rank_error",
    "kappa": "quadratic_kappa",
    "cohen_kappa": "quadratic_kappa",
    "cohen_kappa_score": "quadratic_kappa",
    "mse": "rmse",
    "mean_squared_error": "rmse",
    "root_mean_squared_error": "rmse",
    "l2": "rmse",
    "mean_absolute_error": "mae",
    "l1": "mae",
    "r2_score": "r2",
    "mean_absolute_percentage_error": "mape",
    "median_absolute_error": "median_ae",
    "medae": "median_ae",
    "max_error_score": "max_error",
    "msle": "rmsle",
    "mean_squared_log_error": "rmsle",
    "root_mean_squared_log_error": "rmsle",
    "mean_poisson_deviance": "poisson_deviance",
    "mean_gamma_deviance": "gamma_deviance",
    "pinball": "pinball_90",
    "mean_pinball_loss": "pinball_90",
    "quantile_loss": "pinball_90",
    "expected_cost": "cost",
}
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
        The task has no such metric; the error names the one that is probably meant.

    Examples
    --------
    >>> metric_for("binary").name, metric_for("regression", "mae").greater_is_better
    ('roc_auc', False)
    >>> metric_for("regression", "neg_mean_squared_error")
    Traceback (most recent call last):
    penstock.errors.SpecError: There is no metric 'neg_mean_squared_error' for a regression target...
    """
    known = {m.name: m for m in metrics_for(task)}
    wanted = name or MAIN[task]
    if wanted not in known:
        raise SpecError(
            f"There is no metric {wanted!r} for a {task} target",
            where="metric",
            expected=_meant(wanted, list(known)),
            todo="Name one of the known metrics, or one of your own (metric: {use: MODULE:NAME}), or leave it out.",
        )
    return known[wanted]


def _meant(name: str, known: list[str]) -> str:
    said = name.lower().removeprefix("neg_").replace("-", "_").replace(" ", "_")
    meant = OTHER_NAMES.get(said, said)
    return closest(meant if meant in known else name, known)
