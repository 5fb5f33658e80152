"""Tables and repeated elements of HTML pages. Every text is kept as it stands on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import pyarrow as pa
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from penstock.errors import NoRows, SourceError
from penstock.receipts import Part
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.kinds import WEB, scheme_of
from penstock.sources.places.access import Access
from penstock.sources.places.place import Place
from penstock.sources.places.remote import WebPlace
from penstock.sources.records.encoding import Encoding
from penstock.sources.web.body import charset_of
from penstock.sources.web.htmltable import Row, described, names_of, rows_of, size_of, split_head, tables_in
from penstock.sources.web.htmltext import decoded, parsed, text_of
from penstock.sources.web.patience import PACE
from penstock.sources.web.robots import Doorman
from penstock.sources.web.urls import host_of
from penstock.store import Store

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_FIELD = re.compile(r"(?s)(.*?)(?:@([\w:.-]+))?")
_MOST_TOLD = 8


def _css(selector: str) -> str:
    from cssselect import HTMLTranslator, SelectorError

    try:
        HTMLTranslator().css_to_xpath(selector)
    except SelectorError as error:
        raise ValueError(f"{selector!r} is no CSS selector: {error}") from None
    return selector


def _xpath(path: str) -> str:
    from lxml import etree

    try:
        etree.XPath(path)
    except etree.XPathError as error:
        raise ValueError(f"{path!r} is no XPath: {error}") from None
    return path


def _field(field: str) -> str:
    selector, _ = _apart(field)
    if selector not in ("", "."):
        _css(selector)
    return field


def _apart(field: str) -> tuple[str, str | None]:
    found = _FIELD.fullmatch(field.strip())
    return (found.group(1).strip(), found.group(2)) if found else (field, None)


def _names(value: object) -> object:
    return tuple(n.strip() for n in value.split(",")) if isinstance(value, str) else value


Css = Annotated[str, Field(min_length=1), AfterValidator(_css)]
XPath = Annotated[str, Field(min_length=1), AfterValidator(_xpath)]


class HtmlSource(FileSource):
    """A table of one or more HTML pages, or elements that repeat on them.

    The table is the one that `css` or `xpath` selects, or the one with this `index`, from 0; without any of them the
    only or the largest one. `header` is the number of header rows; by default they are the leading ones of headings.
    `names` replaces their names. Instead of a table, `row` selects elements that repeat, and `fields` what of each
    becomes a column: a CSS selector, `selector@attribute`, or `.` for the element itself.

    Pages of the web are read as their site's robots.txt allows, at most one in `every` seconds from one host.
    """

    kind: Literal["html"] = "html"
    css: Css | None = None
    xpath: XPath | None = None
    index: int | None = Field(default=None, ge=0)
    header: int | None = Field(default=None, ge=0, le=20)
    names: Annotated[tuple[str, ...], BeforeValidator(_names)] | None = None
    row: Css | None = None
    fields: dict[str, Annotated[str, AfterValidator(_field)]] = {}
    encoding: Encoding | None = None
    every: float = Field(default=1.0, ge=0, le=120)

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.row is None) != (not self.fields):
            raise ValueError("`row` and `fields` go together")
        if self.css is not None and self.xpath is not None:
            raise ValueError("one of `css` and `xpath`, not both")
        table = (self.css, self.xpath, self.index, self.header, self.names)
        if self.row is not None and any(v is not None for v in table):
            raise ValueError("`row` stands for itself: css, xpath, index, header and names are about a table")
        return self

    def state(self) -> str | None:
        """Return the digest of local files' states; None for the web, where each look is a request."""
        return None if any(scheme_of(p) in WEB for p in self.path) else super().state()

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the rows of one page as text columns.

        Raises
        ------
        SourceError
            There is no such table or element, or it has no rows; the error lists the tables that there are.
        """
        text = decoded(file.read_bytes(), self.encoding, where, intake)
        root = parsed(text, where)
        if self.row is not None:
            yield self._cards(root, where, intake)
            return
        table = self._chosen(root, where, intake)
        rows = rows_of(table, where)
        _check_end(text, where)
        yield self._framed(rows, where, intake)

    def _places(self) -> tuple[Place, ...]:
        doorman = Doorman(self.access)
        return tuple(
            PolitePlace(place, doorman, self.access, self.every) if isinstance(place, WebPlace) else place
            for place in super()._places()
        )

    def _pieces(self, parts: Sequence[Part], store: Store, intake: Intake) -> Iterator[tuple[pa.Table, str]]:
        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
            for part in parts:
                # What the server says of the encoding goes before what the page says of itself.
                charset = self.encoding or charset_of(part.file.media)
                reader = self if charset is None else self.model_copy(update={"encoding": charset})
                yield from reader._read(store.fetched(part.file, Path(folder)), part.name, Path(folder), intake)

    def _chosen(self, root: HtmlElement, where: str, intake: Intake) -> HtmlElement:
        every = tables_in(root)
        if not every:
            raise SourceError(
                "The page has no table",
                where=where,
                got="no <table> in it",
                todo="If a script fills the page, look for the API that it asks (kind: http); for elements that "
                "repeat, give `row` and `fields`.",
            )
        found = self._selected(root, every)
        if self.index is not None:
            found = found[self.index : self.index + 1]
        if len(found) == 1:
            return found[0]
        if not found or self.css is not None or self.xpath is not None:
            raise SourceError(
                "Several tables are selected" if found else "No table is selected",
                where=where,
                got=f"{self.css or self.xpath or f'index {self.index}'} selects {len(found)}",
                expected=f"one of {_listed(every)}",
                todo="Correct `css`, `xpath` or `index`; `index` also chooses among several.",
            )
        largest = max(found, key=lambda t: size_of(t)[0] * size_of(t)[1])
        others = [t for t in every if t is not largest]
        intake.remark(
            f"{where}: of {len(every)} tables the largest was read, {described(largest, every.index(largest))}; "
            f"the others are {_listed(others, every)}"
        )
        return largest

    def _selected(self, root: HtmlElement, every: list[HtmlElement]) -> list[HtmlElement]:
        if self.css is not None:
            found = root.cssselect(self.css)
        elif self.xpath is not None:
            result = root.xpath(self.xpath)
            found = [e for e in result if hasattr(e, "tag")] if isinstance(result, list) else []
        else:
            return every
        return list(dict.fromkeys(t for t in map(_table_of, found) if t is not None))

    def _framed(self, rows: Sequence[Row], where: str, intake: Intake) -> pa.Table:
        head, body = split_head(rows, self.header)
        width = max((len(row.cells) for row in (head or body)), default=0)
        if not width or not body:
            raise NoRows(
                "The table has no rows", where=where, got=f"{len(head)} header rows", todo="Choose another table."
            )
        names = list(self.names) if self.names is not None else names_of(head, width)
        if self.names is None and not head:
            names = [f"column_{i}" for i in range(width)]
            intake.remark(f"{where}: the table has no header cells; `header: 1` takes its first row for one")
        if len(names) != width:
            raise SourceError(
                "There are not as many names as columns", where=where, got=f"{len(names)} names for {width} columns"
            )
        kept = list(_fitting(body, head, width, where, intake))
        columns: dict[int, list[str | None]] = {
            at: [row[at] if at < len(row) else None for row in kept] for at in range(width)
        }
        empty = [at for at in range(width) if not names[at].strip() and not any(columns[at])]
        if empty:
            intake.remark(f"{where}: {len(empty)} columns without name and content were left out")
        shown = [at for at in range(width) if at not in set(empty)]
        check_names([names[at] for at in shown], where)
        return pa.Table.from_arrays(
            [pa.array(columns[at], pa.string()) for at in shown], names=[names[at] for at in shown]
        )

    def _cards(self, root: HtmlElement, where: str, intake: Intake) -> pa.Table:
        found = root.cssselect(self.row or "")
        if not found:
            raise SourceError(
                "No element is selected",
                where=where,
                got=f"row {self.row!r} selects none",
                expected=f"elements that repeat; tables of the page: {_listed(tables_in(root)) or 'none'}",
                todo="Correct `row`; a page that a script fills holds nothing before it runs.",
            )
        check_names(list(self.fields), where)
        columns = {name: [_value(element, *_apart(field)) for element in found] for name, field in self.fields.items()}
        for name, values in columns.items():
            if not any(v is not None for v in values):
                intake.remark(f"{where}: {self.fields[name]!r} is found in none of {len(found)} elements")
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _table_of(element: HtmlElement) -> HtmlElement | None:
    """Return the table that an element is, holds first, or is a part of."""
    inside = next(element.iter("table"), None)
    return inside if inside is not None else next(element.iterancestors("table"), None)


def _value(element: HtmlElement, selector: str, attribute: str | None) -> str | None:
    at = element
    if selector not in ("", "."):
        inside = element.cssselect(selector)
        if not inside:
            return None
        at = inside[0]
    if attribute is None:
        return text_of(at)
    value = at.get(attribute)
    return None if value is None else str(value)


def _fitting(body: Sequence[Row], head: Sequence[Row], width: int, where: str, intake: Intake) -> Iterator[list[str]]:
    """Give the rows that fit; others are set aside, and the header where it is repeated is passed over."""
    headings = [row.cells for row in head]
    n_repeated = 0
    for row in body:
        if row.is_header and row.cells in headings:
            n_repeated += 1
        elif row.is_one_cell and len(row.cells) >= width > 1:
            intake.set_aside(where, row.line, "one cell across all columns, as headings are", row.cells[0])
        elif any(row.cells[width:]):
            words = f"{len(row.cells)} cells where the table has {width} columns"
            intake.set_aside(where, row.line, words, " | ".join(row.cells))
        else:
            yield row.cells
    if n_repeated:
        intake.remark(f"{where}: the header is repeated {n_repeated} times among the rows, and was passed over")


def _listed(tables: Sequence[HtmlElement], among: Sequence[HtmlElement] | None = None) -> str:
    numbers = {id(t): i for i, t in enumerate(among or tables)}
    shown = "; ".join(described(t, numbers[id(t)]) for t in tables[:_MOST_TOLD])
    return shown + (f"; and {len(tables) - _MOST_TOLD} more" if len(tables) > _MOST_TOLD else "")


def _check_end(text: str, where: str) -> None:
    # Parsers close what was left open: a page that was cut off within its table would look like a smaller one.
    lower = text.lower()
    last = lower.rfind("<tr")
    if last >= 0 and not re.search(r"</(table|body|html)\s*>", lower[last:]):
        raise SourceError(
            "The page ends within its table", where=where, got="no </table> after the last row", todo="Fetch it again."
        )


class PolitePlace(WebPlace):
    """A page of the web that is asked for as its site wants it."""

    def __init__(self, place: WebPlace, doorman: Doorman, access: Access, every: float) -> None:
        super().__init__(place.url, access)
        self.name = place.name
        self._doorman = doorman
        self._every = every

    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Download the page, if robots.txt allows it and once it is its turn.

        Raises
        ------
        SourceError
            robots.txt does not allow it, or the server refuses it.
        SourceUnavailable
            The server did not answer.
        """
        delay = self._doorman.admit(self.url)
        PACE.wait(host_of(self.url), max(self._every, delay))
        return super().fetch(store, earlier)
