"""Files of the web: downloaded, or found to be unchanged."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from penstock.errors import SourceError
from penstock.receipts import Part
from penstock.sources.places.access import Access
from penstock.sources.web.client import Client
from penstock.sources.web.urls import shown_url

__all__ = ["Downloaded", "conditions", "download", "head_state", "shown_url"]


class Downloaded(NamedTuple):
    """What came with a file: its state, as the server tells it, and its `Content-Type` as it came."""

    etag: str | None
    modified: str | None
    media: str


def download(
    url: str, to: Path, access: Access, earlier: Part | None = None, *, every: float = 0.0
) -> Downloaded | None:
    """Bring what an address holds into a file, unless it is what was brought earlier.

    Parameters
    ----------
    url : str
        Where it lies.
    to : pathlib.Path
        Where its bytes go; it is whole once this returns.
    access : Access
        Credentials and limits.
    earlier : Part, optional
        What was brought before; the server is asked whether it still holds.
    every : float, optional
        Seconds between two requests to one host.

    Returns
    -------
    Downloaded or None
        None where nothing has changed.

    Raises
    ------
    SourceError
        The server refuses it, or it is too large; the error tells what to do.
    SourceUnavailable
        The server did not answer, or not in full, in any try.
    """
    with Client(access, url, every=every) as client:
        asked = conditions(earlier)
        answer = client.checked(client.request(url, to, headers=asked))
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if not asked:
                raise SourceError("The server says `not modified` without having been asked", where=shown_url(url))
            return None
        return Downloaded(answer.etag, answer.modified, answer.media)


def conditions(earlier: Part | None) -> dict[str, str]:
    """Return the headers that ask for content only if it is another than what is known."""
    if earlier is None:
        return {}
    # A server that knows tags goes by them alone (RFC 9110, section 13.2.2).
    asked = {"if-none-match": earlier.etag, "if-modified-since": earlier.modified}
    return {name: value for name, value in asked.items() if value}


def head_state(url: str, access: Access) -> str | None:
    """Return what an address says of its state: its entity tag, or else when it was changed.

    None where it says neither, or does not say it this time: then it has to be fetched to know.
    """
    try:
        with Client(access.model_copy(update={"tries": 1}), url) as client:
            answer = client.request(url, Path(), method="HEAD")
    except SourceError:
        return None
    return (answer.etag or answer.modified) if answer.status == HTTPStatus.OK else None
