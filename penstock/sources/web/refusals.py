"""What a server's refusal means for whoever asked, and what to do about it."""

from __future__ import annotations

import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

from penstock.errors import SourceError, SourceUnavailable

if TYPE_CHECKING:
    import httpx

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


def refusal(status: int, where: str, *, has_credentials: bool) -> SourceError:
    """Return the error for an answer that is no success.

    Parameters
    ----------
    status : int
        The HTTP status.
    where : str
        The address, with no secret in it.
    has_credentials : bool
        Whether the request carried any.

    Examples
    --------
    >>> print(refusal(404, "https://host/rows", has_credentials=False))
    There is nothing at this address
      where: https://host/rows
      got:   404 Not Found
      do:    Correct the address and the parameters.
    """
    got = _phrase(status)
    if status in _PASSING:
        return SourceUnavailable(
            "The server asks for patience" if status == 429 else "The server is in trouble",
            where=where,
            got=f"{got}, in the last try too",
            todo="Try again later, or more often: `access` sets `tries` and `backoff`.",
        )
    if status in (401, 403, 407):
        return SourceError(
            "The server refuses access",
            where=where,
            got=f"{got}, {'with the credentials that are set' if has_credentials else 'and no credentials are set'}",
            todo=_credentials(status, has_credentials),
        )
    if status in (404, 410):
        return SourceError(
            "There is nothing at this address", where=where, got=got, todo="Correct the address and the parameters."
        )
    if status in (204, 205):
        return SourceError("The server answers with no content", where=where, got=got, expected="a body")
    return SourceError(
        "The server refuses the request",
        where=where,
        got=got,
        expected="200 OK",
        todo="Check the address, the method, the parameters and the body against the server's documentation.",
    )


def _credentials(status: int, has_credentials: bool) -> str:
    if status == 407:
        return "Look at the proxy that HTTPS_PROXY or HTTP_PROXY names."
    if has_credentials:
        return "Look at `access` (bearer, user and password, headers, params): they may be wrong, expired or too weak."
    return "Set `access`: bearer, user and password, headers or params; a secret is written ${env:NAME}."


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def too_large(where: str, most: int) -> SourceError:
    """Return the error for more bytes than may come."""
    return SourceError(
        "The answer is too large",
        where=where,
        got=f"more than {most:,} bytes",
        expected=f"at most {most:,} bytes (access.max_bytes)",
        todo="Ask for less, or raise `access.max_bytes`.",
    )


def is_lasting(error: httpx.TransportError, where: str) -> SourceError | None:
    """Return the error for a trouble that another try would not mend, or None."""
    import httpx

    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return SourceError("The request cannot be sent", where=where, todo="Correct the address and the headers.")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                "The server's certificate is not trusted",
                where=where,
                got=str(cause.verify_message or cause.reason),
                todo="Correct the address; an authority of your own is named by the variable SSL_CERT_FILE.",
            )
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return SourceError("The server does not speak https there", where=where, todo="Correct scheme or port.")
        cause = cause.__cause__ or cause.__context__
    return None


def broken_transfer(error: httpx.TransportError) -> str:
    """Return what happened to a connection, in a few words."""
    import httpx

    if isinstance(error, httpx.ConnectError):
        return f"no connection: {str(error)[:200] or 'refused'}"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection ended before the answer did, or the answer is no HTTP"
    return "the connection broke off"
