"""The door of the explore stage: training rows in, figures out."""

from __future__ import annotations

from prefect import task

from penstock.receipts import Explored, Wrangled
from penstock.store import Store
from tasks.caching import StageKey, entered
from tasks.records import RECEIPT


@task(
    name="explore",
    description="Figures of the training rows.",
    cache_policy=StageKey(
        stage="explore",
        code=(__name__,),
        libraries=("matplotlib", "seaborn", "pillow", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "joblib"),
    ),
    result_serializer=RECEIPT,
)
def explore(wrangled: Wrangled, seed: int, artifacts: str) -> Explored:
    """Draw the training rows.

    Parameters
    ----------
    wrangled : Wrangled
        Clean rows and their sides.
    seed : int
        Chooses which rows are drawn where there are many.
    artifacts : str
        The artifacts directory.
    """
    from penstock.explore import explore as body

    entered("explore")
    return body(wrangled, seed, Store(artifacts))
