"""A profile of a table, from wherever it comes: collected and typed as a run would, and measured over all rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock import __version__
from penstock.arrays.profile import ColumnProfile
from penstock.arrays.relations import relate
from penstock.arrays.typed import StoredColumns
from penstock.errors import AmbiguousNames, DataError, NoRows
from penstock.profiling.against import look_at_target
from penstock.profiling.alerts import alerts_of
from penstock.profiling.columns import Seen, clipped, look_at, parked
from penstock.profiling.gaps import find_gaps
from penstock.profiling.pairs import relate_columns
from penstock.profiling.records import Alert, ColumnLook, Profiled
from penstock.profiling.repeats import find_repeats
from penstock.profiling.series import look_along, time_column
from penstock.receipts import Snapshot
from penstock.slices import ColumnSpec, Typing
from penstock.sources import MemorySource, Source, collect, source_from
from penstock.sources.base import SourceBase
from penstock.store import Store
from penstock.table import closest

# Columns that are looked at once. The result does not depend on it.
WORKERS = 2
SHOWN_ASIDE = 5


def profiled(
    data: Any,
    *,
    name: str = "",
    target: str | None = None,
    private: Iterable[str] = (),
    columns: Mapping[str, Any] | None = None,
) -> Profiled:
    """Look at a table; see `penstock.profiling.profile`."""
    with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as folder:
        # What goes when the work is done need not reach the disk.
        store = Store(folder, durable=False)
        source = _source(data, name, store)
        if isinstance(source, Profiled):
            return source
        try:
            taken = _taken(source, store)
        except NoRows as error:
            return empty(name or source.name, source.uri, (), error.what)
        # Arrow keeps what reading took; it would lie there beside the columns.
        pa.default_memory_pool().release_unused()
        decided = {str(n): ColumnSpec.model_validate(v) for n, v in (columns or {}).items()}
        return _looked_at(taken, name, target, frozenset(private), decided, store, Path(folder))


def _taken(source: Source, store: Store) -> Snapshot:
    """Collect a source; where its names cannot be told apart, they are numbered, which a run would not do."""
    try:
        return collect((source,), store).snapshots[0]
    except AmbiguousNames as error:
        if not {"names", "header"} <= set(type(source).model_fields) or getattr(source, "names", None) is not None:
            raise
        names = unique_names(error.names)
        taken = collect((source.model_copy(update={"names": tuple(names)}),), store).snapshots[0]
        remark = f"{error.what}, and a run would refuse the source; here names that come again are numbered."
        return taken.model_copy(update={"remarks": (*taken.remarks, remark)})


def _source(data: Any, name: str, store: Store) -> Source | Profiled:
    if isinstance(data, SourceBase):
        return data  # type: ignore[return-value]  # every kind of source is a member of the union
    if isinstance(data, str | Path) or (isinstance(data, Mapping) and ("path" in data or "url" in data)):
        return source_from(data, "data", Path.cwd())
    table = _distinct_names(data)
    if len(table) == 0 and hasattr(table, "columns"):
        names = [str(n) for n in getattr(table, "column_names", table.columns)]
        return empty(name or "table", "memory", names)
    return MemorySource.of("data", table, store)


def _distinct_names(data: Any) -> Any:
    """Return a frame or an Arrow table whose columns can be told apart: a name that comes again is numbered."""
    given = data.column_names if isinstance(data, pa.Table) else getattr(data, "columns", None)
    if given is None or isinstance(data, Mapping):
        return data
    names = unique_names([str(n) for n in given])
    if names == [str(n) for n in given]:
        return data
    return data.rename_columns(names) if isinstance(data, pa.Table) else data.set_axis(names, axis="columns")


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names of which none comes twice and none is blank.

    Examples
    --------
    >>> unique_names(["a", "b", "a", ""])
    ['a', 'b', 'a (2)', 'column 4']
    """
    found: list[str] = []
    for i, name in enumerate(names):
        base = name if name.strip() else f"column {i + 1}"
        new, number = base, 2
        while new in found:
            new, number = f"{base} ({number})", number + 1
        found.append(new)
    return found


def empty(name: str, source: str, columns: Sequence[str], what: str = "The table has no rows") -> Profiled:
    """Return the profile of a table without a row."""
    bare = [ColumnProfile(name=n, kind="text", n=0, missing=0, distinct=0) for n in columns]
    looks = tuple(ColumnLook(name=p.name, kind="text", role="ignored", profile=p) for p in bare)
    made = Profiled(name=name, source=source, release=__version__, n_rows=0, columns=looks)
    return made.model_copy(
        update={"alerts": (Alert(sort="rows", column="", what=f"{what}: nothing can be measured."),)}
    )


def _looked_at(
    taken: Snapshot,
    name: str,
    target: str | None,
    private: frozenset[str],
    decided: dict[str, ColumnSpec],
    store: Store,
    folder: Path,
) -> Profiled:
    raw = StoredColumns(taken.table, store)
    _check_names((*private, *decided, *((target,) if target is not None else ())), raw.column_names, taken.uri)
    decided |= {n: decided.get(n, ColumnSpec()).model_copy(update={"private": True}) for n in private}
    # Both words of a person stay: an explicit decision that a column is private, and the option.
    typing = Typing(base=taken.name, target=target or "", columns=decided)

    def look(column: str) -> Seen:
        seen = look_at(column, raw[column], decided.get(column, ColumnSpec()), typing)
        seen = parked(seen, folder / f"{raw.column_names.index(column)}.column")
        # Each thread has a heap of its own, which keeps what it took for a column that is done with.
        pa.default_memory_pool().release_unused()
        return seen

    with ThreadPoolExecutor(WORKERS) as pool:
        seen = list(pool.map(look, raw.column_names))
    seen = [_as_target(s) if s.name == target else s for s in seen]
    numeric = [s.numeric for s in seen if s.numeric is not None and s.look.role != "id" and s.look.kind != "boolean"]
    with ThreadPoolExecutor(WORKERS) as pool:
        repeats = pool.submit(find_repeats, seen, raw)
        relations = relate_columns(seen, raw.num_rows, relate(numeric))
        gaps = find_gaps(seen, raw.num_rows)
        time = time_column(seen)
        series = look_along(time, seen) if time is not None else None
        aimed = next((s for s in seen if s.name == target), None)
        against = look_at_target(aimed, seen, raw[aimed.name], typing) if aimed is not None else None
        duplicates = repeats.result()
    made = Profiled(
        name=name or taken.name,
        source=taken.uri,
        release=__version__,
        n_rows=raw.num_rows,
        n_quarantined=taken.n_quarantined,
        quarantined=_aside(taken, store) if not any(s.look.private for s in seen) else (),
        remarks=taken.remarks,
        missing_cells=sum(s.look.profile.missing for s in seen),
        n_bytes=sum(s.look.n_bytes for s in seen),
        columns=tuple(s.look for s in seen),
        duplicates=duplicates,
        missing=gaps,
        relations=relations,
        series=series,
        target=against,
    )
    return made.model_copy(update={"alerts": alerts_of(made)})


def _as_target(seen: Seen) -> Seen:
    return seen._replace(look=seen.look.model_copy(update={"role": "target"}))


def _check_names(asked: Sequence[str], there: Sequence[str], where: str) -> None:
    for name in asked:
        if name not in there:
            raise DataError(f"There is no column {name!r}", where=where, expected=closest(name, list(there)))


def _aside(taken: Snapshot, store: Store) -> tuple[str, ...]:
    """Tell why some rows could not be parsed; their text is not told, for it may hold anything."""
    if taken.quarantine is None:
        return ()
    rows = store.read_table(taken.quarantine).slice(0, SHOWN_ASIDE).to_pylist()
    return tuple(clipped(f"line {row['line']}: {row['reason']}" if row["line"] else row["reason"]) for row in rows)
