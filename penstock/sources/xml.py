"""XML files. Every text is kept as it came."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from penstock.errors import SourceError
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.records.encoding import Encoding
from penstock.sources.records.flattening import Flatten
from penstock.sources.records.typed import Path as Keys
from penstock.sources.records.typed import tables_of
from penstock.sources.records.xmlrows import Reader, RowPath, local
from penstock.sources.records.xmltext import Trusted

# Larger files are read twice rather than held: once for the columns, once for the rows.
_HELD = 1 << 28


class XmlSource(FileSource):
    """One or more XML files.

    `rows` is the XPath of the elements that are rows; a plain path (`/shop/orders/order`, `order`) is followed while
    the file is read, any other XPath needs the whole document in memory. Without it, the repeated elements that hold
    the most values are taken. A row's columns are its attributes, its children's texts, and what lies further inside,
    named as `flatten` says; an element that is repeated in any row is a list. `namespaces` gives the prefixes that
    `rows` uses.
    """

    kind: Literal["xml"] = "xml"
    rows: str | None = Field(default=None, min_length=1)
    namespaces: dict[str, str] = {}
    encoding: Encoding | None = None
    flatten: Flatten = Flatten()

    ragged: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (".xml",)

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the rows of one file as text columns.

        Raises
        ------
        SourceError
            It is not well-formed, declares entities, or has no such rows.
        """
        with file.open("rb") as stream:
            yield from self._rows(stream, file.stat().st_size, where, intake)

    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return the table of an XML document, as `tables` does for a file."""
        return pa.concat_tables(self._rows(io.BytesIO(data), len(data), where, Intake()))

    def _rows(self, stream: IO[bytes], size: int, where: str, intake: Intake) -> Iterator[pa.Table]:
        source = Trusted(stream, self.encoding, where)
        reader = Reader(source, self.flatten, where)
        path = RowPath(self.rows, self.namespaces, where) if self.rows else reader.choose(intake)
        names = _Names(self.flatten.separator, source.prolog.prefixes)
        while True:
            tables = tables_of(lambda: reader.pieces(path), names, where, keep=size <= _HELD)
            first = next(tables, None)
            if first is None:
                raise self._none(path, where)
            # Whether an element is one of several is known at the end only, and must be the same in every row.
            if reader.found <= reader.repeated:
                break
            reader.repeated |= reader.found
        yield first
        yield from tables

    def _none(self, path: RowPath, where: str) -> SourceError:
        return SourceError(
            "The file has no such rows",
            where=where,
            got=f"no element at {path.text}",
            todo="Correct `rows`, or leave it out to have them found.",
        )


def xml_tables(
    data: bytes | Path, where: str, rows: str | None = None, intake: Intake | None = None
) -> Iterator[pa.Table]:
    """Give the rows of an XML document that lies in memory or in a file, as text columns.

    Parameters
    ----------
    data : bytes or pathlib.Path
        The document.
    where : str
        What errors call it.
    rows : str, optional
        The XPath of the elements that are rows.
    intake : Intake, optional
        Takes remarks.
    """
    source = XmlSource(name="xml", path=(where,), rows=rows)
    intake = intake or Intake()
    if isinstance(data, Path):
        return source.tables(data, where, intake)
    return source._rows(io.BytesIO(data), len(data), where, intake)


class _Names:
    """Names columns by local names; attributes get an `@`, and namespaces their prefix, where names would collide."""

    def __init__(self, separator: str, prefixes: dict[str, str]) -> None:
        self._separator = separator
        self._prefixes = prefixes

    def __call__(self, paths: Sequence[Keys], where: str) -> list[str]:
        names = [self._join(path, at="", spaces=False) for path in paths]
        for spaces in (False, True):
            count = Counter(names)
            names = [
                self._join(path, at="@", spaces=spaces) if count[name] > 1 else name
                for path, name in zip(paths, names, strict=True)
            ]
        check_names(names, where)
        return names

    def _join(self, path: Keys, *, at: str, spaces: bool) -> str:
        return self._separator.join(self._key(key, at, spaces) for key in path)

    def _key(self, key: str, at: str, spaces: bool) -> str:
        mark = at if key.startswith("@") else ""
        tag = key.removeprefix("@")
        if not spaces or not tag.startswith("{"):
            return mark + local(tag)
        uri = tag[1:].partition("}")[0]
        return f"{mark}{self._prefixes.get(uri, uri)}:{local(tag)}"
