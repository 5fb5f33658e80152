"""Tables of HTML pages: their cells on a grid, merged ones spread out, header apart from rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from penstock.errors import SourceError
from penstock.sources.web.htmltext import text_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# The HTML standard's own bounds for merged cells.
_MOST_COLSPAN = 1000
_MOST_ROWSPAN = 65534
MOST_COLUMNS = 16_384
_MOST_CELLS = 50_000_000


class Row(NamedTuple):
    """One row on the grid: its line in the file, its cells' texts, and what kind of row it is."""

    line: int
    cells: list[str]
    is_header: bool
    is_one_cell: bool


class _Spread(NamedTuple):
    """A cell that reaches down: how many rows more, its text, and whether it is a heading."""

    rows: int
    text: str
    is_header: bool


def tables_in(root: HtmlElement) -> list[HtmlElement]:
    """Return the tables of a page, nested ones too, in their order."""
    return list(root.iter("table"))


def _own(table: HtmlElement, tag: str) -> Iterator[HtmlElement]:
    """Give the descendants that belong to this table and to no nested one."""
    for element in table.iter(tag):
        if next(element.iterancestors("table"), None) is table:
            yield element


def size_of(table: HtmlElement) -> tuple[int, int]:
    """Return how many rows a table has, and the most cells that stand in one of them."""
    widths = [len(_cells(tr)) for tr in _own(table, "tr")]
    return len(widths), max(widths, default=0)


def _cells(tr: HtmlElement) -> list[HtmlElement]:
    children = list(tr)
    if all(c.tag in ("td", "th") for c in children):
        return children
    # A form may stand between a row and its cells.
    return [c for c in tr.iter("td", "th") if next(c.iterancestors("tr"), None) is tr]


def described(table: HtmlElement, number: int) -> str:
    """Return what an error tells of a table: its number, size, id or class, and caption."""
    n_rows, width = size_of(table)
    marks = f"#{table.get('id')}" if table.get("id") else "".join(f".{c}" for c in (table.get("class") or "").split())
    caption = next((text_of(c) for c in _own(table, "caption")), "")
    return (
        f"{number}: {n_rows} rows x {width} {marks[:40]} {caption[:60]!r}"
        if caption
        else (f"{number}: {n_rows} rows x {width} {marks[:40]}".rstrip())
    )


def rows_of(table: HtmlElement, where: str) -> list[Row]:
    """Return the rows of a table's head and bodies, every merged cell repeated wherever it reaches.

    Raises
    ------
    SourceError
        There are more columns or cells than any table has.
    """
    rows: list[Row] = []
    down: dict[int, _Spread] = {}
    group: HtmlElement | None = None
    n_cells = 0
    for tr in _own(table, "tr"):
        part = next(tr.iterancestors("thead", "tbody", "tfoot", "table"))
        if part.tag == "tfoot":
            continue
        if part is not group:
            # A cell does not reach beyond its group.
            group, down = part, {}
        row, down = _spread_out(tr, down, in_head=part.tag == "thead")
        n_cells += len(row.cells)
        if len(row.cells) > MOST_COLUMNS or n_cells > _MOST_CELLS:
            raise SourceError(
                "The table is larger than any table is",
                where=f"{where}:{row.line}",
                got=f"{len(row.cells):,} columns, {n_cells:,} cells so far",
            )
        if row.cells:
            rows.append(row)
    return rows


def _spread_out(tr: HtmlElement, down: dict[int, _Spread], *, in_head: bool) -> tuple[Row, dict[int, _Spread]]:
    texts: list[str] = []
    headings: list[bool] = []
    below: dict[int, _Spread] = {}

    def put(spread: _Spread) -> None:
        if spread.rows:
            below[len(texts)] = spread._replace(rows=spread.rows - 1)
        texts.append(spread.text)
        headings.append(spread.is_header)

    def from_above() -> None:
        while len(texts) in down:
            put(down[len(texts)])

    own = _cells(tr)
    for cell in own:
        from_above()
        columns, rows = _span(cell, "colspan", _MOST_COLSPAN), _span(cell, "rowspan", _MOST_ROWSPAN)
        # Zero rows mean all that are left of the group.
        reach = (rows or _MOST_ROWSPAN) - 1
        spread = _Spread(reach, text_of(cell), cell.tag == "th")
        for _ in range(columns or 1):
            put(spread)
            if len(texts) > MOST_COLUMNS:
                break
    from_above()
    below.update({at: s._replace(rows=s.rows - 1) for at, s in down.items() if at > len(texts) and s.rows})
    is_header = in_head or (bool(texts) and all(headings))
    is_one_cell = len(own) == 1 and len(texts) > 1 and len(set(texts)) == 1 and not down
    return Row(tr.sourceline or 0, texts, is_header, is_one_cell), below


def _span(cell: HtmlElement, name: str, most: int) -> int:
    given = cell.get(name)
    if given is None:
        return 1
    text = given.strip()
    return min(int(text[:9]), most) if text.isascii() and text.isdigit() else 1


def split_head(rows: Sequence[Row], n_header: int | None) -> tuple[list[Row], list[Row]]:
    """Return the header's rows and the others: as many as are given, or the leading ones of headings only."""
    n = n_header
    if n is None:
        n = next((i for i, row in enumerate(rows) if not row.is_header), len(rows))
    return list(rows[:n]), list(rows[n:])


def names_of(head: Sequence[Row], width: int) -> list[str]:
    """Return one name a column: what stands above it, from the top down, each text once.

    A row that is a single cell across the whole table is its title and no part of any name, unless it stands alone.
    """
    lines = [row for row in head if not (row.is_one_cell and len(row.cells) >= width)] or list(head)
    names: list[str] = []
    for at in range(width):
        texts = [row.cells[at] for row in lines if at < len(row.cells) and row.cells[at]]
        names.append(" ".join(dict.fromkeys(texts)))
    return names
