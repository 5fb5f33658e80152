"""Workbooks: opened where they are what they say and not a trap, and the sheet in them that is meant."""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.sources.workbooks.parts import check_extent, claims_too_much
from penstock.table import closest

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

# No workbook that a person made unpacks to more, or packs a large part so well.
_MOST_BYTES = 4 << 30
_LARGE = 1 << 27
_BEST_RATIO = 500
# Deflate packs at most so well; whatever an archive says of itself.
_DEFLATE = 1032

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_html = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|table|meta|body)", re.IGNORECASE)


@contextlib.contextmanager
def workbook(path: Path, where: str) -> Iterator[CalamineWorkbook]:
    """Open a workbook of any kind, by what is in it and not by its name.

    Raises
    ------
    SourceError
        It is empty, no workbook, damaged, protected by a password, or far larger than its file.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with path.open("rb") as file:
        head = file.read(512)
    _check_kind(head, where)
    if head.startswith(_ZIP):
        _check_size(path, where)
    elif claims_too_much(path):
        raise damaged("a sheet that says to be larger than any can be", where)
    with path.open("rb") as file:
        try:
            book = CalamineWorkbook.from_filelike(file)
        except PasswordError:
            raise _protected(where) from None
        except CalamineError as error:
            if head.startswith(_OLE) and _ENCRYPTED in path.read_bytes():
                raise _protected(where) from None
            raise damaged(str(error), where) from None
        except BaseException as error:
            raise _panicked(error, where) from None
        with book:
            yield book


def damaged(got: str, where: str) -> SourceError:
    """Return the error for a workbook that cannot be read."""
    return SourceError(
        "The file cannot be read as a workbook",
        where=where,
        got=got[:200],
        expected="xlsx, xlsm, xlsb, xls or ods",
        todo="Open it in the program that made it and save it again.",
    )


def _panicked(error: BaseException, where: str) -> BaseException:
    # What the parser did not foresee reaches Python as an error that is no Exception.
    return damaged("damaged contents", where) if type(error).__name__ == "PanicException" else error


def _protected(where: str) -> SourceError:
    return SourceError(
        "The workbook is protected by a password",
        where=where,
        todo="Save a copy without a password (File, Info, Protect Workbook), and give that.",
    )


def _check_kind(head: bytes, where: str) -> None:
    if not head:
        raise SourceError("The file is empty", where=where, expected="a workbook")
    if head.startswith((_ZIP, _OLE, b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")):
        return
    got, todo = "bytes of no known kind", "Correct the file."
    if _html.match(head):
        got, todo = "an HTML page that was named like one", "Give it as a source of `kind: html`."
    elif head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<?xml"):
        got, todo = "XML", "Save it as xlsx, or give it as a source of `kind: xml`."
    elif b"\x00" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        got, todo = "text", "Give it as a source of `kind: csv`."
    raise SourceError(
        "The file is no workbook", where=where, got=got, expected="xlsx, xlsm, xlsb, xls or ods", todo=todo
    )


def _check_size(path: Path, where: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            told = sum(e.file_size for e in entries)
            if any(e.flag_bits & 1 for e in entries):
                raise _protected(where)
            packed = [e for e in entries if e.file_size > _LARGE and e.file_size > _BEST_RATIO * e.compress_size]
            if told > _MOST_BYTES or packed or _unpacked(archive, entries) > _MOST_BYTES:
                raise SourceError(
                    "The workbook unpacks to far more than a workbook holds",
                    where=where,
                    got=f"{told >> 20:,} MiB or more in a file of {path.stat().st_size >> 20:,} MiB",
                    todo="Do not trust it; ask who made it.",
                )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise damaged(str(error), where) from None


def _unpacked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> int:
    """Return how many bytes come out of an archive whose entries could hold more than they say."""
    if sum(e.compress_size for e in entries) * _DEFLATE <= _MOST_BYTES:
        return 0
    total = 0
    for entry in entries:
        with archive.open(entry) as file:
            while chunk := file.read(1 << 20):
                total += len(chunk)
                if total > _MOST_BYTES:
                    return total
    return total


def sheet_of(book: CalamineWorkbook, path: Path, wanted: str | int | None, where: str, intake: Intake) -> CalamineSheet:
    """Return the sheet that is meant: by its name, by its number from 1, or the first that is not empty.

    Raises
    ------
    SourceError
        There is no such sheet, it is empty, or all are.
    """
    names = book.sheet_names
    if wanted is not None:
        sheet = _load(book, path, _named(names, wanted, where), where)
        if sheet.start is None:
            raise SourceError(
                "The sheet is empty", where=f"{where}, sheet {sheet.name!r}", todo="Name another `sheet`."
            )
        return sheet
    shown = _worksheets(book)
    for name in shown:
        sheet = _load(book, path, name, where)
        if sheet.start is not None:
            others = [repr(n) for n in shown if n != name]
            if others:
                intake.remark(f"{where}: the sheet {name!r} was read; there are also {', '.join(others[:8])}")
            return sheet
    raise SourceError("The workbook is empty", where=where, got=f"{len(names)} sheets without a cell")


def _worksheets(book: CalamineWorkbook) -> list[str]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [s for s in book.sheets_metadata if s.typ is SheetTypeEnum.WorkSheet]
    visible = [s.name for s in sheets if s.visible is SheetVisibleEnum.Visible]
    return visible + [s.name for s in sheets if s.name not in visible]


def _named(names: list[str], wanted: str | int, where: str) -> str:
    if str(wanted) in names:
        return str(wanted)
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    folded = {n.strip().casefold(): n for n in names}
    if str(wanted).strip().casefold() in folded:
        return folded[str(wanted).strip().casefold()]
    raise SourceError(
        f"The workbook has no sheet {wanted!r}",
        where=where,
        got=f"{len(names)} sheets" if isinstance(wanted, int) else ", ".join(repr(n) for n in names[:8]),
        expected=closest(str(wanted), names),
        todo="Correct `sheet`: a name, or a number from 1.",
    )


def _load(book: CalamineWorkbook, path: Path, name: str, where: str) -> CalamineSheet:
    from python_calamine import CalamineError

    check_extent(path, name, where)
    try:
        return book.get_sheet_by_name(name)
    except CalamineError as error:
        raise damaged(str(error), f"{where}, sheet {name!r}") from None
    except BaseException as error:
        raise _panicked(error, where) from None
