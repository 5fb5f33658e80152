"""What drivers say when something fails, brought to one set of troubles, and those to penstock's errors."""

from __future__ import annotations

import configparser
import errno
import re
from dataclasses import dataclass
from typing import Any, Literal

from penstock.errors import SourceError, SourceUnavailable

Kind = Literal[
    "auth", "host", "refused", "busy", "lost", "tls", "database", "table", "column", "syntax", "denied",
    "writes", "timeout", "no_database", "moment", "options", "other",
]  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """What failed, in the database's words, and the name that it did not know."""

    kind: Kind
    words: str
    name: str = ""


# What is said, what there is to do, and whether another try can help.
_TOLD: dict[Kind, tuple[str, str, bool]] = {
    "auth": (
        "The database does not let this user in",
        "Correct user or password: in the address, in PGPASSWORD or ~/.pgpass (PostgreSQL), MYSQL_PWD or ~/.my.cnf.",
        False,
    ),
    "host": ("The database's host is not known", "Correct the host in the address.", False),
    "refused": ("The database did not answer", "Start it, or correct host and port.", True),
    "busy": ("The database did not answer", "Try again when it is less busy.", True),
    "lost": ("The connection to the database was lost", "Try again.", True),
    "tls": (
        "The database and this machine cannot agree on a safe connection",
        "Correct the TLS options in the address, such as sslmode or ssl_ca.",
        False,
    ),
    "database": ("The server has no such database", "Correct the name behind the last / of the address.", False),
    "table": ("The database has no such table", "Correct `table`, or the names in the query.", False),
    "column": ("The query failed: there is no such column", "Correct the query.", False),
    "syntax": ("The query failed: it is not understood", "Correct the query; it is to be one SELECT.", False),
    "denied": ("The query failed: this user may not read that", "Grant SELECT to the user of the address.", False),
    "writes": ("The query failed: it would write, and a source is only read", "Give a SELECT.", False),
    "timeout": (
        "The query took too long",
        "Raise `timeout`, read fewer rows, or add an index for what the query asks.",
        False,
    ),
    "no_database": ("The file is not an SQLite database", "", False),
    "moment": (
        "The query failed: a value does not fit the column that it is compared with",
        "Correct `params`.",
        False,
    ),
    "options": ("The option file ~/.my.cnf is not understood", "Correct it: sections, and lines of key=value.", False),
    "other": ("The query failed", "", False),
}


def error_for(trouble: Trouble, where: str, *, expected: str = "", timeout: float = 0.0) -> SourceError:
    """Return the error to raise; `expected` may say what names there are."""
    what, todo, again = _TOLD[trouble.kind]
    if trouble.kind == "table" and trouble.name:
        what = f"The database has no table {trouble.name!r}"
    if trouble.kind == "timeout":
        expected = f"an answer within {timeout:g} seconds (timeout)"
    kind = SourceUnavailable if again else SourceError
    return kind(what, where=where, got=trouble.words, expected=expected, todo=todo)


def trouble_of(error: BaseException, family: str) -> Trouble:
    """Return what an exception of SQLAlchemy's or a driver's means.

    Parameters
    ----------
    error : BaseException
        As it was raised.
    family : str
        `postgresql`, `mysql`, `sqlite` or another name of SQLAlchemy's.
    """
    origin = getattr(error, "orig", None) or error
    reading = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}.get(family, _other)
    return reading(origin)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _matched(text: str, table: dict[str, Kind]) -> Kind | None:
    return next((kind for words, kind in table.items() if re.search(words, text, re.IGNORECASE)), None)


# By SQLSTATE; the longest beginning counts.
_STATES: dict[str, Kind] = {
    "08": "lost", "28": "auth", "3D000": "database", "42P01": "table", "3F000": "table", "42703": "column",
    "42601": "syntax", "42501": "denied", "25006": "writes", "57014": "timeout", "57P": "lost", "53": "busy",
    "40": "busy", "55P03": "busy", "22P02": "moment", "22007": "moment", "22008": "moment", "42883": "syntax",
}  # fmt: skip
# A refused connection has no SQLSTATE, only libpq's words and the server's.
_REFUSALS: dict[str, Kind] = {
    "resolve host|translate host": "host",
    "starting up|shutting down|recovery mode|too many|connection slots": "busy",
    r'database ".*" does not exist': "database",
    "password|authentication|pg_hba|role .* does not exist": "auth",
    "certificate|SSL|TLS": "tls",
    "refused|timeout|timed out|no route|unreachable|no such file": "refused",
    "closed|terminat|lost|reset|broken": "lost",
    # The server answered, and said no, in a language of its own.
    "FATAL": "auth",
}
# What would write where only reading is possible: a cursor's or a subquery's own refusal.
_WRITES = re.compile(r"data-modifying|INSERT|UPDATE|DELETE|MERGE|TRUNCATE", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]+)"')
_BARE_COLUMN = re.compile(r"column ([\w.]+)")


def _postgresql(error: BaseException) -> Trouble:
    state = getattr(error, "sqlstate", None)
    told: Any = getattr(error, "diag", None)  # psycopg's, which has no meaning without psycopg
    words = (told.message_primary if told is not None else None) or _first_line(error)
    if not state:
        return Trouble(_matched(words, _REFUSALS) or "lost", words)
    states = sorted(_STATES.items(), reverse=True)
    kind: Kind = next((k for begins, k in states if state.startswith(begins)), "other")
    if state == "0A000" and _WRITES.search(words):
        kind = "writes"
    if state == "57014" and "timeout" not in words and "user request" in words:
        kind = "lost"
    found = _QUOTED.search(words) or (_BARE_COLUMN.search(words) if kind == "column" else None)
    return Trouble(kind, words, found.group(1) if found else "")


_CODES: dict[int, Kind] = {
    1045: "auth", 1044: "auth", 1698: "auth", 1130: "auth", 1049: "database", 1046: "database", 1146: "table",
    1054: "column", 1064: "syntax", 1142: "denied", 1143: "denied", 1227: "denied", 1969: "timeout", 3024: "timeout",
    1028: "timeout", 1792: "writes", 1290: "writes", 2006: "lost", 2013: "lost", 2055: "lost", 1927: "lost",
    1317: "lost", 1053: "lost", 1040: "busy", 1203: "busy", 1205: "busy", 1213: "busy", 1226: "busy",
    2026: "tls", 3159: "tls",
}  # fmt: skip
_LAST_QUOTED = re.compile(r"'([^']+)'")


def _mysql(error: BaseException) -> Trouble:
    if isinstance(error, configparser.Error):
        return Trouble("options", type(error).__name__)  # its words repeat a line, be it the password's
    if isinstance(error, OSError):
        # The files that an address names are those of TLS.
        return Trouble(
            "tls" if error.filename or error.errno == errno.ENOENT else "refused", str(error.strerror or error)
        )
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = str(error.args[1]) if len(error.args) > 1 else _first_line(error)
    words = (words.strip() or type(error).__name__).splitlines()[0][:300]
    kind = _CODES.get(code, "other")
    if code in (2002, 2003, 2005):
        unknown = re.search(r"name or service|nodename|no address|name resolution|getaddrinfo", words, re.IGNORECASE)
        kind = "host" if unknown else "refused"
    elif kind == "other" and re.search(r"\bSSL\b|certificate", words):
        kind = "tls"
    found = _LAST_QUOTED.search(words) if kind in ("table", "column") else None
    return Trouble(kind, words, found.group(1).rpartition(".")[2] if found else "")


_SQLITE: dict[str, Kind] = {
    "locked|busy|i/o": "busy",
    "interrupted": "timeout",
    "no such table": "table",
    "no such column": "column",
    "readonly|read-only": "writes",
    "syntax error|incomplete input|unrecognized token|one statement": "syntax",
    "not a database|malformed": "no_database",
}


def _sqlite(error: BaseException) -> Trouble:
    words = _first_line(error)
    found = re.search(r"no such \w+: (\S+)", words)
    return Trouble(_matched(words, _SQLITE) or "other", words, found.group(1) if found else "")


def _other(error: BaseException) -> Trouble:
    words = _first_line(error)
    lasting = "no such|not exist|doesn't exist|unknown|syntax|authentication|denied|login"
    passing = type(error).__name__ == "OperationalError" and not re.search(lasting, words, re.IGNORECASE)
    return Trouble("busy" if passing else "other", words)
