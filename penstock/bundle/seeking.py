"""Look-ups at prediction: what rows find in the tables that a model carries, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from penstock.bundle.carried import Carried
from penstock.bundle.observed import warn
from penstock.bundle.predictions import Note, Warned
from penstock.durations import told
from penstock.steps.relations.keys import ARROW, is_missing, one_chunk
from penstock.steps.relations.lookup import NOTHING_ODD, Found, Lookup

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class _Sought:
    """One look-up, what is said of rows that it cannot serve, and from when on it is too old."""

    lookup: Lookup
    missing: Warned
    orphan: Warned
    late: Warned
    old: Warned
    stale_from: float

    def notes(self, found: Found) -> list[Note]:
        """Return what is to be said of what rows found."""
        pairs = ((self.missing, found.missing_key), (self.orphan, found.orphan), (self.late, found.stale))
        return [Note(warned, rows) for warned, rows in pairs if len(rows)]


class Seeking:
    """All look-ups of a model, in the order in which rows are looked up.

    Parameters
    ----------
    lookups : mapping of str to Lookup
        The look-ups, by name.
    carried : mapping of str to Carried
        What is known of their age.
    """

    def __init__(self, lookups: Mapping[str, Lookup], carried: Mapping[str, Carried]) -> None:
        self._all = [_sought(name, lookup, carried.get(name)) for name, lookup in lookups.items()]
        self._first_stale = min((s.stale_from for s in self._all), default=_NEVER)

    @property
    def keys(self) -> dict[str, str]:
        """The columns by which something is looked up, and the names of the tables that it is looked up in."""
        tables: dict[str, list[str]] = {}
        for sought in self._all:
            for name in sought.lookup.needs:
                tables.setdefault(name, []).append(repr(sought.lookup.name))
        return {name: " and ".join(of_key) for name, of_key in tables.items()}

    def extend(self, columns: dict[str, Any], n_rows: int, now: float) -> tuple[dict[str, Any], list[Note]]:
        """Return columns with what is looked up beside them, and what there is to say of it.

        Parameters
        ----------
        columns : dict of str to sequence
            Raw columns as they were sent, each of `n_rows` values. A value sent goes before one that is looked up, and
            of a row that brings all values of a look-up along nothing is said.
        now : float
            Seconds since 1970.
        """
        sent, notes = columns, list[Note]()
        for sought in self._all:
            columns, found = sought.lookup.looked_up(columns, n_rows)
            if found is not NOTHING_ODD:
                notes += sought.notes(found)
        if now > self._first_stale:
            notes += [n for s in self._all if now > s.stale_from for n in _old(s, sent, n_rows)]
        return columns, notes


def _sought(name: str, lookup: Lookup, carried: Carried | None) -> _Sought:
    key = ", ".join(lookup.needs)
    bound = carried.stale_from if carried is not None else None
    within, most = lookup.join.within, lookup.join.max_age
    return _Sought(
        lookup,
        missing=warn("missing_key", key, f"is missing: nothing was looked up in '{name}'"),
        orphan=warn("orphan_key", key, f"finds no row in the look-up '{name}'"),
        late=warn(
            "stale_lookup", name, f"has no row for this one that is recent enough (within {told(within or 0.0)})"
        ),
        old=warn("stale_lookup", name, f"is a look-up older than it should be (at most {told(most or 0.0)})"),
        stale_from=_NEVER if bound is None else bound,
    )


def _old(sought: _Sought, sent: Mapping[str, Any], n_rows: int) -> list[Note]:
    if not all(name in sent for name in sought.lookup.columns):
        return [Note(sought.old)]
    lacking = np.zeros(n_rows, dtype=bool)
    for name in sought.lookup.columns:
        lacking |= _missing(sent[name], n_rows)
    rows = np.flatnonzero(lacking)
    return [Note(sought.old, rows)] if len(rows) else []


def _missing(values: Any, n_rows: int) -> np.ndarray:
    if isinstance(values, ARROW):
        return np.asarray(pc.is_null(one_chunk(values), nan_is_null=True))
    return np.fromiter((is_missing(v) for v in values), dtype=bool, count=n_rows)
