"""Tables larger than memory on their way into the store: written row block by row block, hashed as they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa

from penstock.casting import canonical_array
from penstock.errors import DataError
from penstock.progress import note
from penstock.receipts import FrameRef
from penstock.store.arrow import ArrowFile, block_rows
from penstock.store.objects import Store
from penstock.store.writing import writing

Mixed = Literal["refuse", "text"]


class Spool:
    """One table that is written while it is read; nothing is in the store before `finish`.

    Where the tables that are added differ in their columns, what one lacks is missing there; where they differ in a
    column's type, it is promoted at the end. The digest hangs on the rows alone, not on the pieces that they came in.

    Parameters
    ----------
    store : Store
        Where the table goes.
    mixed : {"refuse", "text"}
        What becomes of a column whose types do not go together.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> with Spool(Store(tempfile.mkdtemp())) as spool:
    ...     spool.add(pa.table({"a": ["1"]}))
    ...     spool.add(pa.table({"a": ["2"]}))
    ...     spool.finish().n_rows
    2
    """

    def __init__(self, store: Store, mixed: Mixed = "refuse") -> None:
        self._store = store
        self._mixed = mixed
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(store.incoming())
        self._segments: list[_Segment] = []
        self.n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._stack:
            for segment in self._segments:
                segment.drop()

    def add(self, table: pa.Table) -> None:
        """Write some more rows.

        Raises
        ------
        StoreError
            The store cannot be written.
        """
        table = table.replace_schema_metadata(None)
        with writing(self._store.root):
            self._segment(table.schema).add(table)
        self.n_rows += table.num_rows
        note(self.n_rows, None, "rows")

    def finish(self) -> FrameRef:
        """Put the table into the store.

        Raises
        ------
        DataError
            The types of a column do not go together.
        StoreError
            The store cannot be written.
        """
        if not self._segments:
            raise ValueError("nothing was added to the spool")
        with writing(self._store.root):
            self._segments[-1].close()
            if len(self._segments) > 1:
                self._unite()
        only = self._segments[-1]
        return self._store.take_table(only.path, only.digest, self.n_rows, only.schema.names)

    def _segment(self, schema: pa.Schema) -> _Segment:
        """Return what rows of a schema are to be added to."""
        last = self._segments[-1] if self._segments else None
        if last is not None and last.schema.equals(schema):
            return last
        if last is not None:
            last.close()
        self._segments.append(self._new(f"{len(self._segments)}.arrow", schema))
        return self._segments[-1]

    def _new(self, name: str, schema: pa.Schema) -> _Segment:
        return _Segment(self._folder / name, schema, self._store.durable)

    def _unite(self) -> None:
        """Write all segments anew as one, with types that hold the values of all."""
        schema = _promoted(self._segments, self._mixed)
        whole = self._new("whole.arrow", schema)
        parts, self._segments = self._segments, [*self._segments, whole]
        for part in parts:
            for table in part.tables():
                whole.add(_cast(table, schema))
        whole.close()


class _Segment:
    """Rows of one schema, cut into blocks whose bounds do not depend on how the rows arrived."""

    def __init__(self, path: Path, schema: pa.Schema, durable: bool) -> None:
        self.path = path
        self.schema = schema
        self.digest = ""
        self.valued: set[str] = set()
        self._file: ArrowFile | None = ArrowFile(path, schema, durable)
        self._rows = block_rows(schema)
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0

    def add(self, table: pa.Table) -> None:
        if len(self.valued) < len(self.schema):
            self.valued |= {n for n, c in zip(table.column_names, table.columns, strict=True) if c.null_count < len(c)}
        self._waiting.append(table)
        self._n_waiting += table.num_rows
        if self._n_waiting >= self._rows:
            whole = pa.concat_tables(self._waiting)
            cut = whole.num_rows - whole.num_rows % self._rows
            self._write(whole.slice(0, cut))
            rest = whole.slice(cut)
            self._waiting, self._n_waiting = [rest], rest.num_rows

    def close(self) -> None:
        """Write what is waiting, and finish the file."""
        if self._file is None:
            return
        if self._n_waiting:
            self._write(pa.concat_tables(self._waiting))
        self._waiting, file = [], self._file
        self._file = None
        self.digest = file.close()

    def drop(self) -> None:
        """End the writing of a file that nobody wants any more."""
        if self._file is not None:
            self._file.abandon()

    def tables(self) -> Iterator[pa.Table]:
        """Give the blocks back, memory-mapped."""
        with pa.memory_map(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            for i in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(i)])

    def _write(self, table: pa.Table) -> None:
        if self._file is None:
            raise ValueError("the segment is closed")
        for start in range(0, table.num_rows, self._rows):
            self._file.write(table.slice(start, self._rows))


def _promoted(segments: Sequence[_Segment], mixed: Mixed) -> pa.Schema:
    """Return the schema whose types hold the values of all."""
    fields = []
    for name in dict.fromkeys(name for segment in segments for name in segment.schema.names):
        there = [segment for segment in segments if name in segment.schema.names]
        # Where a column has no value, its type says nothing.
        telling = [segment for segment in there if name in segment.valued] or there
        kinds = list(dict.fromkeys(segment.schema.field(name).type for segment in telling))
        try:
            fields.append(_field(name, kinds))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            if mixed == "refuse":
                raise _unlike(name, kinds) from None
            fields.append(pa.field(name, pa.string()))
    return pa.schema(fields)


def _field(name: str, kinds: Sequence[pa.DataType]) -> pa.Field:
    return pa.unify_schemas([pa.schema([(name, kind)]) for kind in kinds], promote_options="permissive").field(0)


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    there = set(table.column_names)
    columns = [_cast_column(table[f.name], f) if f.name in there else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _cast_column(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type.equals(field.type):
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), field.type)])
    if pa.types.is_string(field.type):
        # As a CSV would have had it: 1, not 1.0.
        return pa.chunked_array([canonical_array(chunk) for chunk in column.chunks], field.type)
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid:
        raise _unlike(field.name, [column.type, field.type]) from None


def _unlike(name: str, kinds: Sequence[pa.DataType]) -> DataError:
    return DataError(
        f"Column {name!r} has types that do not go together",
        got=", ".join(map(str, kinds)),
        expected="one type in all parts of the source",
        todo="Correct them at the source, or give the parts as sources of their own.",
    )
