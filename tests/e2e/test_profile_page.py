"""The page of a profile in a real browser: what it shows, what it asks for, and that data on it are never run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from penstock.profiling import profile

EVIL = "<script>window.run=1</script>"
HANDLER = '"><img src=x onerror="window.run=2"><svg onload="window.run=3">'


@pytest.fixture(scope="module")
def browser(need: Callable[..., str]) -> Iterator[Browser]:
    """Return headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=need("chromium", "chromium-browser", "google-chrome"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a table whose names and cells try to be more than text."""
    frame = pd.DataFrame(
        {
            EVIL: [EVIL, HANDLER, "</title></style></script>"] * 20,
            HANDLER: range(60),
            "size": [3.0, 1.0, 2.0] * 20,
            "gone": [None, 1.0, 2.0] * 20,
            "y": ["a", "b", HANDLER] * 20,
        }
    )
    return profile(frame, name=EVIL, target="y").save(tmp_path_factory.mktemp("page") / "page.html")


def opened(browser: Browser, path: Path, noted: list[str], **how: object) -> Page:
    """Open a page, and note every word on the console and every address that is asked for."""
    page = browser.new_context(**how).new_page()  # type: ignore[arg-type]  # keywords of playwright's
    page.on("console", lambda message: noted.append(message.text))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("request", lambda request: noted.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    return page


def test_data_on_the_page_are_text_and_nothing_is_asked_of_anyone(browser: Browser, page_file: Path) -> None:
    """No script of a cell or a name ran, the console is silent, and no address was asked for but the page's own."""
    noted: list[str] = []
    page = opened(browser, page_file, noted)
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    assert page.evaluate("window.run === undefined")
    assert page.locator("img").count() == 0
    assert noted == []
    page.close()


def test_the_table_of_columns_is_searched_and_sorted(browser: Browser, page_file: Path) -> None:
    """Typing leaves the rows that say it; a heading sorts by its numbers, and back."""
    page = opened(browser, page_file, [])
    rows = page.locator("#columns-table tbody tr:visible")
    page.get_by_label("Search").fill("size")
    expect(rows).to_have_count(1)
    expect(page.locator("#found")).to_have_text("1 of 5 columns")
    page.get_by_label("Search").fill("")
    page.get_by_role("button", name="missing").click()
    page.get_by_role("button", name="missing").click()
    expect(rows.first).to_contain_text("gone")
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_without_script_in_light_and_dark(
    browser: Browser, page_file: Path, tmp_path: Path, scheme: str
) -> None:
    """Without script there is no search, and all else; a narrow screen needs no scrolling to the side."""
    how = {"java_script_enabled": False, "color_scheme": scheme, "viewport": {"width": 420, "height": 800}}
    page = opened(browser, page_file, [], **how)
    expect(page.get_by_label("Search")).to_be_hidden()
    expect(page.locator("article").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    page.close()


def test_words_stand_out_from_their_ground_in_light_and_dark(browser: Browser, page_file: Path) -> None:
    """The contrast of running text, quiet text and links is at least 4.5 to 1."""
    measure = """selector => {
        const light = c => { const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const node = document.querySelector(selector);
        let ground = node;
        while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") { ground = ground.parentElement; }
        const [a, b] = [getComputedStyle(node).color, getComputedStyle(ground).backgroundColor].map(light);
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }"""
    for scheme in ("light", "dark"):
        page = opened(browser, page_file, [], color_scheme=scheme)
        for selector in (".lead", "figcaption", "nav a", ".alerts li", ".tag", ".tag.main", "thead th", ".tile small"):
            assert page.evaluate(measure, selector) >= 4.5, (scheme, selector)
        page.close()
