"""Bodies of HTTP answers: unpacked and counted while they arrive, within limits."""

from __future__ import annotations

import codecs
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

_BLOCK = 1 << 20
# Bytes a second, on average, that keep a request alive once its time limit has passed.
SLOWEST = 1024.0
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
CODINGS = ("gzip", "x-gzip", "deflate")


class TooLarge(Exception):
    """More bytes came than may come."""


class TooSlow(Exception):
    """Bytes come so slowly that the end is not worth waiting for."""


class Broken(Exception):
    """The body ended too early, or is not packed as its header says."""


def save(raw: Iterable[bytes], coding: str, to: IO[bytes], *, most: int, patience: float, deadline: float) -> int:
    """Write a body, unpacked, and return how many bytes it has.

    Parameters
    ----------
    raw : iterable of bytes
        The body as it is sent.
    coding : str
        Its `Content-Encoding`: "gzip", "deflate" or "".
    to : file
        Where it goes.
    most : int
        How many bytes may come, packed or unpacked.
    patience : float
        Seconds after which at least 1 KiB a second must have come on average.
    deadline : float
        The moment, of the monotonic clock, at which all has to end.

    Raises
    ------
    TooLarge, TooSlow, Broken
        What the names say.
    """
    began = time.monotonic()
    n_raw = 0

    def watched() -> Iterator[bytes]:
        nonlocal n_raw
        for block in raw:
            n_raw += len(block)
            if n_raw > most:
                raise TooLarge
            now = time.monotonic()
            late = now - began > patience and n_raw < SLOWEST * (now - began)
            if late or now > deadline:
                raise TooSlow
            yield block

    n = 0
    for block in unpacked(watched(), coding):
        n += len(block)
        if n > most:
            raise TooLarge
        to.write(block)
    return n


def unpacked(raw: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Give a body's plain bytes in blocks of at most 1 MiB, however much a small piece may unpack to.

    Raises
    ------
    Broken
        It ends too early, or is not packed so.
    """
    if not coding:
        yield from raw
        return
    unpack: zlib._Decompress | None = None
    is_gzip = coding in ("gzip", "x-gzip")
    begun = False
    for piece in raw:
        rest = piece
        while rest:
            if unpack is None:
                # A gzip body may be several, one after another; anything else that follows is padding.
                if begun and not (is_gzip and rest.startswith(b"\x1f")):
                    break
                unpack, begun = _unpacker(rest, is_gzip), True
            try:
                block = unpack.decompress(rest, _BLOCK)
            except zlib.error:
                raise Broken from None
            if block:
                yield block
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            unpack = None if unpack.eof else unpack
    if unpack is not None:
        yield from _flushed(unpack)


def _flushed(unpack: zlib._Decompress) -> Iterator[bytes]:
    while True:
        try:
            block = unpack.decompress(unpack.unconsumed_tail, _BLOCK)
        except zlib.error:
            raise Broken from None
        if not block:
            break
        yield block
    if not unpack.eof:
        raise Broken


def _unpacker(first: bytes, is_gzip: bool) -> zlib._Decompress:
    if is_gzip:
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # Some servers send bare deflate data where a zlib header is due.
    has_header = len(first) > 1 and first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def charset_of(media: str) -> str | None:
    """Return the encoding that a `Content-Type` names, if Python knows it.

    Examples
    --------
    >>> charset_of('text/csv; charset="ISO-8859-1"'), charset_of("text/csv; charset=martian")
    ('iso8859-1', None)
    """
    found = _CHARSET.search(media)
    try:
        return codecs.lookup(found.group(1)).name if found else None
    except LookupError:
        return None
