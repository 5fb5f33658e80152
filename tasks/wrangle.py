"""The door of the wrangle stage: typed columns in, sides, clean rows and the audit out."""

from __future__ import annotations

from prefect import task

from penstock.receipts import Arrays, Wrangled
from penstock.slices import Typing
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from tasks.caching import StageKey, entered
from tasks.records import RECEIPT


@task(
    name="wrangle",
    description="Joins, the split, clean rows, rejected rows with reasons, the audit.",
    cache_policy=StageKey(
        stage="wrangle", code=(__name__,), libraries=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
    ),
    result_serializer=RECEIPT,
)
def wrangle(arrays: Arrays, typing: Typing, wrangling: Wrangling, artifacts: str) -> Wrangled:
    """Join, split and clean.

    Parameters
    ----------
    arrays : Arrays
        Typed tables.
    typing : Typing
        What the user decided about columns.
    wrangling : Wrangling
        Joins, split and steps, with what the lock adds.
    artifacts : str
        The artifacts directory.
    """
    from penstock.wrangle import wrangle as body

    entered("wrangle")
    return body(arrays, typing, wrangling, Store(artifacts))
