"""Data that break the contract, and a version that would break its callers: the champion goes on serving."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.cli import call
from tests.e2e.driving import Service, serving

ROW = {"x": 0.9, "shift": "day", "town": "Oslo"}


def rows(n: int) -> list[str]:
    """Return a table in order."""
    dice = random.Random(11)
    made = ["id,x,shift,town,y"]
    for i in range(n):
        x = dice.random()
        y = "yes" if x + dice.random() / 2 > 0.7 else "no"
        made.append(f"k{i:04d}x,{x:.4f},{dice.choice(['day', 'night'])},{dice.choice(['Bonn', 'Oslo'])},{y}")
    return made


def write(place: Path, lines: list[str], name: str = "t.csv") -> None:
    """Write the table."""
    (place / name).write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in which a model was published by `init` and `run`."""
    folder = tmp_path_factory.mktemp("contract")
    write(folder, rows(1200))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(["init", "t.csv", "--target", "y"]) == 0
        spec = folder / "t.yaml"
        more = "model: {families: [linear], trials: 1}\ngate: {replicates: 100, margin: 1.0}\n"
        spec.write_text(f"{spec.read_text()}{more}")
        assert call(["run", "t.yaml"]) == 0
        yield folder


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Service]:
    """Serve what is published there."""
    with serving(place / "artifacts") as running:
        yield running


def versions(place: Path) -> list[str]:
    """Return what is published."""
    return sorted(p.name for p in (place / "artifacts" / "models" / "t" / "versions").iterdir())


def test_data_that_break_the_contract_stop_the_run_and_nothing_else(
    place: Path, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2 of `run` and `check`, with counts and first rows; the champion answers as before."""
    good = (place / "t.csv").read_text()
    before = service.predict(ROW, "t")
    broken = rows(500)
    broken[8] = broken[8].replace("k0007x,", "k0006x,")
    broken[20] = broken[20].replace("Oslo", "Rome").replace("Bonn", "Rome")
    write(place, broken)
    for command in ("run", "check"):
        assert call([command, "t.yaml"]) == 2
        told = capsys.readouterr().err
        assert "3 of 8 expectations are not met" in told
        assert "rows 0.5..2 x last: 500 rows, and 1,200 in the last run" in told
        assert "t.id: unique: 1 of 500 rows (0.2%), row 7 (line 9)" in told
        assert "t.town: one of Bonn, Oslo: 1 of 500 rows (0.2%), row 19 (line 21): such as 'Rome'" in told
    assert len(versions(place)) == 1
    assert service.predict(ROW, "t") == before

    assert call(["predict", "t", "--input", "t.csv", "--output", "out.csv"]) == 2
    told = capsys.readouterr().err
    assert "2 of 7 expectations are not met" in told
    assert not (place / "out.csv").exists()

    # What the spec says goes before the lock; a warning stops nothing, and is told.
    spec = (place / "t.yaml").read_text()
    more = "expect: {rows: 100..1000, columns: {id: {unique: false}, town: {values: [Bonn], severity: warn}}}\n"
    (place / "t.yaml").write_text(spec + more)
    assert call(["check", "t.yaml"]) == 0
    assert "Warning: t.town: one of Bonn" in capsys.readouterr().out
    (place / "t.yaml").write_text(spec)
    (place / "t.csv").write_text(good)


def test_a_version_that_would_break_its_callers_waits_for_a_reason(
    place: Path, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 3 and the command that publishes it; accepted, it goes live, and is not asked about again."""
    before = service.predict(ROW, "t")
    spec = (place / "t.yaml").read_text()
    (place / "t.yaml").write_text(f"{spec}columns: {{shift: {{role: ignored}}}}\n")
    assert call(["run", "t.yaml", "--json"]) == 3
    refused = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert ["'shift' is gone" in reason for reason in refused["verdict"]["reasons"]] == [True]
    assert service.predict(ROW, "t") == before
    assert call(["publish", refused["run_id"]]) == 3
    assert f"penstock publish {refused['run_id']} --accept-schema-change REASON" in capsys.readouterr().out

    reason = "nobody sends shifts any more"
    assert call(["publish", refused["run_id"], "--accept-schema-change", reason]) == 0
    assert len(versions(place)) == 2
    home = place / "artifacts" / "models" / "t"
    (event,) = [e for e in map(json.loads, (home / "log.jsonl").read_text().splitlines()) if reason in e["why"]]
    assert event["what"] == "published"
    verdict = json.loads((home / "versions" / versions(place)[1] / "verdict.json").read_text())
    assert [c["accepted"] for c in verdict["checks"] if c["name"] == "schema"] == [reason]
    assert call(["run", "t.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["state"] == "unchanged"

    # Another way: the reason is given with the run itself.
    (place / "t.yaml").write_text(f"{spec}columns: {{shift: {{role: ignored}}, town: {{role: ignored}}}}\n")
    assert call(["run", "t.yaml", "--accept-schema-change", "towns were wrong", "--json"]) == 0
    accepted = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert any("'town' is gone" in r and "towns were wrong" in r for r in accepted["verdict"]["reasons"])


def test_a_renamed_column_is_served_under_both_names(place: Path, service: Service) -> None:
    """An alias covers it: nobody has to change, and the document says which name is of yesterday."""
    lines = (place / "t.csv").read_text().splitlines()
    write(place, [lines[0].replace(",x,", ",width,"), *lines[1:]])
    assert call(["lock", "t.yaml", "--update"]) == 0
    spec = (place / "t.yaml").read_text()
    (place / "t.yaml").write_text(f"{spec}aliases: {{width: [x]}}\n")
    assert call(["run", "t.yaml"]) == 0
    newest = versions(place)[-1]
    for _ in range(100):
        answer = service.predict({"x": 0.9}, "t")
        if answer["version"] == newest:
            break
        time.sleep(0.1)
    assert [w["code"] for w in answer["warnings"]] == ["renamed_field"]
    assert service.predict({"width": 0.9}, "t")["prediction"] == answer["prediction"]
    row = httpx.get(f"{service.base}/openapi.json", timeout=30).json()["components"]["schemas"]["t.row"]
    assert row["properties"]["x"]["deprecated"]
    assert {"anyOf": [{"required": ["width"]}, {"required": ["x"]}]} in row["allOf"]
    assert "width" not in row["required"]
    lacking = httpx.post(f"{service.base}/models/t/predict", json={"id": "k"}, timeout=30)
    assert lacking.status_code == 422
