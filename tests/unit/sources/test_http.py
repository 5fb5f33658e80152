"""HTTP APIs: bodies of each format, what is new only, and what comes when something else comes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from penstock.errors import SourceError, SourceUnavailable, SpecError
from penstock.sources.http import HttpSource
from penstock.sources.remembered import earlier_snapshot, remember
from penstock.store import Store
from tests.unit.sources.local_web import SECRET, Reply, echoing, every_word, nobody, site

ROWS = [{"id": i, "city": f"city {i}"} for i in range(1, 8)]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def source(url, **more) -> HttpSource:
    access = {"tries": 3, "backoff": 0.01, "timeout": 5.0, **more.pop("access", {})}
    return HttpSource.model_validate({"name": "api", "url": url, "access": access, **more})


def as_json(value, **headers) -> Reply:
    return Reply(body=json.dumps(value).encode(), headers={"Content-Type": "application/json", **headers})


def rows_of(snapshot, store):
    return store.read_table(snapshot.table).to_pylist()


BODIES = {
    "json": (
        "application/json",
        b'[{"a": 1, "b": {"c": "x"}}, {"a": 2}]',
        [{"a": 1, "b.c": "x"}, {"a": 2, "b.c": None}],
    ),
    "vendor": ("application/vnd.api+json; charset=utf-8", b'{"rows": [{"a": 1}]}', [{"a": 1}]),
    "jsonl": ("application/x-ndjson", b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
    "csv": ("text/csv; charset=iso-8859-1", "a;b\n1;K\u00f6ln\n".encode("latin-1"), [{"a": "1", "b": "K\u00f6ln"}]),
    "xml": ("application/xml", b"<r><o><a>1</a></o><o><a>2</a></o></r>", [{"a": "1"}, {"a": "2"}]),
    "plain json": ("text/plain", b' [{"a": 1}]', [{"a": 1}]),
    "plain lines": ("", b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
    "plain csv": ("application/octet-stream", b"a,b\n1,2\n", [{"a": "1", "b": "2"}]),
    "plain xml": ("text/plain", b"<r><o><a>1</a></o><o><a>2</a></o></r>", [{"a": "1"}, {"a": "2"}]),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_read_as_what_it_is(store, name):
    """By its declared type, or by its looks where that says nothing."""
    media, body, rows = BODIES[name]
    with site(Reply(body=body, headers={"Content-Type": media} if media else {})) as web:
        taken = source(web.url).collect(store)
    assert rows_of(taken, store) == rows
    assert store.read_bytes(taken.parts[0].file) == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html><head><title>Log in</title></head><body>hello</body></html>", "web page"),
        (b"\n<!-- x -->\n<HTML><body>error</body></HTML>", "web page"),
        (b'{"a": 1', "not JSON"),
        (b"", "empty"),
        (b'{"error": "no such table"}', "nothing at 'rows'"),
    ],
)
def test_something_else_than_json_is_told(store, body, words):
    """An error page with status 200, half a document, nothing, an error as JSON."""
    with site(Reply(body=body, headers={"Content-Type": "application/json"})) as web:
        with pytest.raises(SourceError, match=words) as caught:
            source(web.url, format="json", records="rows").collect(store)
        assert not isinstance(caught.value, SourceUnavailable)
    assert leftovers(store) == []


def leftovers(store):
    """Return what lies in the store beside whole objects, and the leases of those who write them."""
    files = [p for p in Path(store.root).rglob("*") if p.is_file() and p.parts[-3:-2] != ("objects",)]
    return [p for p in files if p.parent.name != ".leases"]


@pytest.mark.parametrize("body", [[], {"items": []}, {"items": [], "total": 0}])
def test_an_answer_without_rows_is_an_error(store, body):
    """An empty list is no record, and neither is the envelope around one."""
    with site(as_json(body)) as web:
        for paginate in (None, {"kind": "page"}):
            with pytest.raises(SourceError, match=r"no rows|empty|no record"):
                source(web.url, paginate=paginate).collect(store)


def test_what_does_not_answer_is_unavailable_and_leaves_nothing(store):
    """Refused, silent, cut short, or in trouble to the last try."""
    with pytest.raises(SourceUnavailable):
        source(nobody()).collect(store)
    for reply in (Reply(503), Reply(body=b"[{", length=99), Reply(body=(b"[]",), pause=2)):
        with site(reply) as web, pytest.raises(SourceUnavailable):
            source(web.url, access={"timeout": 0.2, "tries": 2}).collect(store)
        assert len(web.asked) == 2
    assert leftovers(store) == []


def test_a_single_answer_that_has_not_changed_is_not_sent_again(store):
    """The second run asks with the tag, gets no body, and has the same receipt."""

    def reply(asked):
        known = asked.headers.get("if-none-match") == '"v1"'
        return as_json(ROWS, ETag='"v1"')._replace(status=304 if known else 200)

    with site(reply) as web:
        api = source(web.url)
        assert api.state() == '"v1"'
        first = api.collect(store)
        remember(api, first, store)
        sent = web.n_sent
        second = api.collect(store, earlier_snapshot(api, store))
        assert web.n_sent == sent
    assert second.identity() == first.identity()
    assert second.origin["status"] == "304"
    assert first.origin["etag"] == '"v1"'


LOG = [{"id": i, "at": f"2024-01-{i:02d}T00:00:00Z"} for i in range(1, 10)]


def test_only_what_is_new_is_asked_for(store):
    """Each run sends the highest mark so far; the new rows are added, and a run that finds none changes nothing."""
    there = LOG[:4]

    def reply(asked):
        return as_json({"rows": [r for r in there if r["at"] > asked.params.get("since", "")]})

    with site(reply) as web:
        api = source(
            web.url, records="rows", watermark={"column": "at", "param": "since", "initial": "2024-01-02T00:00:00Z"}
        )
        first = api.collect(store)
        assert [r["id"] for r in rows_of(first, store)] == [3, 4]
        there = LOG[:6]
        second = api.collect(store, first)
        assert [r["id"] for r in rows_of(second, store)] == [3, 4, 5, 6]
        third = api.collect(store, second)
        assert third.identity() == second.identity()
    assert [a.params["since"][8:10] for a in web.asked] == ["02", "04", "06"]
    assert [p.name for p in second.parts] == ["page 1", "page 2"]
    assert second.watermark == "2024-01-06T00:00:00Z"
    assert second.parts[0] == first.parts[0]


def test_with_a_key_the_newest_row_counts(store):
    """A row that came again with another value replaces the one before."""
    pages = iter([[{"id": 1, "v": 10, "x": "a"}, {"id": 2, "v": 11, "x": "b"}], [{"id": 1, "v": 12, "x": "c"}]])
    with site(lambda asked: as_json(next(pages))) as web:
        api = source(web.url, watermark={"column": "v", "param": "after", "key": "id"})
        second = api.collect(store, api.collect(store))
    assert rows_of(second, store) == [{"id": 2, "v": 11, "x": "b"}, {"id": 1, "v": 12, "x": "c"}]
    assert second.watermark == "12"
    assert web.asked[1].params == {"after": "11"}


def test_rows_that_came_again_without_a_key_are_told(store):
    """A server that takes the mark as inclusive sends the last row twice: nothing is dropped, and it is said."""
    with site([as_json(LOG[:2]), as_json(LOG[1:3])]) as web:
        api = source(web.url, watermark={"column": "id", "param": "from"})
        second = api.collect(store, api.collect(store))
    assert second.n_rows == 4
    assert "last watermark" in second.remarks[0]


@pytest.mark.parametrize(
    ("values", "highest"),
    [(["9", "10"], "10"), ([9, 10.5], "10.5"), (["2024-01-02", "2024-01-01"], "2024-01-02"), (["b", "a", None], "b"),
     (["2024-01-01T00:00:00+02:00", "2023-12-31T23:00:00Z"], "2023-12-31T23:00:00Z")],
)  # fmt: skip
def test_marks_sort_as_what_they_are(store, values, highest):
    """Numbers as numbers even in text, moments across time zones, all else as text."""
    with site(as_json([{"m": v, "k": i} for i, v in enumerate(values)])) as web:
        assert source(web.url, watermark={"column": "m", "param": "p"}).collect(store).watermark == highest


def test_a_watermark_names_a_column_that_is_there(store):
    """Else the error names those that are."""
    with site(as_json(ROWS)) as web, pytest.raises(SourceError, match="'ad'") as caught:
        source(web.url, watermark={"column": "ad", "param": "p"}).collect(store)
    assert "'id'" in caught.value.expected


@pytest.mark.parametrize("status", [200, 400, 401, 429, 302])
def test_no_secret_is_in_receipt_note_error_or_log(store, caplog, status, tmp_path):
    """Planted in header, parameters, bearer, body and address; the server says all of it back in its headers."""
    caplog.set_level(logging.DEBUG)
    keys = {
        "method": "POST",
        "params": {"api_key": SECRET},
        "body": {"password": SECRET},
        "access": {"bearer": SECRET, "headers": {"X-Key": SECRET}, "params": {"q": SECRET}, "tries": 2},
    }

    def reply(asked):
        if status == 200:
            return as_json(ROWS, ETag=f'"{SECRET}"', **{"Content-Language": SECRET})
        return echoing(asked, status)

    told = ""
    with site(reply) as web:
        api = source(f"{web.url}/rows?token={SECRET}".replace("//", f"//me:{SECRET}@"), **keys)
        try:
            taken = api.collect(store)
            remember(api, taken, store)
            told = taken.model_dump_json() + repr(taken)
        except SourceError as error:
            told = every_word(error)
    told += repr([p.read_bytes() for p in leftovers(store)])
    told += repr(api) + api.uri + api.model_dump_json() + str(api.model_dump()) + caplog.text
    assert web.asked[0].headers["x-key"] == SECRET
    assert SECRET not in told


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "ftp://host/x"},
        {"body": {"a": 1}},
        {"paginate": {"kind": "cursor"}},
        {"paginate": {"kind": "pages"}},
        {"method": "DELETE"},
        {"max_pages": 0},
    ],
)
def test_keys_that_make_no_sense_are_refused(keys):
    """Before anything is asked, and without showing what was given."""
    with pytest.raises((ValidationError, SpecError)):
        source(**{"url": "http://host/x", **keys})
