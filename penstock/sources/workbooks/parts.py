"""What a workbook's own bytes say of a sheet, before a parser makes room for all of its cells at once."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from penstock.errors import SourceError

# The parser keeps a cell for each place between a sheet's first and last one, and ends the process for want of memory.
_MOST_PLACES = 20_000_000
_MOST_EMPTY = 20

_ERROR = b' t="e"'
_far = re.compile(rb' r="(?:[A-Z]{3}[0-9]|[A-Z]{2}[0-9]{5}|[A-Z]{1,2}[0-9]{6})')
_reference = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"')
# Records of the old format: a worksheet's beginning, and its extent, which follows among the first.
_SHEET = b"\x09\x08\x10\x00\x00\x06\x10\x00"
_EXTENT = 0x0200
_AMONG = 300
_LARGEST = 65_536 * 256


def error_cells(path: Path, sheet: str) -> int:
    """Return how many cells of a sheet hold an error such as `#N/A`; only xlsx files tell."""
    return sum(chunk.count(_ERROR) for chunk in _chunks(path, sheet))


def check_extent(path: Path, sheet: str, where: str) -> None:
    """Check that a sheet's cells do not lie too far apart.

    Raises
    ------
    SourceError
        There is one at the end of nowhere.
    """
    if not any(_far.search(chunk) for chunk in _chunks(path, sheet)):
        return
    n_cells, most = 0, (0, b"", 0)
    width = 0
    for chunk in _chunks(path, sheet):
        for letters, digits in _reference.findall(chunk):
            n_cells += 1
            width = max(width, _column(letters))
            most = max(most, (int(digits), letters, _column(letters)))
    places = width * most[0]
    if places > max(_MOST_PLACES, _MOST_EMPTY * n_cells):
        raise SourceError(
            "The sheet's cells lie too far apart",
            where=f"{where}, sheet {sheet!r}",
            got=f"{n_cells:,} cells in {most[0]:,} rows and {width:,} columns",
            todo="Delete the stray cells (Ctrl+End goes to the last one), and save the workbook again.",
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _chunks(path: Path, sheet: str) -> Iterator[bytes]:
    """Give the XML of an xlsx file's sheet; nothing for any other file. No attribute is cut in two."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as file:
            rest = b""
            while chunk := file.read(1 << 20):
                whole, mark, rest = (rest + chunk).rpartition(b"<")
                yield whole
                rest = mark + rest
            yield rest
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError, ValueError, NotImplementedError):
        return


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        sheets = etree.fromstring(archive.read("xl/workbook.xml"), parser).iter("{*}sheet")
        names = {str(s.get("name")): str(v) for s in sheets for k, v in s.items() if str(k).endswith("}id")}
        links = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None
    target = {str(link.get("Id")): str(link.get("Target")) for link in links}[names[sheet]]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def claims_too_much(path: Path) -> bool:
    """Whether a sheet of an xls file says to be larger than any can be."""
    data = path.read_bytes()
    at = -1
    while (at := data.find(_SHEET, at + 1)) >= 0:
        place = at
        for _ in range(_AMONG):
            if place + 18 > len(data):
                break
            kind, size = struct.unpack_from("<HH", data, place)
            if kind == _EXTENT:
                form = "<IIHH" if size == struct.calcsize("<IIHHH") else "<HHHH"
                top, bottom, left, right = struct.unpack_from(form, data, place + 4)
                upside_down = bottom < top or right < left
                if bottom and right and (upside_down or (bottom - top) * (right - left) > _LARGEST):
                    return True
                break
            place += 4 + size
    return False
