"""The table step `aggregate`: one row a group."""

from __future__ import annotations

from typing import Annotated, Literal

from penstock.reshape.base import TableStep
from penstock.reshape.groups import CheckAggregates, aggregated, grouped
from penstock.reshape.table import At, Tabular
from penstock.slices import Aggregate, Words


class AggregateRows(TableStep):
    """Make one row of all that have the same values in the columns `by`, in the order of these values.

    Each of `values` is a new column: count, sum, mean, min, max, std, first, last or distinct of a column, over the
    rows for which its `where` holds. What is missing does not count; a missing key makes a group, the last.

    Examples
    --------
    >>> import pandas as pd
    >>> sales = pd.DataFrame({"store": pd.array(["b", "a", "b"], dtype="str"), "units": [1.0, 2.0, 3.0]})
    >>> step = AggregateRows(by="store", values={"units": {"sum": "units"}, "n": "count"})
    >>> table = step.on(Tabular(sales, {"store": "category", "units": "integer"}), At("monthly", 1, "aggregate", {}))
    >>> table.frame.to_dict("list")
    {'store': ['a', 'b'], 'units': [2.0, 4.0], 'n': [1.0, 2.0]}
    """

    kind: Literal["aggregate"] = "aggregate"
    by: Words = ()
    values: Annotated[dict[str, Aggregate], CheckAggregates]

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return one row a group.

        Raises
        ------
        PlanError
            A column is not there, has no such aggregate, or a name is taken.
        """
        at.require(table, self.by)
        at.refuse_taken((*self.by, *self.values), ())
        groups, keys = grouped(table.frame, self.by)
        columns, kinds, private = aggregated(table, groups, self.values, at)
        return table.made(
            {**{name: keys[name] for name in self.by}, **columns},
            {**{name: table.kinds[name] for name in self.by}, **kinds},
            private | (table.private & set(self.by)),
        )
