"""Web addresses: joined, compared, and shown without what could be a secret."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, parse_qsl, quote, quote_plus, unquote, unquote_plus, urlencode, urljoin, urlsplit

from penstock.errors import SourceError

MASK = "***"
_SHORTEST = 4
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS = frozenset(
    (
        "apikey", "appid", "auth", "authorization", "bearer", "code", "credential", "credentials", "jwt", "key", "pass",
        "passwd", "password", "pin", "pw", "pwd", "sas", "secret", "session", "sessionid", "sid", "sig", "signature",
        "token",
    )
)  # fmt: skip
_SECRET_ENDS = ("key", "token", "secret", "password", "signature", "sessionid")
_MOMENT = re.compile(r"\d{4}-\d\d?(-\d\d?)?([T ][\d:.]+)?(Z|[+ -]\d\d:?\d\d)?")
_TOKEN = re.compile(r"[A-Za-z0-9+/=._~%-]{16,}")


def shown_url(url: str) -> str:
    """Return an address as a receipt, log or message may show it.

    User and password are left out, and so is the value of a query parameter whose name says that it is a secret, or
    that looks like a token: at least 16 characters with letters and digits among them.

    Examples
    --------
    >>> shown_url("https://me:hunter2@host/rows?page=2&api_key=abc&q=berlin#top")
    'https://host/rows?page=2&api_key=***&q=berlin'
    """
    try:
        parts = urlsplit(url)
        place = _place(parts)
    except ValueError:
        return "an address that cannot be read"
    query = "&".join(_shown_pair(pair) for pair in parts.query.split("&")) if parts.query else ""
    return f"{parts.scheme}://{place}{parts.path}{'?' if query else ''}{query}"


def _shown_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if not mark:
        # A bare value: what it stands for is not told.
        return MASK if _is_token(unquote_plus(name)) else name
    return f"{name}={MASK}" if is_secret(unquote_plus(name), unquote_plus(value)) else pair


def is_secret(name: str, value: str) -> bool:
    """Whether a query parameter could be a secret, by its name or its looks.

    Examples
    --------
    >>> is_secret("X-Amz-Signature", "0"), is_secret("keyword", "rows"), is_secret("since", "2024-01-01T00:00:00Z")
    (True, False, False)
    """
    if not value:
        return False
    words = {word.lower() for word in _WORD.findall(name)}
    plain = "".join(c for c in name.lower() if c.isalnum())
    return bool(words & _SECRET_WORDS) or plain.endswith(_SECRET_ENDS) or _is_token(value)


def _is_token(value: str) -> bool:
    if not _TOKEN.fullmatch(value) or _MOMENT.fullmatch(value):
        return False
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _place(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def check_url(url: str) -> None:
    """Check that an address is one of the web.

    Raises
    ------
    SourceError
        Its scheme is neither http nor https, it names no host, or it cannot be read at all.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and bool(_place(parts))
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in url):
        raise SourceError(
            "The address is not one of the web",
            where=shown_url(url) if good else url.partition(":")[0][:20] + ":…",
            expected="http://host/… or https://host/…, with no blank in it",
        )


def host_of(url: str) -> str:
    """Return an address's host and port, by which its requests are paced."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{_port(parts)}"


def same_place(one: str, other: str) -> bool:
    """Whether credentials for one address may go to another: same host and port, and never from https down to http.

    Examples
    --------
    >>> same_place("http://host/a", "https://host/b"), same_place("https://host/a", "http://host/a")
    (True, False)
    >>> same_place("https://host/a", "https://host.evil/a"), same_place("http://host:1/a", "http://host:2/a")
    (False, False)
    """
    a, b = urlsplit(one), urlsplit(other)
    if (a.hostname or "").lower() != (b.hostname or "").lower():
        return False
    if a.scheme.lower() == b.scheme.lower():
        return _port(a) == _port(b)
    # The usual redirect to the safe door of the same house.
    return (a.scheme.lower(), _port(a), b.scheme.lower(), _port(b)) == ("http", 80, "https", 443)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme.lower() == "https" else 80)


def without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return an address without user and password, and these."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, None
    user = (unquote(parts.username or ""), unquote(parts.password or ""))
    return parts._replace(netloc=_place(parts)).geturl(), user


def with_params(url: str, params: Mapping[str, str]) -> str:
    """Return an address with query parameters added; one that is there is replaced, and all else is kept as written.

    Examples
    --------
    >>> with_params("https://host/rows?q=a%20b&page=1", {"page": "2", "tag": "x y"})
    'https://host/rows?q=a%20b&page=2&tag=x+y'
    """
    if not params:
        return url
    parts = urlsplit(url)
    kept = [p for p in parts.query.split("&") if p and unquote_plus(p.partition("=")[0]) not in params]
    return parts._replace(query="&".join([*kept, urlencode(params)]), fragment="").geturl()


def joined(base: str, target: str) -> str:
    """Return where a link of a page leads."""
    return urljoin(base, target.strip())


class Redaction:
    """Secrets, and texts without them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # What is shorter guards nothing, and stands in half of all words.
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return a text with every secret, as it is or as it is written in an address, replaced by stars."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def _forms(secret: str) -> set[str]:
    coded = base64.b64encode(secret.encode()).decode()
    return {secret, secret.strip(), quote(secret), quote(secret, safe=""), quote_plus(secret), coded} | {
        json.dumps(secret)[1:-1]
    } - {""}


def secrets_in(url: str) -> list[str]:
    """Return what of an address could be a secret."""
    parts = urlsplit(url)
    named = [value for name, value in parse_qsl(parts.query) if is_secret(name, value)]
    # A user alone is a token; one with a password is a name.
    user = parts.password or parts.username
    return [*named, unquote(user)] if user else named
