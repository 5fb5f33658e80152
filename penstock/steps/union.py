"""All steps there are. A new one is a class in its room, and a line in that room's union."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from penstock.steps.base import CellStep, LearnedStep, RowStep, StepBase
from penstock.steps.categories.union import CategoryStep
from penstock.steps.code.union import CodeStep
from penstock.steps.missing.union import MissingStep
from penstock.steps.outliers.union import OutlierStep
from penstock.steps.rows.union import RowsStep
from penstock.steps.text.union import TextStep
from penstock.steps.time.union import TimeStep
from penstock.steps.values.union import ValueStep

Step = Annotated[
    CategoryStep | CodeStep | MissingStep | OutlierStep | RowsStep | TextStep | TimeStep | ValueStep,
    Field(discriminator="kind"),
]

STEPS: tuple[type[StepBase], ...] = tuple(
    sorted(get_args(get_args(Step)[0]), key=lambda step: str(step.model_fields["kind"].default))
)


def nature_of(step: StepBase | type[StepBase]) -> str:
    """Return `cell`, `learned` or `row`.

    Examples
    --------
    >>> from penstock.steps.missing.fill import Fill
    >>> from penstock.steps.rows.duplicates import Duplicates
    >>> nature_of(Fill), nature_of(Duplicates())
    ('learned', 'row')
    """
    kind = step if isinstance(step, type) else type(step)
    for base, nature in ((CellStep, "cell"), (LearnedStep, "learned"), (RowStep, "row")):
        if issubclass(kind, base):
            return nature
    raise TypeError(f"{kind.__name__} is no kind of step")


def table_of_steps() -> list[tuple[str, str, str]]:
    """Return the kind, the nature and the first sentence about each step, for a listing."""
    return [
        (str(step.model_fields["kind"].default), nature_of(step), (step.__doc__ or "").strip().split("\n")[0])
        for step in STEPS
    ]
