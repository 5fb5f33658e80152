"""All steps there are. A new one is a class in this package, and a line in this union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from penstock.steps.base import CellStep, LearnedStep, RowStep, StepBase
from penstock.steps.bounds import Bounds
from penstock.steps.calendar import Calendar
from penstock.steps.duplicates import Duplicates
from penstock.steps.fill import Fill
from penstock.steps.isolated import Isolated
from penstock.steps.misfits import Misfits
from penstock.steps.rare import Rare
from penstock.steps.tidy import Tidy

Step = Annotated[
    Bounds | Calendar | Duplicates | Fill | Isolated | Misfits | Rare | Tidy,
    Field(discriminator="kind"),
]

STEPS: tuple[type[StepBase], ...] = (Bounds, Calendar, Duplicates, Fill, Isolated, Misfits, Rare, Tidy)


def nature_of(step: StepBase | type[StepBase]) -> str:
    """Return `cell`, `learned` or `row`.

    Examples
    --------
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
