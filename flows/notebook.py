"""Runs from Python: a table in memory, a file or an address goes in, a finished run comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.stages import Runner
from flows.train import train
from penstock.errors import SpecError
from penstock.outcome import Outcome
from penstock.sources import MemorySource
from penstock.spec.pipeline import spec_from
from penstock.spec.reading import write_yaml
from penstock.store import Store, write_atomically
from tasks.secrets import prefect_secret

_HEAD = "# Written by `run`; tables that were in memory lie in the store beside it.\n"


def run(
    data: object,
    target: str,
    *,
    name: str = "data",
    tables: Mapping[str, object] | None = None,
    artifacts: str | Path = "artifacts",
    budget: float | None = None,
    publish: bool = True,
    refresh: bool = False,
    runner: Runner = "threads",
    **decisions: object,
) -> Outcome:
    """Carry a table through all seven stages.

    Parameters
    ----------
    data : DataFrame, Arrow table, array, dict of arrays, list of records, path, or address
        The base; a path or an address is read as a spec's `source` is.
    target : str
        The column to predict.
    name : str
        What the model is called.
    tables : mapping of str to table, optional
        Further sources by name, for `joins`.
    artifacts : str or pathlib.Path
        Where the run publishes.
    budget : float, optional
        Seconds for the search.
    publish, refresh, runner
        As `flows.train.train` has them.
    **decisions
        Any other key of a spec: `joins`, `columns`, `split`, `steps`, ...

    Returns
    -------
    Outcome
        `.summary`, `.clean`, `.rejected`, `.leaderboard`, `.bundle`, `.report`; a notebook shows the report.

    Raises
    ------
    UserError
        The data or a decision is wrong.
    """
    place = Path(artifacts).absolute()
    store = Store(place)
    declared: dict[str, Any] = {"name": name}
    if tables:
        if name in tables:
            raise SpecError(f"Two tables are named {name!r}", todo="Choose another `name`, or rename the table.")
        named = {name: data, **tables}
        declared |= {"sources": {key: _written(key, value, store) for key, value in named.items()}, "base": name}
    else:
        declared["source"] = _written(name, data, store)
    declared |= {"target": target, **decisions}
    if "fixes" in declared:
        given = declared["fixes"]
        declared["fixes"] = [str(Path(f).absolute()) for f in ([given] if isinstance(given, str | Path) else given)]
    folder = place / "specs"
    # Before anything is written: a spec that makes no sense leaves nothing behind.
    spec_from(declared, folder, secrets=prefect_secret)
    path = folder / f"{name}.yaml"
    write_atomically(path, (_HEAD + write_yaml(declared)).encode())
    summary = train(str(path), artifacts=str(place), budget=budget, publish=publish, refresh=refresh, runner=runner)
    return Outcome(summary, place)


def _written(name: str, data: object, store: Store) -> Any:
    """Return a source as a spec has it."""
    if isinstance(data, Path):
        return str(data.absolute())
    if isinstance(data, str):
        return data if "://" in data else str(Path(data).absolute())
    if isinstance(data, Mapping) and ("path" in data or "url" in data) and isinstance(data.get("kind", ""), str):
        return dict(data)
    return MemorySource.of(name, data, store).model_dump(mode="json", exclude={"name", "max_quarantined"})
