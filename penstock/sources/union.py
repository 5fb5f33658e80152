"""Every kind of source. A new one is a class in this folder and a line in this file."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from penstock.sources.csv import CsvSource
from penstock.sources.memory import MemorySource
from penstock.sources.parquet import ParquetSource
from penstock.sources.sql import SqlSource

Source = Annotated[
    CsvSource | MemorySource | ParquetSource | SqlSource,
    Field(discriminator="kind"),
]
SOURCES: tuple[type[Source], ...] = get_args(get_args(Source)[0])
