"""A run's candidate can be published later, from its receipts alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.candidate import Candidate, keep_candidate, publish_candidate, read_candidate
from penstock.bundle.publish import publish
from penstock.errors import BundleError, NotFound, PublishConflict, StoreError
from penstock.receipts import Evaluated, Trained, Verdict
from penstock.store import Store
from tests.unit.bundle.making import FAILED, PASSED, Made


def kept(artifacts: Path, made: Made, verdict: Verdict, started_from: str = "") -> Path:
    """Keep a candidate as a run does; return its directory."""
    store, parts = Store(artifacts), made.parts
    trained = Trained(
        family=parts.family,
        metric="roc_auc",
        served=store.put_bytes(parts.served, "joblib"),
        twin=store.put_bytes(parts.twin, "joblib"),
        probe=store.put_table(parts.probe),
        table_schema=store.put_json(parts.schema),
        plan=store.put_json(dict(parts.plan)),
        profile=store.put_json(parts.profile),
        lookups={name: store.put_table(table) for name, table in parts.tables.items()},
        environment=store.put_json(dict(parts.environment)),
        content_digest=parts.digest,
        leaderboard=(),
    )
    evaluated = Evaluated(
        metric="roc_auc",
        scores=dict(parts.scores),
        cross_validation={},
        baseline=dict(parts.baseline),
        verdict=verdict,
        metrics=store.put_json(dict(parts.metrics)),
    )
    assert parts.report is not None
    candidate = Candidate(
        name="churn",
        trained=trained,
        evaluated=evaluated,
        started_from=started_from,
        spec=dict(parts.spec),
        lineage=dict(parts.lineage),
        report=store.put_bytes(parts.report, "html"),
    )
    folder = artifacts / "runs" / "r1" / "candidate"
    keep_candidate(folder, candidate)
    assert read_candidate(folder) == candidate
    return folder


def test_what_was_kept_is_what_is_published(artifacts: Path, carrying: Made) -> None:
    """Look-ups, report and all: the version is the one that the run would have published."""
    folder = kept(artifacts, carrying, PASSED)
    done = publish_candidate(folder, artifacts)
    assert (done.state, done.digest) == ("published", carrying.parts.digest)
    bundle = Bundle.load(artifacts / "models" / "churn")
    expected = carrying.bundle.predict(carrying.raw)
    # Once sealed a kernel answers, as exactly as 64 bits allow and not by the same sums.
    np.testing.assert_allclose(bundle.predict(carrying.raw).estimates, expected.estimates, rtol=1e-12)
    assert bundle.report() == carrying.parts.report
    assert publish_candidate(folder, artifacts).state == "unchanged"


def test_a_refused_candidate_needs_a_reason(artifacts: Path, first: Made, second: Made) -> None:
    """With one it is published against whatever is live by then."""
    folder = kept(artifacts, second, FAILED)
    assert publish_candidate(folder, artifacts).state == "refused"
    publish(artifacts, "churn", first.parts, PASSED)
    assert publish_candidate(folder, artifacts, force="it is for a test").state == "published"


def test_a_verdict_that_has_grown_old_is_not_acted_on(artifacts: Path, first: Made, second: Made) -> None:
    """Somebody published in between: the candidate was judged against nothing."""
    folder = kept(artifacts, second, PASSED)
    publish(artifacts, "churn", first.parts, PASSED)
    with pytest.raises(PublishConflict):
        publish_candidate(folder, artifacts)


def test_a_payload_that_was_altered_is_not_published(artifacts: Path, first: Made) -> None:
    """The store proves what it gives."""
    folder = kept(artifacts, first, PASSED)
    served = artifacts / read_candidate(folder).trained.served.path
    served.write_bytes(served.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="altered"):
        publish_candidate(folder, artifacts)
    assert not (artifacts / "models").exists()


def test_what_is_no_candidate_is_told(tmp_path: Path) -> None:
    """An empty directory, and a file of another release."""
    with pytest.raises(NotFound, match="no candidate"):
        read_candidate(tmp_path)
    (tmp_path / "candidate.json").write_text('{"of": "another release"}')
    with pytest.raises(BundleError, match="cannot be understood"):
        read_candidate(tmp_path)
