"""Every kind of source. A new one is a class in this folder and a line in this file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from penstock.sources.csv import CsvSource
from penstock.sources.parquet import ParquetSource
from penstock.sources.sql import SqlSource

Source = Annotated[CsvSource | ParquetSource | SqlSource, Field(discriminator="kind")]
SOURCES: tuple[type[CsvSource] | type[ParquetSource] | type[SqlSource], ...] = (CsvSource, ParquetSource, SqlSource)
