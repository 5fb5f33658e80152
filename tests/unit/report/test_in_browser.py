"""The dossier in a real browser, from disk: hostile texts stay texts, tables are searched, nothing is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from penstock.diff.difference import Change, Difference, Part
from penstock.diff.page import difference_html
from penstock.report.facts import ColumnFact
from penstock.report.html import dossier_html
from tests.unit.report.conftest import EVIL

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
EVILS = (
    EVIL,
    "</title><script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "</style></pre><svg onload=\"document.title = 'owned'\">",
    "javascript:document.title='owned'",
    '" onmouseover="document.title=\'owned\'" x="',
)


@pytest.fixture(scope="module")
def chromium(need) -> Iterator[object]:
    """Return headless Chromium."""
    with sync_playwright() as playwright:
        path = need("chromium", "chromium-browser", "google-chrome")
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@contextlib.contextmanager
def opened(chromium, path: Path, **how: object) -> Iterator[Page]:
    """Open a file, and hold it to be silent: no message, no error, no request but for the file itself."""
    page = chromium.new_page(**how)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: heard.append(request.url) if not request.url.startswith("data:") else None)
    page.goto(path.as_uri())
    yield page
    assert heard == [path.as_uri()]
    page.close()


@pytest.fixture
def evil_page(facts, tmp_path):
    """Return the file of a dossier in which every text is hostile, with columns to search and sort."""
    blank = ColumnFact(
        name="", table="", kind="float", role="feature", unit="", serve="", private=False, missing=0.0, evidence=""
    )
    columns = [blank.model_copy(update={"name": e, "evidence": e, "values": e, "doubts": (e,)}) for e in EVILS]
    columns += [
        blank.model_copy(update={"name": name, "missing": missing, "distinct": distinct})
        for name, missing, distinct in (("Äpfel", 0.02, 10), ("birnen", 0.1, 9), ("ids", None, None))
    ]
    spec = "\n".join(EVILS)
    told = {"columns": tuple(columns), "spec": spec, "spec_path": EVILS[1], "name": EVILS[1], "version": EVILS[2]}
    path = tmp_path / "dossier.html"
    path.write_bytes(dossier_html(facts.model_copy(update=told)))
    return path


def test_hostile_texts_are_shown_and_never_run(chromium, evil_page, tmp_path):
    """A script in a cell, a column's name, a label, a reason, a path or the spec; with the mouse over them, too."""
    with opened(chromium, evil_page) as page:
        for evil in EVILS:
            assert page.get_by_text(evil.split("'")[0]).count()
        page.locator("table.live tbody th span").first.hover()
        assert "owned" not in page.title().replace("document.title = 'owned'", "")
        assert page.locator("script").count() == 1
        assert page.locator("svg:not(.span), img:not([src^='data:'])").count() == 0
    changes = tuple(Change(what=evil, before=evil, after=evil, note=evil) for evil in EVILS * 3)
    parts = (Part(name="spec", title="Spec", changes=changes),)
    found = Difference(one=EVILS[1], other=EVILS[2], one_made_at="", other_made_at="", parts=parts)
    path = tmp_path / "diff.html"
    path.write_bytes(difference_html(found))
    with opened(chromium, path) as page:
        expect(page.get_by_role("searchbox")).to_be_visible()
        assert page.locator("script").count() == 1


def test_the_columns_are_searched_and_sorted_by_keyboard(chromium, evil_page):
    """Accents and case make no difference, numbers are sorted as numbers, and what is unknown stays last."""
    with opened(chromium, evil_page) as page:
        table = page.locator("table.live[data-what=columns]")
        page.get_by_label("Search the columns").fill("APFEL")
        expect(page.locator("output").first).to_have_text("1 of 9 columns")
        assert table.locator("tbody tr:visible th").all_text_contents() == ["Äpfel"]
        page.get_by_label("Search the columns").fill("")
        expect(page.locator("output").first).to_have_text("9 columns")
        button = table.get_by_role("button", name="Distinct")
        for order, expected in (("ascending", ["birnen", "Äpfel"]), ("descending", ["Äpfel", "birnen"])):
            button.focus()
            page.keyboard.press("Enter")
            expect(table.locator("th[aria-sort]")).to_have_attribute("aria-sort", order)
            names = table.locator("tbody th").all_text_contents()
            assert names[:2] == expected
            assert names[-1] == "ids"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_can_be_read(chromium, evil_page, scheme):
    """WCAG's contrast for body text, 4.5 to 1, of every text against what it stands on."""
    with opened(chromium, evil_page, color_scheme=scheme) as page:
        worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst


def test_a_narrow_screen_scrolls_tables_and_not_the_page(chromium, evil_page):
    """At 400 pixels nothing sticks out."""
    with opened(chromium, evil_page, viewport={"width": 400, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_without_scripts_everything_is_there(chromium, evil_page):
    """Every row of every table is seen."""
    with opened(chromium, evil_page, java_script_enabled=False) as page:
        assert page.locator("table.live[data-what=columns] tbody tr:visible").count() == 9
        assert page.get_by_role("searchbox").count() == 0


CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || node.closest("script, svg")) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: walker.currentNode.textContent.trim().slice(0, 60) };
  }
  return worst;
}"""
