"""What the documentation lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from penstock.reshape.steps.union import TABLE_STEPS, AnyTableStep
from penstock.spec.lock import decisions_digest, lock_path, read_lock
from penstock.spec.pipeline import SPEC_KEYS, load_spec
from penstock.steps.union import STEPS, Step


def test_every_key_of_the_spec_is_documented_and_no_other(root: Path) -> None:
    """The table in docs/spec.md."""
    rows = [line for line in (root / "docs" / "spec.md").read_text().splitlines() if line.startswith("| `")]
    documented = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert documented == set(SPEC_KEYS)


def test_every_kind_of_step_is_documented(root: Path) -> None:
    """In the row of `steps`."""
    (row,) = [line for line in (root / "docs" / "spec.md").read_text().splitlines() if line.startswith("| `steps`")]
    assert {step.model_fields["kind"].default for step in STEPS} <= set(re.findall(r"`([a-z_]+)`", row))


def _rows_of(page: Path) -> list[tuple[str, str]]:
    """Return the kind and the example of every row of the page's tables of steps."""
    lines = [line.replace("\\|", "/") for line in page.read_text(encoding="utf-8").splitlines()]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    return [
        (kind, row[-1].strip(" `|"))
        for row in cells
        if "{kind:" in row[-1]
        for kind in row[0].strip(" `").split("`, `")
    ]


@pytest.mark.parametrize(
    ("page", "kinds", "union"),
    [
        ("steps.md", {s.model_fields["kind"].default for s in STEPS} - {"code", "learned_code"}, Step),
        ("relations.md", {s.model_fields["kind"].default for s in TABLE_STEPS}, AnyTableStep),
    ],
)
def test_every_step_has_a_row_with_an_example_that_is_one(
    root: Path, page: str, kinds: set[str], union: object
) -> None:
    """Whoever copies a line of the documentation into a spec gets a step."""
    rows = _rows_of(root / "docs" / page)
    assert {kind for kind, _ in rows} == kinds
    for _, example in rows:
        TypeAdapter(union).validate_python(yaml.safe_load(example))


def test_the_specs_of_the_readme_are_specs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer starts from them."""
    package = tmp_path / "my_pkg"
    package.mkdir()
    package.joinpath("__init__.py").touch()
    package.joinpath("features.py").write_text("def night_flight(rows):\n    return rows['hour'] < 6\n")
    monkeypatch.syspath_prepend(tmp_path)
    texts = re.findall(r"```yaml\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(texts) == 3
    for text in texts:
        (tmp_path / "spec.yaml").write_text(text)
        assert load_spec(tmp_path / "spec.yaml").target


def test_the_samples_lock_is_the_one_that_its_spec_decides(root: Path) -> None:
    """A newcomer's first run leaves the clone as it was."""
    spec = load_spec(root / "flows" / "specs" / "clinic.yaml")
    lock = read_lock(lock_path(root / "flows" / "specs" / "clinic.yaml"))
    assert lock is not None
    assert lock.decided == decisions_digest(spec.typing, spec.wrangling)
