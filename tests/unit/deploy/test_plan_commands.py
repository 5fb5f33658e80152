"""What `init`, `check` and `steps` tell of a plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from deploy.cli import call
from deploy.commands.steps import example_of, name_in_spec
from penstock.errors import EXIT_OK, EXIT_OTHER, EXIT_USER
from penstock.spec.reading import read_yaml
from penstock.steps.base import StepBase
from penstock.steps.union import STEPS, nature_of

N = 300


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a table whose column `boat` is filled in once the outcome is known."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, N)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(N) < 0.1, np.nan, (40 + 5 * y + rng.normal(0, 9, N)).round(1)),
            "port": rng.choice(["Cork", "Brest"], N),
            "boarded": pd.date_range("2026-01-01", periods=N, freq="h").strftime("%Y-%m-%d %H:%M"),
            "boat": np.where((y == 1) & (rng.random(N) < 0.8), "B7", ""),
            "survived": y,
        }
    )
    frame.to_csv(tmp_path / "ship.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_tells_the_plan_with_its_evidence_and_what_is_suspicious(place, capsys):
    """What, why, how much; and the line to add, which it does not add itself."""
    assert call(["init", "ship.csv", "--target", "survived"]) == EXIT_OK
    told = capsys.readouterr().out
    assert "SUSPICIOUS: boat" in told
    assert "if that is known only after the fact, add to the spec: known_after: [boat]" in told
    assert "fill (learned)" in told
    assert "most in boat (" in told
    text = (place / "ship.yaml").read_text()
    assert "# Suspicious (see the lock); if it is known only after the fact: known_after: [boat]" in text
    assert read_yaml(place / "ship.yaml") == {"name": "ship", "source": "ship.csv", "target": "survived"}
    lock = read_yaml(place / "ship.lock.yaml")
    assert lock["suspicious"]["boat"].endswith("known_after: [boat]")
    assert all("training rows" in step["why"] for step in lock["steps"])


def test_check_shows_the_columns_after_every_step_and_marks_what_changed(place, capsys):
    """By name and kind, with the nature of the step; the cut is marked."""
    call(["init", "ship.csv", "--target", "survived"])
    capsys.readouterr()
    assert call(["check", "ship.yaml"]) == EXIT_OK
    plan = capsys.readouterr().out.partition("plan: ")[2].splitlines()
    assert plan[0] == "4 columns go in"
    assert plan[1].strip() == "age float, port category, boarded datetime, boat category"
    steps = {line.split()[1]: i for i, line in enumerate(plan) if line.strip()[:1].isdigit()}
    assert "(row): 4 columns, as before" in plan[steps["misfits"]]
    calendar = plan[steps["calendar"] :]
    assert calendar[0].endswith("calendar (cell): 8 columns")
    assert calendar[1].strip().startswith("+ boarded_year integer")
    assert calendar[2].strip() == "- boarded datetime"
    cut = next(i for i, line in enumerate(plan) if "learned from training rows alone" in line)
    assert steps["calendar"] < cut < steps["fill"]
    assert plan[steps["fill"] + 1].strip() == "+ age_missing boolean"


def test_steps_lists_every_kind_with_its_nature(capsys):
    """Nobody has to read the source to know what there is."""
    assert call(["steps"]) == EXIT_OK
    listed = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    for step in STEPS:
        kind = str(step.model_fields["kind"].default)
        (line,) = [words for words in listed if words[0] == kind]
        assert line[1] == nature_of(step)
        assert len(line) > 4


def stands_alone(step: type[StepBase]) -> bool:
    """Whether a step needs no setting."""
    try:
        step()
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.model_fields["kind"].default)
def test_steps_tells_all_settings_of_a_kind_and_how_it_is_written(step: type[StepBase], capsys):
    """Each setting with its type and default, and an example that is a step where bare `kind` is one already."""
    kind = str(step.model_fields["kind"].default)
    assert call(["steps", kind]) == EXIT_OK
    told = capsys.readouterr().out
    names = {name_in_spec(name, field) for name, field in step.model_fields.items()}
    unset = {name for name, part in step.model_json_schema()["properties"].items() if part.get("type") == "null"}
    for name in names - {"kind", "why"} - unset:
        assert f"  {name}: " in told
    example = example_of(kind, step)
    assert names >= example.keys()
    if stands_alone(step):
        assert step.model_validate(example)


def test_an_unknown_kind_of_step_is_answered_with_the_nearest(capsys):
    """A typing mistake."""
    assert call(["steps", "fil"]) == EXIT_USER
    assert "did you mean 'fill'?" in capsys.readouterr().err


def test_a_trace_asks_for_one_row(place, capsys):
    """Of a run or model that is there."""
    assert call(["trace", "nobody", "--row", "0"]) == EXIT_OTHER
    assert "There is no run and no model 'nobody'" in capsys.readouterr().err
    assert call(["trace", "nobody"]) == EXIT_USER
    assert "--row N" in capsys.readouterr().err
