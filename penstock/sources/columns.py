"""The columns of sources: names that can be told apart, and several files with the same ones stacked."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from penstock.errors import AmbiguousNames, SourceError


class Alignment:
    """Tables that are to be stacked: the columns of the first hold, in its order."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        self._first = ""

    def __call__(self, table: pa.Table, place: str) -> pa.Table:
        """Return a table's columns in the order of the first one.

        Raises
        ------
        SourceError
            Its columns are others; the error shows how.
        """
        if self._names is None:
            self._names, self._first = table.column_names, place
        if table.column_names == self._names:
            return table
        lacking = [n for n in self._names if n not in set(table.column_names)]
        more = [n for n in table.column_names if n not in set(self._names)]
        if lacking or more:
            words = [f"lacks {_listed(lacking)}" if lacking else "", f"has {_listed(more)} beside" if more else ""]
            raise SourceError(
                "Files to be stacked have different columns",
                where=place,
                got="; ".join(w for w in words if w),
                expected=f"the columns of {self._first}",
                todo="Choose some by `member` or a pattern, or give them as sources of their own and join them.",
            )
        return table.select(self._names)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check_names(names: Sequence[str], where: str) -> None:
    """Check that every column has a name of its own.

    Raises
    ------
    AmbiguousNames
        A name is blank or stands twice.
    """
    blank = [i + 1 for i, n in enumerate(names) if not n.strip()]
    if blank:
        raise _ambiguous(
            names,
            AmbiguousNames(
                f"Column {blank[0]} has no name",
                where=where,
                got=f"{len(blank)} of {len(names)} names are blank",
                todo="Name it at the source, or give all names with `names`.",
            ),
        )
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    twice = [n for n, count in seen.items() if count > 1]
    if twice:
        raise _ambiguous(
            names,
            AmbiguousNames(
                f"Two columns are named {twice[0]!r}",
                where=where,
                got=f"names that stand more than once: {_listed(twice)}",
                todo="Rename them at the source, or give all names with `names`.",
            ),
        )


def _ambiguous(names: Sequence[str], error: AmbiguousNames) -> AmbiguousNames:
    error.names = tuple(names)
    return error
