"""The door of the arrays stage: raw columns in, typed columns and their schema out."""

from __future__ import annotations

from prefect import task

from penstock.receipts import Arrays, Collected
from penstock.slices import Typing
from penstock.store import Store
from penstock.table import TableSchema
from tasks.caching import StageKey, entered
from tasks.records import RECEIPT


@task(
    name="arrays",
    description="Typed columns with their schema, numeric profile and seeds.",
    cache_policy=StageKey(
        stage="arrays",
        code=(__name__,),
        libraries=("numpy", "pandas", "pyarrow"),
    ),
    result_serializer=RECEIPT,
)
def arrays(
    collected: Collected,
    typing: Typing,
    locked: dict[str, TableSchema] | None,
    artifacts: str,
) -> Arrays:
    """Type every source of a run.

    Parameters
    ----------
    collected : Collected
        The snapshots.
    typing : Typing
        What the user decided about columns.
    locked : dict of str to TableSchema, optional
        Schemas that were inferred before, and are kept to.
    artifacts : str
        The artifacts directory.
    """
    from penstock.arrays.stage import make_arrays

    entered("arrays")
    return make_arrays(collected, typing, locked, Store(artifacts))
