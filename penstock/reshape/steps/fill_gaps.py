"""The table step `fill_gaps`: a row for every step of time."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.groups import Groups, grouped
from penstock.reshape.table import At, Tabular
from penstock.reshape.times import Every, moments_at, ordered, places_of
from penstock.slices import Words
from penstock.steps.telling import told_places, told_rows


class FillGaps(TableStep):
    """Insert the rows that a regular series lacks, from the first to the last time of each group.

    In a new row only the group and the time are there; with `fill: forward` it repeats the row before it. Times must
    lie `every` so far apart, counted from the first of their group, each once; of months that may be their last days.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-04"]).as_unit("us")
    >>> table = Tabular(pd.DataFrame({"day": days, "n": [1.0, 2.0, 4.0]}), {"day": "datetime", "n": "integer"})
    >>> FillGaps(time="day", every="1d").on(table, At("daily", 1, "fill_gaps", {})).frame["n"].tolist()
    [1.0, 2.0, nan, 4.0]
    """

    kind: Literal["fill_gaps"] = "fill_gaps"
    time: str
    every: Every
    by: Words = ()
    fill: Literal["missing", "forward"] = "missing"
    sort: bool = False
    most: int = Field(default=10_000_000, ge=1)

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows with those between them, by group and time.

        Raises
        ------
        PlanError
            A column is not there, or `time` is none.
        DataError
            Times are missing, not in order, off the grid or there twice, or there would be too many rows.
        """
        at.refuse_taken((*self.by, self.time), ())
        rows = ordered(table, self.time, self.by, self.sort, at)
        groups, _ = grouped(rows.frame, self.by)
        rows = rows.take(np.argsort(groups.codes, kind="stable"))
        groups = Groups(np.sort(groups.codes), groups.n)
        moments = rows.frame[self.time].to_numpy()
        places = places_of(moments, self.every)
        numbers = places.numbers
        begins = np.searchsorted(groups.codes, np.arange(groups.n))
        lasts = np.append(begins[1:], rows.n_rows) - 1
        firsts = begins[groups.codes]
        off = moments_at(numbers, places.since[firsts], np.zeros_like(numbers), self.every) != moments
        off_end = moments_at(numbers, places.until[firsts], np.ones_like(numbers), self.every) != moments
        ends_alike = groups.sizes(off_end) == 0
        self._check_grid(rows, off & ~ends_alike[groups.codes], "off the grid", at)
        again = np.append(False, (numbers[1:] == numbers[:-1]) & (groups.codes[1:] == groups.codes[:-1]))
        self._check_grid(rows, again, "there more than once", at)
        spans = numbers[lasts] - numbers[begins] + 1
        if int(spans.sum()) > self.most:
            raise at.data_error(
                "The step `fill_gaps` would make a table that is too large",
                got=f"{int(spans.sum()):,} rows of {rows.n_rows:,}",
                expected=f"at most {self.most:,}",
                todo="Choose a longer `every`, filter times that are far from all others, or raise `most`.",
            )
        from_end = ends_alike & (places.last_day[begins] | (groups.sizes(off) > 0))
        place = np.where(from_end, places.until[begins], places.since[begins])
        return self._filled(rows, groups.codes, numbers, spans, (numbers[begins], place, from_end))

    def _filled(
        self, rows: Tabular, codes: np.ndarray, numbers: np.ndarray, spans: Any, begin: tuple[Any, Any, Any]
    ) -> Tabular:
        first, place, from_end = begin
        starts = np.cumsum(spans) - spans
        group = np.repeat(np.arange(len(spans)), spans)
        step = np.arange(len(group)) - starts[group]
        source = np.full(len(group), -1, dtype=np.int64)
        source[starts[codes] + numbers - first[codes]] = np.arange(rows.n_rows)
        # Every group begins with a row of its own, so that the row before is never another group's.
        before = np.maximum.accumulate(source)
        taken = before if self.fill == "forward" else source
        times = moments_at(first[group] + step, place[group], from_end[group].astype(np.int64), self.every)
        columns: dict[str, Any] = {}
        for name in rows.kinds:
            at = before if name in self.by else taken
            columns[name] = times if name == self.time else rows.frame[name].array.take(at, allow_fill=True)
        new = len(group) - rows.n_rows
        remark = f"fill_gaps inserted {new:,} rows" if new else ""
        made = {name: pd.Series(values) for name, values in columns.items()}
        return rows.made(made, rows.kinds, rows.private, remark)

    def _check_grid(self, rows: Tabular, wrong: np.ndarray, what: str, at: At) -> None:
        if wrong.any():
            raise at.data_error(
                f"Times of {self.time!r} are {what}: {told_places(wrong)}",
                got=told_rows(rows.frame.loc[wrong, [*self.by, self.time]], rows.private),
                expected=f"a step of {self.model_dump(mode='json')['every']} within each group",
                todo="Bring them onto the grid before: {kind: resample, …}",
            )
