"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.outliers.isolated import Isolated
from penstock.steps.outliers.outliers import Outliers
from penstock.table import Domain

OUTLIERS: tuple[StepBase, ...] = (
    Isolated(),
    Isolated(columns=("dose",), far=1.5, gap=1.5, strange=1.0, at_most=0.2),
    Outliers(),
    Outliers(method="iqr", factor=3.0, action="clip"),
    Outliers(method="zscore", columns=("age", "dose"), action="missing"),
    Outliers(method="mad", columns="dose"),
    Outliers(method="isolation_forest", trees=20, share=0.1),
    Outliers(method="isolation_forest", columns=("age", "smoker"), trees=3, share=0.4, seed=7),
    Outliers(method="domain", domains={"age": Domain(low=0, high=2)}, action="clip"),
    Outliers(method="domain", domains={"age": Domain(low=0), "dose": Domain(high=1)}),
)
