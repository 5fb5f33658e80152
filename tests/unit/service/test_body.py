"""Bodies: bounded, parsed without trust, and refused without being quoted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from deploy.service.body import JSON, many_rows, media_type, one_row, parse_json, read_body
from deploy.service.problems import Problem

values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
flat_rows = st.dictionaries(st.text(max_size=12), values | st.text(max_size=12), max_size=8)


def request(headers=None, parts=(b"",), ends=True):
    messages = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)]
    if not ends:
        messages[-1]["more_body"] = True
        messages.append({"type": "http.disconnect"})

    async def receive():
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b""}
    scope["headers"] = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
    return Request(scope, receive)


def refused(call, *given):
    with pytest.raises(Problem) as caught:
        call(*given)
    return caught.value


def read(*args, **kwargs):
    return asyncio.run(read_body(*args, **kwargs))


@given(flat_rows)
def test_a_flat_row_comes_through_as_it_was_sent(row):
    """Whatever names and values a row has, no colon or quote in them is taken for a second field."""
    assert one_row(json.dumps(row).encode()) == row


@given(st.binary(max_size=60))
def test_any_bytes_are_a_row_or_a_refusal(body):
    """No body makes the parser fail in a way of its own."""
    with contextlib.suppress(Problem):
        assert isinstance(one_row(body), dict)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400])
def test_numbers_that_no_double_holds_are_refused(text):
    """NaN and infinity never come in, however they are written."""
    assert refused(one_row, b'{"age": %s}' % text.encode()).status == 400


def test_a_large_integer_is_a_double():
    """An integer beyond 64 bits is read, as its nearest double."""
    (value,) = one_row(b'{"age": 18446744073709551617}').values()
    assert value == 2.0**64
    assert math.isfinite(value)


@pytest.mark.parametrize(
    ("body", "field"),
    [(b'{"a": 1, "a": 2}', "a"), (b'{"b\\u0061": 1, "ba": 2}', "ba"), (b'{"x": {"c": 1, "c": 1}}', "c")],
)
def test_a_field_that_stands_twice_is_refused_by_name(body, field):
    """Two values under one name are never settled by order."""
    problem = refused(parse_json, body)
    assert (problem.status, problem.errors[0].field) == (400, field)


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_deep_nesting_is_refused(depth):
    """Depth costs no stack."""
    problem = refused(one_row, b'{"a":' * depth + b"1" + b"}" * depth)
    assert problem.status in (400, 422)


@pytest.mark.parametrize("body", [b"", b" ", b"{", b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b'"\\ud800"', b"{} {}"])
def test_what_is_not_json_is_refused_with_its_place(body):
    """Broken JSON and broken UTF-8 are the caller's fault, and are told apart from a bad row."""
    assert refused(parse_json, body).status == 400


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b'[{"a": 1}]'])
def test_a_row_is_an_object(body):
    """Anything else that is JSON is told so."""
    assert refused(one_row, body).status == 422


def test_a_nested_value_is_refused_by_name_and_never_quoted():
    """The refusal names field and row, and holds nothing of the value."""
    problem = refused(many_rows, b'{"rows": [{"a": 1}, {"b": ["s3cr3t"]}]}', 10)
    assert (problem.errors[0].field, problem.errors[0].row) == ("b", 1)
    assert "s3cr3t" not in json.dumps(problem.body("id"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b'{"rows": {}}', 422),
        (b'{"rows": [1]}', 422),
        (b'{"rows": [], "more": 1}', 422),
        (b"[]", 422),
        (b'{"rows": [{},{},{}]}', 413),
    ],
)
def test_rows_come_in_one_shape_only(body, status):
    """A batch is an object with `rows`, bounded in number."""
    assert refused(many_rows, body, 2).status == status


def test_no_rows_are_a_batch_of_none():
    """An empty batch is answered, not refused."""
    assert many_rows(b'{"rows": []}', 2) == ([], None)


def test_a_body_in_parts_is_joined():
    """Chunks come together in order."""
    assert read(request(parts=(b"ab", b"", b"c")), 10, 1.0) == b"abc"


@pytest.mark.parametrize(
    ("given_request", "status"),
    [
        (request({"content-length": "11"}, (b"x" * 11,)), 413),
        (request({"content-length": "9" * 40}, (b"x",)), 413),
        (request(None, (b"x" * 6, b"x" * 6)), 413),
        (request(None, (b"x",), ends=False), 400),
        (request({"content-encoding": "gzip"}, (b"x",)), 415),
    ],
)
def test_a_body_beyond_its_bounds_is_refused(given_request, status):
    """Too long by its word or in fact, cut, or compressed."""
    with pytest.raises(Problem) as caught:
        read(given_request, 10, 1.0)
    assert caught.value.status == status


def test_a_body_that_never_ends_is_refused_in_time():
    """A caller who sends nothing more holds no place for ever."""
    stuck = request(None, (b"x", b"y"))
    receive = stuck._receive

    async def slow():
        message = await receive()
        await asyncio.sleep(5)
        return message

    stuck._receive = slow
    with pytest.raises(Problem) as caught:
        read(stuck, 10, 0.05)
    assert caught.value.status == 408


@pytest.mark.parametrize("sent", ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.x+json"])
def test_json_goes_by_several_names(sent):
    """Parameters and suffixes do not matter."""
    assert media_type(request({"content-type": sent}), (JSON,)) == JSON


@pytest.mark.parametrize("sent", [None, "", "text/plain", "application/xml", "application/json; charset=latin-1"])
def test_another_media_type_is_refused_with_those_that_are_taken(sent):
    """415, and the answer says what would be right."""
    problem = refused(media_type, request({"content-type": sent} if sent is not None else {}), (JSON,))
    assert problem.status == 415
