"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.filter import Filter
from penstock.steps.rows.incomplete import DropIncomplete
from penstock.steps.rows.misfits import Misfits
from penstock.steps.rows.outliers import RejectOutliers
from penstock.steps.rows.sample import Sample

RowsStep = DropIncomplete | Duplicates | Filter | Misfits | RejectOutliers | Sample
