"""The flow that carries raw data through all seven stages to a published model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.called import called
from flows.pages import show
from flows.progress import Bar
from flows.record import as_published, facts_of, keep_lock, keep_run, lineage, new_run_id, summary_of
from flows.stages import Runner, Stages
from penstock.bundle.candidate import Candidate, as_served
from penstock.bundle.promises import Promises
from penstock.expect.checking import for_batches
from penstock.expect.outcome import Outcome
from penstock.inference import apply_lock, terms_of
from penstock.receipts import Arrays, Collected, Evaluated, Explored, Published, Trained, Wrangled
from penstock.rejected import write_rejected
from penstock.report.html import dossier_html
from penstock.spec.lock import lock_path, read_lock
from penstock.spec.pipeline import load_spec
from penstock.store import Store
from penstock.summary import RunSummary
from tasks.arrays import arrays as arrays_door
from tasks.collect import collect as collect_door
from tasks.dossier import dossier as dossier_door
from tasks.evaluate import evaluate as evaluate_door
from tasks.evaluate import opponent_of
from tasks.expect import expect as expect_door
from tasks.explore import explore as explore_door
from tasks.fits import Fits
from tasks.publish import publish as publish_door
from tasks.records import Dossier
from tasks.reshape import reshape as reshape_door
from tasks.secrets import prefect_secret
from tasks.train import train as train_door
from tasks.wrangle import wrangle as wrangle_door


@called("train", "Raw data to a judged, sealed and published model.")
def train(
    spec: Annotated[str, Field(description="The spec's path, where it runs.")] = "flows/specs/clinic.yaml",
    artifacts: Annotated[str, Field(description="Where runs publish and the service reads.")] = "artifacts",
    budget: Annotated[float | None, Field(gt=0, description="Seconds for the search; by default the spec's.")] = None,
    publish: Annotated[bool, Field(description="Publish what the gate lets in, or keep it.")] = True,
    refresh: Annotated[bool, Field(description="Enter every stage, whatever is cached.")] = False,
    runner: Annotated[Runner, Field(description="Where stages run that others need not wait for.")] = "threads",
    accept_schema_change: Annotated[str, Field(description="Publish though callers have to change; why.")] = "",
) -> RunSummary:
    """Collect, type, wrangle, explore, train, evaluate and publish what a spec describes.

    Parameters
    ----------
    spec : str
        The spec's path.
    artifacts : str
        Where runs publish and the service reads.
    budget : float, optional
        Seconds for the search; by default the spec's.
    publish : bool
        Publish what the gate lets in; otherwise the candidate is kept.
    refresh : bool
        Enter every stage, whatever is cached.
    runner : {"threads", "processes", "dask"}
        Where stages run that others need not wait for.
    accept_schema_change : str
        Why a version may go live that some of today's requests no longer fit.

    Returns
    -------
    RunSummary
        The verdict among it: a refusal is an outcome, not an error.

    Raises
    ------
    UserError
        The spec or its data is wrong.
    """
    decided = load_spec(spec, prefect_secret)
    modelling = decided.modelling if budget is None else decided.modelling.model_copy(update={"budget": budget})
    place = str(Path(artifacts).absolute())
    store = Store(place)
    run_id = new_run_id()
    with Stages(place, refresh, runner) as stages:
        known = read_lock(lock_path(Path(spec)))
        collecting = Bar("collect", decided.name)
        collected: Collected = stages.run(collect_door, decided.sources, decided.fixes, bar=collecting)
        if decided.tables:
            kept = known.locked_tables(decided.typing) if known is not None else None
            collected = stages.amend("collect", reshape_door, collected, decided.tables, decided.typing, kept)
        tables, wrangling = apply_lock(decided, known, collected)
        arrays: Arrays = stages.run(arrays_door, collected, decided.typing, tables)
        terms = terms_of(decided, known)
        outcome: Outcome = Outcome() if terms.are_empty else stages.beside(expect_door, terms, collected, arrays)
        wrangled: Wrangled = stages.run(wrangle_door, arrays, decided.typing, wrangling)
        lock = keep_lock(Path(spec), decided, known, collected, arrays, wrangled, store)
        drawing = stages.start(explore_door, wrangled, arrays.seeds["explore"])
        training = Bar("train", decided.name, modelling.budget)
        with Fits() as fits:
            found: Trained = stages.run(
                train_door, wrangled, modelling, decided.typing, arrays.seeds["train"], bar=training, fits=fits
            )
        promises = Promises(aliases=terms.aliases, expect=for_batches(terms))
        trained = as_served(found, decided.serve, promises)
        opponent, live = opponent_of(place, decided.name, trained.content_digest, terms.aliases, accept_schema_change)
        evaluated: Evaluated = stages.run(
            evaluate_door, wrangled, trained, opponent, decided.gate, decided.typing, arrays.seeds["evaluate"]
        )
        explored: Explored = stages.finish(drawing)
        dossier: Dossier = stages.beside(
            dossier_door, decided.name, collected, arrays, wrangled, explored, trained, evaluated
        )
        facts = facts_of(dossier, store, run_id, artifacts, stages.runs, outcome, decided, Path(spec))
        candidate = Candidate(
            name=decided.name,
            trained=trained,
            evaluated=evaluated,
            started_from=live,
            spec=decided.declared,
            lineage=lineage(stages.receipts),
            report=store.put_bytes(dossier_html(facts), "html", "text/html"),
            promises=promises,
        )
        published: Published = stages.run(publish_door, candidate, publish and decided.publishing.enabled)
    folder = Path(place) / "runs" / run_id
    summary = summary_of(run_id, folder, candidate, wrangled, published, stages.runs, outcome)
    told = as_published(facts, summary)
    write_rejected(folder, decided.sources, collected, arrays, wrangled, store)
    keep_run(folder, decided, lock, candidate, stages.receipts, told, dossier, summary)
    show(summary, told)
    return summary
