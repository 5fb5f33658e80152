"""How wide the rows of delimited text are and what their columns are called, judged by the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from penstock.errors import SourceError
from penstock.sources.columns import check_names
from penstock.sources.text.sniff import headerless

Cells = Sequence[str]
# Where fewer of the first rows have as many cells as the header, it is not their header.
_MOST = 0.5


class Shape(NamedTuple):
    """The cells of every row, and which of them are columns; what lies at `unnamed` has to be empty."""

    width: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    unnamed: tuple[int, ...] = ()
    header: bool = True

    def ragged(self, n_cells: int) -> str:
        """Say what is wrong with a row of another width."""
        cells = "1 cell" if n_cells == 1 else f"{n_cells} cells"
        return f"{cells} where the {'header has' if self.header else 'first rows have'} {len(self.names)}"


def shape_of(
    first: Sequence[Cells], names: Sequence[str] | None, where: str, *, header: bool, delimiter: str
) -> tuple[Shape, list[str]]:
    """Return the shape of a table and what there is to remark on it.

    Parameters
    ----------
    first : sequence of sequences of str
        The cells of the first rows, the header being one of them.
    names : sequence of str, optional
        What the columns are to be called.
    where : str
        What errors call the file.
    header : bool
        Whether the first row holds names.
    delimiter : str
        For errors.

    Raises
    ------
    SourceError
        Most rows don't fit, or a column has no name of its own.
    """
    data = first[1:] if header else first
    usual = _usual(data) if data else len(first[0])
    told = _header(list(first[0]), data, usual, where, delimiter) if header else _numbered(data, usual, names, where)
    unnamed = [i for i, name in enumerate(told) if not name.strip() and _empty(data, i, usual)]
    columns = [i for i in range(len(told)) if i not in unnamed]
    chosen = [told[i] for i in columns] if names is None else list(names)
    if len(chosen) != len(columns):
        raise SourceError(
            "There are not as many names as columns",
            where=where,
            got=f"{len(chosen)} names for {len(columns)} columns",
            todo="Give one name for each column.",
        )
    _check_names(chosen, first if header and names is None else [], where)
    remarks = [f"{where}: {_dropped(unnamed)}"] if unnamed else []
    return Shape(len(told), tuple(chosen), tuple(columns), tuple(unnamed), header), remarks


def _check_names(names: Sequence[str], first: Sequence[Cells], where: str) -> None:
    try:
        check_names(names, where)
    except SourceError as error:
        if headerless([list(row) for row in first]):
            error.todo = "The first line looks like data: say `header: false`, or give `names`."
        raise


def _usual(rows: Sequence[Cells]) -> int:
    widths = Counter(len(row) for row in rows)
    # A line of blanks is no row where rows have several cells.
    most = widths.most_common()
    return max(most, key=lambda pair: (pair[1], pair[0]))[0]


def _header(head: list[str], data: Sequence[Cells], usual: int, where: str, delimiter: str) -> list[str]:
    """Return the names of all cells of a row, blank for one that the header lacks and that rows leave empty."""
    n = len(head)
    if not data or usual == n:
        return head
    if usual == n + 1 and _empty(data, n, usual):
        return [*head, ""]
    if usual == n - 1 and not head[-1].strip():
        return head[:-1]
    fitting = sum(len(row) == n for row in data)
    if fitting < _MOST * len(data):
        raise _misfit(n, data, usual, where, delimiter)
    return head


def _misfit(n: int, data: Sequence[Cells], usual: int, where: str, delimiter: str) -> SourceError:
    if n == 1:
        todo = "If it begins with a title, say how many lines to `skip`; else give the `delimiter`."
    elif usual == n + 1:
        todo = "If rows begin with a name of their own, give all names with `names`; else correct the header."
    else:
        todo = "Give the `delimiter`, say how many lines to `skip`, or `header: false` if there is none."
    share = sum(len(row) == usual for row in data)
    return SourceError(
        "Most rows do not fit the header",
        where=where,
        got=f"{usual} cells in {share:,} of the first {len(data):,} rows, divided by {delimiter!r}",
        expected=f"{n} cells, as the header has",
        todo=todo,
    )


def _numbered(data: Sequence[Cells], usual: int, names: Sequence[str] | None, where: str) -> list[str]:
    """Return numbered names for all cells of a row, a blank one for a last cell that is always empty."""
    fitting = sum(len(row) == usual for row in data)
    if fitting < _MOST * len(data):
        raise SourceError(
            "Rows have different numbers of cells",
            where=where,
            got=f"{usual} cells in {fitting:,} of the first {len(data):,} rows",
            todo="Give the `delimiter`, or say how many lines to `skip`.",
        )
    ends_empty = usual > 1 and _empty(data, usual - 1, usual) and (names is None or len(names) == usual - 1)
    numbered = [f"column_{i}" for i in range(usual)]
    return [*numbered[:-1], ""] if ends_empty else numbered


def _empty(data: Sequence[Cells], column: int, width: int) -> bool:
    told = [row[column] for row in data if len(row) == width and column < width]
    return bool(told) and not any(told)


def _dropped(unnamed: Sequence[int]) -> str:
    which = ", ".join(str(i + 1) for i in unnamed[:5]) + (" and more" if len(unnamed) > 5 else "")
    return f"{'column' if len(unnamed) == 1 else 'columns'} {which} without a name and empty, dropped"
