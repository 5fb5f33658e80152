"""The rejected rows of a run as a table that a person opens, corrects and feeds back.

It holds what the rows said, private columns too: it lies with the user's own artifacts, readable by them alone, and
goes into no report, log or page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from penstock.fixes import COLUMN, DROP, KEY, REASON, ROW, as_they_came, editable, row_keys, written
from penstock.receipts import Arrays, Collected, Wrangled
from penstock.sources import Source
from penstock.sources.origins import origins_of
from penstock.store import Store, write_atomically

REJECTED = "rejected.csv"


def write_rejected(
    folder: Path, sources: Sequence[Source], collected: Collected, arrays: Arrays, wrangled: Wrangled, store: Store
) -> Path | None:
    """Write a run's rejected rows into its folder; None where there are none.

    Parameters
    ----------
    folder : pathlib.Path
        The run's.
    sources : sequence of Source
        How they were read; the first is the base.
    collected, arrays, wrangled
        The receipts of the first three stages.
    store : Store
        Where the tables lie.

    Returns
    -------
    pathlib.Path or None
        A CSV with the columns `_row`, `_reason`, `_column`, `_key`, `_drop`, and all of the base as they came.
    """
    if not wrangled.rejected.n_rows:
        return None
    base, snapshot = arrays.tables[0], collected.snapshots[0]
    rejected = store.read_table(wrangled.rejected)
    rows = rejected["row"].to_numpy().astype(np.int64)
    came = as_they_came(base.fixed.dropped if base.fixed else (), snapshot.n_rows, rows)
    raw = store.read_table(base.raw).take(pa.array(rows))
    origins = origins_of(sources[0], snapshot, came.tolist(), store)
    facts = {
        ROW: [origin.place for origin in origins],
        REASON: rejected["reason"].to_pylist(),
        COLUMN: rejected["column"].to_pylist(),
        KEY: row_keys(store.read_table(snapshot.table), came),
        DROP: [None] * len(rows),
    }
    names = [name for name in editable(raw) if name not in facts]
    data = written({**facts, **{name: raw[name].to_pylist() for name in names}})
    path = folder / REJECTED
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    path.chmod(0o600)
    return path
