"""Downloads over HTTP: tried again where that helps, within limits, unchanged files left alone, secrets untold."""

from __future__ import annotations

import base64
import email.utils
import gzip
import logging
import time
import zlib

import pytest

from penstock.errors import SourceError, SourceUnavailable
from penstock.receipts import FileRef, Part
from penstock.sources.places.access import Access
from penstock.sources.web.download import download, head_state
from tests.unit.sources.local_web import SECRET, Reply, echoing, every_word, nobody, site

CSV = b"a,b\n1,2\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def quick(**more) -> Access:
    return Access.model_validate({"tries": 3, "backoff": 0.01, "timeout": 5.0, **more})


def test_a_file_comes_as_it_is(tmp_path):
    """Its bytes, its tag, its time and its kind; and the server learns who asks."""
    headers = {"ETag": '"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "Content-Type": "text/csv"}
    with site(Reply(body=CSV, headers=headers)) as web:
        got = download(f"{web.url}/rows.csv", tmp_path / "f", quick())
    assert got == ('"v1"', "Wed, 21 Oct 2015 07:28:00 GMT", "text/csv")
    assert (tmp_path / "f").read_bytes() == CSV
    assert web.asked[0].headers["user-agent"].startswith("penstock/")
    assert "python-httpx/" in web.asked[0].headers["user-agent"]


def test_a_time_of_change_within_the_same_second_proves_nothing(tmp_path):
    """The file may be written again in that second, so the next run has to fetch it."""
    now = email.utils.formatdate(usegmt=True)
    with site(Reply(body=CSV, headers={"Last-Modified": now})) as web:
        assert download(web.url, tmp_path / "f", quick()).modified is None
        assert head_state(web.url, quick()) is None


def known(etag=None, modified=None) -> Part:
    return Part(name="x", file=FileRef(digest="0" * 64, path="x", size=1), etag=etag, modified=modified)


def test_an_unchanged_file_is_not_sent_again(tmp_path):
    """The tag of the earlier part goes with the request, and no byte of a body comes back."""

    def reply(asked):
        is_known = asked.headers.get("if-none-match") == '"v1"'
        return Reply(304 if is_known else 200, CSV, {"ETag": '"v1"'})

    with site(reply) as web:
        assert download(web.url, tmp_path / "f", quick(), known()) is not None
        sent = web.n_sent
        assert download(web.url, tmp_path / "g", quick(), known(etag='"v1"')) is None
        assert web.n_sent == sent == len(CSV)
        assert download(web.url, tmp_path / "h", quick(), known(etag='"v0"')) is not None
    assert not (tmp_path / "g").exists()


def test_a_304_that_nobody_asked_for_is_refused(tmp_path):
    """There is nothing that it could stand for."""
    with site(Reply(304)) as web, pytest.raises(SourceError, match="without having been asked"):
        download(web.url, tmp_path / "f", quick())


def test_the_state_is_told_by_head(tmp_path):
    """Tag, else time of change; None where the server says neither, refuses, or is not there."""
    changed = "Wed, 21 Oct 2015 07:28:00 GMT"
    for headers, state in [({"ETag": '"a"', "Last-Modified": changed}, '"a"'), ({"Last-Modified": changed}, changed)]:
        with site(Reply(headers=headers)) as web:
            assert head_state(web.url, quick()) == state
            assert web.asked[0].method == "HEAD"
    for status in (200, 403, 405, 500):
        with site(Reply(status)) as web:
            assert head_state(web.url, quick()) is None
            assert len(web.asked) == 1
    assert head_state(nobody(), quick()) is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_heals_at_the_third_try_is_waited_for(tmp_path, status):
    """Two bad answers cost two waits and nothing else."""
    with site([Reply(status, b"trouble"), Reply(status), Reply(body=CSV)]) as web:
        download(web.url, tmp_path / "f", quick())
    assert len(web.asked) == 3
    assert (tmp_path / "f").read_bytes() == CSV


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_does_not_heal_is_unavailable(tmp_path, status):
    """As many tries as are set, and then an error that a later run may not meet."""
    with site(Reply(status)) as web, pytest.raises(SourceUnavailable, match=r"patience|trouble") as caught:
        download(web.url, tmp_path / "f", quick())
    assert len(web.asked) == 3
    assert str(status) in caught.value.got


@pytest.mark.parametrize(("status", "words"), [(401, "access"), (403, "access"), (404, "nothing"), (400, "request")])
def test_a_refusal_is_not_asked_again(tmp_path, status, words):
    """Another try cannot help; the error says what can."""
    with site(Reply(status)) as web, pytest.raises(SourceError, match=words) as caught:
        download(web.url, tmp_path / "f", quick())
    assert len(web.asked) == 1
    assert not isinstance(caught.value, SourceUnavailable)
    assert caught.value.todo


def test_a_401_tells_which_setting_to_look_at(tmp_path):
    """Without credentials the error says to set them, with them to correct them."""
    with site(Reply(401)) as web:
        with pytest.raises(SourceError) as without:
            download(web.url, tmp_path / "f", quick())
        with pytest.raises(SourceError) as wrong:
            download(web.url, tmp_path / "f", quick(bearer=SECRET))
    assert "Set `access`" in without.value.todo
    assert "bearer" in wrong.value.todo
    assert "expired" in wrong.value.todo


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured_in_seconds_and_as_a_date(tmp_path, as_date):
    """The server's own clock counts for a date, and the wait that it asks for is kept."""
    began = time.monotonic()
    # A date has whole seconds: what is asked for lies between one and two of them ahead.
    wait = soon(2) if as_date else "1"
    with site([Reply(429, headers={"Retry-After": wait}), Reply(body=CSV)]) as web:
        download(web.url, tmp_path / "f", quick())
    assert 0.9 <= time.monotonic() - began < 4
    assert len(web.asked) == 2


def soon(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def test_a_wait_longer_than_the_time_that_is_left_is_not_begun(tmp_path):
    """The run hears at once that the source is not to be had now."""
    began = time.monotonic()
    with (
        site(Reply(503, headers={"Retry-After": "60"})) as web,
        pytest.raises(SourceUnavailable, match="time") as caught,
    ):
        download(web.url, tmp_path / "f", quick(time_limit=5))
    assert time.monotonic() - began < 3
    assert "time_limit" in caught.value.expected


def test_a_server_that_stays_silent_times_out(tmp_path):
    """Each try ends after the time limit for one request."""
    began = time.monotonic()
    with site(Reply(body=(b"late",), pause=3)) as web, pytest.raises(SourceUnavailable) as caught:
        download(web.url, tmp_path / "f", quick(timeout=0.3, tries=2))
    assert time.monotonic() - began < 2.5
    assert "0.3 s; 2 tries" in caught.value.got


def test_a_body_that_trickles_is_given_up(tmp_path):
    """Every single byte comes in time, but the end would be hours away."""
    began = time.monotonic()
    with site(Reply(body=(b"x",) * 100, pause=0.1)) as web, pytest.raises(SourceUnavailable, match="answer") as caught:
        download(web.url, tmp_path / "f", quick(timeout=0.5, tries=1))
    assert time.monotonic() - began < 3
    assert "slowly" in caught.value.got
    assert len(web.asked) == 1


def test_a_refused_connection_is_tried_again_and_told(tmp_path):
    """Nobody listens: the error names the address and the number of tries."""
    address = nobody()
    with pytest.raises(SourceUnavailable) as caught:
        download(f"{address}/x", tmp_path / "f", quick())
    assert caught.value.where == f"{address}/x"
    assert "refused" in caught.value.got
    assert "3 tries" in caught.value.got


def test_a_body_shorter_than_promised_is_fetched_again(tmp_path):
    """A connection that is cut leaves no half file that looks whole."""
    with site([Reply(body=CSV[:3], length=len(CSV)), Reply(body=CSV)]) as web:
        download(web.url, tmp_path / "f", quick())
    assert (tmp_path / "f").read_bytes() == CSV
    with site(Reply(body=CSV[:3], length=len(CSV))) as web, pytest.raises(SourceUnavailable, match="did not answer"):
        download(web.url, tmp_path / "f", quick())
    assert len(web.asked) == 3


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare"])
def test_a_packed_body_is_unpacked_and_its_end_is_checked(tmp_path, coding):
    """Both gzip and the two readings of deflate; a packed body that lacks its end is fetched again."""
    text = b"a,b\n" + b"1,2\n" * 50_000
    bare = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text), "bare": bare.compress(text) + bare.flush()}
    headers = {"Content-Encoding": "gzip" if coding == "gzip" else "deflate"}
    data = packed[coding]
    with site([Reply(body=data[: len(data) // 2], headers=headers), Reply(body=data, headers=headers)]) as web:
        download(web.url, tmp_path / "f", quick())
    assert (tmp_path / "f").read_bytes() == text
    assert len(web.asked) == 2


def test_a_body_that_is_too_large_is_stopped(tmp_path):
    """By what it promises, by what comes, and by what it unpacks to: a bomb is not unpacked to its end."""
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    replies = [Reply(body=b"x" * 5000), Reply(body=bomb, headers={"Content-Encoding": "gzip"})]
    for reply in replies:
        with site(reply) as web, pytest.raises(SourceError, match="too large") as caught:
            download(web.url, tmp_path / "f", quick(max_bytes=4000))
        assert len(web.asked) == 1
        assert not isinstance(caught.value, SourceUnavailable)
    small = gzip.compress(bytes(5_000_000))
    with (
        site(Reply(body=small, headers={"Content-Encoding": "gzip"})) as web,
        pytest.raises(SourceError, match="too large"),
    ):
        download(web.url, tmp_path / "f", quick(max_bytes=100_000))
    assert (tmp_path / "f").stat().st_size <= 100_000


def test_an_unknown_packing_is_refused(tmp_path):
    """What cannot be unpacked is not kept as if it were data."""
    with site(Reply(body=CSV, headers={"Content-Encoding": "br"})) as web, pytest.raises(SourceError, match="packed"):
        download(web.url, tmp_path / "f", quick())


def test_credentials_go_along_to_their_own_host_and_to_no_other(tmp_path):
    """Bearer, header and secret parameter; a redirect within the host keeps the first two, one to another none."""
    access = quick(bearer=SECRET, headers={"X-Api-Key": SECRET}, params={"token": SECRET})
    with site(Reply(body=CSV)) as other:

        def reply(asked):
            if asked.path == "/away":
                return Reply(302, headers={"Location": f"{other.url}/stolen"})
            return Reply(302, headers={"Location": "/there"}) if asked.path == "/here" else Reply(body=CSV)

        with site(reply) as web:
            download(f"{web.url}/here?page=1", tmp_path / "f", access)
            download(f"{web.url}/away", tmp_path / "g", access)
    here, there, away = web.asked
    assert here.params == {"page": "1", "token": SECRET}
    assert there.path == "/there"
    for asked in (here, there, away):
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.headers["x-api-key"] == SECRET
    assert SECRET not in repr(other.asked)
    assert "authorization" not in other.asked[0].headers


def test_basic_credentials_come_from_settings_or_from_the_address(tmp_path):
    """Either way they are a header, and the address is asked without them."""
    with site(Reply(body=CSV)) as web:
        download(web.url, tmp_path / "f", quick(user="me", password=SECRET))
        download(web.url.replace("//", f"//me:{SECRET}@"), tmp_path / "f", quick())
    expected = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert [a.headers["authorization"] for a in web.asked] == [expected, expected]


@pytest.mark.parametrize("location", ["/round", "file:///etc/passwd", "ftp://host/x", "http://[bad"])
def test_redirects_lead_to_the_web_and_come_to_an_end(tmp_path, location):
    """Round and round, or out of the web: an error."""
    with (
        site(Reply(302, headers={"Location": location})) as web,
        pytest.raises(SourceError, match="redirected") as caught,
    ):
        download(f"{web.url}/round", tmp_path / "f", quick())
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(web.asked) <= 11


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "file:///etc/passwd", "http://", "http://ho st/", "http://[::1/x", "http://h:99999/", "x"]
)
def test_what_is_no_address_of_the_web_is_refused(tmp_path, url):
    """Before anything is sent."""
    with pytest.raises(SourceError):
        download(url, tmp_path / "f", quick())


@pytest.mark.parametrize("bad", ["two\nlines: x", "na\u00efve"])
def test_a_secret_that_cannot_be_a_header_is_not_told(tmp_path, bad):
    """The error names the header, not its value."""
    with pytest.raises(SourceError, match="header 'x-key'") as caught:
        download("http://127.0.0.1:9", tmp_path / "f", quick(headers={"X-Key": bad + SECRET}))
    assert SECRET not in every_word(caught.value)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302, 0, -1])
def test_no_secret_is_in_an_error_or_a_log(tmp_path, caplog, status):
    """Planted in header, parameter, bearer, address: in no message, no cause of it, and no log of any library."""
    caplog.set_level(logging.DEBUG)
    access = quick(bearer=SECRET, headers={"X-Key": SECRET}, params={"q": SECRET}, tries=2)
    way = f"/rows?api_key={SECRET}"
    with site(lambda asked: echoing(asked, status) if status > 0 else Reply(body=b"x", length=99)) as web:
        address = web.url if status >= 0 else nobody()
        with pytest.raises(SourceError) as caught:
            download(address.replace("//", f"//{SECRET}@") + way, tmp_path / "f", access)
    assert SECRET not in every_word(caught.value)
    assert SECRET not in caplog.text
    assert not [r for r in caplog.records if SECRET in repr(vars(r))]


def test_other_peoples_requests_may_still_be_logged(caplog, tmp_path):
    """Only this library's own requests are kept out of httpx's log."""
    import httpx

    caplog.set_level(logging.INFO)
    with site(Reply(body=CSV)) as web:
        download(f"{web.url}/ours", tmp_path / "f", quick())
        httpx.get(f"{web.url}/theirs", trust_env=False)
    assert "/theirs" in caplog.text
    assert "/ours" not in caplog.text
