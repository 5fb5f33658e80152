"""HTML pages: decoded, parsed safely, and the text of their elements as a reader sees it."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from penstock.errors import SourceError
from penstock.sources.intake import Intake

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_META = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# The standard reads these as Windows-1252, and so do those who write them.
_WINDOWS = frozenset({"iso8859-1", "ascii", "cp1252"})
_UNSEEN = frozenset({"script", "style", "template", "noscript", "table", "head", "title"})
# Where a reader sees a gap.
_BREAKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option", "p",
        "pre", "section", "td", "th", "tr", "ul",
    )
)  # fmt: skip
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def decoded(data: bytes, encoding: str | None, where: str, intake: Intake) -> str:
    """Return a page's text: by its byte order mark, the given encoding, what it declares, UTF-8 or Windows-1252.

    Characters that the encoding does not have become marks, which is remarked.
    """
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return _told(data[len(mark) :], marked, where, intake)
    name = _codec(encoding) or _declared(data)
    if name is not None:
        return _told(data, name, where, intake)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _told(data, "cp1252", where, intake)


def _told(data: bytes, encoding: str, where: str, intake: Intake) -> str:
    text = data.decode(encoding, "replace")
    n = text.count("\ufffd")
    if n:
        intake.remark(f"{where}: {n} {'character is' if n == 1 else 'characters are'} not {encoding}, and became marks")
    return text


def _declared(data: bytes) -> str | None:
    found = _META.search(data[:4096])
    name = _codec(found.group(1).decode("ascii")) if found else None
    # What could be read this far is no such thing.
    return "utf-8" if name and name.startswith("utf-16") else name


def _codec(name: str | None) -> str | None:
    try:
        found = codecs.lookup(name).name if name else None
    except LookupError:
        return None
    return "cp1252" if found in _WINDOWS else found


def parsed(text: str, where: str) -> HtmlElement:
    """Return a page's root element.

    Raises
    ------
    SourceError
        There is nothing in it, or it is nested deeper than any page is.
    """
    from lxml import etree, html

    # Nothing is fetched and no entity is expanded; long texts are let through, and depth is bounded by libxml2.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        raise SourceError("The page is empty", where=where, expected="HTML with a table") from None
    # What goes beyond a limit would be cut off without a word.
    fatal = next((e for e in parser.error_log if e.level == etree.ErrorLevels.FATAL), None)
    if fatal is not None:
        raise SourceError("The page cannot be read to its end", where=f"{where}:{fatal.line}", got=fatal.message)
    return root


def text_of(element: HtmlElement) -> str:
    """Return what a reader sees of an element, white space run together; nested tables are left out."""
    if not len(element):
        return " ".join((element.text or "").split())
    from lxml import etree

    pieces: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, at in walk:
        is_top = at is element
        if event == "start":
            if not is_top and (at.tag in _UNSEEN or _is_hidden(at)):
                walk.skip_subtree()
                pieces.append(" " if at.tag == "table" else "")
                continue
            pieces.append(" " if at.tag in _BREAKS and not is_top else "")
            pieces.append(at.text or "")
        elif not is_top:
            pieces.append(" " if at.tag in _BREAKS else "")
            pieces.append(at.tail or "")
    return " ".join("".join(pieces).split())


def _is_hidden(element: HtmlElement) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))
