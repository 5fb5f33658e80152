"""A person's view: a run's page in Prefect's UI, its report, and the service's own page, in a real browser."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect, sync_playwright

from tests.e2e.driving import Service, penstock, serving, summary_of

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
    return ran(folder, "clinic/visits.csv", "--target", "diagnosis", "--name", "clinic")


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Service]:
    """Serve the sample's model."""
    with serving(place / "artifacts") as running:
        yield running


class Visit:
    """A page that somebody looks at: every address that it asks for, and all that its console complains of."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, **options)
        self.page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def foreign(self, *own: str) -> list[str]:
        """Return the addresses that it asked for and that begin with none of some."""
        return [url for url in self.asked if not url.startswith((*own, "data:", "blob:"))]

    def close(self) -> None:
        """Close it."""
        self.page.context.close()


def run_of(place: Path) -> tuple[str, Path]:
    """Return under which id Prefect knows the run of a place, and the run's folder."""
    summary = json.loads((place / "summary.json").read_text())
    folder = place / "artifacts" / "runs" / summary["run_id"]
    return json.loads((folder / "lineage.json").read_text())["flow_run"], folder


def ran(folder: Path, *words: str) -> Path:
    """Run the flow in a folder, and return the folder."""
    done = penstock("run", *words, "--budget", 2, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "summary.json").write_text(json.dumps(summary_of(done)))
    return folder


def opened(visit: Visit, prefect: str, flow_run: str, key: str) -> None:
    """Open one of a run's artifacts in Prefect's UI, by the way that a person goes."""
    page = visit.page
    page.goto(f"{prefect}/runs/flow-run/{flow_run}")
    page.get_by_role("tablist").get_by_text("Artifacts").first.click(timeout=WAIT)
    page.get_by_text(key, exact=True).first.click(timeout=WAIT)
    expect(page.get_by_role("button", name="Show raw data")).to_be_visible(timeout=WAIT)


@pytest.mark.long
def test_a_runs_page_in_prefects_ui_shows_all_that_the_run_has_to_show(
    browser: Browser, place: Path, prefect_api: str
) -> None:
    """Dossier, both tables, both bars and the way to the report; nothing is asked of the internet."""
    flow_run, _ = run_of(place)
    visit = Visit(browser)
    page = visit.page
    page.goto(f"{prefect_api}/runs/flow-run/{flow_run}")
    page.get_by_role("tablist").get_by_text("Artifacts").first.click(timeout=WAIT)
    kinds = ("dossier", "leaderboard", "cleaning", "report", "progress-collect", "progress-train")
    for kind in kinds:
        expect(page.get_by_text(f"{kind}-clinic", exact=True).first).to_be_visible(timeout=WAIT)
    page.screenshot(path=place / "prefect.png", full_page=True)
    assert not visit.foreign(prefect_api)
    # Prefect's own page asks its own server for icons that it has not, and draws the run with WebGL.
    assert not [told for told in visit.complaints if "ico" not in told and "WebGL" not in told]
    visit.close()


@pytest.mark.long
def test_the_dossier_in_prefects_ui_has_its_pictures(browser: Browser, place: Path, prefect_api: str) -> None:
    """They are drawn, not only linked."""
    flow_run, _ = run_of(place)
    visit = Visit(browser)
    opened(visit, prefect_api, flow_run, "dossier-clinic")
    picture = visit.page.locator("img[src^='data:image/png']").first
    expect(picture).to_be_visible(timeout=WAIT)
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    assert visit.page.locator("img[src^='data:image/png']").count() > 8
    assert not visit.foreign(prefect_api)
    visit.close()


@pytest.mark.long
@pytest.mark.parametrize(("key", "told"), [("leaderboard-clinic", "(chosen)"), ("cleaning-clinic", "duplicates")])
def test_the_tables_in_prefects_ui_are_tables(
    browser: Browser, place: Path, prefect_api: str, key: str, told: str
) -> None:
    """With a row for each candidate, and for each step."""
    flow_run, _ = run_of(place)
    visit = Visit(browser)
    opened(visit, prefect_api, flow_run, key)
    expect(visit.page.get_by_role("cell").filter(has_text=told).first).to_be_visible(timeout=WAIT)
    visit.close()


def test_the_report_opens_from_the_disk(browser: Browser, place: Path) -> None:
    """One file: it asks for nothing, complains of nothing, and its pictures are drawn."""
    _, folder = run_of(place)
    report = (folder / "report.html").as_uri()
    visit = Visit(browser)
    visit.page.goto(report)
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("clinic")
    assert visit.page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 100)")
    assert not visit.foreign(report)
    assert not visit.complaints
    visit.close()


def test_the_services_page_shows_the_model_and_answers_its_form(
    browser: Browser, place: Path, service: Service
) -> None:
    """Headline figures, a form with the example, an answer with its probabilities; nothing is asked of the internet."""
    visit = Visit(browser)
    page = visit.page
    page.goto(f"{service.base}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("clinic", timeout=WAIT)
    expect(page.get_by_text("ROC AUC on held-out rows")).to_be_visible()
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_label("probability of malignant")).to_be_visible(timeout=WAIT)
    assert page.url == f"{service.base}/"
    page.screenshot(path=place / "service.png", full_page=True)
    field = page.get_by_label("mean_radius", exact=True)
    field.fill("1000000")
    page.keyboard.press("Enter")
    expect(page.locator(".field", has=field).locator(".note")).to_contain_text("outside the range", timeout=WAIT)
    expect(page.get_by_label("probability of malignant")).to_be_visible()
    assert not visit.foreign(service.base)
    assert not visit.complaints
    visit.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_bad_value_is_told_beside_its_field(browser: Browser, service: Service, script: bool) -> None:
    """With a script, and where a browser runs none."""
    visit = Visit(browser, java_script_enabled=script)
    page = visit.page
    page.goto(f"{service.base}/")
    field = page.get_by_label("mean_radius", exact=True)
    field.fill("plenty")
    page.get_by_role("button", name="Predict").click()
    field = page.get_by_label("mean_radius", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true", timeout=WAIT)
    expect(page.locator(".field", has=field).locator(".note.bad")).to_be_visible()
    expect(field).to_have_value("plenty")
    field.fill("14")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_label("probability of malignant")).to_be_visible(timeout=WAIT)
    assert page.locator("[aria-invalid]").count() == 0
    assert not visit.foreign(service.base)
    assert not visit.complaints
    visit.close()


def test_the_report_on_the_service_is_the_same_page(browser: Browser, service: Service) -> None:
    """Its policy lets it show what it shows from the disk, and nothing complains."""
    visit = Visit(browser)
    page = visit.page
    page.goto(f"{service.base}/")
    page.get_by_role("link", name="The whole report of this version").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("clinic", timeout=WAIT)
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 100)")
    assert page.evaluate("origin") == "null"
    assert not visit.foreign(service.base)
    assert not visit.complaints
    visit.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_services_page_fits_its_window(browser: Browser, service: Service, width: int, scheme: str) -> None:
    """Nothing is cut off on a telephone; what is written can be read on its ground, by day and by night."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    page = context.new_page()
    page.goto(f"{service.base}/")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_label("probability of malignant")).to_be_visible(timeout=WAIT)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    worst = page.evaluate(CONTRAST)
    assert worst >= 4.5, worst
    context.close()


# The least contrast, as WCAG 2 defines it, of any text with the ground behind it.
CONTRAST = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let least = 21;
  for (const node of document.querySelectorAll("body *")) {
    const shown = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!shown || !node.getClientRects().length) continue;
    const [a, b] = [light(channels(getComputedStyle(node).color)), light(ground(node))];
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return least;
}"""
RUNS = "<script>window.ran=1</script><img src=x onerror=window.ran=1>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Path:
    """Return a folder with a finished run of a table whose columns, labels and values are markup that would run."""
    folder = tmp_path_factory.mktemp("hostile")
    chance = random.Random(3)
    rows = []
    for _ in range(160):
        x = chance.gauss(0, 1)
        town = chance.choice(["Ulm", f"Bonn {RUNS}", "Jena"])
        rows.append(
            [
                round(x, 3) if chance.random() > 0.1 else "?",
                town,
                "ja" if x + chance.gauss(0, 0.4) > 0 else f"nein {RUNS}",
            ]
        )
    with (folder / "hostile.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[f"x {RUNS}", f"town {RUNS}", "label"], *rows])
    spec = {"name": "hostile", "source": "hostile.csv", "target": "label"}
    spec |= {"model": {"families": ["linear"], "folds": 2, "trials": 1}, "gate": {"replicates": 100}}
    (folder / "hostile.yaml").write_text(json.dumps(spec))
    return ran(folder, "hostile.yaml")


def test_markup_in_the_data_is_text_in_the_report(browser: Browser, hostile: Path) -> None:
    """A script in a cell or a column's name is shown, never run."""
    _, folder = run_of(hostile)
    visit = Visit(browser)
    visit.page.goto((folder / "report.html").as_uri())
    expect(visit.page.get_by_text("<script>window.ran=1</script>").first).to_be_attached()
    assert visit.page.evaluate("window.ran") is None
    assert not visit.foreign((folder / "report.html").as_uri())
    assert not visit.complaints
    visit.close()


def test_markup_in_the_data_is_text_on_the_services_page(browser: Browser, hostile: Path) -> None:
    """In labels, in choices, in the answer, in what is said of a value."""
    with serving(hostile / "artifacts") as service:
        visit = Visit(browser)
        page = visit.page
        page.goto(f"{service.base}/")
        page.get_by_label(f"x {RUNS}").fill(f"9 {RUNS}")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator(".field .note.bad").first).to_be_visible(timeout=WAIT)
        page.get_by_label(f"x {RUNS}").fill("99")
        page.get_by_role("button", name="Predict").click()
        expect(page.get_by_label(f"probability of nein {RUNS}"[:60]).first).to_be_visible(timeout=WAIT)
        assert page.evaluate("window.ran") is None
        page.get_by_role("link", name="The whole report of this version").click()
        expect(page.get_by_text("<script>window.ran=1</script>").first).to_be_attached()
        assert page.evaluate("window.ran") is None
        assert not visit.foreign(service.base)
        assert not visit.complaints
        visit.close()


@pytest.mark.long
@pytest.mark.parametrize("key", ["dossier-hostile", "cleaning-hostile", "leaderboard-hostile"])
def test_markup_in_the_data_is_text_in_prefects_ui(browser: Browser, hostile: Path, prefect_api: str, key: str) -> None:
    """Prefect shows markdown and tables as the artifacts say: they say that it is text."""
    flow_run, _ = run_of(hostile)
    visit = Visit(browser)
    opened(visit, prefect_api, flow_run, key)
    if key != "leaderboard-hostile":
        expect(visit.page.get_by_text("<script>window.ran=1</script>").first).to_be_attached(timeout=WAIT)
    assert visit.page.evaluate("window.ran") is None
    assert visit.page.locator("img[src='x']").count() == 0
    assert not visit.foreign(prefect_api)
    visit.close()
