"""Whether a join tells a row what it could not know: its own values, later rows, or facts of the future."""

from __future__ import annotations

from penstock.errors import SpecError
from penstock.slices import Join
from penstock.steps.relations.order import named_in
from penstock.steps.relations.source import SourceTable


def check_base(join: Join, base: SourceTable) -> None:
    """Refuse a look-up in the base itself in which a row could find itself, or the target.

    Raises
    ------
    SpecError
        It has no `as_of`, takes rows as they are, or takes the target.
    """
    if join.table != base.name:
        return
    where = f"joins, {join.table!r} with itself"
    times = [c.name for c in base.table_schema.columns if c.kind == "datetime"]
    if not join.reduces or join.as_of is None:
        raise SpecError(
            f"A row of {base.name!r} that looks up rows of {base.name!r} would find itself and later ones",
            where=where,
            expected="`aggregate` or `pivot`, with `as_of`: then only earlier rows count",
            todo=f"Add a line to the join: as_of: {times[0] if len(times) == 1 else 'COLUMN'}",
        )
    target = base.table_schema.target
    name = target.name if target is not None else None
    used = {made.of for made in (join.aggregate or {}).values()}
    used |= {join.pivot.by, join.pivot.of} if join.pivot is not None else set()
    used |= {name for made in (join.aggregate or {}).values() for name in named_in(made.where)}
    if name is not None and name in used:
        raise SpecError(
            f"An aggregate of {base.name!r} over its own target {name!r} would carry held-out answers into training",
            where=where,
            todo="Use the step `group_stats`, which learns from training rows only: steps: [{kind: group_stats, …}]",
        )
    late = {c.name for c in base.table_schema.columns if c.role == "known_after"} & {u for u in used if u}
    if late and not join.lag:
        raise SpecError(
            f"The column {min(late)!r} is known only after the fact, and earlier rows may not know it yet either",
            where=where,
            todo="Say how long it takes until it is known: lag: 2h",
        )


def check_known_before(join: Join, into: SourceTable, base: SourceTable) -> None:
    """Refuse a key or time of the base that is known only after the fact: no caller could send it.

    Raises
    ------
    SpecError
        There is one.
    """
    if into.name != base.name:
        return
    for name in (*join.on, *(join.as_of or ())):
        if any(c.name == name and c.role in ("known_after", "target") for c in into.table_schema.columns):
            raise SpecError(
                f"The column {name!r} is known only after the fact, and nothing can be looked up by it",
                where=f"joins, {join.table!r}",
                todo="Join by another column.",
            )


def untimed(join: Join, base: SourceTable, other: SourceTable) -> str:
    """Return a warning where rows of any time are made one value, though both sides have times; else nothing."""
    if not join.reduces or join.as_of is not None or join.into:
        return ""
    ours, theirs = (
        [c.name for c in table.table_schema.columns if c.kind == "datetime" and c.table in ("", table.name)]
        for table in (base, other)
    )
    if not ours or not theirs:
        return ""
    pair = ours[0] if ours[0] == theirs[0] else f"{{{ours[0]}: {theirs[0]}}}"
    return (
        f"the join of {join.table!r} takes its rows of any time, later ones than the row's own included: unless all of "
        f"them are known at prediction, add to it: as_of: {pair}"
    )
