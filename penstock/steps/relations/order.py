"""In which order tables are joined: what another join needs comes before it, whatever the spec's order is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.errors import SpecError
from penstock.expressions.language import NotAnExpression, columns_of, parse
from penstock.slices import Join
from penstock.steps.relations.lookup import column_name
from penstock.table import closest


def ordered(joins: Sequence[Join], base: str, columns: Mapping[str, Sequence[str]]) -> tuple[Join, ...]:
    """Return the joins in an order in which each finds what it needs; `into` is empty where it is the base.

    Parameters
    ----------
    joins : sequence of Join
        As the spec has them. Where nothing else decides, their order is kept.
    base : str
        The table whose rows are predicted.
    columns : mapping of str to sequence of str
        The columns of every source by its name.

    Raises
    ------
    SpecError
        A table is no source, joins wait for each other, or one leads nowhere.

    Examples
    --------
    >>> tables = {"lines": ["track"], "tracks": ["track", "genre"], "genres": ["genre"]}
    >>> joins = [Join(table="tracks", on="track"), Join(table="genres", on="genre", into="tracks")]
    >>> [join.table for join in ordered(joins, "lines", tables)]
    ['genres', 'tracks']
    """
    plain = [join.model_copy(update={"into": ""}) if join.into == base else join for join in joins]
    for join in plain:
        _require_tables(join, base, plain, tuple(columns))
    waits = [_waits_for(i, plain, base, columns) for i in range(len(plain))]
    done: list[int] = []
    while len(done) < len(plain):
        ready = next((i for i in range(len(plain)) if i not in done and waits[i] <= set(done)), None)
        if ready is None:
            raise _cycle(plain, waits, set(done))
        done.append(ready)
    return tuple(plain[i] for i in done)


def _require_tables(join: Join, base: str, joins: Sequence[Join], sources: Sequence[str]) -> None:
    for name in (join.table, join.into or base):
        if name not in sources:
            raise SpecError(
                f"There is no source {name!r} to join", where="joins", expected=closest(name, list(sources))
            )
    if not join.into:
        return
    where = f"joins, {join.table!r} into {join.into!r}"
    if join.into == join.table:
        raise SpecError(f"The table {join.table!r} would be joined into itself", where=where)
    if all(other.table != join.into for other in joins):
        raise SpecError(
            f"The table {join.into!r} gets values of {join.table!r}, and nothing takes them from there",
            where=where,
            todo=f"Join it, too: joins: [{{table: {join.into}, on: COLUMN}}]",
        )
    if join.serve == "request":
        raise SpecError(
            f"The values of {join.table!r} travel within {join.into!r}, and no caller can send them",
            where=where,
            todo=f"Leave `serve` out here; the join of {join.into!r} says how its values come.",
        )


def _waits_for(i: int, joins: Sequence[Join], base: str, columns: Mapping[str, Sequence[str]]) -> set[int]:
    join = joins[i]
    before = {k for k, other in enumerate(joins) if other.into == join.table and join.table != base}
    own = set(columns[join.into or base])
    for name in (*join.on, *(join.as_of or ())):
        if name not in own:
            # The longest name that fits: tables may be called like the beginning of others.
            makers = [
                (len(other.table), k)
                for k, other in enumerate(joins)
                if k != i and other.into == join.into and name.startswith(column_name(other.table, ""))
            ]
            before |= {max(makers)[1]} if makers else set()
    return before


def _cycle(joins: Sequence[Join], waits: Sequence[set[int]], done: set[int]) -> SpecError:
    # From any join that waits one comes to the ring by following what it waits for.
    path = [next(i for i in range(len(joins)) if i not in done)]
    while path[-1] not in path[:-1]:
        path.append(min(waits[path[-1]] - done))
    ring = path[path.index(path[-1]) :]
    return SpecError(
        "Joins wait for each other",
        where="joins",
        got=" waits for ".join(repr(joins[i].table) for i in ring),
        expected="tables that can be joined one after the other",
        todo="Take one of these joins out, or join its table to the base.",
    )


def named_in(condition: str) -> tuple[str, ...]:
    """Return the columns that a condition names; none where it cannot be read, which is told where it is asked."""
    try:
        return columns_of(parse(condition)) if condition else ()
    except NotAnExpression:
        return ()


def mentioned(joins: Sequence[Join]) -> frozenset[str]:
    """Return every column name that joins use, of whatever table."""
    names: set[str] = set()
    for join in joins:
        names |= {*join.on, *join.on.values(), *(join.as_of or {}), *(join.as_of or {}).values()}
        for made in (join.aggregate or {}).values():
            names |= {*named_in(made.where), *([made.of] if made.of else [])}
        if join.pivot is not None:
            names |= {join.pivot.by, join.pivot.of or join.pivot.by}
    return frozenset(names)
