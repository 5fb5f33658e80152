"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.incomplete import DropIncomplete
from penstock.steps.rows.misfits import Misfits

RowsStep = DropIncomplete | Duplicates | Misfits
