"""What came in the body: read within bounds, and parsed without trust."""

from __future__ import annotations

import asyncio
import json
import re
import types
from collections.abc import Awaitable, Container, Generator, Mapping
from functools import partial
from typing import Any

import orjson
from fastapi import Request
from starlette.types import Message, Receive

from deploy.service.problems import MAX_FAULTS, Fault, Problem, body_too_long, shown_name
from penstock.series.rule import HISTORY

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"

# The parser makes these very types, and none that is derived from them.
_NESTED = frozenset((dict, list))
_strings = re.compile(rb'"(?:[^"\\]|\\.)*"')


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Return the whole body, never holding more than `limit` bytes of it.

    Raises
    ------
    Problem
        413 when the body is longer, by its own word or in fact; 408 when it takes longer than `seconds`; 400 when the
        caller hangs up in the middle; 415 when it is compressed.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(415, "unsupported-encoding", "Compressed bodies are not taken; send it as it is")
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > limit):
        raise body_too_long(limit)
    return await collected(request.receive, limit, seconds)


async def collected(receive: Receive, limit: int, seconds: float) -> bytes:
    """Return the body that comes in messages, never holding more than `limit` bytes of it.

    Raises
    ------
    Problem
        413, 408 or 400, as `read_body` does.
    """
    # A row mostly comes in one piece with its head: then there is nothing to wait for, and no clock is set.
    steps = receive().__await__()
    try:
        waited_for = next(steps)
    except StopIteration as done:
        message: Message = done.value
        if message["type"] == "http.request" and not message.get("more_body", False):
            return _within(message.get("body", b""), limit)
        first = _given(message)
    else:
        first = _resumed(steps, waited_for)
    try:
        async with asyncio.timeout(seconds):
            return await _all(first, receive, limit)
    except TimeoutError:
        raise Problem(408, "body-slow", f"The body did not arrive within {seconds:g} seconds") from None


async def _all(first: Awaitable[Message], receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    message = await first
    while True:
        if message["type"] == "http.disconnect":
            raise Problem(400, "body-cut", "The body ended before its end")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise body_too_long(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise body_too_long(limit)
    return body


async def _given(message: Message) -> Message:
    return message


@types.coroutine
def _resumed(steps: Generator[Any, Any, Message], waited_for: object) -> Generator[Any, Any, Message]:
    """Go on with what has begun, from what it waits for."""
    while True:
        try:
            told = yield waited_for
        except BaseException as error:  # a cancellation above all: it is for whatever waits
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, told)
        try:
            waited_for = step()
        except StopIteration as done:
            value: Message = done.value
            return value


def media_type(request: Request, allowed: tuple[str, ...]) -> str:
    """Return the body's media type, one of those allowed.

    Raises
    ------
    Problem
        415 when it is another, or none, or in a character set other than UTF-8.
    """
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    if media.endswith("+json") and media.startswith("application/"):
        media = JSON
    if media not in allowed:
        raise _unsupported(allowed)
    charset = _parameter(parameters, "charset")
    if media in (JSON, CSV) and charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise Problem(415, "unsupported-charset", "Text is taken in UTF-8 only")
    return media


def _unsupported(allowed: tuple[str, ...]) -> Problem:
    takes = ", ".join(allowed)
    return Problem(
        415, "unsupported-media-type", f"The Content-Type must be one of: {takes}", headers={"Accept": takes}
    )


def _parameter(parameters: str, name: str) -> str:
    for part in parameters.split(";"):
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"').lower()
    return ""


def quick_row(body: bytes) -> dict[str, Any] | None:
    """Return a flat row in which no name can stand twice; None is for the long way to judge."""
    try:
        row = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(row) is not dict or not is_flat(row):
        return None
    # Of equal names the last is kept: each of the others would leave a colon more than there are names.
    is_plain = body.count(b":") == len(row) or _strings.sub(b"", body).count(b":") == len(row)
    return row if is_plain else None


def _quick_rows(body: bytes) -> list[dict[str, Any]] | None:
    """Return flat rows in which no name can stand twice; None is for the long way to judge."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    rows = value.get("rows") if type(value) is dict and len(value) == 1 else None
    if type(rows) is not list or not {dict}.issuperset(map(type, rows)):
        return None
    # So many brackets are those of the rows themselves: nothing is nested in them.
    is_plain = body.count(b"{") == len(rows) + 1 and body.count(b"[") == 1
    return rows if is_plain and body.count(b":") == sum(map(len, rows)) + 1 else None


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body; duplicate keys, NaN, infinity and numbers beyond a double are refused.

    Raises
    ------
    Problem
        400 when it is not JSON, or says two things under one name.

    Examples
    --------
    >>> parse_json(b'{"age": 41}')
    {'age': 41}
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message tells the place and the kind of fault; it never quotes the text.
        raise Problem(400, "not-json", f"The body is not JSON: {_reason(error)}") from None
    # orjson keeps the last of two equal names in silence. In valid JSON every name has one colon outside of strings:
    # where there are no more than names that were kept, none stood twice.
    names = _count_names(value)
    if body.count(b":") != names and _strings.sub(b"", body).count(b":") != names:
        raise _duplicate(body)
    return value


def _reason(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg.partition(': line')[0]} (line {error.lineno} column {error.colno})"


def _count_names(value: Any) -> int:
    count = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            count += len(item)
            if not _NESTED.isdisjoint(map(type, item.values())):
                waiting.extend(v for v in item.values() if type(v) in _NESTED)
        elif type(item) is list:
            waiting.extend(v for v in item if type(v) in _NESTED)
    return count


def is_flat(row: Mapping[str, Any]) -> bool:
    """Whether a row of JSON holds neither objects nor lists."""
    return _NESTED.isdisjoint(map(type, row.values()))


def _duplicate(body: bytes) -> Problem:
    twice: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen and name not in twice:
                twice.append(name)
            seen.add(name)

    try:
        json.loads(body, object_pairs_hook=note)
    except (RecursionError, ValueError):
        # The standard parser bears less depth than ours; the refusal then names no field.
        twice.clear()
    faults = [Fault(field=shown_name(name), message="The field stands twice in one object") for name in twice]
    return Problem(400, "duplicate-field", "An object of the body names a field twice", faults)


def one_row(body: bytes) -> dict[str, Any]:
    """Return the body as one flat row.

    Raises
    ------
    Problem
        400 or 422, naming every field that holds an object or a list.
    """
    return _one_flat(parse_json(body))


def _one_flat(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Problem(422, "not-a-row", "The body must be one JSON object: a field and a value for each column")
    _refuse_nested([row], single=True)
    return row


def row_with_history(
    body: bytes, fields: Container[str], limit: int
) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """Return the body as one flat row, and the rows of `history` that it brings where that is no field of the model.

    Raises
    ------
    Problem
        400, 413 or 422, naming fields.
    """
    row = quick_row(body)
    if row is not None:
        return row, None
    row = parse_json(body)
    history = None
    if isinstance(row, dict) and HISTORY not in fields and isinstance(row.get(HISTORY), list):
        history = _checked(row.pop(HISTORY), limit)
    return _one_flat(row), history


def many_rows(body: bytes, limit: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """Return the body's `rows` and, where it has one, its `history`; each row is flat.

    Raises
    ------
    Problem
        400, 413 or 422, naming rows and fields.
    """
    quick = _quick_rows(body)
    if quick is not None and len(quick) <= limit:
        return quick, None
    value = parse_json(body)
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise Problem(422, "not-rows", 'The body must be {"rows": [...]} with one JSON object a row')
    extra = [shown_name(name) for name in value if name not in ("rows", HISTORY)]
    if extra:
        faults = [Fault(field=name, message="Only the field 'rows' stands here") for name in extra]
        raise Problem(422, "not-rows", 'The body must be {"rows": [...]} and nothing else', faults)
    history = value.get(HISTORY)
    if history is not None and not isinstance(history, list):
        faults = [Fault(field=HISTORY, message="The history is no list of rows", expected="a list of objects")]
        raise Problem(422, "not-rows", "The history must be a list with one JSON object a row", faults)
    return _checked(rows, limit), None if history is None else _checked(history, limit)


def _checked(rows: list[Any], limit: int) -> list[dict[str, Any]]:
    if len(rows) > limit:
        raise Problem(413, "too-many-rows", f"The body has more than the {limit} rows that are taken at once")
    if not {dict}.issuperset(map(type, rows)):
        odd = [i for i, row in enumerate(rows) if not isinstance(row, dict)]
        faults = [Fault(row=i, message="The row is not an object", expected="an object") for i in odd[:100]]
        raise Problem(422, "not-a-row", "Every row must be one JSON object", faults)
    _refuse_nested(rows)
    return rows


def _refuse_nested(rows: list[dict[str, Any]], *, single: bool = False) -> None:
    odd = [(i, row) for i, row in enumerate(rows) if not is_flat(row)]
    faults = [
        Fault(
            field=shown_name(name),
            row=None if single else i,
            message="The field holds an object or a list",
            expected="one value: text, a number, true, false or null",
        )
        for i, row in odd[:MAX_FAULTS]
        for name, value in row.items()
        if type(value) in _NESTED
    ]
    if faults:
        raise Problem(422, "not-flat", "A row is flat: one value a field", faults)
