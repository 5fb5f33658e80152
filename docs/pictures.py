"""The README's pictures: the sample runs, is served, and is looked at with a browser; nothing of a user's is touched.

`make pictures` writes docs/report.png, docs/service.png and docs/prefect.png. It needs Chromium.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "flows" / "specs" / "clinic.yaml"
MOST_BYTES = 200_000
# From fine to coarse, until the file is small enough.
COLOURS = (192, 96, 48)
WAIT = 60_000


def main() -> None:
    """Take the three pictures."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    chromium = next((path for path in found if path), None)
    if chromium is None:
        sys.exit("The pictures need Chromium: install it, then run this again.")
    with tempfile.TemporaryDirectory(prefix="penstock-pictures-") as name, sync_playwright() as playwright:
        shown = _shown(Path(name))
        with shown as (report, service, run):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            _save("report", _report(browser, report))
            _save("service", _service(browser, service))
            _save("prefect", _prefect(browser, run))
            browser.close()


@contextlib.contextmanager
def _shown(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Run the sample, and yield where its report, its model and its run are to be seen."""
    prefect, service = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
    homes = {"PENSTOCK_HOME": str(folder / "penstock"), "PREFECT_HOME": str(folder / "prefect")}
    environment = os.environ | homes | {"PREFECT_API_URL": f"{prefect}/api", "PENSTOCK_SERVICE": service}
    artifacts, spec = folder / "artifacts", folder / "flows" / "specs" / SPEC.name
    artifacts.mkdir()
    # A copy: a run may write the lock beside its spec.
    shutil.copytree(SPEC.parent, spec.parent)
    (folder / "data").symlink_to(ROOT / "data")
    python = [sys.executable, "-m"]
    server = [*python, "deploy.prefect_server", "--host", "127.0.0.1", "--port", prefect.rpartition(":")[2]]
    serve = [*python, "deploy.cli", "serve", "--artifacts", str(artifacts), "--port", service.rpartition(":")[2]]
    with _running(server, environment, f"{prefect}/api/health"):
        words = [*python, "deploy.cli", "run", str(spec), "--artifacts", str(artifacts), "--json"]
        done = subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
        summary = json.loads(done.stdout.splitlines()[-1])
        lineage = json.loads((artifacts / "runs" / summary["run_id"] / "lineage.json").read_text())
        with _running(serve, environment, f"{service}/readyz"):
            yield Path(summary["report"]).as_uri(), f"{service}/", f"{prefect}/runs/flow-run/{lineage['flow_run']}"


def _report(browser: Browser, address: str) -> bytes:
    page = browser.new_page(viewport={"width": 1100, "height": 1240})
    page.goto(address)
    return _still(page)


def _service(browser: Browser, address: str) -> bytes:
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.goto(address)
    page.get_by_role("button", name="Predict").click()
    page.locator("#answer progress").first.wait_for(timeout=WAIT)
    page.evaluate("scrollTo(0, 0)")
    return _still(page)


def _prefect(browser: Browser, address: str) -> bytes:
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.goto(address)
    page.get_by_role("tablist").get_by_text("Artifacts").first.click(timeout=WAIT)
    page.get_by_text("dossier-clinic", exact=True).first.wait_for(timeout=WAIT)
    # The drawing of the run comes to rest.
    page.wait_for_timeout(2500)
    return _still(page)


def _still(page: Page) -> bytes:
    page.wait_for_load_state("networkidle")
    picture = page.screenshot()
    page.close()
    return picture


def _save(name: str, picture: bytes) -> None:
    """Write a picture with as many colours as there is room for."""
    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    data = b""
    for colours in COLOURS:
        out = io.BytesIO()
        image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        data = out.getvalue()
        if len(data) < MOST_BYTES:
            break
    if len(data) >= MOST_BYTES:
        sys.exit(f"docs/{name}.png would have {len(data):,} bytes; at most {MOST_BYTES:,} are allowed.")
    (ROOT / "docs" / f"{name}.png").write_bytes(data)
    print(f"docs/{name}.png  {image.width} x {image.height}, {len(data):,} bytes")


@contextlib.contextmanager
def _running(words: Sequence[str], environment: Mapping[str, str], health: str) -> Iterator[None]:
    """Run a server until the block ends."""
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(process, health)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], health: str) -> None:
    until = time.monotonic() + WAIT / 1000
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"{health} never answered: the server ended with status {process.returncode}.")
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=2):  # noqa: S310 - our own
            return
        time.sleep(0.2)
    sys.exit(f"{health} did not answer in time.")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":
    main()
