"""Make the tables that a spec describes, and put them beside the sources."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import DataError
from penstock.receipts import MADE, Collected, Snapshot
from penstock.reshape.reading import typed_source
from penstock.reshape.recipe import Recipe, order_of
from penstock.reshape.table import At, Tabular, arrow_table
from penstock.slices import Typing
from penstock.store import Store
from penstock.table import TableSchema


def make_tables(
    collected: Collected,
    recipes: Mapping[str, Recipe],
    typing: Typing,
    locked: Mapping[str, TableSchema] | None,
    store: Store,
) -> Collected:
    """Return the sources with the tables that are made of them, the base first.

    Parameters
    ----------
    collected : Collected
        The sources as they came.
    recipes : mapping of str to Recipe
        How each table is made, by its name.
    typing : Typing
        What the user decided about columns.
    locked : mapping of str to TableSchema, optional
        Schemas of the sources that were inferred before, and are kept to.
    store : Store
        Where the tables go.

    Returns
    -------
    Collected
        Every table that was made is a snapshot of the kind `made`: raw rows with Arrow's own types, which the next
        stage types as it does a source's.

    Raises
    ------
    SpecError
        Tables are made of each other, or of one that is not there.
    PlanError
        A step names a column that is not there, or that it cannot work on.
    DataError
        The rows cannot be treated as a step says, or none is left.
    """
    sources = {s.name: s for s in collected.snapshots}
    order = order_of(recipes, list(sources))
    needed = dict.fromkeys(name for made in order for name in recipes[made].takes if name in sources)
    tables = {name: typed_source(sources[name], typing, (locked or {}).get(name), store) for name in needed}
    snapshots = list(collected.snapshots)
    for name in order:
        table = _made(name, recipes[name], tables)
        snapshots.append(_snapshot(name, recipes[name], table, sources, store))
        tables[name] = _as_base(table, typing) if name == typing.base else table
        sources[name] = snapshots[-1]
    return Collected(snapshots=tuple(sorted(snapshots, key=lambda s: s.name != typing.base)))


def _made(name: str, recipe: Recipe, tables: Mapping[str, Tabular]) -> Tabular:
    table = tables[recipe.source]
    for i, step in enumerate(recipe.steps):
        at = At(table=name, number=i + 1, step=step.name, others=tables)
        table = step.on(table, at)
        if not table.n_rows or not table.kinds:
            raise DataError(
                f"Nothing is left of the table {name!r}",
                where=at.where,
                got=f"no {'row' if table.kinds else 'column'} after the step `{step.name}`",
                todo="Correct this step, or those before it.",
            )
    return table


def _as_base(table: Tabular, typing: Typing) -> Tabular:
    """Return the base without its target, as other tables may be made of it."""
    kinds = {name: kind for name, kind in table.kinds.items() if name != typing.target}
    return Tabular(table.frame[list(kinds)], kinds, table.private, typing.target)


def _snapshot(name: str, recipe: Recipe, table: Tabular, sources: Mapping[str, Snapshot], store: Store) -> Snapshot:
    ref = store.put_table(arrow_table(table))
    taken = [sources[source] for source in recipe.takes]
    return Snapshot(
        name=name,
        kind=MADE,
        uri=f"made from {', '.join(recipe.takes)}",
        collected_at=max(s.collected_at for s in taken),
        n_rows=ref.n_rows,
        n_bytes=ref.size,
        sha256=ref.digest,
        parts=(),
        table=ref,
        origin={"from": ", ".join(recipe.takes), "steps": ", ".join(step.name for step in recipe.steps)},
        remarks=table.remarks,
        private=tuple(sorted(table.private & set(table.kinds))),
    )
