"""How an API hands out its pages: by number, by offset, by cursor, or by links to the next one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from penstock.errors import SourceError
from penstock.frozen import Frozen
from penstock.sources.web.urls import joined, same_place

Scalar = str | int | float | bool

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"<]|\"[^\"]*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


class Step(NamedTuple):
    """What makes a request another one than the first: parameters, or a whole address."""

    params: Mapping[str, Scalar] = {}
    link: str | None = None


class Page(NamedTuple):
    """What came so far: the page that came last, and how many pages and rows all in all."""

    n: int
    n_rows: int
    n_first: int
    n_all: int
    document: Any  # whatever the JSON text says; None for any other format
    headers: Mapping[str, str]
    url: str


class PageNumber(Frozen):
    """Pages are numbered from `start`: `param` names the one that is wanted, and `size_param` how many rows it has.

    The last one has no rows; or fewer than `size`, where the first had as many as that.
    """

    kind: Literal["page"] = "page"
    param: str = "page"
    start: int = 1
    size: int | None = Field(default=None, ge=1)
    size_param: str | None = None

    def first(self) -> Step:
        """Return the step to the first page."""
        return self._step(self.start)

    def following(self, page: Page) -> Step | None:
        """Return the step to the next page, or None after the last."""
        return None if _is_last(page, self.size) else self._step(self.start + page.n)

    def _step(self, number: int) -> Step:
        size = {self.size_param: self.size} if self.size_param and self.size else {}
        return Step({self.param: number, **size})


class Offset(Frozen):
    """Pages begin at a row: `param` says how many to skip, `limit_param` how many to give.

    The next page begins after the rows that came, which may be fewer than were asked for.
    """

    kind: Literal["offset"] = "offset"
    param: str = "offset"
    limit_param: str = "limit"
    size: int = Field(default=100, ge=1)
    start: int = Field(default=0, ge=0)

    def first(self) -> Step:
        """Return the step to the first page."""
        return self._step(self.start)

    def following(self, page: Page) -> Step | None:
        """Return the step to the next page, or None after the last."""
        return None if _is_last(page, self.size) else self._step(self.start + page.n_all)

    def _step(self, offset: int) -> Step:
        return Step({self.param: offset, self.limit_param: self.size})


class Cursor(Frozen):
    """Each page tells a cursor for the next one: it stands in the body at `path`, and is sent as `param`."""

    kind: Literal["cursor"] = "cursor"
    param: str = "cursor"
    path: str = Field(min_length=1)

    def first(self) -> Step:
        """Return the step to the first page."""
        return Step()

    def following(self, page: Page) -> Step | None:
        """Return the step to the next page, or None after the last."""
        found = value_at(page.document, self.path)
        if isinstance(found, list | dict):
            kind = "a list" if isinstance(found, list) else "an object"
            raise SourceError(
                "The cursor is no single value",
                where=f"paginate.path {self.path!r}",
                got=kind,
                expected="text or a number",
            )
        return None if found in (None, "", False) else Step({self.param: found})


class Link(Frozen):
    """Each page links to the next one: in its `Link` header (rel="next"), or in its body at `path`.

    A link to another host is refused, unless `other_hosts` allows it; credentials are never sent there.
    """

    kind: Literal["link"] = "link"
    path: str | None = None
    other_hosts: bool = False

    def first(self) -> Step:
        """Return the step to the first page."""
        return Step()

    def following(self, page: Page) -> Step | None:
        """Return the step to the next page, or None after the last.

        Raises
        ------
        SourceError
            It leads to another host, or is no address.
        """
        if self.path is None:
            target = next_link(page.headers.get("link", ""))
        else:
            found = value_at(page.document, self.path)
            target = found if isinstance(found, str) else None
        if not target:
            return None
        try:
            link = joined(page.url, target)
            near = same_place(page.url, link)
        except ValueError:
            raise SourceError("The link to the next page is no address", where=f"page {page.n}") from None
        if not near and not self.other_hosts:
            raise SourceError(
                "The link to the next page leads to another host",
                where=f"page {page.n}",
                expected="the host, port and scheme of the page itself",
                todo="If that is right, set `other_hosts: true` in `paginate`; credentials are not sent there.",
            )
        return Step(link=link)


Paginate = Annotated[PageNumber | Offset | Cursor | Link, Field(discriminator="kind")]


def _is_last(page: Page, size: int | None) -> bool:
    # A first page that is short may mean that the server gives fewer rows than it is asked for: only an empty one ends.
    return not page.n_rows or (size is not None and page.n_first == size and page.n_rows < size)


def next_link(header: str) -> str | None:
    """Return where a `Link` header says that the next page is (RFC 8288).

    Examples
    --------
    >>> next_link('<https://host/?page=1>; rel="first", <https://host/?page=3,4>; title="a, b"; rel="last next"')
    'https://host/?page=3,4'
    """
    for link in _LINK.finditer(header):
        rel = _REL.search(link.group(2))
        if rel and "next" in (rel.group(1) or rel.group(2) or "").lower().split():
            return link.group(1)
    return None


def value_at(document: Any, path: str, otherwise: Any = None) -> Any:
    """Return the value at a dotted path of a JSON document, or what is given for its absence.

    A key may hold a point itself.

    Examples
    --------
    >>> value_at({"meta": {"next.page": 2}, "rows": [{"id": 7}]}, "meta.next.page")
    2
    >>> value_at({"rows": [{"id": 7}]}, "rows.0.id"), value_at({"rows": []}, "rows.0.id")
    (7, None)
    """
    if not path:
        return document
    if isinstance(document, list):
        step, _, rest = path.partition(".")
        place = int(step) if step.isdecimal() and len(step) < 10 else len(document)
        return value_at(document[place], rest, otherwise) if place < len(document) else otherwise
    if not isinstance(document, Mapping):
        return otherwise
    parts = path.split(".")
    for n in range(len(parts), 0, -1):
        key = ".".join(parts[:n])
        if key in document:
            return value_at(document[key], ".".join(parts[n:]), otherwise)
    return otherwise
