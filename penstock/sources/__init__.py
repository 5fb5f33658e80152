"""Where raw tables come from: each kind of source, and snapshots of them as they came."""

from penstock.sources.csv import CsvSource
from penstock.sources.kinds import infer_kind
from penstock.sources.locate import source_from
from penstock.sources.memory import MemorySource
from penstock.sources.parquet import ParquetSource
from penstock.sources.snapshots import collect, read_snapshot, snapshot, state_of
from penstock.sources.sql import SqlSource
from penstock.sources.text.sniff import looks_headerless
from penstock.sources.union import SOURCES, Source

__all__ = [
    "SOURCES",
    "CsvSource",
    "MemorySource",
    "ParquetSource",
    "Source",
    "SqlSource",
    "collect",
    "infer_kind",
    "looks_headerless",
    "read_snapshot",
    "snapshot",
    "source_from",
    "state_of",
]
