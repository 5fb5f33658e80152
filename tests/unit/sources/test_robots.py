"""Sites are asked only for what their robots.txt allows, and at a distance."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources.html import HtmlSource
from penstock.sources.web.robots import Robots
from penstock.store import Store
from tests.unit.sources.local_web import Reply, nobody, site

PAGE = "<html><body>{}</body></html>"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def table(*rows, head=("a", "b"), attributes=""):
    th = "".join(f"<th>{c}</th>" for c in head)
    trs = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table {attributes}><tr>{th}</tr>{trs}</table>"


PLAIN = table(["1", "2"])


def web_source(url, **keys) -> HtmlSource:
    access = {"tries": 2, "backoff": 0.01, "timeout": 5.0}
    return HtmlSource.model_validate({"name": "page", "path": url, "every": 0, "access": access, **keys})


def served(robots, page=PLAIN, **headers):
    """Answer robots.txt with this text or status, and all else with the page."""

    def reply(asked):
        if asked.path == "/robots.txt":
            return Reply(robots) if isinstance(robots, int) else Reply(body=robots.encode())
        return Reply(body=page if isinstance(page, bytes) else PAGE.format(page).encode(), headers=headers)

    return reply


@pytest.mark.parametrize("robots", ["", "User-agent: *\nDisallow: /private", 404, 403])
def test_a_page_that_is_allowed_is_read(store, robots):
    """robots.txt is asked first, once for several pages; a site without one allows all."""
    with site(served(robots)) as web:
        taken = web_source([f"{web.url}/a.html", f"{web.url}/b.html"]).collect(store)
    assert taken.n_rows == 2
    assert [a.path for a in web.asked] == ["/robots.txt", "/a.html", "/b.html"]
    assert all(a.headers["user-agent"].startswith("penstock/") for a in web.asked)


def test_a_page_that_is_not_allowed_is_not_asked_for(store):
    """The error names the rule; the page is never requested."""
    with site(served("User-agent: penstock\nDisallow: /*.html$")) as web:
        with pytest.raises(SourceError, match="does not want") as caught:
            web_source(f"{web.url}/a.html").collect(store)
        assert web_source(f"{web.url}/a.html").state() is None
    assert "/*.html$" in caught.value.got
    assert [a.path for a in web.asked] == ["/robots.txt"]


def test_a_site_that_cannot_tell_is_left_alone_for_now(store):
    """Trouble with robots.txt means no, this time (RFC 9309)."""
    with site(served(503)) as web, pytest.raises(SourceUnavailable, match="cannot be known"):
        web_source(f"{web.url}/a.html").collect(store)
    assert {a.path for a in web.asked} == {"/robots.txt"}
    with pytest.raises(SourceUnavailable):
        web_source(f"{nobody()}/a.html").collect(store)


def test_credentials_are_not_for_robots_txt(store):
    """It is for everyone; the page gets them."""
    with site(served("")) as web:
        web_source(f"{web.url}/a.html", access={"bearer": "s3cret-token"}).collect(store)
    assert ["authorization" in a.headers for a in web.asked] == [False, True]


@pytest.mark.parametrize(("robots", "every"), [("", 0.25), ("User-agent: *\nCrawl-delay: 0.25", 0)])
def test_pages_of_one_host_are_asked_for_at_a_distance(store, robots, every):
    """The setting's, or the site's own where that is longer."""
    with site(served(robots)) as web:
        began = time.monotonic()
        web_source([f"{web.url}/{n}.html" for n in "abc"], every=every).collect(store)
        assert 0.5 <= time.monotonic() - began < 2


def test_a_page_that_has_not_changed_is_not_sent_again(store):
    """The second collection asks with the tag, and reads the bytes that are there."""

    def reply(asked):
        known = asked.headers.get("if-none-match") == '"v1"'
        return Reply(304) if known else served("", ETag='"v1"')(asked)

    with site(reply) as web:
        source = web_source(f"{web.url}/a.html")
        first = source.collect(store)
        assert source.collect(store, first).identity() == first.identity()


def test_what_the_server_says_of_the_encoding_counts(store):
    """Its header goes before the page's own word."""
    page = ("<meta charset=utf-8>" + table(["Z\u00fcrich", "1"])).encode("latin-1")
    with site(served("", page, **{"Content-Type": "text/html; charset=ISO-8859-1"})) as web:
        taken = web_source(f"{web.url}/a").collect(store)
    assert store.read_table(taken.table).to_pylist()[0]["a"] == "Z\u00fcrich"


ROBOTS = """
# two groups that name us make one
User-Agent: Penstock
User-agent: other
Disallow: /a
Sitemap: /map

user-agent: penstock/2.0
Allow: /a/b
Disallow: /*.php$
Disallow: /q?x=
Disallow: /tie*
Allow: /tie/
Crawl-delay: 3
Disallow:
User-agent: *
Disallow: /
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", True), ("/a", False), ("/a/c", False), ("/a/b/c", True), ("/x.php", False), ("/x.php5", True),
     ("/q?x=1", False), ("/q?y=1", True), ("/tie/x", True), ("/ties", False), ("/%61", False), ("/b", True)],
)  # fmt: skip
def test_robots_txt_is_read_as_its_standard_has_it(path, allowed):
    """The longest rule of all groups for us; patterns; escapes; and the group for all is not for us."""
    robots = Robots(ROBOTS)
    assert robots.allows(path) is allowed
    assert robots.delay == 3
    assert not Robots(ROBOTS, "somebody").allows("/x")


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_is_some_robots_txt(text, path):
    """Whatever a site answers, it says yes or no."""
    assert Robots(f"user-agent: *\n{text}").allows(f"/{path}") in (True, False)
    assert Robots("user-agent: *\ndisallow: " + "*a" * 500 + "$").allows("/" + "a" * 2000) in (True, False)
