"""A client of the web: tries again where that can help, keeps to limits of time and size, and tells no secret."""

from __future__ import annotations

import base64
import logging
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources.places.access import Access
from penstock.sources.web.body import CODINGS, Broken, TooLarge, TooSlow, save
from penstock.sources.web.patience import PACE, backoff, moment, retry_after
from penstock.sources.web.refusals import broken_transfer, is_lasting, refusal, too_large
from penstock.sources.web.urls import (
    Redaction,
    check_url,
    host_of,
    joined,
    same_place,
    secrets_in,
    shown_url,
    with_params,
    without_user,
)

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("penstock")
_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10


class Answer:
    """A server's last word to a request; its body lies in the file that was named.

    `url` is where it came from in the end, and may hold secrets: show it with `shown_url`.
    """

    def __init__(self, status: int, url: str, headers: Mapping[str, str], hide: Redaction) -> None:
        self.status = status
        self.url = url
        self.headers = headers
        self._hide = hide

    @property
    def etag(self) -> str | None:
        """The entity tag; None where a secret is said back in it, for it goes into the receipt."""
        tag = self.headers.get("etag", "")
        return tag if tag and self._hide(tag) == tag else None

    @property
    def modified(self) -> str | None:
        """The time of the last change; None where the content may have changed again within that very second."""
        changed, now = moment(self.headers.get("last-modified")), moment(self.headers.get("date"))
        if changed is None or (now is not None and now - changed < 1.0):
            return None
        return self.headers.get("last-modified")

    @property
    def media(self) -> str:
        """The `Content-Type`, parameters included, and no secret."""
        return self._hide(self.headers.get("content-type", "").strip())


class _Trouble(NamedTuple):
    """Why a try came to nothing, in words without secrets; `after` is the wait that the server asks for."""

    words: str
    after: float | None = None


class Client:
    """A client for one collection: its connections, its credentials, its time.

    Parameters
    ----------
    access : Access
        Credentials and limits. Credentials go to the host that is asked first, and to no other.
    home : str
        The address whose host the credentials are for.
    every : float, optional
        Seconds between two requests to one host.
    """

    def __init__(self, access: Access, home: str, *, every: float = 0.0) -> None:
        check_url(home)
        self.access = access
        self.every = every
        self._home, user = without_user(home)
        self._user = user
        self.hide = Redaction([*access.secrets(), *secrets_in(home)])
        self._headers = self._credentials()
        self._deadline = time.monotonic() + access.time_limit
        self._http: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._http is not None:
            self._http.close()

    def request(
        self,
        url: str,
        to: Path,
        *,
        method: str = "GET",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int | None = None,
    ) -> Answer:
        """Return the answer to a request, be it good or a refusal, with its body in a file.

        Parameters
        ----------
        url : str
            Where to; the credentials go with it if it is on the same host as `home`.
        to : pathlib.Path
            Where the body goes.
        method, content, headers
            What to send beside the credentials.
        most : int, optional
            How many bytes may come; `access.max_bytes` by default.

        Raises
        ------
        SourceError
            The address is not one of the web, the body is too large, or redirects lead nowhere.
        SourceUnavailable
            The server did not answer, or not in full, in any try.
        """
        check_url(url)
        limit = self.access.max_bytes if most is None else most
        for nth in range(1, self.access.tries + 1):
            got = self._follow(without_user(url)[0], to, method, content, headers or {}, limit)
            if isinstance(got, Answer):
                if got.status not in _RETRIED or nth == self.access.tries:
                    return got
                words = f"it answered {got.status}"
                after = retry_after(got.headers.get("retry-after"), got.headers.get("date"))
            else:
                words, after = got
            self._wait(url, words, nth, after)
        raise AssertionError

    def checked(self, answer: Answer) -> Answer:
        """Return an answer that is good, 304 included.

        Raises
        ------
        SourceError
            It is a refusal; the error tells what to look at.
        SourceUnavailable
            It is a trouble of the server that may pass.
        """
        if answer.status == HTTPStatus.NOT_MODIFIED or (answer.status < 300 and answer.status not in (204, 205, 206)):
            return answer
        raise refusal(answer.status, self.shown(answer.url), has_credentials=self.has_credentials)

    @property
    def has_credentials(self) -> bool:
        """Whether anything is sent that could tell who asks."""
        return bool(self._headers or self.access.params)

    def shown(self, url: str) -> str:
        """Return an address as a message may show it, with none of this client's secrets in it."""
        return self.hide(shown_url(url))

    def _wait(self, url: str, words: str, nth: int, after: float | None) -> None:
        wait = backoff(nth, self.access.backoff) if after is None else after
        is_last = nth == self.access.tries
        if is_last or time.monotonic() + wait > self._deadline:
            raise SourceUnavailable(
                "The server did not answer" if is_last else "The time for collecting the source is up",
                where=self.shown(url),
                got=f"{words}; {nth} {'try' if nth == 1 else 'tries'}",
                expected="" if is_last else f"an answer within {self.access.time_limit:g} s (access.time_limit)",
                todo="Check the address and the network, or try again later; `access` sets `timeout` and `tries`.",
            )
        _log.info("%s: %s; try %d of %d in %.1f s", self.shown(url), words, nth + 1, self.access.tries, wait)
        time.sleep(wait)

    def _follow(
        self, url: str, to: Path, method: str, content: bytes | None, headers: Mapping[str, str], most: int
    ) -> Answer | _Trouble:
        """Send a request, and follow where it is sent on."""
        asked = url
        for _ in range(_MOST_REDIRECTS + 1):
            # The first request carries the secret parameters; a redirect's address is the server's own to choose.
            got = self._once(self._addressed(url) if url == asked else url, to, method, content, headers, most)
            if isinstance(got, _Trouble) or got.status not in _REDIRECTS or not got.headers.get("location"):
                return got
            url = without_user(self._led(url, got.headers["location"]))[0]
            if got.status == 303 or (got.status in (301, 302) and method == "POST"):
                method, content = "GET", None
            if content is not None and not same_place(self._home, url):
                words = "The request is redirected to another host, and its body is not sent there"
                raise SourceError(words, where=self.shown(asked), got=self.shown(url))
        raise SourceError(
            "The address is redirected again and again",
            where=self.shown(asked),
            got=f"more than {_MOST_REDIRECTS} redirects, last to {self.shown(url)}",
            todo="Open it in a browser: a login page may be in the way.",
        )

    def _led(self, url: str, location: str) -> str:
        try:
            target = joined(url, location)
            check_url(target)
        except (SourceError, ValueError):
            raise SourceError("The address is redirected to none of the web", where=self.shown(url)) from None
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
            raise SourceError(
                "The address is redirected from https to http, where anyone could read along",
                where=self.shown(url),
                got=self.shown(target),
            )
        return target

    def _addressed(self, url: str) -> str:
        if not same_place(self._home, url):
            return url
        return with_params(url, {n: v.get_secret_value() for n, v in self.access.params.items()})

    def _once(
        self, url: str, to: Path, method: str, content: bytes | None, headers: Mapping[str, str], most: int
    ) -> Answer | _Trouble:
        PACE.wait(host_of(url), self.every)
        left = self._deadline - time.monotonic()
        if left <= 0:
            return _Trouble("the time for the collection is up", after=self.access.time_limit)
        found: Answer | _Trouble | SourceError
        import httpx

        sent = {**self._plain(), **headers, **(self._headers if same_place(self._home, url) else {})}
        timeout = min(self.access.timeout, left)
        try:
            with (
                _silence(),
                self._opened().stream(method, url, content=content, headers=sent, timeout=timeout) as response,
            ):
                found = self._taken(response, url, to, most)
        # What these tell may hold the address or a header; the words for them are our own, and they are no cause.
        except httpx.TimeoutException:
            found = _Trouble(f"no answer within {timeout:g} s")
        except httpx.TransportError as error:
            found = is_lasting(error, self.shown(url)) or _Trouble(self.hide(broken_transfer(error)))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError):
            found = SourceError("The request cannot be sent", where=self.shown(url), todo="Correct the address.")
        except (Broken, TooSlow) as error:
            slow = isinstance(error, TooSlow)
            found = _Trouble("the body comes too slowly" if slow else "the body ended too early or is packed wrongly")
        except TooLarge:
            found = too_large(self.shown(url), most)
        if isinstance(found, SourceError):
            raise found
        return found

    def _taken(self, response: httpx.Response, url: str, to: Path, most: int) -> Answer | SourceError:
        answer = Answer(response.status_code, url, response.headers, self.hide)
        coding = response.headers.get("content-encoding", "").strip().lower().removeprefix("identity")
        if response.request.method == "HEAD" or not response.is_success:
            return answer
        if coding and coding not in CODINGS:
            words = f"Content-Encoding: {coding[:40]}"
            return SourceError("The body is packed in a way that was not asked for", where=self.shown(url), got=words)
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length[:18]) > most:
            return too_large(self.shown(url), most)
        with to.open("wb") as file:
            raw = response.iter_raw()
            save(raw, coding, file, most=most, patience=self.access.timeout, deadline=self._deadline)
        return answer

    def _opened(self) -> httpx.Client:
        import httpx

        if self._http is None:
            # Cookies of a session are kept; proxies and authorities come from the environment, as everywhere.
            self._http = httpx.Client(follow_redirects=False, timeout=self.access.timeout, verify=_authorities())
        return self._http

    def _plain(self) -> dict[str, str]:
        import httpx

        # By its name: the front of the package also names rooms above this one.
        release = import_module("penstock").__version__
        agent = f"penstock/{release} python-httpx/{httpx.__version__}"
        return {"user-agent": agent, "accept": "*/*", "accept-encoding": "gzip, deflate"}

    def _credentials(self) -> dict[str, str]:
        access = self.access
        user = self._user
        if access.user is not None:
            user = (access.user, access.password.get_secret_value() if access.password else "")
        sent = {}
        if access.bearer is not None:
            sent["authorization"] = f"Bearer {access.bearer.get_secret_value().strip()}"
        elif user is not None:
            sent["authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        sent |= {name.lower(): value.get_secret_value().strip() for name, value in access.headers.items()}
        for name, value in sent.items():
            if not (value.isascii() and value.isprintable() and name.isascii() and name.replace("-", "").isalnum()):
                raise SourceError(
                    f"The header {name[:60]!r} cannot be sent",
                    where=self.shown(self._home),
                    expected="a name of letters, digits and dashes, and a value of one line of plain ASCII",
                    todo="Look at `access`, and at the environment variable that it names.",
                )
        return sent


def _authorities() -> ssl.SSLContext:
    variables = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    try:
        return _read_authorities(*(os.environ.get(name) for name in variables))
    except OSError as error:
        raise SourceError(
            "The certificates of trusted authorities cannot be read",
            where=", ".join(f"{n}={os.environ[n]}" for n in variables if n in os.environ),
            got=str(error.strerror or error),
            todo="Correct the environment variable.",
        ) from None


@lru_cache(maxsize=4)
def _read_authorities(*_environment: str | None) -> ssl.SSLContext:
    # To read the hundred and more authorities takes longer than many a request.
    import httpx

    return httpx.create_ssl_context()


class _Silence(logging.Filter):
    """Drops what this thread's requests would log: libraries log whole addresses, and headers when debugging."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_requests, "ours", False)


_requests = threading.local()
_silence_filter = _Silence()
_TALKERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


@contextmanager
def _silence() -> Iterator[None]:
    for name in _TALKERS:
        logging.getLogger(name).addFilter(_silence_filter)
    before = getattr(_requests, "ours", False)
    _requests.ours = True
    try:
        yield
    finally:
        _requests.ours = before
