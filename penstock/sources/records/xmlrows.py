"""Elements of XML as records: which elements are the rows, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock.errors import NoRows, SourceError
from penstock.sources.intake import Intake
from penstock.sources.records.flattening import OWN, Flatten, piece_of
from penstock.sources.records.typed import Path, Piece
from penstock.sources.records.xmltext import Trusted

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROWS = 1 << 13
_SAMPLE = 1 << 16
_MOST_LEVELS = 100
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_name = r"(?:[^\W\d][\w.\-]*:)?[^\W\d][\w.\-]*"
_simple = re.compile(rf"^(?P<from>//|\.//|/|\./)?(?P<steps>{_name}(?:/{_name})*)$")
# What keeps a record from being no more than its children's texts.
_MORE = "boolean(*/* | */@* | @* | text()[normalize-space()])"


class RowPath:
    """Where the rows are: a plain path that is matched while reading, or any XPath over the whole tree.

    A name without a prefix stands for elements of any namespace in a plain path.

    Raises
    ------
    SourceError
        A prefix has no namespace.
    """

    def __init__(self, rows: str, namespaces: Mapping[str, str], where: str) -> None:
        self.text = rows
        self.namespaces = dict(namespaces)
        found = _simple.match(rows)
        self.steps: list[str] | None = None
        self._from_top = False
        if found is None:
            return
        steps = found.group("steps").split("/")
        self.steps = [self._step(step, where) for step in steps]
        start = found.group("from")
        self._from_top = start in ("/", "./")
        if start == "./":
            self.steps.insert(0, "{*}*")

    def _step(self, step: str, where: str) -> str:
        prefix, colon, local = step.partition(":")
        if not colon:
            return f"{{*}}{step}"
        if prefix not in self.namespaces:
            raise SourceError(
                f"The prefix {prefix!r} in `rows` stands for no namespace",
                where=where,
                todo=f"Give it: `namespaces: {{{prefix}: ADDRESS}}`, or leave the prefix out.",
            )
        return f"{{{self.namespaces[prefix]}}}{local}"

    def matches(self, element: _Element) -> bool:
        """Whether an element that has the last step's name is a row."""
        steps = self.steps or []
        above: _Element | None = element.getparent()
        for step in reversed(steps[:-1]):
            if above is None or not _is(above.tag, step):
                return False
            above = above.getparent()
        return above is None or not self._from_top


def _is(tag: str, step: str) -> bool:
    if not step.startswith("{*}"):
        return tag == step
    return step == "{*}*" or local(tag) == step[3:]


def local(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


def options(encoding: str | None) -> dict[str, Any]:
    """Return what every parser is told: no entity, no network, no document type, no limit on long texts."""
    return {
        "encoding": encoding,
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "remove_comments": True,
        "remove_pis": True,
        "huge_tree": True,
    }


class Reader:
    """Reads the rows of one document as pieces of text columns; `repeated` are the paths that are lists in any row."""

    def __init__(self, source: Trusted, flatten: Flatten, where: str) -> None:
        self._source = source
        self._flatten = flatten
        self._where = where
        from lxml import etree

        self._more = etree.XPath(_MORE)
        self.repeated: set[Path] = set()
        self.found: set[Path] = set()

    def choose(self, intake: Intake) -> RowPath:
        """Return where the rows seem to be: the repeated elements that hold the most values.

        Raises
        ------
        SourceError
            No element holds any.
        """
        size = _SAMPLE
        while True:
            root, whole = self._sample(size)
            counts, cells = _counted(root)
            often = [p for p in cells if counts[p] > 1]
            if often or whole:
                break
            size *= 8
        best = max(often or list(cells), key=lambda p: (cells[p], -len(p)), default=None)
        if best is None:
            raise NoRows("The file has no rows", where=self._where, got="elements without text or attributes")
        path = "/" + "/".join(local(tag) for tag in best)
        intake.remark(f"{self._where}: the rows were taken to be {path}")
        chosen = RowPath(path, {}, self._where)
        chosen.steps = list(best)
        return chosen

    def _sample(self, size: int) -> tuple[_Element, bool]:
        from lxml import etree

        parser = etree.XMLPullParser(events=("start",), **options(self._source.encoding))
        data = self._source.open().read(size)
        try:
            parser.feed(data)
            if len(data) < size:
                parser.close()
            # The stubs know nothing of what an event holds.
            root: Any = next(iter(parser.read_events()))[1]
        except (etree.XMLSyntaxError, StopIteration) as error:
            raise self._spoilt(error) from None
        return root, len(data) < size

    def pieces(self, rows: RowPath) -> Iterator[Piece]:
        """Give all rows.

        Raises
        ------
        SourceError
            The document is not well-formed, or the XPath does not select elements.
        """
        block: list[dict[str, Any]] = []
        for element in self._streamed(rows) if rows.steps else self._selected(rows):
            block.append(self._record(element))
            if len(block) == _ROWS:
                yield piece_of(block, self._flatten, self._where)
                block = []
        if block:
            yield piece_of(block, self._flatten, self._where)

    def _streamed(self, rows: RowPath) -> Iterator[_Element]:
        from lxml import etree

        tag = (rows.steps or [])[-1]
        try:
            for _, element in etree.iterparse(self._source.open(), tag=tag, **options(self._source.encoding)):
                if rows.matches(element):
                    yield element
                    _forget(element)
        except etree.XMLSyntaxError as error:
            raise self._spoilt(error) from None

    def _selected(self, rows: RowPath) -> Iterator[_Element]:
        from lxml import etree

        try:
            tree = etree.parse(self._source.open(), etree.XMLParser(**options(self._source.encoding)))
        except etree.XMLSyntaxError as error:
            raise self._spoilt(error) from None
        try:
            found: Any = tree.xpath(rows.text, namespaces=rows.namespaces or None)
        except etree.XPathError as error:
            raise SourceError(
                "`rows` is no XPath", where=self._where, got=f"{rows.text}: {error}", todo="Correct `rows`."
            ) from None
        if not isinstance(found, list) or not all(isinstance(e, etree._Element) for e in found):
            raise SourceError(
                "`rows` does not select elements",
                where=self._where,
                got=rows.text,
                todo="Let it end at the element that is a row.",
            )
        yield from found

    def _spoilt(self, error: Exception) -> SourceError:
        message = str(getattr(error, "msg", "") or "no element found")
        line = getattr(error, "lineno", None) or 1
        return self._source.spoilt(re.sub(r", line \d+, column \d+.*$", "", message), line)

    def _record(self, row: _Element) -> dict[str, Any]:
        if not (self._more(row) or self._source.prolog.outside):
            record: dict[str, Any] = {child.tag: child.text or "" for child in row}
            if record and len(record) == len(row) and not (self.repeated and self._has_lists(record)):
                return record
        value = self._value(row, (), nil=False)
        if type(value) is not dict:
            return {row.tag: value} if value else {}
        if OWN in value:
            value = {row.tag: value.pop(OWN), **value}
        return value

    def _has_lists(self, record: dict[str, Any]) -> bool:
        return any((tag,) in self.repeated for tag in record)

    def _value(self, element: _Element, path: Path, *, nil: bool = True) -> Any:
        if len(path) > _MOST_LEVELS:
            raise SourceError("The elements are nested too deep", where=f"{self._where}:{element.sourceline}")
        attributes = element.items()
        children = list(element)
        if not attributes and not children:
            return element.text or ""
        value: dict[Any, Any] = {}
        absent = False
        for name, content in attributes:
            key, text = str(name), str(content)
            if not key.startswith(_XSI):
                value[f"@{key}"] = text
            elif key == f"{_XSI}nil":
                absent = nil and text in ("true", "1")
        for child in children:
            if type(child.tag) is not str:
                raise self._undefined(child)
            inner = (*path, child.tag)
            held = self._value(child, inner)
            if child.tag in value and inner not in self.repeated:
                self.found.add(inner)
            elif inner in self.repeated:
                value.setdefault(child.tag, []).append(_plain(held))
            else:
                value[child.tag] = held
        own = None if absent else _own_text(element, children)
        if own and value:
            value[OWN] = own
        return value or own

    def _undefined(self, node: _Element) -> SourceError:
        return SourceError(
            "The file uses an entity that it does not define",
            where=f"{self._where}:{node.sourceline}",
            got=str(node.text),
            expected="XML without entities of its own",
        )


def _own_text(element: _Element, children: Sequence[_Element]) -> str | None:
    if not children:
        return str(element.text or "")
    direct = (element.text, *(child.tail for child in children))
    return "".join(map(str, element.itertext())) if any(str(t or "").strip() for t in direct) else None


def _plain(value: Any) -> Any:
    """Return an element that is one of several with local names, as it may become JSON text."""
    if type(value) is not dict:
        return [_plain(v) for v in value] if type(value) is list else value
    return {k if k is OWN else ("@" if k[0] == "@" else "") + local(k.lstrip("@")): _plain(v) for k, v in value.items()}


def _forget(element: _Element) -> None:
    """Free what has been read: the row, and all that stands before it at any level."""
    element.clear()
    at: _Element | None = element
    while at is not None:
        above = at.getparent()
        while above is not None and at.getprevious() is not None:
            del above[0]
        at = above


def _counted(root: _Element) -> tuple[dict[Path, int], dict[Path, int]]:
    counts: dict[Path, int] = {}
    cells: dict[Path, int] = {}
    waiting: list[tuple[_Element, Path]] = [(root, (root.tag,))]
    while waiting:
        element, path = waiting.pop()
        if type(element.tag) is not str:
            continue
        counts[path] = counts.get(path, 0) + 1
        children = list(element)
        leaves = sum(1 for c in children if not len(c))
        own = 1 if not children and (element.text or "").strip() else 0
        if held := leaves + len(element.keys()) + own:
            cells[path] = cells.get(path, 0) + held
        waiting.extend((c, (*path, c.tag)) for c in reversed(children))
    return counts, cells
