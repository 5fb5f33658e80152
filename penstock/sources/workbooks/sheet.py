"""The table in a sheet: where its header is, which cells are merged, what stands above and below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from penstock.cells import NotCast, canonical_text
from penstock.errors import SourceError

Row = list[Any]
Merged = list[tuple[tuple[int, int], tuple[int, int]]]

# A header lies within so many rows; what a table's widest rows are is seen there.
_LOOK = 60
_area = re.compile(r"^\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,6}):\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,6})$")


class Area(NamedTuple):
    """A rectangle of cells, counted from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


def area_of(text: str) -> Area:
    """Return the rectangle that `B3:F200` names.

    Raises
    ------
    ValueError
        It names none.

    Examples
    --------
    >>> area_of("B3:D200")
    Area(top=2, left=1, bottom=199, right=3)
    """
    found = _area.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no range of cells, such as B3:F200")
    left, top, right, bottom = found.groups()
    area = Area(int(top) - 1, _letters(left), int(bottom) - 1, _letters(right))
    if area.bottom < area.top or area.right < area.left:
        raise ValueError(f"{text!r} ends before it begins")
    return area


def _letters(text: str) -> int:
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


class Layout(NamedTuple):
    """What was found: the header's names, where data begin, and what is to be told."""

    names: list[str]
    first: int
    remarks: list[str]


def filled(row: Sequence[Any]) -> int:
    """Return how many cells of a row are not empty."""
    return len(row) - row.count("")


def cut(rows: Iterable[Row], area: Area | None, left: int, skip: int) -> Iterator[tuple[int, Row]]:
    """Give the rows of an area with their numbers from 0; `left` is the column that the rows begin at."""
    for number, row in enumerate(rows):
        if number < skip or (area and number < area.top):
            continue
        if area is None:
            yield number, row
            continue
        if number > area.bottom:
            return
        whole = [""] * left + row
        yield number, (whole + [""] * (area.right + 1))[area.left : area.right + 1]


def fill_down(rows: Iterable[tuple[int, Row]], merged: Merged, left: int) -> Iterator[tuple[int, Row]]:
    """Give rows in which every row of a merged block of several rows holds the block's value."""
    covers: dict[int, list[tuple[int, int]]] = {}
    for (top, first), (bottom, _) in merged:
        for number in range(top, bottom + 1) if bottom > top else ():
            covers.setdefault(number, []).append((first - left, top))
    held: dict[tuple[int, int], Any] = {}
    for number, row in rows:
        for column, top in covers.get(number, ()):
            if not 0 <= column < len(row):
                continue
            if number == top:
                held[column, top] = row[column]
            elif row[column] == "" and (column, top) in held:
                row[column] = held[column, top]
        yield number, row


def fill_right(row: Row, number: int, merged: Merged, left: int) -> Row:
    """Return a header row in which every column of a merged block holds the block's value."""
    row = list(row)
    for (top, first), (bottom, last) in merged:
        if top <= number <= bottom and last > first and 0 <= first - left < len(row):
            for column in range(first - left, min(last - left + 1, len(row))):
                row[column] = row[column] if row[column] != "" else row[first - left]
    return row


def find_header(rows: Sequence[tuple[int, Row]]) -> int | None:
    """Return the place of the header among the first rows: the first that is at least half as full as the fullest."""
    most = max((filled(row) for _, row in rows), default=0)
    return next((i for i, (_, row) in enumerate(rows) if 2 * filled(row) >= most > 0), None)


def layout(
    rows: Sequence[tuple[int, Row]], header: int | bool, n_header: int, merged: Merged, left: int, where: str
) -> Layout:
    """Find the header among a sheet's first rows.

    Parameters
    ----------
    rows : sequence of (int, list)
        The first rows, with their numbers from 0.
    header : int or bool
        The number of its row from 1; True finds it, False means that there is none.
    n_header : int
        How many rows it has.
    merged : list
        The sheet's merged blocks.
    left : int
        The sheet's column that the rows begin at.
    where : str
        What errors call the sheet.

    Raises
    ------
    SourceError
        The header's row is not there.
    """
    if header is False:
        first = next((i for i, (_, row) in enumerate(rows) if filled(row)), 0)
        return Layout([], first, [])
    if header is True:
        at = find_header(rows)
    else:
        at = next((i for i, (number, _) in enumerate(rows) if number == header - 1), None)
    if at is None or at + n_header > len(rows):
        raise SourceError(
            "The sheet has no such header row",
            where=where,
            got=f"row {header}" if header is not True else "no row with a cell",
            todo="Correct `header` (a row's number from 1), or say `header: false`.",
        )
    above = [" ".join(_name(c) for c in row if c != "") for _, row in rows[:at] if filled(row)]
    remarks = [f"left out above the header in row {rows[at][0] + 1}: {'; '.join(above)[:200]}"] if above else []
    heads = [row if n_header == 1 else fill_right(row, n, merged, left) for n, row in rows[at : at + n_header]]
    names = [_joined([_name(cell) for cell in cells]) for cells in zip(*heads, strict=True)]
    return Layout(names, at + n_header, remarks)


def _joined(parts: list[str]) -> str:
    told = [p for i, p in enumerate(parts) if p and (i == 0 or p != parts[i - 1])]
    return " / ".join(told)


def _name(cell: Any) -> str:
    try:
        return " ".join(canonical_text(cell).split())
    except NotCast:
        return str(cell)


def look(rows: Iterator[tuple[int, Row]], at_least: int) -> list[tuple[int, Row]]:
    """Return the first rows, as many as a header is looked for in."""
    first: list[tuple[int, Row]] = []
    for one in rows:
        first.append(one)
        if len(first) >= max(_LOOK, at_least):
            break
    return first
