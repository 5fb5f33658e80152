"""What a version promises its callers beside answers: the old names it still reads, and what it expects of batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.bundle.observed import warn
from penstock.bundle.predictions import Note
from penstock.bundle.rows import Given, Rows
from penstock.expect.cells import Looked
from penstock.expect.checking import check_batch
from penstock.expect.outcome import Outcome
from penstock.expect.union import Expectation
from penstock.frozen import Frozen
from penstock.steps.relations.keys import is_missing
from penstock.table import TableSchema

# Whose rows they are, in what is told of them.
INPUT = "input"


class Promises(Frozen):
    """`aliases` are, by field, the names that it had before; `expect` is asked of files of rows to be predicted."""

    aliases: dict[str, tuple[str, ...]] = {}
    expect: tuple[Expectation, ...] = ()

    @property
    def old_names(self) -> dict[str, str]:
        """The field that each old name stands for."""
        return {old: name for name, olds in self.aliases.items() for old in olds}

    def renamed(self, given: Given) -> tuple[Given, tuple[Note, ...]]:
        """Return rows with every field under its present name, and a warning for each that came under another.

        A value under the present name goes before one under an old name.
        """
        olds = {old: name for old, name in self.old_names.items() if old in given.columns}
        if not olds:
            return given, ()
        columns, lacking = dict(given.columns), dict(given.lacking)
        notes = []
        for old, name in olds.items():
            values, without = columns.pop(old), lacking.pop(old, None)
            told = warn("renamed_field", old, f"is now called '{name}', and was read as that")
            notes.append(Note(told, _others(given.n_rows, without)))
            if name in columns:
                columns[name] = _first_present(columns[name], values)
                both = np.intersect1d(lacking.pop(name, _none()), without if without is not None else _none())
                lacking |= {name: both} if len(both) else {}
            else:
                columns[name] = values
                lacking |= {} if without is None else {name: without}
        return Given(columns, given.n_rows, lacking), tuple(notes)

    def check(self, given: Given, schema: TableSchema) -> Outcome:
        """Hold rows to be predicted to what is expected of them, every field under its present name.

        Raises
        ------
        SpecError
            An expectation cannot be asked of the schema's columns.
        """
        asked = [c for c in schema.columns if c.role in ("feature", "time", "group", "id") and c.serve == "request"]
        required = [c.name for c in asked if c.role != "id"]
        names = {c.name for c in asked}
        wanted = [e for e in self.expect if set(e.about) <= names]
        if not wanted or not given.n_rows:
            return Outcome()
        columns = {name: _arrow(values) for name, values in given.columns.items() if name in names}
        absent = {name: pa.nulls(given.n_rows, pa.string()) for name in required if name not in columns}
        table = Looked(INPUT, pa.table(columns | absent), schema)
        return check_batch(wanted, table, required)


def _none() -> Rows:
    return np.empty(0, dtype=np.int64)


def _others(n_rows: int, without: Rows | None) -> Rows | None:
    return None if without is None or not len(without) else np.setdiff1d(np.arange(n_rows), without)


def _first_present(first: Sequence[object], then: Sequence[object]) -> Sequence[object]:
    arrow = (pa.Array, pa.ChunkedArray)
    if isinstance(first, arrow) and isinstance(then, arrow) and first.type == then.type:
        joined: Sequence[object] = pc.coalesce(first, then)
        return joined
    left, right = (values.to_pylist() if isinstance(values, arrow) else values for values in (first, then))
    return [r if is_missing(value) else value for value, r in zip(left, right, strict=True)]


def _arrow(values: object) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Of mixed types: as their cells would be written.
        assert isinstance(values, Sequence)
        return pa.array([None if is_missing(value) else str(value) for value in values], pa.string())
