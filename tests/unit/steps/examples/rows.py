"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.filter import Filter
from penstock.steps.rows.incomplete import DropIncomplete
from penstock.steps.rows.misfits import Misfits
from penstock.steps.rows.outliers import RejectOutliers
from penstock.steps.rows.sample import Sample
from penstock.table import Domain

ROWS_STEPS: tuple[StepBase, ...] = (
    Duplicates(),
    Duplicates(at_most=0.1),
    Duplicates(key="city"),
    Duplicates(key=("city", "smoker"), keep="newest", by="seen", near=False),
    Duplicates(key="note", keep="complete", at_most=0.5),
    Duplicates(key="age", keep="last"),
    Filter(where="age > 0 or city is null or true"),
    Misfits(),
    DropIncomplete(),
    DropIncomplete(columns=("city", "seen"), over=0),
    RejectOutliers(),
    RejectOutliers(method="zscore", columns="age", factor=1.0),
    RejectOutliers(method="isolation_forest", share=0.3, trees=5),
    RejectOutliers(method="domain", domains={"dose": Domain(low=0), "age": Domain(high=2)}),
    Sample(n=3),
    Sample(share=0.5, seed=3),
    Sample(share=0.5, stratify=True),
)
