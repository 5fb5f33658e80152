"""File systems of fsspec: opened with the user's settings, tried again where that may help, their errors told."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any, TypeVar

from penstock.errors import PenstockError, SourceError, SourceUnavailable
from penstock.frozen import digest_of
from penstock.sources.kinds import scheme_of
from penstock.sources.places.access import Access
from penstock.sources.places.patterns import near_names
from penstock.sources.places.place import TRANSIENT
from penstock.sources.web.patience import backoff

T = TypeVar("T")

EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "azure"),
}
# Their bucket stands before an @ and is no user.
_CONTAINER = ("abfs", "abfss", "az", "adl", "wasb", "wasbs")
# These reach through to other addresses, a file of this machine among them, or hold the data themselves.
_NO_PLACES = frozenset(
    ["async_wrapper", "asynclocal", "asyncwrapper", "blockcache", "cached", "data", "dir", "filecache", "generic"]
) | frozenset(["libarchive", "local", "reference", "simplecache", "tar", "zip"])
_ENVIRONMENT = ("AWS_", "S3_", "GOOGLE_", "GCLOUD_", "AZURE_", "FSSPEC_")
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|ACCOUNT_KEY|CONNECTION_STRING", re.IGNORECASE)
_PASSING = frozenset(
    ["ClientConnectionError", "ClientPayloadError", "ConnectionError", "FileExpired", "HTTPClientError"]
) | frozenset(["ServiceRequestError", "ServiceResponseError"])
_MOST_OPEN = 8
_open: dict[str, Any] = {}
_lock = threading.Lock()


class System:
    """One file system, reached as `access` says.

    Parameters
    ----------
    address : str
        An address on it; of a server's user and password no more is kept than the file system itself keeps.
    access : Access
        Its options, how often it is tried, and how long it is waited for.

    Raises
    ------
    SourceError
        No such file system is known, or its package is not installed.
    """

    def __init__(self, address: str, access: Access) -> None:
        self.access = access
        self.scheme = scheme_of(address)
        self._secrets = (*access.secrets(), *_secrets_of(address), *_secrets_around())
        self._fs, self._host = _file_system(self.scheme, address, access)

    def path(self, address: str) -> str:
        """Return an address as the file system's own path."""
        return str(self._fs._strip_protocol(address))

    def address(self, path: str) -> str:
        """Return the address of one of its paths, with no secret in it."""
        return f"{self.scheme}://{self._host}{path.lstrip('/')}"

    def info(self, path: str, where: str) -> dict[str, Any]:  # each file system tells of a file in its own words
        """Return what is told of a path."""
        return self.call(where, lambda: dict(self._fs.info(path)))

    def below(self, path: str, where: str) -> list[dict[str, Any]]:
        """Return what is told of every file below a directory, in order."""
        found = self.call(where, lambda: self._fs.find(path, detail=True))
        return [{**found[name], "name": name} for name in sorted(found)]

    def matching(self, pattern: str, where: str) -> list[dict[str, Any]]:
        """Return what is told of every path that a pattern matches, in order."""
        found = self.call(where, lambda: self._fs.glob(pattern, detail=True))
        return [{**found[name], "name": name} for name in sorted(found)]

    def near(self, path: str) -> str:
        """Return words that name what is like a path that is not there; none where that cannot be told."""
        folder, _, name = path.rstrip("/").rpartition("/")
        try:
            names = [str(n).rstrip("/").rpartition("/")[2] for n in self._fs.ls(folder, detail=False)]
        except Exception:  # only a hint; what is wrong has been found out already
            return ""
        return near_names(name, [n for n in names if n])

    def open(self, path: str) -> Any:  # fsspec's files share no type
        """Return a file to be read in large pieces."""
        return self._fs.open(path, "rb", block_size=8 << 20, cache_type="none")

    def call(self, where: str, act: Callable[[], T]) -> T:
        """Return what a call gives, after as many tries as it may take.

        Raises
        ------
        SourceError
            It cannot succeed; the error has no trace of the underlying one, whose words could hold a secret.
        SourceUnavailable
            It failed at each try.
        """
        for n in range(self.access.tries):
            if n:
                time.sleep(backoff(n, self.access.backoff))
            try:
                return act()
            except PenstockError:
                raise
            except Exception as error:  # each file system raises what its client library does
                told = self._told(error, where)
            if not isinstance(told, SourceUnavailable):
                break
        raise told

    def _told(self, error: Exception, where: str) -> SourceError:
        got = self._scrubbed(error)
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if isinstance(error, FileNotFoundError):
            return SourceError("There is no such file", where=where, got=got, todo="Correct the address.")
        if isinstance(error, PermissionError) or _status(error) in (401, 403):
            return SourceError("Access is denied", where=where, got=got, todo=self._how_to_log_in())
        if any("Credential" in kind for kind in kinds):
            return SourceError("There are no credentials", where=where, got=got, todo=self._how_to_log_in())
        if isinstance(error, ImportError):
            return SourceError("A package is missing", where=where, got=got, todo=_how_to_install(self.scheme))
        if _may_pass(error, kinds):
            return SourceUnavailable(
                "The place did not answer", where=where, got=got, todo="Try again later, or correct the address."
            )
        return SourceError("The file cannot be read", where=where, got=got)

    def _how_to_log_in(self) -> str:
        names = {"s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "gs": "GOOGLE_APPLICATION_CREDENTIALS"}
        names["azure"] = "AZURE_STORAGE_CONNECTION_STRING"
        by_environment = names.get(EXTRAS.get(self.scheme, ""))
        first = f"Set {by_environment}, or name" if by_environment else "Name"
        return f"{first} the keys in the spec: access: {{options: {{NAME: '${{env:NAME}}'}}}}"

    def _scrubbed(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        # What an address has after its question mark may be a signature.
        text = re.sub(r"\?\S*=\S*", "?***", text)
        return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def shown_remote(address: str) -> str:
    """Return an address without user, password and query.

    Examples
    --------
    >>> shown_remote("ftp://me:pw@host/rows.csv"), shown_remote("abfs://rows@account/a.csv?sig=x")
    ('ftp://host/rows.csv', 'abfs://rows@account/a.csv?…')
    """
    scheme, _, rest = address.partition("://")
    authority = rest.partition("/")[0]
    user, at, host = authority.rpartition("@")
    if at and (":" in user or scheme.lower() not in _CONTAINER):
        rest = host + rest[len(authority) :]
    elif not at and "@" in rest and re.search(r":(?!\d+$)", authority):
        rest = rest.rpartition("@")[2]  # a password that holds a slash
    return re.sub(r"\?[\w.-]+=.*", "?…", f"{scheme}://{rest}")


def reaches_through(address: str) -> SourceError:
    """Return the error for a chained address: it would lead past the data directory and all limits."""
    return SourceError(
        "An address that reaches through to another one is not opened",
        where=f"{address.partition('://')[0].partition('::')[0]}…",
        expected="SCHEME://PLACE/FILE",
        todo="Name the file itself: archives and compressed files are opened without it.",
    )


def _file_system(scheme: str, address: str, access: Access) -> tuple[Any, str]:
    """Return a file system, and what its paths lack of their address."""
    if "::" in address or scheme in _NO_PLACES:
        raise reaches_through(address)
    import fsspec

    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        missing = str(error)
    except ValueError:
        known = sorted(set(fsspec.available_protocols()) - _NO_PLACES)
        raise SourceError(
            f"No file system is known for {scheme}://",
            where=shown_remote(address),
            expected=near_names(scheme, known),
        ) from None
    else:
        told = kind._get_kwargs_from_urls(address)
        host = f"{told['host']}{':' if told.get('port') else ''}{told.get('port') or ''}/" if told.get("host") else ""
        return _opened_once(kind, scheme, {**told, **_options(scheme, access)}), host
    raise SourceError(
        f"The package that reads {scheme}:// is not installed",
        where=shown_remote(address),
        got=missing,
        todo=_how_to_install(scheme),
    )


def _how_to_install(scheme: str) -> str:
    return f"pip install 'penstock[{EXTRAS[scheme]}]'" if scheme in EXTRAS else "Install it."


def _options(scheme: str, access: Access) -> dict[str, Any]:
    options = access.opened_options()
    if EXTRAS.get(scheme) == "s3":
        # One rule for tries and time, ours; botocore's own would multiply with it.
        ours = {"connect_timeout": access.timeout, "read_timeout": access.timeout, "retries": {"max_attempts": 0}}
        options["config_kwargs"] = {**ours, **options.get("config_kwargs", {})}
    return options


def _opened_once(kind: Any, scheme: str, options: dict[str, Any]) -> Any:
    """Return a file system whose listings are never old, with one session for all who ask in the same way.

    fsspec's own cache would go on with the credentials of an environment that has changed since.
    """
    ours: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if not getattr(kind, "async_impl", False):
        return kind(**options, **ours)  # its connections belong to one thread
    around = {n: v for n, v in os.environ.items() if n.startswith(_ENVIRONMENT)}
    key = digest_of([scheme, repr(sorted(options.items())), around, os.getpid()])
    with _lock:
        if key not in _open:
            while len(_open) >= _MOST_OPEN:
                del _open[next(iter(_open))]
            fs = kind(**options, **ours)
            if hasattr(fs, "retries"):
                fs.retries = 1
            _open[key] = fs
        return _open[key]


def _may_pass(error: Exception, kinds: set[str]) -> bool:
    status = _status(error)
    if status is not None:
        return status in (408, 429) or status >= 500
    if isinstance(error, TimeoutError | asyncio.TimeoutError | HTTPException | EOFError):
        return True
    if isinstance(error, OSError) and error.errno in TRANSIENT:
        return True
    # The client libraries' own trees, none of which need be installed.
    return bool(kinds & _PASSING)


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status that an error, or what caused it, tells of."""
    while error is not None:
        told = getattr(error, "response", None)
        found = told.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(told, dict) else None
        for status in (found, getattr(error, "status_code", None), getattr(error, "status", None)):
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


def _secrets_of(address: str) -> Sequence[str]:
    user = address.partition("://")[2].rpartition("@")[0]
    password = user.partition(":")[2]
    return [text for text in (password,) if text]


def _secrets_around() -> Sequence[str]:
    return [v for n, v in os.environ.items() if len(v) >= 8 and n.startswith(_ENVIRONMENT) and _SECRET_NAME.search(n)]
