"""A model's page in a real browser while its versions come, fail and go."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import expect, sync_playwright

from penstock.bundle.layout import ModelHome
from penstock.bundle.rollback import rollback
from tests.integration.test_service import running
from tests.resealing import too_large
from tests.unit.service.making import put, wait_for

WAIT = 20_000


@pytest.fixture(scope="module")
def chromium(need):
    path = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.mark.long
def test_a_page_follows_a_swap_while_somebody_fills_in_its_form(tmp_path, root, chromium):
    """Version, state and figures change by themselves; what was typed stays, and nothing complains."""
    first = put(tmp_path)
    with running(tmp_path, root, PENSTOCK_MEMORY_MIB="512") as service:
        wait_for(lambda: service.answers("/readyz"))
        page = chromium.new_page()
        complaints, loads = [], []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
        page.on("load", lambda: loads.append(1))
        page.goto(f"{service.http.base_url}/models/ships")
        figures, state = page.locator("#figures"), page.locator("#standing .badge")
        expect(figures).to_contain_text(first.version)
        page.get_by_label("crew").first.fill("31")
        second = put(tmp_path, seed=1)
        expect(figures).to_contain_text(second.version, timeout=WAIT)
        expect(page.locator("#versions tbody tr").first).to_contain_text(second.version)
        expect(state).to_have_text("ready")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#answer")).to_contain_text(second.version, timeout=WAIT)
        bad = put_spoilt(tmp_path, service)
        expect(state).to_have_text("degraded", timeout=WAIT)
        expect(page.locator("#problems")).to_contain_text(f"Version {bad.version} is not served")
        expect(figures).to_contain_text(second.version)
        moved = rollback(tmp_path, "ships", first.version, reason="worse", who="tests")
        expect(figures).to_contain_text(moved.version, timeout=WAIT)
        expect(state).to_have_text("ready")
        expect(page.locator("#problems")).to_be_empty()
        assert page.get_by_label("crew").first.input_value() == "31"
        assert complaints == []
        assert loads == [1]
        page.close()


def put_spoilt(artifacts, service):
    """Publish a version that is refused, unseen by the service until it is spoilt."""
    service.process.send_signal(signal.SIGSTOP)
    bad = put(artifacts, seed=2)
    too_large(ModelHome(artifacts, "ships").version_folder(bad.version))
    service.process.send_signal(signal.SIGCONT)
    return bad
