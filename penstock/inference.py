"""Collect, type and plan without Prefect: what `init`, `check` and `lock` need, and nothing that trains."""

from __future__ import annotations

from penstock.arrays.stage import make_arrays
from penstock.frozen import Frozen
from penstock.receipts import Arrays, Collected, Wrangled
from penstock.sources import collect
from penstock.spec.lock import Lock, decisions_digest, types_digest
from penstock.spec.pipeline import PipelineSpec
from penstock.split import SplitRule
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from penstock.table import TableSchema
from penstock.understanding import Understanding, understand
from penstock.wrangle import wrangle


class Inferred(Frozen):
    """What looking at the data once gives."""

    lock: Lock
    collected: Collected
    arrays: Arrays
    wrangled: Wrangled
    understanding: tuple[Understanding, ...]


def infer_lock(spec: PipelineSpec, store: Store, lock: Lock | None = None) -> Inferred:
    """Collect, type and wrangle a spec's sources.

    Parameters
    ----------
    spec : PipelineSpec
        What the user decided.
    store : Store
        Where the objects go.
    lock : Lock, optional
        What was inferred before, and is kept to.
    """
    collected = collect(spec.sources, store)
    tables, wrangling = apply_lock(spec, lock, collected)
    arrays = make_arrays(collected, spec.typing, tables, store)
    wrangled = wrangle(arrays, spec.typing, wrangling, store)
    made = lock_from(spec, collected, arrays, wrangled, store)
    return Inferred(lock=made, collected=collected, arrays=arrays, wrangled=wrangled, understanding=understand(arrays, store))


def apply_lock(
    spec: PipelineSpec, lock: Lock | None, collected: Collected
) -> tuple[dict[str, TableSchema] | None, Wrangling]:
    """Return the schemas to cast to, if any, and the wrangle slice with the lock's split and plan.

    A lock that says nothing new is left out, so that a stage's cache key does not change by its mere presence.
    """
    if lock is None:
        return None, spec.wrangling
    tables = lock.locked_tables(spec.typing) if lock.types_are_new(collected, spec.typing) else None
    if not lock.plan_is_new(collected, spec.typing, spec.wrangling):
        return tables, spec.wrangling
    # A plan made for other decisions (another target, other roles) is made anew; a row's side stays for life.
    kept = lock.is_for(spec.typing) and lock.decided == decisions_digest(spec.typing, spec.wrangling)
    plan = lock.steps if kept and spec.steps is None else None
    return tables, spec.wrangling.model_copy(update={"locked_plan": plan, "locked_split": lock.split})


def lock_from(spec: PipelineSpec, collected: Collected, arrays: Arrays, wrangled: Wrangled, store: Store) -> Lock:
    """Return the lock that a run's first stages amount to."""
    import orjson

    plan = orjson.loads(store.read_bytes(wrangled.plan))
    tables = {
        table.name: TableSchema.model_validate_json(store.read_bytes(table.table_schema)) for table in arrays.tables
    }
    return Lock.model_validate(
        {
            "tables": tables,
            "split": SplitRule.model_validate(plan["split"]),
            "steps": plan["steps"],
            "decided": decisions_digest(spec.typing, spec.wrangling),
            "typed_from": types_digest(collected, spec.typing),
        }
    ).sealed()
