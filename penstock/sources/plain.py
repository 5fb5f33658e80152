"""Arrow's many types, brought down to the few that raw tables have."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def plain_types(table: pa.Table) -> pa.Table:
    """Return a table without metadata whose text is `string` and whose dictionaries are decoded; values stay.

    Examples
    --------
    >>> import pyarrow as pa
    >>> plain_types(pa.table({"a": pa.array(["x"], pa.large_string())})).schema.field("a").type
    DataType(string)
    """
    columns = [_plain(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pc.cast(column, pa.string()) if pa.types.is_time(kind) else column.cast(pa.int64())
    return column
