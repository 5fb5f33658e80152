"""The table step `resample`: one row for each span of time."""

from __future__ import annotations

from typing import Annotated, Literal

from penstock.reshape.base import TableStep
from penstock.reshape.groups import CheckAggregates, aggregated, grouped
from penstock.reshape.table import At, Tabular
from penstock.reshape.times import Every, floored, ordered
from penstock.slices import Aggregate, Words


class ResampleRows(TableStep):
    """Make one row of all within a span of time, for each group: every hour, week, month.

    `time` becomes the beginning of the span, in UTC; weeks begin on Monday. Spans without a row get none: `fill_gaps`
    adds them. Times must be there, and in order within their group, unless `sort` puts them so: `first` and `last` go
    by it.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.to_datetime(["2024-05-01 10:05", "2024-05-01 10:50", "2024-05-01 12:00"]).as_unit("us")
    >>> table = Tabular(pd.DataFrame({"at": times, "n": [1.0, 2.0, 4.0]}), {"at": "datetime", "n": "integer"})
    >>> step = ResampleRows(time="at", every="1h", values={"n": {"sum": "n"}})
    >>> step.on(table, At("hourly", 1, "resample", {})).frame["n"].tolist()
    [3.0, 4.0]
    """

    kind: Literal["resample"] = "resample"
    time: str
    every: Every
    by: Words = ()
    values: Annotated[dict[str, Aggregate], CheckAggregates]
    sort: bool = False

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return a row for each group and span.

        Raises
        ------
        PlanError
            A column is not there, `time` is none, or a name is taken.
        DataError
            Times are missing, or not in order.
        """
        index = (*self.by, self.time)
        at.refuse_taken((*index, *self.values), ())
        rows = ordered(table, self.time, self.by, self.sort, at)
        spans = rows.frame[list(index)].assign(**{self.time: floored(rows.frame[self.time].to_numpy(), self.every)})
        groups, keys = grouped(spans, index)
        columns, kinds, private = aggregated(rows, groups, self.values, at)
        return rows.made(
            {**{name: keys[name] for name in index}, **columns},
            {**{name: rows.kinds[name] for name in index}, **kinds},
            private | (rows.private & set(index)),
        )
