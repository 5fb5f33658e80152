"""The look-up of a window: what the rows of a key that came before a moment amount to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.steps.relations.coded import Coded
from penstock.steps.relations.keys import NO_KEY, NO_MATCH, keys_of
from penstock.steps.relations.lookup import Lookup, LookupRecord, Made, column_name
from penstock.steps.relations.ranges import Ranges
from penstock.steps.relations.timeline import MICROS, NO_MOMENT, Timeline, micros_of, stored_micros


def storage_of(made: tuple[Made, ...]) -> dict[str, str]:
    """Return for each column that is made the name under which its values are stored: alike ones share them.

    Examples
    --------
    >>> storage_of((Made(name="week", take="sum", of="paid", window=7.0), Made(name="all", take="sum", of="paid")))
    {'week': 'week', 'all': 'week'}
    """
    first: dict[tuple[object, ...], str] = {}
    return {m.name: first.setdefault((m.of, m.where, m.by, m.level), m.name) for m in made}


class WindowLookup(Lookup):
    """Each row finds aggregates of its key's rows before its own time less `lag`, back to `window` before that.

    Examples
    --------
    >>> import datetime as dt
    >>> from penstock.slices import Join
    >>> from penstock.table import Column
    >>> days = pa.array([dt.datetime(2026, 1, d) for d in (1, 2)], pa.timestamp("us", "UTC"))
    >>> join = Join(table="visits", on="who", as_of={"at": "day"}, aggregate={"paid": {"sum": "fee"}})
    >>> record = LookupRecord(
    ...     name="visits",
    ...     kind="window",
    ...     join=join,
    ...     time=Column(name="at", kind="datetime"),
    ...     made=(Made(name="paid", take="sum", of="fee"),),
    ... )
    >>> lookup = WindowLookup(record, pa.table({"who": ["a", "a"], "day": days, "paid": [5.0, 7.0]}))
    >>> rows = {"who": ["a", "a", "b", None], "at": ["2026-01-02", "2026-01-03", "2026-01-03", "2026-01-03"]}
    >>> lookup.extend_columns(rows, 4)["visits_paid"]
    [5.0, 12.0, 0.0, None]
    """

    def __init__(self, record: LookupRecord, table: pa.Table) -> None:
        super().__init__(record, table)
        assert record.time is not None
        assert record.join.as_of is not None
        self._time = record.time
        (moment,) = record.join.as_of.values()
        self._line = line = Timeline(keys_of(table, tuple(record.join.on.values())), stored_micros(table[moment]))
        self._stored = storage_of(record.made)
        self._coded = {name: Coded.of(table[name].take(pa.array(line.order))) for name in set(self._stored.values())}
        self._ranges = {name: Ranges(coded.values, line.starts) for name, coded in self._coded.items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, by the names that they then have."""
        return tuple(column_name(self.join.table, made.name) for made in self.record.made)

    def places(self, columns: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Return each row's key among the table's; -1 where it has no rows yet, -2 where a row has no key or time."""
        line = self._line
        keys = line.index.find(columns, tuple(self.join.on), n_rows)
        times = micros_of(self._time, columns, n_rows)
        found = np.where(times == NO_MOMENT, NO_KEY, keys)
        asked = np.flatnonzero(found >= 0)
        if len(asked):
            keys = keys[asked]
            before = line.reach(keys, times[asked] - round(self.join.lag * MICROS), "left")
            found[asked] = np.where(before > line.starts[keys], keys, NO_MATCH)
        return found

    def values_at(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, pa.Array]:
        """Return the aggregates of rows with such keys."""
        line, n_rows = self._line, len(places)
        asked = places >= 0
        keys = places[asked]
        times = micros_of(self._time, columns, n_rows)[asked] - round(self.join.lag * MICROS)
        hi = np.zeros(n_rows, dtype=np.int64)
        hi[asked] = line.reach(keys, times, "left")
        begins: dict[float | None, np.ndarray] = {}
        values = {}
        for made in self.record.made:
            if made.window not in begins:
                lo = np.zeros(n_rows, dtype=np.int64)
                lo[asked] = line.starts[keys]
                if made.window is not None:
                    lo[asked] = line.reach(keys, times - round(made.window * MICROS), "left")
                begins[made.window] = lo
            name = self._stored[made.name]
            found = self._ranges[name].over(made.take, begins[made.window], hi)
            found[places == NO_KEY] = np.nan
            values[column_name(self.join.table, made.name)] = self._coded[name].back(made.take, found)
        return values
