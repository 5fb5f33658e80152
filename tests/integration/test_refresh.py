"""Look-ups read anew under a service that runs: by the command and by the flow, and told at every door."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pandas as pd
import pytest

from deploy.cli import call
from tests.e2e.driving import Service, penstock, serving
from tests.unit.refresh import shop
from tests.unit.refresh.shop import ROW, limits, write_customers
from tests.unit.service.making import wait_for

Refresh = Callable[..., tuple[int, str]]
ABSENT = "raise ModuleNotFoundError(\"No module named 'prefect'\", name='prefect')\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a shop whose first version is live, and may be a second old."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    path = shop.make(folder, lambda spec: spec["joins"][0].update(max_age="1s"))
    assert shop.publish_first(path).state == "published"
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "shop"))


def other(limit: float) -> float:
    return 9.0 if limit < 9.0 else 1.0


def codes(answer: dict[str, object]) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}  # type: ignore[attr-defined]  # JSON


def shown(service: Service) -> dict[str, object]:
    """Return what a service tells of its one look-up."""
    (only,) = httpx.get(f"{service.base}/models/shop", timeout=30).json()["lookups"]
    return dict(only)


@pytest.fixture
def refresh(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refresh:
    """Return what types `penstock refresh` in that folder, and gives its status and what it said."""
    monkeypatch.chdir(folder)

    def typed(*words: str) -> tuple[int, str]:
        status = call(["refresh", "shop.yaml", "--artifacts", "artifacts", *words])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return typed


def test_a_service_follows_what_is_refreshed_without_a_restart(folder: Path, refresh: Refresh) -> None:
    """The whole way: a row of the source, the command, the pointer, the service; no training, no second process."""

    def ask(**changes: object) -> dict[str, object]:
        return service.predict({**ROW, **changes}, "shop")

    own = {"customer": "c999", "customers_credit": 5.0, "customers_town": "a"}
    with serving(folder / "artifacts") as service:
        before, old = ask(), shown(service)["as_of"]
        wait_for(lambda: codes(ask(customer="c999")) == {"orphan_key", "stale_lookup"})
        assert "missing_key" in codes(service.predict({"amount": 10.5}, "shop"))
        assert codes(ask(**own)) == set()
        # As it was: known to be younger, and still the same version.
        status, told = refresh()
        assert (status, "nothing changed" in told) == (0, True), told
        wait_for(lambda: shown(service)["as_of"] != old)
        same = ask()
        assert (same["version"], same["probabilities"]) == (before["version"], before["probabilities"])
        # Changed: another version, other answers, for this customer and one that was not there.
        brought = ask(**own)["probabilities"]
        write_customers(folder, {**limits(), "c001": other(limits()["c001"]), "c999": 5.0})
        status, told = refresh()
        assert (status, "is live; it was 1-" in told) == (0, True), told
        wait_for(lambda: ask()["version"] != before["version"])
        after = ask()
        assert after["lookups"] != before["lookups"]
        assert after["probabilities"] != before["probabilities"]
        assert "orphan_key" not in codes(ask(customer="c999"))
        assert ask(**own)["probabilities"] == brought
        assert {"rows": 61, "version": after["lookups"]["customers"]}.items() <= shown(service).items()  # type: ignore[index]  # JSON


def test_a_refusal_is_status_3_and_tells_how_to_overrule_it(folder: Path, refresh: Refresh) -> None:
    """The live version stays; a table that cannot be read at all is the user's mistake."""
    write_customers(folder, dict(list(limits().items())[:12]))
    status, told = refresh()
    assert status == 3
    assert "lost 48 of its 60 keys" in told
    assert "penstock refresh shop.yaml --force REASON" in told
    status, told = refresh("--force", "the others left")
    assert status == 0, told
    (folder / "customers.csv").unlink()
    status, told = refresh()
    assert status == 2
    assert "customers.csv" in told


def test_the_command_line_names_the_look_ups_of_its_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its last line; and warnings stand in the file, without the key."""
    rows = [ROW, {**ROW, "customer": "c999"}, {**ROW, "customer": ""}]
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(folder)
    assert call(["predict", "shop", "--input", "rows.csv", "--output", "out.csv", "--keep", "all"]) == 0
    assert "looked up in customers=20" in capsys.readouterr().err
    warnings = pd.read_csv(folder / "out.csv")["warning"]
    assert "finds no row in the look-up 'customers'" in warnings[1]
    assert "nothing was looked up in 'customers'" in warnings[2]
    assert not warnings.str.contains("c999").any()


def test_the_flow_refreshes_as_the_command_does(folder: Path, prefect_api: str) -> None:
    """It is what a schedule starts: a refusal is an outcome, not a failed run."""
    from flows.refresh import refresh as flow

    assert prefect_api
    spec, artifacts = str(folder / "shop.yaml"), str(folder / "artifacts")
    write_customers(folder, {**limits(), "c001": other(limits()["c001"])})
    done = flow(spec, artifacts=artifacts)
    assert (done.state, [change.changed for change in done.lookups]) == ("refreshed", [True])
    write_customers(folder, dict(list(limits().items())[:12]))
    assert flow(spec, artifacts=artifacts).state == "refused"
    assert flow(spec, artifacts=artifacts, force="a test").state == "refreshed"


def test_a_refresh_needs_no_prefect(folder: Path, tmp_path: Path) -> None:
    """A machine that serves can keep its look-ups fresh by a timer of its own."""
    package = tmp_path / "without" / "prefect"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(ABSENT)
    path = os.pathsep.join([str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = penstock("refresh", "shop.yaml", "--artifacts", "artifacts", cwd=folder, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
