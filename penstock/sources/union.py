"""Every kind of source. A new one is a class in this folder and a line in this file."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from penstock.sources.arrow import ArrowSource
from penstock.sources.csv import CsvSource
from penstock.sources.excel import ExcelSource
from penstock.sources.html import HtmlSource
from penstock.sources.http import HttpSource
from penstock.sources.json import JsonSource
from penstock.sources.memory import MemorySource
from penstock.sources.parquet import ParquetSource
from penstock.sources.sql import SqlSource
from penstock.sources.xml import XmlSource

Source = Annotated[
    ArrowSource
    | CsvSource
    | ExcelSource
    | HtmlSource
    | HttpSource
    | JsonSource
    | MemorySource
    | ParquetSource
    | SqlSource
    | XmlSource,
    Field(discriminator="kind"),
]
SOURCES: tuple[type[Source], ...] = get_args(get_args(Source)[0])
