"""The columns of sources: names that can be told apart, and several files with the same ones stacked."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from penstock.errors import SourceError


def stack(tables: Sequence[pa.Table], places: Sequence[str]) -> pa.Table:
    """Return the rows of several tables with the same columns; the first one's order of columns holds.

    Raises
    ------
    SourceError
        Their columns differ; the error shows how.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    names = first.column_names
    for table, place in zip(tables[1:], places[1:], strict=True):
        lacking = [n for n in names if n not in set(table.column_names)]
        more = [n for n in table.column_names if n not in set(names)]
        if lacking or more:
            raise SourceError(
                "Files to be stacked have different columns",
                where=place,
                got="; ".join(
                    words
                    for words in (
                        f"lacks {_listed(lacking)}" if lacking else "",
                        f"has {_listed(more)} beside" if more else "",
                    )
                    if words
                ),
                expected=f"the columns of {places[0]}",
                todo="Make their columns the same, or give them as sources of their own and join them.",
            )
    try:
        return pa.concat_tables([first, *(t.select(names) for t in tables[1:])], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SourceError(
            "Files to be stacked have columns of different types", where=" ".join(places), got=str(error)
        ) from error


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check_names(names: Sequence[str], where: str) -> None:
    """Check that every column has a name of its own.

    Raises
    ------
    SourceError
        A name is blank or stands twice.
    """
    blank = [i + 1 for i, n in enumerate(names) if not n.strip()]
    if blank:
        raise SourceError(
            f"Column {blank[0]} has no name",
            where=where,
            got=f"{len(blank)} of {len(names)} names are blank",
            todo="Name it at the source, or give all names with `names`.",
        )
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    twice = [n for n, count in seen.items() if count > 1]
    if twice:
        raise SourceError(
            f"Two columns are named {twice[0]!r}",
            where=where,
            got=f"names that stand more than once: {_listed(twice)}",
            todo="Rename them at the source, or give all names with `names`.",
        )
