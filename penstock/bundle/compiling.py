"""Whether a model may be sealed with a kernel: only one that answers as the fitted pipeline does, on every kind of row.

Held beside each other are what stands before the engine, which must agree to the last bit; the engine's answers, which
may differ by a tolerance; and a row alone beside the same row among others, which must agree to the last bit again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.bundle.estimates import estimates_of, places_of
from penstock.bundle.kernel.engines.engine import Floats, NoKernel
from penstock.bundle.kernel.kernel import Compile, Kernel, Opening
from penstock.bundle.kernel.packing import packed
from penstock.bundle.manifest import KERNEL

if TYPE_CHECKING:
    import pandas as pd

# What answers may differ by, and what where a library computes in single precision.
TOLERANCE, SINGLE = 1e-9, 1e-6
# How many rows are asked for one at a time.
MOST_ALONE = 64


@dataclass(frozen=True)
class Compiled:
    """A model with its kernel, if it may have one.

    Attributes
    ----------
    bundle : Bundle
        The model, answering by its kernel where there is one.
    files : dict of str to bytes
        The kernel's file, by its path in the version.
    told : dict
        JSON: on how many `rows` they agree and the `largest` difference; or the `reason` why there is no kernel.
    """

    bundle: Bundle
    files: dict[str, bytes]
    told: dict[str, Any]


def compiled_for(
    bundle: Bundle, probe: pa.Table, cut: pd.DataFrame | None, engines: tuple[Compile, Opening] | None = None
) -> Compiled:
    """Compile a bundle that is about to be sealed.

    Parameters
    ----------
    bundle : Bundle
        The candidate, with its pipeline at hand.
    probe : pyarrow.Table
        Raw rows.
    cut : pandas.DataFrame, optional
        Training rows at the plan's cut.
    engines : tuple of callable, optional
        What compiles a model, and what opens its engine again; by default `penstock.bundle.kernel.engines`.
    """
    compile_model, open_engine = engines or _engines()
    try:
        pipeline = bundle.estimator
        kernel = Kernel.of(pipeline, bundle.target, places_of(bundle.target, pipeline), compile_model)
        stored = kernel.files()
        # What is held beside the pipeline is what readers will open.
        served = replace(bundle, kernel=Kernel.opened(stored, open_engine))
        rows, largest = _agreement(bundle, served, probe, cut)
    except NoKernel as error:
        return Compiled(bundle, {}, {"reason": str(error)})
    told = {"rows": rows, "largest": largest}
    return Compiled(served, {KERNEL: packed(stored)}, told)


def _engines() -> tuple[Compile, Opening]:
    from penstock.bundle.kernel.engines.blend import opened
    from penstock.bundle.kernel.engines.compiling import compiled

    return compiled, opened


def _agreement(bundle: Bundle, served: Bundle, probe: pa.Table, cut: pd.DataFrame | None) -> tuple[int, float]:
    """Return on how many rows a kernel agrees with the pipeline, and the largest difference.

    Raises
    ------
    NoKernel
        It does not.
    """
    kernel, pipeline = served.kernel, bundle.estimator
    assert kernel is not None
    answers = served.predict(probe).estimates
    pairs = [(bundle.predict(probe).estimates, answers)]
    if cut is not None and len(cut):
        encoded = kernel.encode(cut)
        _same_encoding(pipeline.encode(cut), encoded)
        pairs.append((estimates_of(bundle.target, pipeline, cut), kernel.engine.answer(encoded)))
    for i, row in enumerate(probe.slice(0, MOST_ALONE).to_pylist()):
        if not _same(served.predict([row]).estimates, answers[i : i + 1]):
            raise NoKernel("a row alone is answered otherwise than among others")
    tolerance = _tolerance(pipeline.steps[2][1])
    largest = max(_difference(one, other) for one, other in pairs)
    if not largest <= tolerance:
        raise NoKernel(f"its answers differ from the pipeline's by {largest:.1e}, more than {tolerance:g}")
    return sum(len(one) for one, _ in pairs), largest


def _same_encoding(given: Any, encoded: dict[str, Floats]) -> None:
    expected = given if isinstance(given, dict) else dict.fromkeys(encoded, given)
    if any(not _same(np.asarray(expected[name]), array) for name, array in encoded.items()):
        raise NoKernel("it encodes a row otherwise than the pipeline does")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _difference(expected: Floats, given: Floats) -> float:
    """Return the largest difference, as a share of a value where that is larger than 1."""
    if not expected.size:
        return 0.0
    return float((np.abs(given - expected) / np.maximum(1.0, np.abs(expected))).max())


def _tolerance(model: Any) -> float:
    members = [estimator for member in getattr(model, "members", ()) for estimator in member.estimators]
    single = any(type(estimator).__name__.startswith("XGBoost") for estimator in members or [model])
    return SINGLE if single else TOLERANCE
