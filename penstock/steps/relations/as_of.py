"""The look-up as of a time: the latest row of a key that was known by then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.steps.relations.keys import NO_KEY, NO_MATCH, keys_of, one_chunk
from penstock.steps.relations.lookup import TOO_OLD, Lookup, LookupRecord, column_name
from penstock.steps.relations.timeline import MICROS, NO_MOMENT, Timeline, micros_of, stored_micros


class AsOfLookup(Lookup):
    """Each row finds the latest row of its key at or before its own time less `lag`, and not older than `within`.

    Examples
    --------
    >>> import datetime as dt
    >>> from penstock.slices import Join
    >>> from penstock.table import Column
    >>> hours = pa.array([dt.datetime(2026, 1, 1, h) for h in (1, 2)], pa.timestamp("us", "UTC"))
    >>> join = Join(table="weather", on="port", as_of={"at": "hour"}, lag="1h")
    >>> record = LookupRecord(name="weather", kind="as_of", join=join, time=Column(name="at", kind="datetime"))
    >>> lookup = AsOfLookup(record, pa.table({"port": ["EWR", "EWR"], "hour": hours, "wind": [3, 9]}))
    >>> rows = {"port": ["EWR", "EWR"], "at": ["2026-01-01 02:30", "2026-01-01 01:30"]}
    >>> lookup.extend_columns(rows, 2)["weather_wind"]
    [3, None]
    """

    def __init__(self, record: LookupRecord, table: pa.Table) -> None:
        super().__init__(record, table)
        assert record.time is not None
        assert record.join.as_of is not None
        self._time = record.time
        keys = tuple(record.join.on.values())
        (moment,) = record.join.as_of.values()
        self._line = Timeline(keys_of(table, keys), stored_micros(table[moment]))
        self._values = {
            column_name(record.join.table, c): one_chunk(table[c])
            for c in table.column_names
            if c not in {*keys, moment}
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, by the names that they then have."""
        return tuple(self._values)

    def places(self, columns: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Return the table's row for each row, or why there is none: -1 none yet, -2 no key or time, -3 too old."""
        line, join = self._line, self.join
        keys = line.index.find(columns, tuple(join.on), n_rows)
        times = micros_of(self._time, columns, n_rows)
        found = np.where(times == NO_MOMENT, NO_KEY, keys)
        asked = np.flatnonzero(found >= 0)
        if not len(asked):
            return found
        keys, times = keys[asked], times[asked] - round(join.lag * MICROS)
        latest = line.reach(keys, times, "right") - 1
        none = latest < line.starts[keys]
        places = np.where(none, NO_MATCH, line.order[latest])
        if join.within is not None:
            old = line.times[latest] < times - round(join.within * MICROS)
            places = np.where(~none & old, TOO_OLD, places)
        found[asked] = places
        return found

    def values_at(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, pa.Array]:
        """Return the values of such rows of the table."""
        at = pa.array(places, mask=places < 0)
        return {name: values.take(at) for name, values in self._values.items()}

    def values_of_few(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the same as plain values, each read by itself."""
        at = places.tolist()
        return {name: [v[i].as_py() if i >= 0 else None for i in at] for name, v in self._values.items()}
