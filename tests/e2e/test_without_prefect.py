"""A serving machine has no Prefect: what it needs works all the same."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.driving import penstock, serving, summary_of

# Slow: processes and servers of their own.
pytestmark = pytest.mark.long

# A package of that name that cannot be imported stands before the real one, as on a machine where it is not installed.
ABSENT = "raise ModuleNotFoundError(\"No module named 'prefect'\", name='prefect')\n"
SPEC = """\
name: clinic
source: clinic/visits.csv
target: diagnosis
model: {{families: [{family}], trials: 1}}
gate: {{margin: 1.0}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two published versions of a small model."""
    from data.clinic import build

    folder = tmp_path_factory.mktemp("served")
    build(folder / "clinic")
    for family in ("linear", "lightgbm"):
        (folder / "clinic.yaml").write_text(SPEC.format(family=family))
        done = penstock("run", "clinic.yaml", "--json", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert summary_of(done)["state"] == "published"
    (folder / "without" / "prefect").mkdir(parents=True)
    (folder / "without" / "prefect" / "__init__.py").write_text(ABSENT)
    return folder


@pytest.fixture
def without(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take Prefect away from every process that the test starts."""
    monkeypatch.setenv("PYTHONPATH", str(place / "without"))
    probe = subprocess.run([sys.executable, "-c", "import prefect"], capture_output=True, env=os.environ, check=False)
    assert probe.returncode != 0, "Prefect is still there"
    return place


def test_predict_models_verify_serve_and_rollback_need_no_prefect(without: Path) -> None:
    """Each in a process of its own, in the order in which an operator would."""
    done = penstock("predict", "clinic", "--input", "clinic/visits.csv", "--output", "out.csv", cwd=without)
    assert done.returncode == 0, done.stderr
    for words in (("models",), ("verify", "clinic")):
        done = penstock(*words, cwd=without)
        assert done.returncode == 0, done.stderr
        assert "clinic" in done.stdout or "ok" in done.stdout
    with serving(without / "artifacts") as service:
        with (without / "clinic" / "visits.csv").open(newline="") as rows:
            row = next(csv.DictReader(rows))
        assert service.predict(row)["prediction"] in ("benign", "malignant")
    done = penstock("rollback", "clinic", "--reason", "a test", cwd=without)
    assert done.returncode == 0, done.stderr


def test_run_without_prefect_says_what_to_install(without: Path) -> None:
    """Not a traceback."""
    done = penstock("run", "clinic/visits.csv", "--target", "diagnosis", cwd=without)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "flows" in done.stderr
    assert "install" in done.stderr
