"""JSON text to Python, exactly: no digit of a long number is lost, and no key that stands twice passes unseen."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import orjson

from penstock.errors import SourceError

# What is nested deeper is an attack or a mistake; the parsers themselves give up at 1,024 levels.
MOST_LEVELS = 200

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
# Shorter ones fit into 64 bits; orjson makes floats of the rest.
_LONG = b"0" * 20


class BadJson(ValueError):
    """Why a text is no JSON, and at which character of which line."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


def encoding_of(head: bytes) -> tuple[str, int]:
    r"""Return how a JSON text is encoded, by its first bytes, and how long its byte order mark is.

    Without a mark the zeros among the first four bytes tell, as JSON begins with two ASCII characters.

    Examples
    --------
    >>> encoding_of(b'{"a": 1}'), encoding_of('{"a": 1}'.encode("utf-16")), encoding_of(b'{\0"\0')
    (('utf-8', 0), ('utf-16-le', 2), ('utf-16-le', 0))
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    zeros = tuple(i for i, byte in enumerate(head[:4]) if not byte) if len(head) >= 4 else ()
    return {
        (1, 3): "utf-16-le",
        (0, 2): "utf-16-be",
        (1, 2, 3): "utf-32-le",
        (0, 1, 2): "utf-32-be",
    }.get(zeros, "utf-8"), 0


def parse(data: bytes) -> Any:
    """Return what a JSON text in UTF-8 says.

    NaN is None, as those who write it mean a missing value; Infinity is a float.

    Raises
    ------
    BadJson
        It is no JSON, a key stands twice in one object, or it is nested too deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "recursion" in str(error).lower():
            raise _too_deep() from None
        return parse_exactly(data)
    doubtful = lost_keys(data, n_keys([value])) or any(True for _ in long_numbers(data))
    return parse_exactly(data) if doubtful else value


def lost_keys(data: bytes, n_read: int) -> bool:
    """Whether a key may have stood twice, as fewer were read than the text has, or something is nested too deep."""
    found = data.count(b'":')
    return found > n_read or (found < n_read and found + data.count(b'" :') > n_read)


def long_numbers(data: bytes) -> Iterator[int]:
    r"""Give the lines, from 0, that hold numbers which may have been rounded when they were read fast.

    Examples
    --------
    >>> list(long_numbers(b"1\n12345678901234567890123\n"))
    [1]
    """
    levelled = data.translate(_DIGITS)
    line, done = 0, 0
    while (at := levelled.find(_LONG, done)) >= 0:
        line += data.count(b"\n", done, at)
        yield line
        done = data.find(b"\n", at)
        if done < 0:
            return


def n_keys(values: Iterable[Any]) -> int:
    """Return how many keys all objects in some values have together, and -1 where they are nested too deep.

    Examples
    --------
    >>> n_keys([{"a": [{"b": 1}, 2]}, {}, "x"])
    2
    """
    found = 0
    level = [v for v in values if type(v) is dict or type(v) is list]
    for _ in range(MOST_LEVELS + 1):
        if not level:
            return found
        found += sum(len(v) for v in level if type(v) is dict)
        inner = chain.from_iterable(v.values() if type(v) is dict else v for v in level)
        level = [v for v in inner if type(v) is dict or type(v) is list]
    return -1


def _too_deep() -> BadJson:
    return BadJson(f"it is nested more than {MOST_LEVELS} levels deep")


def parse_exactly(data: bytes) -> Any:
    """Return what a JSON text in UTF-8 says, slowly; as `parse` does."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadJson(f"byte {data[error.start]:#04x} is no UTF-8", *_place(data, error.start)) from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        raise BadJson("the text is cut off" if cut else error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise _too_deep() from None
    except BadJson:
        raise
    except ValueError as error:
        # Python refuses to read numbers of thousands of digits.
        raise BadJson(str(error).partition(";")[0]) from None
    if n_keys([value]) < 0:
        raise _too_deep()
    if "\\u" in text:
        _check_unicode(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [k for k, _ in pairs]
        raise BadJson(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice in one object")
    return value


def _constant(name: str) -> float | None:
    return None if name == "NaN" else math.inf if name == "Infinity" else -math.inf


def _check_unicode(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadJson("half of a surrogate pair is no character") from None


def _place(data: bytes, at: int) -> tuple[int, int]:
    return data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)


def as_utf8(data: bytes, encoding: str | None, where: str) -> bytes:
    """Return a JSON text in UTF-8, its byte order mark taken off.

    Raises
    ------
    SourceError
        It is not in the encoding.
    """
    found, n_mark = encoding_of(data[:4])
    if encoding is not None and not n_mark:
        found = encoding
    data = data[n_mark:]
    if codecs.lookup(found).name == "utf-8":
        return data
    try:
        return data.decode(found).encode()
    except UnicodeError as error:
        raise not_in(found, where) from error


def not_in(encoding: str, where: str) -> SourceError:
    """Return the error for a text that is not in its encoding."""
    return SourceError(f"The file is not {encoding} text", where=where, todo="Give the right `encoding`.")
