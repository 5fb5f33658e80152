"""The plan: the order of the steps, and the cut before the first that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pandas as pd

from penstock.blocks import Blocks
from penstock.errors import PlanError
from penstock.frozen import Frozen
from penstock.steps.base import CellStep, Kinds, LearnedStep, RowStep
from penstock.steps.union import Step
from penstock.table import TableSchema

if TYPE_CHECKING:
    from penstock.steps.transformer import PlanTransformer


class Plan(Frozen):
    """Steps in their order.

    Those before the first learned step run once on the whole table (row steps, only in training) and on every request;
    that step and all later ones run inside the model's pipeline, and are learned anew in every fold.

    Examples
    --------
    >>> from penstock.steps.rows.duplicates import Duplicates
    >>> from penstock.steps.missing.fill import Fill
    >>> Plan(steps=(Duplicates(), Fill())).cut
    1
    >>> Plan(steps=(Fill(), Duplicates())).check({"age": "float"})
    Traceback (most recent call last):
    ...
    penstock.errors.PlanError: The step `duplicates` stands after the cut...
    """

    steps: tuple[Step, ...] = ()

    @property
    def cut(self) -> int:
        """The position of the first learned step; the number of steps where there is none."""
        return next((i for i, step in enumerate(self.steps) if isinstance(step, LearnedStep)), len(self.steps))

    @property
    def before(self) -> tuple[Step, ...]:
        """The cell and row steps before the cut, in order."""
        return self.steps[: self.cut]

    @property
    def cells(self) -> tuple[CellStep, ...]:
        """The cell steps before the cut."""
        return tuple(step for step in self.before if isinstance(step, CellStep))

    @property
    def rows(self) -> tuple[RowStep, ...]:
        """The row steps."""
        return tuple(step for step in self.before if isinstance(step, RowStep))

    @property
    def asks(self) -> tuple[str, ...]:
        """The columns that row steps look at by name, each once."""
        return tuple(dict.fromkeys(name for step in self.rows for name in step.asks))

    @property
    def learned(self) -> tuple[Step, ...]:
        """The steps from the cut on: learned ones, and cell steps after them."""
        return self.steps[self.cut :]

    @property
    def uses_history(self) -> bool:
        """Whether a step looks rows up in what came before: then rows that are sent as history change what it gives."""
        return any(isinstance(step, LearnedStep) and step.looks_back for step in self.steps)

    def check(
        self, schema: TableSchema | Kinds, *, time_ordered: bool = False, n_labels: int = 0
    ) -> tuple[tuple[str, Kinds], ...]:
        """Return the columns after each step.

        Parameters
        ----------
        schema : TableSchema or mapping of str to kind
            The table whose features enter the plan, or its columns' kinds.
        time_ordered : bool
            Whether the rows that judge the model come after those that train it.
        n_labels : int
            How many labels the target has; 0 for a regression.

        Returns
        -------
        tuple of (str, dict)
            For every step its kind, and the columns that it leaves with their kinds.

        Raises
        ------
        PlanError
            A row step stands after the cut, a step names a column that it cannot work on or looks into the future of a
            model that foretells it, or a date or time reaches the model.
        """
        kinds: Kinds = schema if isinstance(schema, dict) else {c.name: c.kind for c in schema.features}
        others = {} if isinstance(schema, dict) else {c.name: c.kind for c in schema.columns if c.name not in kinds}
        after: list[tuple[str, Kinds]] = []
        for i, step in enumerate(self.steps):
            if isinstance(step, RowStep) and i > self.cut:
                raise PlanError(
                    f"The step `{step.name}` stands after the cut",
                    got=f"`{step.name}` as step {i + 1}, after `{self.steps[self.cut].name}`, which learns",
                    expected="steps that reject rows before the first step that learns",
                    todo=f"Move `{step.name}` before `{self.steps[self.cut].name}`.",
                )
            if step.looks_ahead and time_ordered:
                raise PlanError(
                    f"The step `{step.name}` looks ahead, and the split is by time",
                    got="values that are only known later, given to rows that come before them",
                    expected="steps that look at what came before",
                    todo=f"Let `{step.name}` look back (method: forward), or take it out of the plan.",
                )
            if isinstance(step, RowStep):
                step.check_beside(kinds, others)
            kinds = step.columns_for(kinds, n_labels)
            after.append((step.name, kinds))
        moments = [name for name, kind in kinds.items() if kind == "datetime"]
        if moments:
            raise PlanError(
                f"The column {moments[0]!r} is a date or time, and no model can take it",
                todo="Add a `calendar` step, or give the column the role `ignored`.",
            )
        if not kinds:
            raise PlanError("No column is left for a model to learn from", todo="Give a column the role `feature`.")
        return tuple(after)

    def settled(self, schema: TableSchema | Kinds, n_labels: int = 0) -> Self:
        """Return the plan with whatever its steps find out about these columns filled in, as it goes into a lock."""
        kinds: Kinds = schema if isinstance(schema, dict) else {c.name: c.kind for c in schema.features}
        steps: list[Step] = []
        for step in self.steps:
            steps.append(step.settled(kinds))
            kinds = step.columns_for(kinds, n_labels)
        return self.model_copy(update={"steps": tuple(steps)})

    def apply_cells(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a typed frame as it reaches the cut; every row stays."""
        if not self.cells:
            return frame
        blocks = Blocks.of(frame)
        for step in self.cells:
            blocks = step.on(blocks)
        return blocks.frame()

    def transformer(self, n_labels: int = 0, seed: int = 0) -> PlanTransformer:
        """Return the steps from the cut on as an unfitted scikit-learn transformer.

        Parameters
        ----------
        n_labels : int
            How many labels the target has; 0 for a regression.
        seed : int
            What a step's random choices grow from.
        """
        from penstock.steps.transformer import PlanTransformer

        return PlanTransformer(self, n_labels, seed)
