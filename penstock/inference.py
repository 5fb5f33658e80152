"""Collect, type and plan without Prefect: what `init`, `check` and `lock` need, and nothing that trains."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.arrays.stage import make_arrays
from penstock.compatible import check_aliases
from penstock.expect.checking import check_arrays
from penstock.expect.contract import Contract, Terms, agreed
from penstock.expect.outcome import Outcome
from penstock.expect.propose import propose
from penstock.frozen import Frozen
from penstock.receipts import MADE, Arrays, Collected, Wrangled
from penstock.reshape.making import make_tables
from penstock.sources import collect
from penstock.spec.lock import Lock, decisions_digest, types_digest
from penstock.spec.pipeline import PipelineSpec
from penstock.split import SplitRule
from penstock.steps.audit import Audit
from penstock.steps.relations.lookup import column_name
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
    outcome: Outcome = Outcome()

    def table_schema(self, store: Store) -> TableSchema:
        """Return the columns that enter the plan, joined ones among them."""
        return TableSchema.model_validate_json(store.read_bytes(self.wrangled.table_schema))


def infer_lock(
    spec: PipelineSpec,
    store: Store,
    lock: Lock | None = None,
    *,
    last: Mapping[str, int] | None = None,
    proposing: bool = False,
) -> Inferred:
    """Collect, type and wrangle a spec's sources.

    Parameters
    ----------
    spec : PipelineSpec
        What the user decided.
    store : Store
        Where the objects go.
    lock : Lock, optional
        What was inferred before, and is kept to.
    last : mapping of str to int, optional
        The rows of each source in the last completed run. Where it is given, what spec and lock expect is checked.
    proposing : bool
        Whether a contract is proposed for the lock; otherwise the earlier lock's is kept.

    Raises
    ------
    DataError
        An expectation is not met.
    """
    collected = collect(spec.sources, store, spec.fixes)
    if spec.tables:
        locked = lock.locked_tables(spec.typing) if lock is not None else None
        collected = make_tables(collected, spec.tables, spec.typing, locked, store)
    tables, wrangling = apply_lock(spec, lock, collected)
    arrays = make_arrays(collected, spec.typing, tables, store)
    outcome = Outcome()
    if last is not None:
        outcome = hold(terms_of(spec, lock), collected, arrays, last, store)
    wrangled = wrangle(arrays, spec.typing, wrangling, store)
    contract = propose(arrays, spec.base, spec.joins, store) if proposing else lock.expect if lock else Contract()
    made = lock_from(spec, collected, arrays, wrangled, store, contract)
    return Inferred(
        lock=made,
        collected=collected,
        arrays=arrays,
        wrangled=wrangled,
        understanding=understand(arrays, store, wrangled),
        outcome=outcome,
    )


def terms_of(spec: PipelineSpec, lock: Lock | None) -> Terms:
    """Return what the tables are held to: all that the spec expects, and of the lock what the spec leaves open."""
    return Terms(
        pipeline=spec.name,
        base=spec.base,
        joined=tuple(join.table for join in spec.joins),
        expectations=agreed(spec.expect, lock.expect if lock is not None else Contract(), spec.base),
        aliases=spec.aliases,
    )


def hold(terms: Terms, collected: Collected, arrays: Arrays, last: Mapping[str, int], store: Store) -> Outcome:
    """Hold typed tables to their contract, before anything is learned from them.

    Parameters
    ----------
    terms : Terms
        What is expected.
    collected, arrays
        The receipts of the first two stages.
    last : mapping of str to int
        The rows of each source in the last completed run.
    store : Store
        Where the tables lie.

    Raises
    ------
    DataError
        Expectations are not met; all of them are told.
    SpecError
        An expectation or an alias cannot be meant for these tables.
    """
    _check_aliases(terms, arrays, store)
    outcome = check_arrays(terms.expectations, collected, arrays, last, store)
    outcome.demand()
    return outcome


def _check_aliases(terms: Terms, arrays: Arrays, store: Store) -> None:
    names: list[str] = []
    for table in arrays.tables if terms.aliases else ():
        features = TableSchema.model_validate_json(store.read_bytes(table.table_schema)).features
        if table.name == terms.base:
            names = [*(c.name for c in features), *names]
        elif table.name in terms.joined:
            names += [column_name(table.name, c.name) for c in features]
    check_aliases(terms.aliases, tuple(names))


def apply_lock(
    spec: PipelineSpec, lock: Lock | None, collected: Collected
) -> tuple[dict[str, TableSchema] | None, Wrangling]:
    """Return the schemas to cast to, if any, and the wrangle slice with the lock's split and plan.

    A lock that says nothing new is left out, so that a stage's cache key does not change by its mere presence.
    """
    if lock is None:
        return None, spec.wrangling
    made = frozenset(s.name for s in collected.snapshots if s.kind == MADE)
    tables = lock.locked_tables(spec.typing, made) if lock.types_are_new(collected, spec.typing) else None
    if not lock.plan_is_new(collected, spec.typing, spec.wrangling):
        return tables, spec.wrangling
    # A plan made for other decisions (another target, other roles) is made anew; a row's side stays for life.
    kept = lock.is_for(spec.typing) and lock.decided == decisions_digest(spec.typing, spec.wrangling)
    plan = lock.steps if kept and spec.steps is None else None
    return tables, spec.wrangling.model_copy(update={"locked_plan": plan, "locked_split": lock.split})


def lock_from(
    spec: PipelineSpec,
    collected: Collected,
    arrays: Arrays,
    wrangled: Wrangled,
    store: Store,
    contract: Contract | None = None,
) -> Lock:
    """Return the lock that a run's first stages amount to, with a contract where there is one."""
    import orjson

    plan = orjson.loads(store.read_bytes(wrangled.plan))
    odd = Audit.model_validate_json(store.read_bytes(wrangled.audit)).suspicious
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
            "expect": contract or Contract(),
            "suspicious": {s.column: f"{s.what} -> {s.line}" if s.line else s.what for s in odd},
        }
    ).sealed()
