"""Which kind of source a path or an address names: by its ending, its scheme, or what lies in it."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from penstock.errors import SourceError

# The endings of each kind of file.
SUFFIXES: dict[str, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".tab", ".psv", ".txt", ".data", ".dat"),
    "excel": (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    "json": (".json", ".jsonl", ".ndjson", ".geojson"),
    "xml": (".xml",),
    "html": (".html", ".htm"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc", ".arrows"),
    "sql": (".sqlite", ".sqlite3", ".db"),
}
PACKED = (".gz", ".bz2", ".xz", ".zst", ".lz4")
ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz")

_BY_SUFFIX = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")
WEB = ("http", "https")
# Schemes that hold files; anything else that has a scheme is a database.
STORES = ("file", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "ftp", "sftp", "hdfs", "memory")


def scheme_of(location: str) -> str:
    """Return an address's scheme in lower case, empty for a path.

    Examples
    --------
    >>> scheme_of("s3://rows/a.csv"), scheme_of("rows/a.csv")
    ('s3', '')
    """
    found = _SCHEME.match(location)
    return found.group(1).lower() if found else ""


def infer_kind(location: str) -> str:
    """Return the kind of source that a path or address names.

    Raises
    ------
    SourceError
        No kind of source is known by that ending or scheme.

    Examples
    --------
    >>> infer_kind("rows.csv.gz"), infer_kind("shop.sqlite"), infer_kind("postgresql://host/shop")
    ('csv', 'sql', 'sql')
    >>> infer_kind("https://host/rows.parquet"), infer_kind("https://host/api/orders")
    ('parquet', 'http')
    """
    scheme = scheme_of(location)
    if scheme and scheme not in (*WEB, *STORES):
        return "sql"
    path = urlsplit(location).path if scheme in WEB else location
    kind = _by_name(path)
    if kind is None and scheme in ("", "file"):
        kind = _by_content(Path(location.removeprefix("file://")).expanduser())
    if kind is None and scheme in WEB:
        return "http"
    if kind is None:
        raise _unknown(location, scheme)
    return kind


def _by_name(path: str) -> str | None:
    name = PurePosixPath(path.rstrip("/")).name.lower()
    for packed in (*PACKED, *ARCHIVES):
        name = name.removesuffix(packed)
    return _BY_SUFFIX.get(PurePosixPath(name).suffix)


def _by_content(path: Path) -> str | None:
    """Return the one kind of the files in a directory or an archive."""
    try:
        if path.is_dir():
            return _most((str(p) for p in path.rglob("*") if p.is_file()), str(path))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _most(archive.namelist(), str(path))
    except (OSError, zipfile.BadZipFile):
        return None
    return None


def _most(names: Iterable[str], where: str) -> str | None:
    seen = Counter(kind for name in names if not _is_hidden(name) and (kind := _by_name(name)))
    if len(seen) > 1:
        raise SourceError(
            "Files of several kinds lie together",
            where=where,
            got=", ".join(f"{n} {kind}" for kind, n in seen.most_common()),
            todo="Name one kind in the spec: source: {kind: csv, path: …}",
        )
    return next(iter(seen), None)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts[-1:])


def _unknown(location: str, scheme: str) -> SourceError:
    suffix = PurePosixPath(location).suffix.lower()
    return SourceError(
        "The kind of the source cannot be told from its name",
        where=f"{scheme}://…" if scheme else location,
        got=f"the scheme {scheme!r} and no known ending" if scheme else f"the ending {suffix!r}",
        expected="; ".join(
            [
                *(f"{kind}: {' '.join(suffixes)}" for kind, suffixes in SUFFIXES.items()),
                "sql: a database's address",
                "http: any other web address",
            ]
        ),
        todo="Rename the file, or name its kind in the spec: source: {kind: csv, path: …}",
    )
