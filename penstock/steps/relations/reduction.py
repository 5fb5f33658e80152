"""Many rows of a table made one: which columns a join makes of them, and the values that are kept to make them of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.blocks import Blocks
from penstock.errors import SpecError
from penstock.expressions.compiled import compile_condition
from penstock.expressions.language import NotAnExpression
from penstock.slices import Join
from penstock.steps.relations.coded import Coded, level_texts, stored
from penstock.steps.relations.keys import keys_of
from penstock.steps.relations.lookup import Made, column_name
from penstock.steps.relations.ranges import Ranges
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.window import storage_of
from penstock.table import NUMERIC, Column

LONGEST_LEVEL = 60
_OF_NUMBERS: frozenset[str] = frozenset({"sum", "mean", "std"})


def made_of(join: Join, other: SourceTable) -> tuple[Made, ...]:
    """Return the columns that a join makes of many rows of its table.

    Raises
    ------
    SpecError
        An aggregate names a column that is not there or cannot be summed, a `where` does not fit the columns, or two
        columns would have one name.
    """
    where = f"joins, {join.table!r}"
    made = [
        Made(name=name, take=a.take, of=a.of, where=a.where, window=join.within if a.window is None else a.window)
        for name, a in (join.aggregate or {}).items()
    ]
    made += _pivoted(join, other, where)
    taken = [*join.on.values(), *(join.as_of or {}).values()]
    for each in made:
        if each.name in taken:
            raise SpecError(
                f"The join of {join.table!r} would make a second column {each.name!r}",
                where=where,
                todo="Give the aggregate another name.",
            )
        taken.append(each.name)
        _check(each, other, where)
    return tuple(made)


def _pivoted(join: Join, other: SourceTable, where: str) -> list[Made]:
    pivot = join.pivot
    if pivot is None:
        return []
    if other.column(pivot.by, where).private:
        raise SpecError(
            f"The levels of {pivot.by!r} are private, and a pivot would make them names of columns",
            where=where,
            todo="Pivot by another column, or count with `aggregate` and `where`.",
        )
    found = pc.value_counts(level_texts(other.frame([pivot.by])[pivot.by]).drop_null())
    counts = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    levels = sorted(counts, key=lambda level: (-level[1], level[0]))[: pivot.most]
    made: list[Made] = []
    for level, _ in levels:
        name = f"{pivot.by}_{level[:LONGEST_LEVEL]}"
        same = sum(m.name == name or m.name.startswith(f"{name}~") for m in made)
        name = f"{name}~{same + 1}" if same else name
        made.append(Made(name=name, take=pivot.take, of=pivot.of, window=join.within, by=pivot.by, level=level))
    return made


def _check(made: Made, other: SourceTable, where: str) -> None:
    if made.of is not None:
        column = other.column(made.of, where)
        if made.take in _OF_NUMBERS and column.kind not in NUMERIC:
            raise SpecError(
                f"There is no {made.take} of the column {made.of!r} of {other.name!r}",
                where=where,
                got=f"kind {column.kind}",
                expected="a column of numbers",
                todo="Take count, distinct, min, max, first or last of it, or declare its kind under `columns`.",
            )
    if made.where:
        _condition(made.where, other, where)


def _condition(text: str, other: SourceTable, where: str) -> tuple[str, ...]:
    kinds = {c.name: c.kind for c in other.table_schema.columns if c.name in set(other.raw.column_names)}
    try:
        return compile_condition(text, kinds).columns
    except NotAnExpression as error:
        raise SpecError(
            f"The condition {text!r} does not fit the columns of {other.name!r}",
            where=where,
            got=str(error),
            todo="Correct `where`, or the columns' kinds in `columns`.",
        ) from None


def column_of(made: Made, other: SourceTable, join: Join) -> Column:
    """Return how a column that is made of many rows reads beside those of the base."""
    source = other.column(made.of, join.table) if made.of is not None else None
    used = [name for name in (made.of, made.by) if name is not None]
    private = any(other.column(name, join.table).private for name in used)
    said = f"{made.take} of {made.of}" if made.of is not None else "number"
    rows = f"rows of {join.table!r}" + (f" with {made.by} = {made.level!r}" if made.by else "")
    told = {
        "name": column_name(join.table, made.name),
        "table": join.table,
        "serve": join.serve,
        "private": private,
        "evidence": f"{said} over {rows}" if made.of is not None else f"{said} of {rows}",
    }
    if made.take in ("count", "distinct") or source is None:
        return Column.model_validate({"kind": "integer", **told})
    if made.take in _OF_NUMBERS:
        return Column.model_validate({"kind": "float", "unit": source.unit, **told})
    kept = {"unit": source.unit, "missing": source.missing}
    words = {"true_words": source.true_words, "false_words": source.false_words}
    return Column.model_validate({"kind": source.kind, **kept, **words, **told})


def values_of(made: Sequence[Made], other: SourceTable) -> dict[str, pa.Array]:
    """Return what the columns are made of, by the name under which it is stored; null where a row does not count."""
    first = {m.name: m for m in made}
    return {name: _values(first[name], other) for name in dict.fromkeys(storage_of(tuple(made)).values())}


def _values(made: Made, other: SourceTable) -> pa.Array:
    counts = None
    if made.where:
        named = _condition(made.where, other, made.name)
        blocks = Blocks.of(other.frame(named))
        counts = compile_condition(made.where, {c.name: c.kind for c in other.table_schema.columns}).mask(blocks)
    if made.by is not None:
        texts = level_texts(other.frame([made.by])[made.by])
        of_level = np.asarray(pc.fill_null(pc.equal(texts, made.level), False))
        counts = of_level if counts is None else counts & of_level
    if made.of is not None:
        return stored(other.frame([made.of])[made.of], other.column(made.of, made.name).kind, counts)
    n_rows = other.raw.num_rows
    return pa.array(np.ones(n_rows, dtype=bool), mask=None if counts is None else ~counts)


def reduced(join: Join, made: Sequence[Made], other: SourceTable) -> pa.Table:
    """Return one row a key: its columns as the first row of the key has them, and what all its rows amount to."""
    on = list(join.on.values())
    keys = keys_of(other.raw, on)
    kept = np.flatnonzero(np.asarray(keys.is_valid()))
    encoded = keys.take(pa.array(kept)).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1)).astype(np.int64)
    rows = pa.array(kept[order])
    columns = {name: other.raw[name].combine_chunks().take(pa.array(kept[order][starts[:-1]])) for name in on}
    storage, values = storage_of(tuple(made)), values_of(made, other)
    coded = {name: Coded.of(array.take(rows)) for name, array in values.items()}
    ranges = {name: Ranges(each.values, starts) for name, each in coded.items()}
    for each in made:
        name = storage[each.name]
        columns[each.name] = coded[name].back(each.take, ranges[name].over(each.take, starts[:-1], starts[1:]))
    return pa.table(columns)
