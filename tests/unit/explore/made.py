"""Receipts as the wrangle stage would give them: made up for a typed frame, or really run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from penstock.arrays.stage import make_arrays
from penstock.receipts import Collected, Wrangled
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.steps.audit import Audit
from penstock.store import Store
from penstock.table import Column, TableSchema, Target
from penstock.wrangle import wrangle

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
NUMBER = Target(name="price", task="regression")


def wrangled(store, frame, target, y, *, clean=None, private=(), heldout=None):
    """Return the receipt of a plan without a step for a typed frame."""
    n = len(frame)
    kinds = {
        name: "datetime" if str(kind).startswith("datetime") else "category" if str(kind) == "str" else "float"
        for name, kind in frame.dtypes.items()
    }
    columns = [Column(name=n, kind=k, private=n in private, unit="mm" if n == "x" else "") for n, k in kinds.items()]
    if target.name in private:
        columns.append(Column(name=target.name, kind="float", role="target", private=True))
    held = np.arange(n) % 5 == 0 if heldout is None else heldout
    absent = pd.Series([None] * n, dtype="str")
    sides = pd.DataFrame({"row": np.arange(n), "side": np.where(held, "heldout", "train"), "target": y})
    cut = store.put_frame(frame)
    n_train, n_held = int((~held).sum()), int(held.sum())
    audit = Audit(n_rows=n, n_labelled=n, n_train=n_train, n_heldout=n_held, n_rejected=0, n_flagged=0)
    return Wrangled(
        raw=cut,
        cut=cut,
        clean=cut if clean is None else store.put_frame(clean),
        sides=store.put_frame(sides.assign(reason=absent, group=absent)),
        rejected=cut,
        plan=store.put_json({"steps": []}),
        table_schema=store.put_json(TableSchema(columns=tuple(columns), target=target)),
        audit=store.put_json(audit),
        profile=store.put_bytes(b"{}", "json"),
        n_train=n_train,
        n_heldout=n_held,
    )


def run(folder, table, target, **declared):
    """Run the stages up to wrangle on a table of raw texts; return the store and the receipt."""
    store = Store(folder / "artifacts")
    table.to_csv(folder / "table.csv", index=False)
    spec = spec_from({"name": "made", "source": "table.csv", "target": target, **declared}, folder)
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    arrays = make_arrays(collected, spec.typing, None, store)
    return store, wrangle(arrays, spec.typing, spec.wrangling, store)
