"""The tables that a bundle carries, and what rows find in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from penstock.cells import NotCast, canonical_text
from penstock.steps.join import Lookup


def looked_up(lookup: Lookup, columns: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """Return the columns that a look-up adds; a value that a row brings along goes before the one that is looked up.

    Parameters
    ----------
    lookup : Lookup
        The table.
    columns : mapping of str to Arrow array or sequence
        What was sent, each of `n_rows` values.
    n_rows : int
        How many rows were sent.
    """
    keys = {name: _as_arrow(columns[name]) for name in lookup.join.on if name in columns}
    # Some column gives the number of rows where a caller sends no key at all.
    keys = keys or {next(iter(lookup.join.on)): pa.nulls(n_rows, pa.string())}
    sent = {name: columns[name] for name in lookup.columns if name in columns}
    typed = {name: values for name, values in sent.items() if isinstance(values, pa.Array | pa.ChunkedArray)}
    found = lookup.extend(pa.table(keys | typed))
    done: dict[str, Any] = {name: found[name] for name in lookup.columns}
    for name in sent.keys() - typed.keys():
        pairs = zip(sent[name], done[name].to_pylist(), strict=True)
        done[name] = [here if here is not None else there for here, there in pairs]
    return done


def _as_arrow(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    return pa.array([_text_or_none(v) for v in values], pa.string())


def _text_or_none(value: object) -> str | None:
    try:
        return None if value is None else canonical_text(value)
    except NotCast:
        return None
