"""Pages of an API: by number, offset, cursor or link, to the last and no further."""

from __future__ import annotations

import json

import pytest

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources.http import HttpSource
from penstock.sources.web.paging import next_link
from penstock.store import Store
from tests.unit.sources.local_web import SECRET, Reply, site

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


def paged(asked):
    """Hand out the rows by page and size, or by offset and limit, at most three at a time."""
    given = {k: int(v) for k, v in asked.params.items()}
    size = min(3, given.get("limit", given.get("size", 3)))
    start = given["offset"] if "offset" in given else (given["page"] - 1) * size
    return as_json({"items": ROWS[start : start + size], "total": len(ROWS)})


@pytest.mark.parametrize(
    ("paginate", "n_asked"),
    [
        ({"kind": "page"}, 4),
        ({"kind": "page", "size": 3, "size_param": "size"}, 3),
        ({"kind": "page", "size": 50, "size_param": "size"}, 4),
        ({"kind": "offset", "size": 3}, 3),
        ({"kind": "offset", "size": 2}, 4),
        ({"kind": "offset", "size": 500}, 4),
    ],
)
def test_numbered_pages_are_fetched_to_the_last(store, paginate, n_asked):
    """By page or offset, whatever the server's own limit is: no row is lost, and no page is fetched for nothing."""
    with site(paged) as web:
        taken = source(f"{web.url}/rows", paginate=paginate).collect(store)
    assert rows_of(taken, store) == ROWS
    assert len(web.asked) == n_asked
    assert taken.origin["pages"] == str(n_asked)


def test_what_holds_for_every_page_is_told_once(store):
    """Where the records were found is one remark, however many pages there are."""
    with site(paged) as web:
        (remark,) = source(web.url, paginate={"kind": "page"}).collect(store).remarks
    assert "'items'" in remark


def test_every_page_is_kept_as_it_came(store):
    """Byte for byte, one part a page."""
    with site(paged) as web:
        taken = source(web.url, paginate={"kind": "page"}).collect(store)
    bodies = [store.read_bytes(part.file) for part in taken.parts]
    assert bodies == [paged(a).body for a in web.asked[:3]]
    assert taken.n_bytes == sum(map(len, bodies))
    assert taken.parts[0].file.media == "application/json"


def test_a_404_after_the_last_numbered_page_is_its_end(store):
    """Some servers count that an error; on the first page it is one."""
    with site(lambda asked: paged(asked) if int(asked.params["page"]) < 4 else Reply(404)) as web:
        assert source(web.url, paginate={"kind": "page"}).collect(store).n_rows == 7
    with site(Reply(404)) as web, pytest.raises(SourceError, match="nothing at this address"):
        source(web.url, paginate={"kind": "page"}).collect(store)


@pytest.mark.parametrize("post", [False, True])
def test_a_cursor_is_followed_until_there_is_none(store, post):
    """In the query for GET, in the body for POST; the rest of the request stays as it is."""

    def reply(asked):
        at = (json.loads(asked.body) if post else asked.params).get("after", 0)
        at = int(at)
        return as_json({"data": {"rows": ROWS[at : at + 3]}, "meta": {"next": at + 3 if at + 3 < 7 else None}})

    keys = {"method": "POST", "body": {"q": "x"}} if post else {"params": {"q": "x"}}
    with site(reply) as web:
        api = source(
            web.url, records="data.rows", paginate={"kind": "cursor", "param": "after", "path": "meta.next"}, **keys
        )
        assert rows_of(api.collect(store), store) == ROWS
    sent = [json.loads(a.body) for a in web.asked] if post else [a.params for a in web.asked]
    assert [s["q"] for s in sent] == ["x"] * 3
    assert [s.get("after") for s in sent] == ([None, 3, 6] if post else [None, "3", "6"])


@pytest.mark.parametrize("where", ["header", "body"])
def test_links_to_the_next_page_are_followed(store, where):
    """Relative ones too; the secret parameter goes with each."""

    def reply(asked):
        at = int(asked.params.get("at", 0))
        more = at + 3 < 7
        link = {"Link": f'<?at={at + 3}>; rel="next", </>; rel="first"'} if more and where == "header" else {}
        body = (
            ROWS[at : at + 3]
            if where == "header"
            else {"next": f"/rows?at={at + 3}" if more else None, "rows": ROWS[at : at + 3]}
        )
        return as_json(body, **link)

    path = {"path": "next"} if where == "body" else {}
    with site(reply) as web:
        api = source(f"{web.url}/rows", paginate={"kind": "link", **path}, access={"params": {"token": SECRET}})
        assert rows_of(api.collect(store), store) == ROWS
    assert [a.params["token"] for a in web.asked] == [SECRET] * 3


def test_a_link_to_another_host_is_refused_and_never_gets_credentials(store):
    """Unless it is allowed, and then without them."""
    with site(as_json(ROWS[3:])) as other:
        access = {"bearer": SECRET, "params": {"key": SECRET}}
        with site(as_json(ROWS[:3], Link=f'<{other.url}/more>; rel="next"')) as web:
            with pytest.raises(SourceError, match="another host"):
                source(web.url, paginate={"kind": "link"}, access=access).collect(store)
            assert other.asked == []
            taken = source(web.url, paginate={"kind": "link", "other_hosts": True}, access=access).collect(store)
        assert rows_of(taken, store) == ROWS
        assert SECRET not in repr(other.asked)


@pytest.mark.parametrize(
    ("reply", "paginate", "words"),
    [
        (lambda a: as_json(ROWS), {"kind": "page"}, "same page came again"),
        (
            lambda a: as_json({"rows": ROWS, "next": "x", "n": a.target}),
            {"kind": "cursor", "path": "next"},
            "came before",
        ),
        (lambda a: as_json(ROWS, Link="</>; rel=next"), {"kind": "link"}, "same page|came before"),
    ],
)
def test_pages_that_go_round_are_detected(store, reply, paginate, words):
    """The same page or cursor again is an error, not an endless run."""
    with site(reply) as web, pytest.raises(SourceError, match="circle") as caught:
        source(web.url, records=None, paginate=paginate).collect(store)
    assert len(web.asked) <= 3
    assert any(w in caught.value.got for w in words.split("|"))


def test_pages_without_an_end_are_stopped(store):
    """By number, and by size all in all."""
    endless = lambda asked: as_json([{"n": int(asked.params["page"])}])  # noqa: E731
    with site(endless) as web:
        with pytest.raises(SourceError, match="don't come to an end") as caught:
            source(web.url, paginate={"kind": "page"}, max_pages=5).collect(store)
        assert len(web.asked) == 5
        assert "max_pages" in caught.value.expected
        with pytest.raises(SourceError, match="too large"):
            source(web.url, paginate={"kind": "page"}, access={"max_bytes": 25}).collect(store)
    assert len(web.asked) < 10


def test_a_collection_has_a_time_limit(store):
    """However quick each page may be."""
    endless = lambda asked: as_json([{"n": int(asked.params["page"])}])  # noqa: E731
    with site(endless) as web, pytest.raises(SourceUnavailable, match="time"):
        source(web.url, paginate={"kind": "page"}, max_pages=10**6, access={"time_limit": 0.3}).collect(store)


def test_pages_in_other_formats_are_stacked_too(store):
    """A page of CSV with nothing but its header is the last one; XML pages may lack a column."""
    csv = lambda asked: Reply(body=b"a,b\n" + (b"1,2\n" if asked.params["page"] < "3" else b""))  # noqa: E731
    numbered = lambda asked: Reply(body=csv(asked).body.replace(b"1", asked.params["page"].encode()))  # noqa: E731
    with site(numbered) as web:
        taken = source(web.url, format="csv", paginate={"kind": "page"}).collect(store)
    assert rows_of(taken, store) == [{"a": "1", "b": "2"}, {"a": "2", "b": "2"}]
    pages = [b"<r><o><a>1</a></o></r>", b"<r><o><b>2</b></o></r>", b"<r/>"]
    with site(lambda asked: Reply(body=pages[int(asked.params["page"]) - 1])) as web:
        taken = source(web.url, format="xml", rows="/r/o", paginate={"kind": "page"}).collect(store)
    assert rows_of(taken, store) == [{"a": "1", "b": None}, {"a": None, "b": "2"}]


def test_ragged_pages_get_one_type_a_column(store):
    """A number here and a broken one there, a key that only some pages have."""
    pages = [[{"a": 1}], [{"a": 2.5, "b": "x"}], []]
    with site(lambda asked: as_json(pages[int(asked.params["page"]) - 1])) as web:
        taken = source(web.url, paginate={"kind": "page"}).collect(store)
    assert rows_of(taken, store) == [{"a": 1.0, "b": None}, {"a": 2.5, "b": "x"}]


def test_the_first_page_is_enough_to_see_the_columns(store):
    """A look costs one request."""
    with site(paged) as web:
        assert source(web.url, paginate={"kind": "page"}).peek(store).to_pylist() == ROWS[:3]
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://h/2>; rel="next"', "https://h/2"),
        ("</2>; title=x; rel=next", "/2"),
        ('</0>; rel="prev", </2>; rel="last NEXT"', "/2"),
        ('</2>; rel="nextish"', None),
        ("", None),
        ("<<>>,;;rel=next", None),
    ],
)
def test_a_link_header_is_read_as_its_standard_has_it(header, target):
    """Several links, several relations, quotes or none."""
    assert next_link(header) == target
