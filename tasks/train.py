"""The door of the train stage: clean training rows in, a fitted candidate and the leaderboard out."""

from __future__ import annotations

from concurrent.futures import Executor

from prefect import task

from penstock.receipts import Trained, Wrangled
from penstock.slices import Modelling, Typing
from penstock.store import Store
from tasks.caching import StageKey, entered, forget_this_one
from tasks.records import RECEIPT


@task(
    name="train",
    description="Candidates cross-validated; the best fitted as twin and as served model.",
    cache_policy=StageKey(
        stage="train",
        code=(__name__,),
        libraries=("scikit-learn", "lightgbm", "xgboost-cpu", "numpy", "scipy", "pandas", "pyarrow", "joblib"),
    ),
    result_serializer=RECEIPT,
)
def train(
    wrangled: Wrangled, modelling: Modelling, typing: Typing, seed: int, artifacts: str, fits: Executor | None = None
) -> Trained:
    """Search, and fit the winner.

    Parameters
    ----------
    wrangled : Wrangled
        Clean rows and their sides.
    modelling : Modelling
        Families, metric, folds and budget.
    typing : Typing
        What is predicted.
    seed : int
        The stage's seed.
    artifacts : str
        The artifacts directory.
    fits : concurrent.futures.Executor, optional
        Threads of the flow's that every fit goes through.
    """
    from penstock.models.stage import train as body

    entered("train")
    trained = body(wrangled, modelling, typing, seed, Store(artifacts), fits)
    if any("Ctrl-C" in row.note for row in trained.leaderboard):
        # The best so far is good for this run; the next one searches to its end.
        forget_this_one()
    return trained
