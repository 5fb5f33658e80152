"""The door beside the collect stage: sources in, the same with the tables that are made of them out."""

from __future__ import annotations

from prefect import task

from penstock.receipts import Collected
from penstock.reshape.recipe import Recipe
from penstock.slices import Typing
from penstock.store import Store
from penstock.table import TableSchema
from tasks.caching import StageKey
from tasks.records import RECEIPT


@task(
    name="reshape",
    description="Tables made of others, before any is typed for the model.",
    cache_policy=StageKey(
        stage="reshape",
        code=(__name__,),
        libraries=("numpy", "pandas", "pyarrow"),
    ),
    result_serializer=RECEIPT,
)
def reshape(
    collected: Collected,
    recipes: dict[str, Recipe],
    typing: Typing,
    locked: dict[str, TableSchema] | None,
    artifacts: str,
) -> Collected:
    """Make the tables that a spec describes.

    Parameters
    ----------
    collected : Collected
        The sources as they came.
    recipes : dict of str to Recipe
        How each table is made.
    typing : Typing
        What the user decided about columns.
    locked : dict of str to TableSchema, optional
        Schemas that were inferred before, and are kept to.
    artifacts : str
        The artifacts directory.
    """
    from penstock.reshape.making import make_tables

    return make_tables(collected, recipes, typing, locked, Store(artifacts))
