"""A version with a kernel: what lies in it, what opens it, and when there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.compiling import compiled_for
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.kernel import Kernel
from penstock.bundle.manifest import CARD, ESTIMATOR, KERNEL, METRICS
from penstock.bundle.publish import publish
from penstock.errors import BundleError, Tampered
from penstock.models.families import HistogramFamily, NeighboursFamily
from tests.unit.bundle.kernel.standin import Asking, compiled, opened
from tests.unit.bundle.making import PASSED, Made, make, small

# What opens a version, and what it then has loaded.
OPENED = """
import sys
from penstock.bundle.bundle import Bundle
bundle = Bundle.load(sys.argv[1])
bundle.predict([bundle.example()])
print(*sorted({"joblib", "sklearn", "scipy", "lightgbm", "xgboost", "penstock.models.families"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def boosted() -> Made:
    """Return a boosted model."""
    return make("binary", family=small(HistogramFamily), seed=4)


def live(artifacts: Path, made: Made) -> Path:
    done = publish(artifacts, "churn", made.parts, PASSED)
    assert done.path is not None
    return Path(done.path)


def test_a_version_with_a_kernel_is_opened_without_a_pickle(artifacts: Path, boosted: Made, root: Path) -> None:
    """Opening a pickle runs what it says, and takes the libraries that fitted the model: a second, and 100 MB."""
    folder = live(artifacts, boosted)
    assert (folder / KERNEL).is_file()
    run = subprocess.run(
        [sys.executable, "-c", OPENED, str(folder)], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.split() == []


def test_the_pipeline_can_be_had_all_the_same(artifacts: Path, boosted: Made) -> None:
    """Who explains a model needs what was fitted; it is the model that answers."""
    bundle = Bundle.load(live(artifacts, boosted))
    assert bundle.kernel is not None
    plain = replace(bundle, kernel=None)
    rows = boosted.raw.slice(0, 20)
    np.testing.assert_allclose(bundle.predict(rows).estimates, plain.predict(rows).estimates, rtol=0, atol=1e-9)


def test_a_pipeline_that_is_not_the_signed_one_is_never_opened(artifacts: Path, boosted: Made) -> None:
    """Between loading and asking for it somebody may have put another file there."""
    folder = live(artifacts, boosted)
    bundle = Bundle.load(folder)
    data = bytearray((folder / ESTIMATOR).read_bytes())
    data[-1] ^= 1
    (folder / ESTIMATOR).write_bytes(data)
    with pytest.raises(Tampered, match="fitted pipeline is not the one that was signed"):
        _ = bundle.estimator


def test_the_twin_answers_by_its_pipeline(artifacts: Path, boosted: Made) -> None:
    """The kernel is the served model's: the twin was fitted on other rows."""
    assert Bundle.load(live(artifacts, boosted), twin=True).kernel is None


def test_a_model_without_a_compiled_form_is_sealed_without_a_kernel_and_says_why(artifacts: Path) -> None:
    """It is served by its pipeline, as versions of earlier releases are; nobody should wonder why it is slower."""
    folder = live(artifacts, make(family=NeighboursFamily(), seed=4))
    assert not (folder / KERNEL).exists()
    for told in (json.loads((folder / METRICS).read_bytes())["kernel"]["reason"], (folder / CARD).read_text()):
        assert "there is nothing to compile" in told
    bundle = Bundle.load(folder)
    assert bundle.kernel is None
    assert len(bundle.predict_row({"age": 41})) == 1


class Off(Asking):
    """An engine that is a little off."""

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Answer, and be off."""
        return super().answer(encoded) + 1e-7


class Broken(Asking):
    """An engine with a mistake."""

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Fail."""
        raise ZeroDivisionError


class Alone(Asking):
    """An engine that answers a row alone otherwise than among others."""

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Answer a row alone by the next number."""
        found = super().answer(encoded)
        return found if len(found) > 1 else np.nextafter(found, 2.0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Off, "difference is 1.0e-07"), (Alone, "other bits than in a batch"), (Broken, "ended in ZeroDivisionError")],
)
def test_an_engine_that_does_not_agree_is_not_sealed(boosted: Made, kind: type[Asking], reason: str) -> None:
    """The kernel would be another model than the one that was judged."""

    def compiling(*args: object) -> Asking:
        made = compiled(*args)  # type: ignore[arg-type]  # handed on as they come
        return kind(made.model, made.encodings, made.n_labels, made.places)

    found = compiled_for(boosted.bundle, boosted.parts.probe, None, (compiling, opened))
    assert found.files == {}
    assert found.bundle.kernel is None
    assert reason in found.told["reason"]


def test_an_encoding_that_does_not_agree_is_not_sealed(boosted: Made) -> None:
    """Rows at the cut are encoded by both, and compared to the last bit."""
    typed = boosted.bundle.schema.cast(boosted.raw).frame
    cut = boosted.bundle.plan.apply_cells(typed)
    told = compiled_for(boosted.bundle, boosted.parts.probe, cut, (compiled, opened)).told
    assert (told["rows"], told["largest"]) == (len(cut) + boosted.parts.probe.num_rows, 0.0)
    other = make("binary", family=small(HistogramFamily), seed=5).bundle.estimator
    pipeline = type(other)([*boosted.bundle.estimator.steps[:2], other.steps[2]])
    pipeline.encode = other.encode
    wrong = compiled_for(
        replace(boosted.bundle, fitted=type(boosted.bundle.fitted).at_hand(pipeline)), boosted.parts.probe, cut
    )
    assert "encodes a row otherwise" in wrong.told["reason"]


def test_a_kernel_of_another_release_is_refused(boosted: Made) -> None:
    """What it means is not known here."""
    kernel = Kernel.of(boosted.bundle.estimator, boosted.bundle.target, None, compiled)
    files = kernel.files() | {"kernel.json": b'{"format":99}'}
    with pytest.raises(BundleError, match="another release"):
        Kernel.opened(files, opened)


def test_the_same_model_gives_the_same_kernel(boosted: Made) -> None:
    """Otherwise two publishers of one model would sign different bytes."""
    one, two = (compiled_for(boosted.bundle, boosted.parts.probe, None).files for _ in range(2))
    assert one[KERNEL] == two[KERNEL]
