"""A model's past on its page: what the gate said of each version, what was refused, forced, withdrawn and refreshed."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.sealed import report_policy
from deploy.service.settings import Settings
from deploy.service.verdicts import MOST_EVENTS, MOST_VERSIONS, chronicle
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import hold, publish, rollback
from penstock.receipts import Verdict
from tests.unit.service.making import fitted_on, put, wait_for

BROWSER = {"accept": "text/html"}
POLICY = b'<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="%b"><title>r</title>'
HASH = "'sha256-" + "A" * 43 + "='"


@pytest.fixture(scope="module")
def eventful(tmp_path_factory):
    """Return artifacts with a model that much was done to."""
    place = tmp_path_factory.mktemp("eventful")
    put(place, seed=0)
    no = Verdict(passed=False, reasons=("worse than <b>before</b>",))
    publish(place, "ships", fitted_on(1).parts(), no, "tests")
    publish(place, "ships", fitted_on(2).parts(), no, "tests", force="the <i>boss</i> said so")
    put(place, seed=3)
    rollback(place, "ships", reason="it was late")
    hold(place, "ships", "until Monday")
    put(place, seed=4)
    return place


def test_a_version_tells_what_the_gate_said_of_it(eventful):
    """Passed, forced against it with the reason, withdrawn; newest first."""
    past = chronicle(ModelHome(eventful, "ships"), None)
    assert [(v["sequence"], v["state"], v["passed"], v["forced"]) for v in past.versions] == [
        (3, "withdrawn", True, ""),
        (2, "current", False, "the <i>boss</i> said so"),
        (1, "kept", True, ""),
    ]
    assert past.versions[1]["reasons"] == ["worse than <b>before</b>"]


def test_what_was_refused_is_told_though_there_is_no_version_of_it(eventful):
    """Refused by the gate, rolled back and withdrawn, held, refused for the hold; newest first."""
    past = chronicle(ModelHome(eventful, "ships"), None)
    assert [e["what"] for e in past.events] == [
        "refused",
        "held",
        "withdrawn",
        "rolled back",
        "published",
        "published",
        "refused",
        "published",
    ]
    assert "held by" in past.events[0]["why"]
    assert past.events[6]["version"].startswith("content ")


def test_the_page_shows_both_as_text(eventful):
    """Reasons are what people and data wrote: no markup of theirs is markup here."""
    with TestClient(create_app(Settings(artifacts=eventful, poll_seconds=0.02))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        page = client.get("/models/ships", headers=BROWSER).text
    for told in ("forced", "withdrawn", "it was late", "until Monday", "&lt;i&gt;boss&lt;/i&gt;", "&lt;b&gt;before"):
        assert told in page
    assert "<i>boss" not in page
    assert "<b>before" not in page


def test_a_long_past_is_bounded(tmp_path):
    """The page of a model that is published every hour does not grow for ever."""
    put(tmp_path)
    home = ModelHome(tmp_path, "ships")
    line = home.log_path.read_bytes().splitlines(keepends=True)[-1]
    home.log_path.write_bytes(line * 300)
    past = chronicle(home, None)
    assert (len(past.events), past.more_events) == (MOST_EVENTS, 300 - MOST_EVENTS)
    assert len(past.versions) <= MOST_VERSIONS


def test_a_version_whose_verdict_is_gone_is_listed_all_the_same(tmp_path):
    """Somebody tidied up; the page is no place to fail for that."""
    put(tmp_path)
    home = ModelHome(tmp_path, "ships")
    folder = home.version_folder(home.versions()[0])
    folder.chmod(0o755)
    for name in ("verdict.json", "manifest.json"):
        (folder / name).unlink()
    (version,) = chronicle(home, None).versions
    assert (version["passed"], version["reasons"], version["forced"]) == (None, [], "")


@pytest.mark.parametrize("quote", ["'", "&#39;"])
def test_a_report_runs_the_script_that_its_own_policy_names(quote):
    """The hash stands before anything of the data; the sandbox stays, without an origin."""
    told = f"default-src 'none'; script-src {HASH}; img-src data:".replace("'", quote)
    policy = report_policy(POLICY % told.encode())
    assert policy.startswith("sandbox allow-scripts; ")
    assert f"script-src {HASH};" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "page",
    [
        b"<!doctype html><title>r</title>",
        POLICY % b"default-src 'none'",
        POLICY % b"script-src 'unsafe-inline'",
        POLICY % b"script-src 'self' https://example.org *",
        POLICY % b"script-src 'sha256-short='",
        b"<!doctype html><title>x</title>" + POLICY % f"script-src {HASH}".encode(),
        b"<!doctype html><body>" + POLICY % f"script-src {HASH}".encode(),
        b"<!doctype html><SCRIPT>1</SCRIPT>" + POLICY % f"script-src {HASH}".encode(),
        b" " * 5000 + POLICY % f"script-src {HASH}".encode(),
    ],
)
def test_a_report_runs_nothing_else(page):
    """No script by address, none without a hash, and no policy that may have come in with a value."""
    policy = report_policy(page)
    assert policy.startswith("sandbox; ")
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
