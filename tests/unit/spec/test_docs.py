"""What the documentation lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.spec.pipeline import SPEC_KEYS
from penstock.steps.union import STEPS


def test_every_key_of_the_spec_is_documented_and_no_other(root: Path) -> None:
    """The table in docs/spec.md."""
    rows = [line for line in (root / "docs" / "spec.md").read_text().splitlines() if line.startswith("| `")]
    documented = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert documented == set(SPEC_KEYS)


def test_every_kind_of_step_is_documented(root: Path) -> None:
    """In the row of `steps`."""
    (row,) = [line for line in (root / "docs" / "spec.md").read_text().splitlines() if line.startswith("| `steps`")]
    assert {step.model_fields["kind"].default for step in STEPS} <= set(re.findall(r"`([a-z_]+)`", row))
