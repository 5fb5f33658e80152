"""The door of the dossier: receipts in, all that a run's report tells out, with its pictures drawn once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import task

from penstock.receipts import Arrays, Collected, Evaluated, Explored, Trained, Wrangled
from penstock.store import Store
from tasks.caching import StageKey
from tasks.records import RECEIPT, Dossier


def _told(inputs: Mapping[str, Any]) -> dict[str, object]:
    """Return the receipts whole: a dossier tells times too, which make no other difference."""
    return {name: value.model_dump(mode="json") for name, value in inputs.items() if name in _RECEIPTS}


_RECEIPTS = frozenset({"collected", "arrays", "wrangled", "explored", "trained", "evaluated"})


@task(
    name="dossier",
    description="What the run's report tells, with the figures of the evaluation.",
    cache_policy=StageKey(
        stage="dossier",
        code=(__name__,),
        libraries=("matplotlib", "seaborn", "numpy", "pandas", "pyarrow"),
        beside=_told,
        instead_of=_RECEIPTS,
    ),
    result_serializer=RECEIPT,
)
def dossier(
    name: str,
    collected: Collected,
    arrays: Arrays,
    wrangled: Wrangled,
    explored: Explored,
    trained: Trained,
    evaluated: Evaluated,
    artifacts: str,
) -> Dossier:
    """Gather a dossier's facts; the run, its stages and what became of it are left for the flow to fill in.

    Parameters
    ----------
    name : str
        The model.
    collected, arrays, wrangled, explored, trained, evaluated
        The receipts of the stages.
    artifacts : str
        The artifacts directory.
    """
    from penstock.report.gather import gather

    store = Store(artifacts)
    facts = gather(
        name=name,
        run_id="",
        made_at="",
        artifacts="",
        stages=(),
        collected=collected,
        arrays=arrays,
        wrangled=wrangled,
        explored=explored,
        trained=trained,
        evaluated=evaluated,
        published=None,
        store=store,
    )
    without = {"figures": {"__all__": {"png"}}, "evaluation": {"__all__": {"png"}}}
    return Dossier(
        facts=store.put_json(facts.model_dump(mode="json", exclude=without)),
        figures=tuple(store.put_bytes(picture.png, "png", "image/png") for picture in facts.figures),
        evaluation=tuple(store.put_bytes(picture.png, "png", "image/png") for picture in facts.evaluation),
    )
