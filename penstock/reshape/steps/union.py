"""All table steps there are. A new one is a class in this folder, and a line in this union."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.steps.aggregate import AggregateRows
from penstock.reshape.steps.deduplicate import DeduplicateRows
from penstock.reshape.steps.derive import DeriveColumns
from penstock.reshape.steps.drop import DropColumns
from penstock.reshape.steps.fill_gaps import FillGaps
from penstock.reshape.steps.filter import FilterRows
from penstock.reshape.steps.melt import MeltColumns
from penstock.reshape.steps.pivot import PivotColumns
from penstock.reshape.steps.rename import RenameColumns
from penstock.reshape.steps.resample import ResampleRows
from penstock.reshape.steps.sample import SampleRows
from penstock.reshape.steps.select import SelectColumns
from penstock.reshape.steps.sort import SortRows
from penstock.reshape.steps.stack import StackRows

AnyTableStep = Annotated[
    AggregateRows
    | DeduplicateRows
    | DeriveColumns
    | DropColumns
    | FillGaps
    | FilterRows
    | MeltColumns
    | PivotColumns
    | RenameColumns
    | ResampleRows
    | SampleRows
    | SelectColumns
    | SortRows
    | StackRows,
    Field(discriminator="kind"),
]

TABLE_STEPS: tuple[type[TableStep], ...] = get_args(get_args(AnyTableStep)[0])
