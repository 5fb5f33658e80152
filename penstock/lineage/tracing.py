"""Trace a row of a run, or some of its cells, from the source to what the model was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.errors import DataError
from penstock.fixes import as_they_came, cell_text
from penstock.lineage.finding import Stem
from penstock.lineage.reading import how_read
from penstock.lineage.replay import Replayed, replay
from penstock.lineage.trace import PRIVATE, CellTrace, Trace, shown
from penstock.receipts import Snapshot
from penstock.slices import Join
from penstock.sources.origins import Origin, origins_of
from penstock.split import SplitRule, sides
from penstock.steps.base import Known
from penstock.steps.hidden import hidden_columns
from penstock.steps.plan import Plan
from penstock.steps.relations.assemble import Assembled, assemble
from penstock.steps.relations.keys import keys_of
from penstock.steps.relations.lookup import column_name
from penstock.steps.relations.source import SourceTable, read_table
from penstock.store import Store
from penstock.table import Column, TableSchema, closest
from penstock.target import encode_target


class Tracer:
    """A run, read once, to trace its rows.

    Parameters
    ----------
    stem : Stem
        The run's receipts.
    store : Store
        Where its tables lie.
    private : bool
        Whether values of private columns are told.
    """

    def __init__(self, stem: Stem, store: Store, *, private: bool = False) -> None:
        self._stem = stem
        self._store = store
        self._private = private
        tables = {table.name: read_table(table, store) for table in stem.arrays.tables}
        plan: dict[str, Any] = _json(store.read_bytes(stem.wrangled.plan))
        self._joins = [Join.model_validate(join) for join in plan["joins"]]
        self._rule = SplitRule.model_validate(plan["split"])
        self._plan = Plan.model_validate({"steps": plan["steps"]})
        self._base: SourceTable = tables.pop(stem.arrays.tables[0].name)
        self._others = tables
        self._whole: Assembled = assemble(self._base, tables, self._joins)
        self._schema = TableSchema.model_validate_json(store.read_bytes(stem.wrangled.table_schema))

    @property
    def n_rows(self) -> int:
        """How many rows the base has."""
        return int(self._base.raw.num_rows)

    def row_at(self, line: int) -> int:
        """Return the row that stands on a line of the base's file, as `rejected.csv` counts them.

        Raises
        ------
        DataError
            No row begins there.
        """
        rows = list(range(self.n_rows))
        lines = [origin.place for origin in self._origins(self._base.name, self._came(np.array(rows)).tolist())]
        if line not in lines:
            raise DataError(f"No row of {self._base.name!r} begins on line {line:,}", expected=f"up to {max(lines):,}")
        return lines.index(line)

    def trace(self, row: int, column: str | None = None) -> Trace:
        """Return the way of a row.

        Parameters
        ----------
        row : int
            Its position in the base, from 0.
        column : str, optional
            The one column that is asked for: of the base, of a joined table, or made by a step.

        Raises
        ------
        DataError
            There is no such row or column.
        """
        if not 0 <= row < self.n_rows:
            raise DataError(f"There is no row {row:,} in {self._base.name!r}", expected=f"0 to {self.n_rows - 1:,}")
        (origin,) = self._origins(self._base.name, self._came(np.array([row])).tolist())
        rejected, flagged = self._objections(row)
        replayed = Replayed() if rejected else self._replayed(row)
        cells = [self._cell(c, row, origin, replayed) for c in self._whole.table_schema.columns]
        made = [self._made(name, replayed) for name in replayed.added if name not in self._whole.table_schema.names]
        known = [cell.column for cell in (*cells, *made)]
        if column is not None and column not in known:
            raise DataError(f"There is no column {column!r}", where=self._stem.called, expected=closest(column, known))
        return Trace(
            row=row,
            table=self._base.name,
            file=origin.file,
            line=origin.line,
            side=self._side(row),
            target=self._target(row),
            rejected=rejected,
            flagged=flagged,
            cells=tuple(cell for cell in (*cells, *made) if column in (None, cell.column)),
        )

    def _came(self, rows: np.ndarray) -> np.ndarray:
        fixed = self._stem.arrays.tables[0].fixed
        return as_they_came(fixed.dropped if fixed else (), self._stem.collected.snapshots[0].n_rows, rows)

    def _origins(self, table: str, rows: Sequence[int]) -> list[Origin]:
        snapshot = next(s for s in self._stem.collected.snapshots if s.name == table)
        source = next((s for s in self._stem.sources if s.name == table), None)
        if source is None:
            return [Origin(snapshot.uri, None, row + 1) for row in rows]
        return origins_of(source, snapshot, rows, self._store)

    def _original(self) -> pa.Table:
        fixed = self._stem.arrays.tables[0].fixed
        return self._base.raw if fixed is None else self._store.read_table(fixed.original)

    def _side(self, row: int) -> Any:
        raw = self._base.raw if self._rule.by == "group" else self._original()
        return str(sides(raw.slice(row, 1), self._rule, self._base.table_schema)[0])

    def _objections(self, row: int) -> tuple[str, str]:
        rejected = self._store.read_table(self._stem.wrangled.rejected).select(["row", "reason"]).to_pylist()
        why = next((str(entry["reason"]) for entry in rejected if entry["row"] == row), "")
        if why:
            return why, ""
        table = self._store.read_table(self._stem.wrangled.sides).select(["row", "reason"])
        at = np.flatnonzero(table["row"].to_numpy() == row)
        return "", str(table["reason"][int(at[0])].as_py() or "") if len(at) else ""

    def _replayed(self, row: int) -> Replayed:
        table = self._store.read_table(self._stem.wrangled.sides)
        train = np.asarray(table["side"].to_numpy(zero_copy_only=False) == "train")
        target = self._schema.target
        known = Known(table["target"].to_numpy()[train], len(target.labels) if target else 0)
        cut = self._store.read_frame(self._stem.wrangled.cut)[train]
        features = self._whole.features.iloc[[row]].reset_index(drop=True)
        return replay(self._plan, features, cut.reset_index(drop=True), known)

    def _target(self, row: int) -> str | None:
        target = self._schema.target
        if target is None:
            return None
        if self._is_hidden(target.name):
            return PRIVATE
        (value,) = encode_target(target, self._base.raw[target.name].slice(row, 1))
        if target.is_classification:
            return target.labels[int(value)] if value >= 0 else None
        return shown(float(value))

    def _cell(self, column: Column, row: int, origin: Origin, replayed: Replayed) -> CellTrace:
        name = column.name
        value = self._whole.whole[name][row].as_py() if name in self._whole.whole.column_names else None
        typed = self._whole.features[name].iloc[row] if name in self._whole.features.columns else None
        about: dict[str, Any] = {"column": name, "file": origin.file, "line": origin.line, "raw": _raw(value)}
        about |= {"read": self._read(column, value), "typed": shown(typed)}
        if column.table:
            about |= self._looked_up(column, row)
        elif (original := self._original()) is not self._base.raw and name in original.column_names:
            came = _raw(original[name][row].as_py())
            about |= {"came": came, "corrected": came != about["raw"]} if came != about["raw"] else {}
        about |= _after(name, replayed)
        private = column.private or column.name in hidden_columns(self._plan, self._schema)
        return self._masked(CellTrace(**about, private=private))

    def _made(self, name: str, replayed: Replayed) -> CellTrace:
        # An encoding of a column is named after it; what a step makes of one may be called anything.
        after = any(c.private and name.startswith(c.name) for c in self._whole.table_schema.columns)
        private = after or name in hidden_columns(self._plan, self._schema)
        return self._masked(CellTrace(column=name, private=private, **_after(name, replayed)))

    def _read(self, column: Column, value: object) -> str:
        if column.role in ("feature", "time", "group"):
            return how_read(column, value)
        told = {
            "target": "what is predicted",
            "id": "left out: it identifies rows",
            "weight": "left out: it says how much the row counts",
        }
        return told.get(column.role, f"left out: {column.role.replace('_', ' ')}")

    def _looked_up(self, column: Column, row: int) -> dict[str, Any]:
        lookup = next(known for known in self._whole.lookups.values() if column.name in known.columns)
        join, other = lookup.join, self._others.get(lookup.join.table, self._base)
        asked = keys_of(self._whole.whole.slice(row, 1), tuple(join.on))[0].as_py()
        hidden = any(self._is_hidden(name) for name in join.on)
        values = {name: cell_text(self._whole.whole[name][row].as_py()) for name in join.on}
        told = ", ".join(f"{theirs} = {PRIVATE if hidden else values[ours]}" for ours, theirs in join.on.items())
        keys = keys_of(other.raw, tuple(join.on.values())).to_pylist() if asked is not None else []
        found = [i for i, key in enumerate(keys) if key == asked]
        about: dict[str, Any] = {"table": join.table, "key": told if found else f"{told} (none found)"}
        about |= {"file": self._snapshot(join.table).uri, "line": None}
        if len(found) == 1 and lookup.record.kind == "keyed" and not lookup.record.made:
            (place,) = self._origins(join.table, found)
            about |= {"file": place.file, "line": place.line}
            own = next((n for n in other.raw.column_names if column_name(join.table, n) == column.name), None)
            if own is not None:
                about["raw"] = _raw(other.raw[own][found[0]].as_py())
        return about

    def _snapshot(self, name: str) -> Snapshot:
        return next(s for s in self._stem.collected.snapshots if s.name == name)

    def _is_hidden(self, name: str) -> bool:
        return not self._private and any(c.private for c in self._whole.table_schema.columns if c.name == name)

    def _masked(self, cell: CellTrace) -> CellTrace:
        if self._private or not cell.private:
            return cell
        values = {key: PRIVATE for key in ("raw", "came", "typed", "cut", "final") if getattr(cell, key) is not None}
        changes = tuple(c.model_copy(update={"before": PRIVATE, "after": PRIVATE}) for c in cell.changes)
        return cell.model_copy(update={**values, "read": "", "changes": changes})


def _after(name: str, replayed: Replayed) -> Mapping[str, Any]:
    return {
        "changes": tuple(replayed.changes.get(name, ())),
        "cut": shown(replayed.cut.get(name)),
        "final": shown(replayed.final.get(name)),
        "added": replayed.added.get(name, ""),
        "gone": replayed.gone.get(name, ""),
    }


def _raw(value: object) -> str | None:
    return None if value is None else cell_text(value)


def _json(data: bytes) -> Any:
    import json

    return json.loads(data)
