"""Workbooks for tests: plain, merged, encrypted, put together from parts."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pandas as pd
import xlwt


def saved(rows: Sequence[Sequence[object]], **sheets: Sequence[Sequence[object]]) -> bytes:
    """Return an xlsx workbook with one sheet, or several."""
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    for row in rows:
        first.append(list(row))
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(list(row))
    return written(book)


def written(book: Any) -> bytes:
    """Return a workbook's bytes."""
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def as_xls(rows: Sequence[Sequence[object]]) -> bytes:
    """Return an xls workbook."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    style = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if cell is not None:
                sheet.write(i, j, cell, *([style] if isinstance(cell, dt.datetime) else []))
    return written(book)


def as_ods(rows: Sequence[Sequence[object]]) -> bytes:
    """Return an ods workbook."""
    buffer = io.BytesIO()
    pd.DataFrame(rows[1:], columns=rows[0], dtype=object).to_excel(buffer, engine="odf", index=False)
    return buffer.getvalue()


def merged(*ranges: str, rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for one in ranges:
        book.active.merge_cells(one)
    return written(book)


def encrypted() -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(saved([["a"], [1]]))).encrypt("planted-password", out)
    return out.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()
