"""Looking at a model changes nothing, and names the first thing that does not hold."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Signer
from penstock.bundle.layout import ModelHome
from penstock.bundle.manifest import entry
from penstock.bundle.publish import hold, publish, rollback
from penstock.bundle.verify import list_models, verify_model
from penstock.errors import NotFound
from penstock.frozen import canonical_json
from tests.unit.bundle.making import PASSED, Made, files_below


def test_a_good_model_passes_every_check(live: Path, first: Made) -> None:
    """Pointer, files, model with its probes, twin, log; and the disk is as it was."""
    artifacts = live.parents[3]
    before = files_below(artifacts)
    checks = verify_model(artifacts, "churn")
    assert [c.what for c in checks] == ["pointer", "files", "model", "twin", "log"]
    assert all(c.passed for c in checks)
    assert verify_model(artifacts, "churn", "1") == checks
    assert files_below(artifacts) == before


def test_look_ups_are_looked_at_and_told(artifacts: Path, carrying: Made) -> None:
    """Each by version, rows and age, as late as the pointer knows it; one that is too old is no damage."""
    made = {**carrying.parts.plan, "joins": [{**carrying.parts.plan["joins"][0], "max_age": "1h"}]}
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)).isoformat()
    publish(artifacts, "churn", replace(carrying.parts, plan=made, collected={"regions": old}), PASSED)
    for later, told in ((old, "3 rows, 5h old (stale)"), (dt.datetime.now(dt.UTC).isoformat(), "s old")):
        publish(artifacts, "churn", replace(carrying.parts, plan=made, collected={"regions": later}), PASSED)
        found = {check.what: check for check in verify_model(artifacts, "churn")}
        assert list(found) == ["pointer", "files", "model", "twin", "look-ups", "log"]
        assert all(check.passed for check in found.values())
        assert found["look-ups"].detail.endswith(told)
        assert Bundle.load(artifacts / "models" / "churn").lookup_versions["regions"] in found["look-ups"].detail


@pytest.mark.parametrize("record", [{"rows": 4}, {"digest": "0" * 64}])
def test_a_record_that_tells_of_another_table_fails(artifacts: Path, carrying: Made, record: dict[str, object]) -> None:
    """Though both are signed: a version that names its look-ups wrongly misleads whoever reads its answers."""
    done = publish(artifacts, "churn", carrying.parts, PASSED)
    assert done.path is not None
    folder = Path(done.path)
    path = folder / "lookups" / "regions.json"
    path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **record}))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["lookups/regions.json"] = entry(path.read_bytes()).model_dump()
    (folder / "manifest.json").write_bytes(canonical_json(manifest))
    (folder / "manifest.sig").write_bytes(Signer.own().sign(canonical_json(manifest)).to_bytes())
    checks = {check.what: check.passed for check in verify_model(artifacts, "churn")}
    assert checks == {"pointer": True, "files": True, "model": True, "twin": True, "look-ups": False}


@pytest.mark.parametrize(
    ("name", "failing"), [("manifest.sig", "files"), ("estimator.joblib", "files"), ("../../CURRENT.json", "pointer")]
)
def test_the_first_failing_check_ends_it(live: Path, name: str, failing: str) -> None:
    """With what is wrong, and where."""
    path = live / name
    path.write_bytes(path.read_bytes()[:-1])
    checks = verify_model(live.parents[3], "churn")
    assert (checks[-1].what, checks[-1].passed) == (failing, False)
    assert str(path.resolve().parent) in checks[-1].detail
    assert all(c.passed for c in checks[:-1])


def test_a_named_version_is_looked_at_though_the_pointer_fails(live: Path) -> None:
    """One bad thing does not hide another good one."""
    (live.parent.parent / "CURRENT.json").write_bytes(b"{}")
    checks = {c.what: c.passed for c in verify_model(live.parents[3], "churn", "1")}
    assert checks == {"pointer": False, "files": True, "model": True, "twin": True}


def test_what_is_not_there_is_not_verified(artifacts: Path, live: Path) -> None:
    """A model or version that does not exist is an error, not a failed check."""
    for name, version in (("nobody", None), ("churn", "4"), ("../churn", None)):
        with pytest.raises(NotFound):
            verify_model(artifacts, name, version)


def test_the_list_tells_how_every_model_stands(artifacts: Path, first: Made, second: Made) -> None:
    """What is live, what was withdrawn, what is held, and what cannot be trusted."""
    assert list_models(artifacts) == []
    for name in ("good", "bad"):
        publish(artifacts, name, first.parts, PASSED)
    publish(artifacts, "good", second.parts, PASSED)
    rollback(artifacts, "good")
    hold(artifacts, "good", "audit")
    ModelHome(artifacts, "bad").pointer_path.write_bytes(b"{}")
    bad, good = list_models(artifacts)
    assert (bad.name, bad.version) == ("bad", None)
    assert "not written" in bad.trouble or "not signed" in bad.trouble
    assert (good.version, good.generation, good.held, good.target) == (
        f"1-{first.parts.digest[:12]}",
        4,
        "audit",
        "left",
    )
    assert good.withdrawn == (f"2-{second.parts.digest[:12]}",)
    assert len(good.versions) == 2
