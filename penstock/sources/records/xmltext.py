"""XML as it may be trusted: in UTF-8 or what the parser reads itself, and without any entity of its own."""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, Any

from penstock.errors import SourceError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_declared = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
_html = re.compile(rb"^\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)
# Expat and libxml2 read these alike; all others are given to both as UTF-8.
_NATIVE = frozenset({"utf-8", "ascii", "iso8859-1", "utf-16"})
_CHUNK = 1 << 16
# A document type that is longer than this belongs to no table.
_LONGEST_HEAD = 1 << 24


class Prolog:
    """What stands before the first element, and at it."""

    def __init__(self) -> None:
        self.outside = False
        self.prefixes: dict[str, str] = {}


class _Begun(Exception):
    pass


class Trusted:
    """A stream of XML whose beginning has been looked through; `encoding` is what a parser has to be told.

    Parameters
    ----------
    raw : binary file
        The document, from its first byte; it has to be seekable.
    encoding : str, optional
        What overrules the document's own declaration.
    where : str
        What errors call it.

    Raises
    ------
    SourceError
        It is empty, not XML, in no known encoding, or it declares entities.
    """

    def __init__(self, raw: IO[bytes], encoding: str | None, where: str) -> None:
        self._raw = raw
        self._where = where
        head = raw.read(1024)
        if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
            raise SourceError("The file is empty", where=where, expected="XML with at least one row")
        self.looks_like_html = bool(_html.match(head))
        name = self._encoding(head, encoding)
        self.encoding = None if name in _NATIVE and encoding is None else "utf-8"
        self._from = None if self.encoding is None else name
        self.prolog = self._look()

    def _encoding(self, head: bytes, given: str | None) -> str:
        mark = next((name for bom, name in _BOMS if head.startswith(bom)), None)
        declared = _declared.match(head)
        name = mark or given or (declared.group(1).decode() if declared else "utf-8")
        try:
            return codecs.lookup(name).name
        except LookupError:
            raise SourceError(
                f"The file declares an encoding {name!r} that is not known",
                where=f"{self._where}:1",
                todo="Give the right `encoding`.",
            ) from None

    def open(self) -> IO[bytes]:
        """Return the document from its first byte."""
        self._raw.seek(0)
        if self._from is None:
            return self._raw
        return io.BufferedReader(_Transcoded(self._raw, self._from, self._where))

    def _look(self) -> Prolog:
        from xml.parsers import expat

        prolog = Prolog()

        def refuse(name: str, *_: Any) -> None:
            raise SourceError(
                "The file declares entities, which are not resolved",
                where=self._where,
                got=f"the entity {name!r}",
                expected="XML without entities of its own",
                todo="Ask who made it for a file without them, or have them resolved by a tool that you trust.",
            )

        def doctype(_name: str, system: str | None, public: str | None, _internal: object) -> None:
            prolog.outside = bool(system or public)

        def element(_name: str, attributes: dict[str, str]) -> None:
            spaces = {k: v for k, v in attributes.items() if k.startswith("xmlns:")}
            prolog.prefixes = {uri: key.removeprefix("xmlns:") for key, uri in spaces.items()}
            raise _Begun

        parser = expat.ParserCreate(self.encoding)
        parser.EntityDeclHandler = refuse
        parser.StartDoctypeDeclHandler = doctype
        parser.StartElementHandler = element
        stream = self.open()
        for _ in range(_LONGEST_HEAD // _CHUNK):
            chunk = stream.read(_CHUNK)
            try:
                parser.Parse(chunk, not chunk)
            except _Begun:
                return prolog
            except (expat.ExpatError, ValueError) as error:
                raise self.spoilt(str(error).partition(":")[0], getattr(error, "lineno", 1)) from None
        raise self.spoilt("no element in its first 16 MiB", 1)

    def spoilt(self, got: str, line: int) -> SourceError:
        """Return the error for a document that is not well-formed."""
        if self.looks_like_html:
            return SourceError(
                "The file is HTML, not XML", where=self._where, got=got, todo="Give it as a source of `kind: html`."
            )
        coding = "encoding" in got.lower() or "invalid token" in got
        return SourceError(
            "The file is not well-formed XML",
            where=f"{self._where}:{max(line, 1)}",
            got="the file is cut off" if "premature" in got.lower() or self._is_cut() else got,
            todo="Give the right `encoding` if the declared one is wrong." if coding else "Correct it at the source.",
        )

    def _is_cut(self) -> bool:
        head, tail = self.open().read(64), b""
        stream = self.open()
        while chunk := stream.read(1 << 20):
            tail = (tail + chunk)[-64:]
        begins = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
        return begins and not tail.replace(b"\x00", b"").rstrip().endswith(b">")


class _Transcoded(io.RawIOBase):
    """A file of some encoding, read as UTF-8."""

    def __init__(self, raw: IO[bytes], encoding: str, where: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._where = where
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = self._raw.read(_CHUNK)
            try:
                text = self._decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                raise SourceError(
                    f"The file is not {self._encoding} text", where=self._where, todo="Give the right `encoding`."
                ) from error
            self._rest = text.removeprefix("\ufeff").encode()
            if not chunk:
                break
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n
