"""Addresses without their secrets, waits, and bodies that are unpacked while they arrive."""

from __future__ import annotations

import email.utils
import gzip
import time

import pytest

from penstock.sources.web.body import Broken, unpacked
from penstock.sources.web.patience import Pace, backoff, retry_after
from penstock.sources.web.urls import same_place, shown_url, with_params


def soon(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def test_unpacking_takes_members_one_after_another_and_any_cuts():
    """A gzip body may be several; how the network cuts it makes no difference."""
    text = bytes(range(256)) * 40
    packed = gzip.compress(text) + gzip.compress(b"end") + b"\0\0"
    for size in (1, 7, 100_000):
        assert b"".join(unpacked((packed[i : i + size] for i in range(0, len(packed), size)), "gzip")) == text + b"end"
    with pytest.raises(Broken):
        list(unpacked([gzip.compress(text)[:-4]], "gzip"))
    with pytest.raises(Broken):
        list(unpacked([b"no gzip"], "gzip"))


def test_waits_double_within_bounds_and_a_servers_wish_is_capped():
    """Nobody makes a run wait for a day."""
    for nth in range(1, 12):
        assert 0.5 * min(60, 2 ** (nth - 1)) <= backoff(nth, 1.0) <= 1.5 * min(60, 2 ** (nth - 1))
    assert retry_after("9" * 5000) == 120
    assert retry_after(soon(86400)) == 120
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("-5") is None
    assert retry_after("Wed, 99 Oct 99999 07:28:00 GMT") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h/a", "https://h/a"),
        ("https://tok@h:8443/a?b", "https://h:8443/a?b"),
        ("https://h/a?access_token=x&page=3", "https://h/a?access_token=***&page=3"),
        (
            "https://h/a?X-Amz-Signature=ab&X-Amz-Date=20240101T000000Z",
            "https://h/a?X-Amz-Signature=***&X-Amz-Date=***",
        ),
        ("https://h/a?apiKey=x&q=berlin", "https://h/a?apiKey=***&q=berlin"),
        ("https://h/a?v=eyJhbGciOiJIUzI1NiJ9.e30", "https://h/a?v=***"),
        ("https://h/a?from=2024-01-01T00:00:00%2B01:00", "https://h/a?from=2024-01-01T00:00:00%2B01:00"),
        ("https://h/a#access_token=x", "https://h/a"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("http://[bad/a?token=x", "an address that cannot be read"),
    ],
)
def test_a_shown_address_has_no_secret(url, shown):
    """By name or by looks; what is plainly none stays readable."""
    assert shown_url(url) == shown


def test_a_host_is_the_same_only_if_scheme_and_port_are():
    """A name that begins alike is another host."""
    assert same_place("https://h/a", "https://H:443/b")
    assert not same_place("https://h", "https://h:444")
    assert not same_place("https://h", "https://user@evil/h")
    assert with_params("https://h/a", {}) == "https://h/a"


def test_requests_to_one_host_keep_their_distance():
    """Three in a row take twice the distance; another host does not wait."""
    pace, began = Pace(), time.monotonic()
    for host in ("a", "a", "b", "a"):
        pace.wait(host, 0.15)
    assert 0.3 <= time.monotonic() - began < 0.6
