"""A person's view: the page of a run in Prefect's UI, and the service's own page, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.driving import penstock, serving, summary_of

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT = 30_000


@pytest.fixture(scope="module")
def browser(need: Callable[..., str]) -> Iterator[Browser]:
    """Return headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=need("chromium", "chromium-browser", "google-chrome"), args=list(ARGUMENTS)
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Path:
    """Return a folder with one finished run of the sample."""
    from data.clinic import build

    folder = tmp_path_factory.mktemp("seen")
    build(folder / "clinic")
    words = ("run", "clinic/visits.csv", "--target", "diagnosis", "--name", "clinic", "--json")
    done = penstock(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "summary.json").write_text(json.dumps(summary_of(done)))
    return folder


def page_of(browser: Browser, asked: list[str]) -> Page:
    """Return a new page that notes every address it asks for."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.on("request", lambda request: asked.append(request.url))
    return page


def test_a_runs_page_in_prefects_ui_shows_the_dossier_with_figures(
    browser: Browser, place: Path, prefect_api: str
) -> None:
    """The markdown artifact with its pictures, and the leaderboard as a table; nothing is asked of the internet."""
    summary = json.loads((place / "summary.json").read_text())
    origins = json.loads((place / "artifacts" / "runs" / summary["run_id"] / "lineage.json").read_text())
    asked: list[str] = []
    page = page_of(browser, asked)
    page.goto(f"{prefect_api}/runs/flow-run/{origins['flow_run']}")
    page.get_by_role("tablist").get_by_text("Artifacts").first.click(timeout=WAIT)
    expect(page.get_by_text("dossier-clinic").first).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("leaderboard-clinic").first).to_be_visible(timeout=WAIT)
    page.get_by_text("dossier-clinic").first.click()
    picture = page.locator("img[src^='data:image/png']").first
    expect(picture).to_be_visible(timeout=WAIT)
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    page.screenshot(path=place / "prefect.png", full_page=True)
    foreign = [url for url in asked if not url.startswith((prefect_api, "data:", "blob:"))]
    assert not foreign
    page.close()


def test_the_services_page_shows_the_model_and_answers_its_form(browser: Browser, place: Path) -> None:
    """A browser gets a page; pressing the button gives a prediction; nothing is asked of the internet."""
    with serving(place / "artifacts") as service:
        asked: list[str] = []
        page = page_of(browser, asked)
        page.goto(f"{service.base}/")
        expect(page.get_by_text("clinic").first).to_be_visible(timeout=WAIT)
        page.get_by_role("button", name="Predict").first.click()
        expect(page.get_by_label("probability of malignant")).to_be_visible(timeout=WAIT)
        page.screenshot(path=place / "service.png", full_page=True)
        assert not [url for url in asked if not url.startswith((service.base, "data:", "blob:"))]
        page.close()
