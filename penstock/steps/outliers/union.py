"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.outliers.isolated import Isolated
from penstock.steps.outliers.outliers import Outliers

OutlierStep = Isolated | Outliers
