"""What every table step is: a frozen record that takes a typed table, and gives another."""

from __future__ import annotations

from abc import ABC, abstractmethod

from penstock.frozen import Frozen
from penstock.reshape.table import At, Tabular


class TableStep(Frozen, ABC):
    """Changes which rows and columns a table has."""

    @property
    def name(self) -> str:
        """The step's kind."""
        return str(getattr(self, "kind", type(self).__name__))

    @property
    def takes(self) -> tuple[str, ...]:
        """The further tables that it takes rows from."""
        return ()

    @abstractmethod
    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the table as the step leaves it; the given one is not changed.

        Raises
        ------
        PlanError
            The spec names a column that is not there, or one that the step cannot work on.
        DataError
            The rows cannot be treated so.
        """
