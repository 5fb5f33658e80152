"""The plain look-up: a key, and the one row that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.steps.relations.keys import NO_MATCH, KeyIndex, keys_of, one_chunk
from penstock.steps.relations.lookup import ZERO_OF_NOTHING, Lookup, LookupRecord, column_name


class KeyedLookup(Lookup):
    """Each row finds the one row of its key.

    Examples
    --------
    >>> from penstock.slices import Join
    >>> planes = pa.table({"tail": ["N1", "N2"], "seats": [10, 20]})
    >>> record = LookupRecord(name="planes", kind="keyed", join=Join(table="planes", on={"tailnum": "tail"}))
    >>> lookup = KeyedLookup(record, planes)
    >>> lookup.extend_columns({"tailnum": ["N2", "N9"]}, 2)
    {'tailnum': ['N2', 'N9'], 'planes_seats': [20, None]}
    >>> lookup.findings({"tailnum": ["N2", "N9"]}, 2).orphan
    array([1])
    """

    def __init__(self, record: LookupRecord, table: pa.Table) -> None:
        super().__init__(record, table)
        keys = tuple(self.join.on.values())
        self._index = KeyIndex(keys_of(table, keys))
        zeros = {m.name for m in record.made if m.take in ZERO_OF_NOTHING}
        self._values = {
            column_name(self.join.table, c): one_chunk(table[c]) for c in table.column_names if c not in set(keys)
        }
        self._zeros = frozenset(column_name(self.join.table, name) for name in zeros)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, by the names that they then have."""
        return tuple(self._values)

    def places(self, columns: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Return the table's row for each row; -1 where its key stands for none, -2 where it has none."""
        return self._index.find(columns, tuple(self.join.on), n_rows)

    def values_at(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, pa.Array]:
        """Return the values of such rows of the table."""
        at = pa.array(places, mask=places < 0)
        taken = {name: values.take(at) for name, values in self._values.items()}
        if self._zeros and (places == NO_MATCH).any():
            nothing = pa.array(places == NO_MATCH)
            for name in self._zeros:
                taken[name] = pc.if_else(nothing, pa.scalar(0, taken[name].type), taken[name])
        return taken

    def values_of_few(self, places: np.ndarray, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the same as plain values, each read by itself."""
        at = places.tolist()
        return {
            name: [values[i].as_py() if i >= 0 else 0 if i == NO_MATCH and name in self._zeros else None for i in at]
            for name, values in self._values.items()
        }
