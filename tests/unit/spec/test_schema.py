"""The JSON Schema that editors use says what `load_spec` does."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from penstock.errors import SpecError
from penstock.spec.pipeline import spec_from
from penstock.spec.reading import read_yaml
from penstock.spec.schema import schema_text, spec_schema


def fits(declared: dict[str, object]) -> bool:
    """Whether the schema accepts a spec."""
    return bool(jsonschema.Draft202012Validator(spec_schema()).is_valid(declared))


def test_the_file_is_the_schema_of_this_release(root: Path) -> None:
    """`python -m penstock.spec.schema docs/spec.schema.json` writes it."""
    assert (root / "docs" / "spec.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_specs_that_come_along_fit(root: Path) -> None:
    """As an editor would find them."""
    specs = [p for p in (root / "flows" / "specs").glob("*.yaml") if not p.name.endswith(".lock.yaml")]
    assert specs
    assert all(fits(read_yaml(path)) for path in specs)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"source": ["a.csv", "b.csv"]},
        {"source": {"path": "a.csv", "header": False, "names": ["x", "y"]}},
        {"joins": [{"table": "t", "on": "k"}]},
        {"steps": [{"kind": "fill"}]},
        {"schedule": {"cron": "0 3 * * 1"}},
        {"traget": "y"},
        {"model": {"folds": 1}},
        {"steps": [{"kind": "fil"}]},
        {"tables": {"m": {"from": "a", "steps": [{"kind": "resample", "time": "t", "every": "month", "values": {}}]}}},
        {"tables": {"m": {"from": "a", "steps": [{"kind": "resample", "time": "t", "every": "moon", "values": {}}]}}},
        {"tables": {"m": {"from": "a", "steps": [{"kind": "melt", "into": ["what", "value"]}]}}},
        {"tables": {"m": {"from": "a", "steps": [{"kind": "melted"}]}}},
        {"tables": {"m": {"steps": []}}},
        {"serve": {"extra": "maybe"}},
    ],
)
def test_schema_and_reader_agree(tmp_path: Path, change: dict[str, object]) -> None:
    """What one accepts the other accepts; what one refuses the other refuses."""
    declared = {"name": "x", "source": "a.csv", "target": "y", **change}
    try:
        spec_from(declared, tmp_path)
        read = True
    except SpecError:
        read = False
    assert fits(declared) == read
