"""Addresses of databases: read, brought to an installed driver, and shown without the passwords in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import SourceError

if TYPE_CHECKING:
    from sqlalchemy import URL

# Which driver is meant where an address names none.
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
# What installs the drivers that penstock knows.
_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}
# Where a module's name is not that of what is to be installed.
_PACKAGES = {"MySQLdb": "mysqlclient"}
_SECRET_KEY = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9_+.-]*(?=://)")
_MASK = "***"
# Seconds until a server has to have answered the call.
CONNECT_TIMEOUT = 10
# A shorter one would blot out too much of a message.
_LEAST_SECRET = 3


@dataclass(frozen=True)
class Address:
    """Where a database is: `url` names the driver, `file` is an SQLite file, `shown` has no secret in it."""

    url: URL = field(repr=False)
    file: str | None
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def family(self) -> str:
        """What speaks there: `postgresql`, `mysql`, `sqlite`, or another name of SQLAlchemy's."""
        name = self.url.get_backend_name()
        return "mysql" if name == "mariadb" else name

    def without_secrets(self, text: str) -> str:
        """Return a driver's words with every secret blotted out."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    def to(self, database: str | None) -> Address:
        """Return the address of another database of the same server."""
        return Address(self.url._replace(database=database), self.file, self.shown, self.secrets)


def address_of(url: str | None = None, path: str | None = None) -> Address:
    """Return where a database is.

    Parameters
    ----------
    url : str, optional
        Its address. `postgresql:` is reached by psycopg, `mysql:` and `mariadb:` by PyMySQL, unless it names a driver.
    path : str, optional
        An SQLite file.

    Raises
    ------
    SourceError
        The address cannot be understood.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if path is not None:
        return Address(URL.create("sqlite", database=path), path, Path(path).absolute().as_uri())
    written = url or ""
    scheme = _SCHEME.match(written)
    trouble = "no scheme, such as postgresql:" if scheme is None else ""
    made = None
    if scheme:
        try:
            # Where nothing follows the slashes, the environment or the driver says where the server is.
            made = make_url(_DRIVERS.get(scheme.group().lower(), scheme.group()) + written[scheme.end() :])
        except (ArgumentError, ValueError) as error:
            # Its words may hold a piece of the password, where that has a sign that should have been escaped.
            trouble = type(error).__name__
    if made is None or "@" in (made.host or ""):
        raise SourceError(
            "The database's address cannot be understood",
            where=f"{scheme.group()}://…" if scheme else "url",
            got=trouble or "an @ behind the one that ends user and password",
            expected="postgresql://user@host:5432/database, mysql://…, mariadb://… or a SQLAlchemy URL",
            todo="Write special signs of a user or password in percents: @ as %40, / as %2F, : as %3A, % as %25.",
        )
    return Address(made, _file(made), _shown(made, scheme.group() if scheme else ""), _secrets(made, written))


def shown_address(url: str) -> str:
    """Return an address without its secrets, or its scheme alone where it cannot be understood."""
    try:
        return address_of(url).shown
    except SourceError as error:
        return error.where


def _file(url: URL) -> str | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return url.database.partition("?")[0].removeprefix("file:")


def _shown(url: URL, scheme: str) -> str:
    """Return the address as it was written, the password as stars, other secrets left out."""
    plain = {k: v for k, v in url.query.items() if not _SECRET_KEY.search(k)}
    text = url.set(query=plain).render_as_string(hide_password=True)
    return scheme + text[text.index("://") :]


def _secrets(url: URL, written: str) -> tuple[str, ...]:
    found = [str(url.password or "")]
    found += [v for k, vs in url.query.items() if _SECRET_KEY.search(k) for v in ((vs,) if isinstance(vs, str) else vs)]
    # As it was written, too: a driver may repeat it before the percents are resolved.
    before = re.match(r"[^:]*://[^/:@]*:(.*)@", written)
    found += [before.group(1)] if before else []
    found += [os.environ.get("PGPASSWORD", ""), os.environ.get("MYSQL_PWD", "")]
    return tuple({s for s in found if len(s) >= _LEAST_SECRET})


def missing_driver(name: str | None, shown: str) -> SourceError:
    """Return the error for a driver that is not installed."""
    name = _PACKAGES.get(name or "", name)
    extra = _EXTRAS.get((name or "").partition(".")[0])
    return SourceError(
        f"The database's driver {name!r} is not installed",
        where=shown,
        todo=f"pip install 'penstock[{extra}]'" if extra else f"Install it beside penstock: pip install {name}",
    )


def connect_arguments(address: Address, timeout: float) -> dict[str, Any]:
    """Return what a driver is told beside the address; what the address says itself comes first.

    Parameters
    ----------
    address : Address
        Of a server.
    timeout : float
        Seconds that a statement may take: a connection that is silent for longer is lost.
    """
    said = set(address.url.query)
    if address.family == "postgresql":
        told: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT,
            "application_name": "penstock",
            # A server that vanished without a word is noticed within a minute.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            # What it says is read by penstock, and Arrow reads UTF-8 only.
            "client_encoding": "utf8",
        }
    elif address.family == "mysql":
        told = {"connect_timeout": CONNECT_TIMEOUT, "read_timeout": int(timeout) + 60, "charset": "utf8mb4"}
        told |= _mysql_defaults(address)
    else:
        told = {}
    return {k: v for k, v in told.items() if k not in said}


def _mysql_defaults(address: Address) -> dict[str, Any]:
    """Return what MySQL's own programs would know: the variable MYSQL_PWD, and the user's option file."""
    told: dict[str, Any] = {}
    if address.url.password is None and (password := os.environ.get("MYSQL_PWD")):
        told["password"] = password
    options = Path("~/.my.cnf").expanduser()
    if options.is_file():
        told["read_default_file"] = str(options)
    return told


def holds_secret(url: str) -> bool:
    """Whether an address has a password in it, or another key that looks like a secret.

    Examples
    --------
    >>> holds_secret("postgresql://me@host/shop"), holds_secret("postgresql://me:secret@host/shop")
    (False, True)
    """
    address = address_of(url)
    return address.url.password is not None or any(_SECRET_KEY.search(k) for k in address.url.query)


def tables_of(url: str | None = None, path: str | None = None) -> tuple[tuple[str, int | None], ...]:
    """Return the tables and views of a database, each with about how many rows it has, if that is known.

    Raises
    ------
    SourceError
        Nobody may enter, or there is no such database.
    SourceUnavailable
        It did not answer.
    """
    from penstock.sources.database.engines import tables_within

    return tables_within(address_of(url, path))
