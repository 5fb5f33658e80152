"""Models in a format that runs nothing: written where it can hold them, refused where it holds what is not allowed."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from penstock.bundle.allowed import ALLOWED
from penstock.bundle.bundle import Bundle
from penstock.bundle.fitted import Fitted
from penstock.bundle.manifest import ESTIMATOR, TWIN
from penstock.bundle.pickled import as_joblib, opened, packed
from penstock.bundle.publish import publish
from penstock.errors import BundleError, UserError
from penstock.models.families import FAMILIES
from penstock.refresh.live import _parts
from tests.unit.bundle.making import PASSED, Made, dumped, files_below, make, raw_rows, small, task_of

SKOPS = {"publish": {"format": "skops"}}


@pytest.fixture
def installed(extra: Callable[[str], None]) -> None:
    """Skip where the extra is not installed."""
    extra("" if importlib.util.find_spec("skops") else "this test needs the extra skops")


class Planted:
    """What nobody allowed: opened, it would leave a trace."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (self.trace,))


def test_the_allowed_classes_exist_and_call_nothing() -> None:
    """A name that is misspelt would send its models back to joblib without anybody noticing."""
    for name in ALLOWED:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type), name
    assert not [name for name in ALLOWED if ".code." in name or "partial" in name or name.startswith("builtins")]


def test_without_the_extra_the_publisher_says_what_to_install(
    artifacts: Path, first: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spec that asks for it needs it."""
    monkeypatch.setitem(sys.modules, "skops", None)
    with pytest.raises(UserError) as caught:
        publish(artifacts, "churn", dataclasses.replace(first.parts, spec=SKOPS), PASSED)
    assert caught.value.todo == "pip install 'penstock[skops]'"


@pytest.mark.usefixtures("installed")
def test_a_version_of_skops_answers_as_one_of_joblib_and_can_be_refreshed(artifacts: Path, first: Made) -> None:
    """No file of joblib is in it; a refresh, which seals the same model again, finds it."""
    done = publish(artifacts, "churn", dataclasses.replace(first.parts, spec=SKOPS), PASSED)
    assert done.path is not None
    folder = Path(done.path)
    assert {"estimator.skops", "twin.skops"} <= set(files_below(folder))
    assert not list(folder.glob("*.joblib"))
    bundle = Bundle.load(folder)
    # A kernel answers before the file is asked for; what is in the file is the very model.
    itself = dataclasses.replace(bundle, kernel=None)
    np.testing.assert_array_equal(itself.predict(first.raw).estimates, first.bundle.predict(first.raw).estimates)
    assert bundle.manifest is not None
    again = _parts(bundle.manifest, files_below(folder))
    assert publish(artifacts, "other", again, PASSED).digest == first.parts.digest


@pytest.mark.usefixtures("installed")
@pytest.mark.long
@pytest.mark.parametrize("kind", FAMILIES, ids=lambda kind: str(kind.model_fields["kind"].default))
def test_a_family_is_written_by_skops_or_as_before(kind: type, extra: Callable[[str], None]) -> None:
    """Either way it is the same model. Only histogram boosting holds a function, and nets hold their own formats."""
    extra(kind.absent())
    family = small(kind)
    made = make(task_of(family), family=family, n=100, report=None)
    files = packed({ESTIMATOR: made.parts.served, TWIN: made.parts.twin}, "skops", made.parts.environment)
    assert ("estimator.skops" in files) == (family.kind not in ("hist_gradient_boosting", "torch", "keras")), (
        family.kind
    )
    model = opened(files, ESTIMATOR, made.parts.environment, "here")
    rows = raw_rows(6, 3)
    alike = dataclasses.replace(made.bundle, fitted=Fitted.at_hand(model)).predict(rows).estimates
    np.testing.assert_array_equal(alike, made.bundle.predict(rows).estimates)


@pytest.mark.usefixtures("installed")
def test_what_is_not_allowed_is_neither_written_nor_opened(tmp_path: Path, first: Made) -> None:
    """The list is ours: what a file says of itself is not asked."""
    import skops.io

    planted = Planted(str(tmp_path / "trace"))
    files = {"estimator.skops": skops.io.dumps({"model": planted})}
    with pytest.raises(BundleError, match="cannot be opened"):
        opened(files, ESTIMATOR, {}, "here")
    with pytest.raises(BundleError, match="cannot be opened"):
        as_joblib(files, ESTIMATOR, {}, "here")
    assert not (tmp_path / "trace").exists()
    assert ESTIMATOR in packed({ESTIMATOR: dumped(lambda_free)}, "skops", {})


def lambda_free(x: object) -> object:
    """Stand for a function of a user's own."""
    return x
