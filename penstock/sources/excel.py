"""Workbooks of Excel and LibreOffice: xlsx, xlsm, xlsb, xls and ods. Cells keep their types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from penstock.errors import NoRows, SourceError
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.records.typed import EXACT, Piece, array_of, tables_of
from penstock.sources.records.typed import Path as Keys
from penstock.sources.workbooks.parts import error_cells
from penstock.sources.workbooks.sheet import Layout, Row, area_of, cut, fill_down, filled, layout, look
from penstock.sources.workbooks.workbook import sheet_of, workbook
from penstock.spool import Mixed

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_ROWS = 1 << 13
_NARROW = 2
_MOST_BELOW = 10
# A time of day is written as a moment of the calendar's first days.
_FIRST_DAYS = dt.datetime(1900, 1, 4)  # noqa: DTZ001 - workbooks know no zones
ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)


def _names(value: object) -> object:
    return tuple(n.strip() for n in value.split(",")) if isinstance(value, str) else value


def _checked_area(text: str) -> str:
    area_of(text)
    return text


class ExcelSource(FileSource):
    """One or more workbooks, of which one sheet is read.

    `sheet` is its name, or its number from 1; without it, the first that is not empty. `header` is the number of the
    header's row from 1, or false; without it, the first row that is mostly filled. A header of several rows
    (`header_rows`) gives names such as `2024 / sales`. `names` alone mean that there is no header, with one they
    replace it. `skip` leaves out rows at the top, `range` (`B3:F200`) all cells outside.
    """

    kind: Literal["excel"] = "excel"
    sheet: str | Annotated[int, Field(ge=1)] | None = None
    header: bool | Annotated[int, Field(ge=1)] = True
    header_rows: int = Field(default=1, ge=1, le=10)
    names: Annotated[tuple[str, ...], BeforeValidator(_names)] | None = None
    skip: int = Field(default=0, ge=0)
    range: Annotated[str, AfterValidator(_checked_area)] | None = None

    mixed: ClassVar[Mixed] = "text"
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")

    @model_validator(mode="before")
    @classmethod
    def _names_mean_no_header(cls, values: Any) -> Any:  # what a caller hands to pydantic may be anything
        if isinstance(values, dict) and values.get("names") and "header" not in values:
            return {**values, "header": False}
        return values

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the table of one sheet.

        Raises
        ------
        SourceError
            It is no workbook or a protected one, there is no such sheet, it has no rows, or a name is blank or stands
            twice.
        """
        with workbook(file, where) as book:
            sheet = sheet_of(book, file, self.sheet, where, intake)
            reading = _Reading(self, sheet, f"{where}, sheet {sheet.name!r}", intake)
            reading.n_errors = error_cells(file, sheet.name)
            yield reading.table()

    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return the table of a workbook that lies in memory, as `tables` does for a file."""
        with TemporaryDirectory(prefix="penstock-") as folder:
            path = Path(folder, "workbook")
            path.write_bytes(data)
            return pa.concat_tables(self.tables(path, where, Intake()))


class _Reading:
    """One reading of one sheet."""

    def __init__(self, source: ExcelSource, sheet: CalamineSheet, where: str, intake: Intake) -> None:
        self._source = source
        self._sheet = sheet
        self._where = where
        self._intake = intake
        self._names: list[str] = []
        self._n_blank = 0
        self.n_errors = 0
        self._durations: set[int] = set()

    def table(self) -> pa.Table:
        source, merged = self._source, self._sheet.merged_cell_ranges or []
        area = area_of(source.range) if source.range else None
        start = (self._sheet.start or (0, 0))[1]
        left = area.left if area else start
        cells = cut(self._sheet.iter_rows(), area, start, source.skip)
        first = look(cells, source.header_rows + (0 if isinstance(source.header, bool) else source.header))
        found = layout(first, source.header, source.header_rows, merged, left, self._where)
        for words in found.remarks:
            self._tell(words)
        self._names = self._named(found, max((len(row) for _, row in first), default=0))
        rows = fill_down(chain(first[found.first :], cells), merged, left)
        tables = list(tables_of(lambda: self._pieces(rows), _places, self._where))
        if not tables:
            what = "The sheet has a header and no rows" if self._names and source.header else "The sheet has no rows"
            raise NoRows(what, where=self._where, expected="at least one row")
        return self._finished(pa.concat_tables(tables))

    def _named(self, found: Layout, width: int) -> list[str]:
        if self._source.names is None:
            return found.names or [f"column_{i}" for i in range(width)]
        if len(self._source.names) != width:
            raise SourceError(
                "There are not as many names as columns",
                where=self._where,
                got=f"{len(self._source.names)} names for {width} columns",
                todo="Give one name for each column.",
            )
        return list(self._source.names)

    def _pieces(self, rows: Iterator[tuple[int, Row]]) -> Iterator[Piece]:
        # Every column is there from the beginning, so that they stand in the sheet's order.
        yield Piece(0, {(str(i),): pa.nulls(0) for i in range(len(self._names))})
        block: list[Row] = []
        below: list[tuple[int, Row]] = []
        after_blank = False
        for number, row in rows:
            n_filled = filled(row)
            if not n_filled:
                self._n_blank += 1
                after_blank = True
            elif after_blank and n_filled == 1 and len(row) > _NARROW and len(below) < _MOST_BELOW:
                # A lone cell after a blank row is a note, unless rows of the table follow.
                below.append((number, row))
            else:
                block += [one for _, one in below]
                block.append(row)
                below, after_blank = [], False
                if len(block) >= _ROWS:
                    yield self._piece(block)
                    block = []
        if block:
            yield self._piece(block)
        for number, row in below:
            self._tell(f"left out below the table, row {number + 1}: {next(str(c) for c in row if c != '')[:200]}")

    def _piece(self, rows: list[Row]) -> Piece:
        columns = zip(*rows, strict=True)
        return Piece(len(rows), {(str(i),): self._array(i, list(cells)) for i, cells in enumerate(columns)})

    def _array(self, place: int, cells: list[Any]) -> pa.Array:
        kinds = set(map(type, cells))
        if str in kinds:
            cells = [None if type(c) is str and (not c or self._is_error(c)) else c for c in cells]
        if kinds & _CLOCKS:
            cells = [self._clock(c, place, times=dt.time in kinds) for c in cells]
        return _whole(array_of(cells, self._names[place]))

    def _is_error(self, text: str) -> bool:
        if text not in ERRORS:
            return False
        self.n_errors += 1
        return True

    def _clock(self, cell: Any, place: int, *, times: bool) -> Any:
        if isinstance(cell, dt.timedelta):
            self._durations.add(place)
            return cell.total_seconds()
        if not times or not isinstance(cell, dt.date):
            return cell
        moment = cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())
        return moment.time() if moment < _FIRST_DAYS else cell

    def _finished(self, table: pa.Table) -> pa.Table:
        """Return the table with its names, without empty columns that have none, and with times of day as such."""
        kept = [i for i, n in enumerate(self._names) if n.strip() or table.column(i).null_count < table.num_rows]
        names = [self._names[i] for i in kept]
        if n_dropped := len(self._names) - len(kept):
            self._tell(f"{n_dropped} empty columns without a name are left out")
        check_names(names, self._where)
        columns = [self._timed(table.column(i), self._names[i]) for i in kept]
        for i in sorted(self._durations):
            self._tell(f"the column {self._names[i]!r} holds durations, given in seconds")
        if self._n_blank:
            self._tell(f"{self._n_blank:,} empty rows are left out")
        if self.n_errors:
            self._tell(f"{self.n_errors:,} cells hold an error such as #N/A and are missing")
        return pa.Table.from_arrays(columns, names=names)

    def _timed(self, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        if not pa.types.is_timestamp(column.type) or column.null_count == len(column):
            return column
        if pc.max(column).as_py() >= _FIRST_DAYS:
            return column
        self._tell(f"the column {name!r} holds times of day")
        return pa.chunked_array([array_of([m and m.time() for m in column.to_pylist()], name)])

    def _tell(self, words: str) -> None:
        self._intake.remark(f"{self._where}: {words}")


def _places(paths: Sequence[Keys], _where: str) -> list[str]:
    return [path[0] for path in paths]


_CLOCKS = {dt.time, dt.date, dt.datetime, dt.timedelta}


def _whole(array: pa.Array) -> pa.Array:
    """Return numbers as int64 where all are whole: a workbook has no other kind than floats."""
    if not pa.types.is_float64(array.type):
        return array
    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less_equal(pc.abs(array), float(EXACT)))
    return array.cast(pa.int64()) if pc.all(whole).as_py() is not False else array
