"""The report of runs and versions found again, and what changed between two versions, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.e2e.driving import penstock, serving

SPEC = "name: ship\nsource: ship.csv\ntarget: y\nmodel: {families: [linear], trials: 1}\n"
EVIL = "<img src=x onerror=alert(1)>"


def table(folder: Path, shift: float) -> None:
    """Write rows in which a name, a level and a label are markup."""
    rng = np.random.default_rng(int(shift))
    a = rng.normal(size=600)
    frame = pd.DataFrame({"a": (a + shift).round(3), EVIL: rng.choice(["p", "q", EVIL], 600)})
    frame["y"] = np.where(a + rng.normal(size=600) * 0.5 > 0, EVIL, "no")
    frame.to_csv(folder / "ship.csv", index=False)


@pytest.mark.long
def test_reports_are_found_and_versions_compared(tmp_path: Path, need) -> None:
    """Two versions of one model: their reports found, made anew, copied and served, and the difference told."""

    def typed(*words: object, status: int = 0) -> str:
        done = penstock(*words, cwd=tmp_path)
        assert done.returncode == status, done.stdout + done.stderr
        return (done.stdout if status == 0 else done.stderr).strip()

    (tmp_path / "ship.yaml").write_text(SPEC)
    summaries = []
    for shift in (0.0, 3.0):
        table(tmp_path, shift)
        told = typed("run", "ship.yaml", "--json")
        summaries.append(json.loads(told.splitlines()[-1]))
        assert summaries[-1]["published"], summaries[-1]["verdict"]
    first, second = summaries
    runs = tmp_path / "artifacts" / "runs"
    assert typed("report") == f"artifacts/runs/{second['run_id']}/report.html"
    assert typed("report", "ship") == typed("report")
    assert typed("report", f"ship@{first['version']}") == f"artifacts/runs/{first['run_id']}/report.html"
    was = Path(first["report"]).read_bytes()
    assert typed("report", first["run_id"], "--render", "--output", "again.html") == "again.html"
    assert (tmp_path / "again.html").read_bytes() == was
    # The run goes, the page that was sealed with the version stays.
    for path in sorted((runs / first["run_id"]).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (runs / first["run_id"]).rmdir()
    sealed = typed("report", f"ship@{first['version']}")
    assert sealed == f"artifacts/models/ship/versions/{first['version']}/report.html"
    assert "is gone" in typed("report", f"ship@{first['version']}", "--render", status=1)
    assert "no version" in typed("report", "ship@9", status=1)
    found = json.loads(typed("diff", "ship", "--html", "diff.html", "--json"))
    assert (found["one"], found["other"]) == (f"ship@{first['version']}", f"ship@{second['version']}")
    changed = {part["name"]: part["changes"] for part in found["parts"]}
    assert "by +3" in next(c["note"] for c in changed["profile"] if c["what"] == "a")
    assert changed["rows"]
    assert changed["scores"]
    assert not changed["spec"]
    text = typed("diff", f"ship@{first['version']}", second["run_id"])
    assert text.startswith("Changed from ship@")
    assert typed("diff", "ship", second["run_id"]).startswith("Nothing changed between")
    for page in (tmp_path / "diff.html", Path(second["report"]), tmp_path / sealed):
        assert "<img src=x" not in page.read_text()
    _is_silent_in_a_browser(tmp_path, Path(second["report"]), need)


def _is_silent_in_a_browser(folder: Path, report: Path, need) -> None:
    """Open report, comparison and the served report, which may run its one script in its sandbox."""
    from playwright.sync_api import sync_playwright

    with serving(folder / "artifacts") as service, sync_playwright() as playwright:
        path = need("chromium", "chromium-browser", "google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for url in (report.as_uri(), (folder / "diff.html").as_uri(), f"{service.base}/models/ship/report"):
            heard: list[str] = []
            page = browser.new_page()
            page.on("console", lambda message, heard=heard: heard.append(message.text))
            page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
            page.on("dialog", lambda dialog, heard=heard: (heard.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda r, heard=heard: heard.append(r.url) if not r.url.startswith("data:") else None)
            page.goto(url)
            assert heard == [url]
            if "diff" not in url:
                assert page.get_by_role("searchbox").count()
            page.close()
        browser.close()
