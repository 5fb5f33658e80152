"""Rows that a person corrected: edited cells go into the raw table before anything is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from penstock.casting import plain_chunks
from penstock.errors import DataError
from penstock.fixes import COLUMN, DROP, FACTS, KEY, cell_text, editable, row_keys, unguarded
from penstock.receipts import Edited, Fixed, Snapshot
from penstock.store import Store
from penstock.table import closest

_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"", "no", "n", "false", "0"})


@dataclass
class _Edits:
    """What all files say so far: cells by column and position, and the positions of rows that go."""

    cells: dict[str, dict[int, str]] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(map(len, self.cells.values()))


def with_fixes(snapshot: Snapshot, fixes: Sequence[Edited], store: Store) -> tuple[Snapshot, Fixed | None]:
    """Return a snapshot with rows corrected, and the account of it; as it is where there is nothing to correct.

    Parameters
    ----------
    snapshot : Snapshot
        The base.
    fixes : sequence of Edited
        Edited tables of rejected rows, in the order in which they were made: a later one goes before an earlier.
    store : Store
        Where the tables lie.

    Raises
    ------
    DataError
        A table lacks a column, names a row that is not there, or a row of it is edited by half.
    """
    if not fixes:
        return snapshot, None
    raw = store.read_table(snapshot.table)
    places = {key: i for i, key in enumerate(row_keys(raw))}
    edits = _Edits()
    for edited in fixes:
        _read(store.read_table(edited.table), edited.name, raw, places, edits)
    kept = np.delete(np.arange(raw.num_rows), sorted(edits.dropped))
    if not len(kept):
        raise DataError("The fixes drop every row of the base", where=snapshot.name)
    mended = raw
    for name, cells in edits.cells.items():
        at = raw.column_names.index(name)
        mended = mended.set_column(at, name, _replaced(raw[name], cells, name, snapshot.name))
    original = snapshot.table
    if edits.dropped:
        original = store.put_table(raw.take(pa.array(kept)))
        mended = mended.take(pa.array(kept))
    fixed = Fixed(
        original=original,
        dropped=tuple(sorted(edits.dropped)),
        n_rows=len({i for cells in edits.cells.values() for i in cells} - edits.dropped),
        n_cells=len(edits),
    )
    table = store.put_table(mended)
    return snapshot.model_copy(update={"table": table, "n_rows": table.n_rows}), fixed


def _read(given: pa.Table, where: str, raw: pa.Table, places: Mapping[str, int], edits: _Edits) -> None:
    table = given.rename_columns([unguarded(name) for name in given.column_names])
    names = editable(raw)
    _check_columns(table.column_names, names, where)
    rows = [{name: cell_text(value) for name, value in row.items()} for row in table.to_pylist()]
    unknown = [i for i, row in enumerate(rows) if row[KEY].strip() not in places]
    if unknown:
        raise DataError(
            f"A table of fixes has {len(unknown):,} {'row' if len(unknown) == 1 else 'rows'} with an unknown `{KEY}`",
            where=f"{where}, row {unknown[0] + 2}",
            expected="a key as it was written: of a row that the source still holds as it was",
            todo="Take the row out: its source has changed since. Fix it there, or in a rejected.csv of a newer run.",
        )
    seen: dict[int, int] = {}
    for i, row in enumerate(rows):
        at = places[row[KEY].strip()]
        if at in seen:
            raise DataError(
                f"Two rows have one `{KEY}`",
                where=f"{where}, rows {seen[at] + 2} and {i + 2}",
                todo="Keep the one that is right.",
            )
        seen[at] = i
        _take(row, at, raw, names, edits, f"{where}, row {i + 2}")


def _check_columns(given: Sequence[str], names: Sequence[str], where: str) -> None:
    lacking = [name for name in (KEY, *names) if name not in given]
    if lacking:
        raise DataError(
            f"A table of fixes lacks the column {lacking[0]!r}"
            + (f" and {len(lacking) - 1} more" if lacking[1:] else ""),
            where=where,
            got=", ".join(map(repr, given[:12])),
            expected="all columns of the rejected.csv that it was made from",
            todo="Edit cells, and leave the columns as they are.",
        )
    extra = [name for name in given if name not in names and name not in FACTS]
    if extra:
        raise DataError(
            f"A table of fixes has a column that the base lacks: {extra[0]!r}",
            where=where,
            expected=closest(extra[0], list(names)),
            todo="Take it out.",
        )


def _take(row: Mapping[str, str], at: int, raw: pa.Table, names: Sequence[str], edits: _Edits, where: str) -> None:
    said = row.get(DROP, "").strip().casefold()
    if said not in _YES | _NO:
        raise DataError(
            f"`{DROP}` is neither yes nor no", where=where, expected="yes to drop the row for good, or nothing"
        )
    if said in _YES:
        edits.dropped.add(at)
        return
    cells = {name: unguarded(row[name]) for name in names}
    if not any(text.strip() for text in cells.values()):
        raise DataError("A row of fixes is empty", where=where, todo=f"To drop it for good, write yes under `{DROP}`.")
    shown = {name: edits.cells.get(name, {}).get(at, cell_text(raw[name][at].as_py())) for name in names}
    changed = {name: text for name, text in cells.items() if text.strip() != shown[name].strip()}
    wrong = row.get(COLUMN, "").strip()
    if changed and wrong in shown and wrong not in changed and not edits.cells.get(wrong, {}).get(at):
        raise DataError(
            f"A row was edited by half: the cell that it was rejected for, in {wrong!r}, is as it was",
            where=where,
            got=f"changes in {', '.join(map(repr, list(changed)[:8]))}",
            todo=f"Correct that cell as well, undo the changes, or write yes under `{DROP}`.",
        )
    edits.dropped.discard(at)
    for name, text in changed.items():
        edits.cells.setdefault(name, {})[at] = text


def _replaced(column: pa.ChunkedArray, cells: Mapping[int, str], name: str, source: str) -> pa.Array:
    values = plain_chunks(column).combine_chunks()
    texts = pa.array([text if pa.types.is_string(values.type) else text.strip() or None for text in cells.values()])
    try:
        new = texts.cast(pa.string()).cast(values.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"A corrected cell does not fit the column {name!r}",
            where=source,
            got="a text that is no " + str(values.type),
            expected=f"a value of the type that the source has: {values.type}",
            todo="Correct the cell in the table of fixes.",
        ) from error
    at = np.arange(len(values))
    at[list(cells)] = len(values) + np.arange(len(cells))
    return pa.concat_arrays([values, new]).take(pa.array(at))
