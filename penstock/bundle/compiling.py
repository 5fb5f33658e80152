"""Whether a model may be sealed with a kernel: only one that answers as the fitted pipeline does, on every kind of row.

What stands before the engine must agree with the pipeline to the last bit, on made-up raw rows and on training rows;
the engine with the model by `check_parity`; and a raw row alone with the same row among others to the last bit again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.bundle.estimates import places_of
from penstock.bundle.fitted import Fitted
from penstock.bundle.kernel.engines.engine import Floats, NoKernel
from penstock.bundle.kernel.engines.parity import Parity, check_parity
from penstock.bundle.kernel.kernel import Compile, Kernel, Opening
from penstock.bundle.kernel.packing import packed
from penstock.bundle.manifest import KERNEL

if TYPE_CHECKING:
    import pandas as pd

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
        JSON: what `check_parity` found, or the `reason` why there is no kernel.
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
        parity = _agreement(bundle, served, probe, cut)
    except NoKernel as error:
        return Compiled(bundle, {}, {"reason": str(error)})
    except Exception as error:
        # A model that is fit to serve is not held up by what would only make it faster.
        return Compiled(bundle, {}, {"reason": f"compiling it ended in {type(error).__name__}"})
    return Compiled(served, {KERNEL: packed(stored)}, parity.model_dump(mode="json"))


def _engines() -> tuple[Compile, Opening]:
    from penstock.bundle.kernel.engines.blend import opened
    from penstock.bundle.kernel.engines.compiling import compiled

    return compiled, opened


def _agreement(bundle: Bundle, served: Bundle, probe: pa.Table, cut: pd.DataFrame | None) -> Parity:
    """Return how far a kernel agrees with the pipeline.

    Raises
    ------
    NoKernel
        Not far enough.
    """
    kernel, pipeline = served.kernel, bundle.estimator
    assert kernel is not None
    frames = [_at_cut(bundle, probe), *([cut] if cut is not None and len(cut) else [])]
    encoded = [kernel.encode(frame) for frame in frames]
    for frame, arrays in zip(frames, encoded, strict=True):
        _same_encoding(pipeline.encode(frame), arrays)
    rows = {name: np.concatenate([arrays[name] for arrays in encoded]) for name in kernel.encodings}
    places = places_of(bundle.target, pipeline)
    parity = check_parity(kernel.engine, pipeline.steps[2][1], rows, bundle.target, places)
    if not parity.holds:
        raise NoKernel(parity.words)
    answers = served.predict(probe).estimates
    for i, row in enumerate(probe.slice(0, MOST_ALONE).to_pylist()):
        if not _same(served.predict([row]).estimates, answers[i : i + 1]):
            raise NoKernel("a raw row alone is answered otherwise than among others")
    return parity


class _Watching:
    """A pipeline that keeps the rows which it was asked for."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.seen: list[pd.DataFrame] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._pipeline, name)
        return self._kept(found) if name in ("predict", "predict_proba") else found

    def _kept(self, ask: Any) -> Any:
        def asked(cut: pd.DataFrame) -> Any:
            self.seen.append(cut)
            return ask(cut)

        return asked


def _at_cut(bundle: Bundle, raw: pa.Table) -> pd.DataFrame:
    """Return raw rows as they reach the pipeline, whatever is looked up or looked back for on the way."""
    watching = _Watching(bundle.estimator)
    replace(bundle, fitted=Fitted.at_hand(watching)).predict(raw)
    return watching.seen[0]


def _same_encoding(given: Any, encoded: Mapping[str, Floats]) -> None:
    expected = given if isinstance(given, dict) else dict.fromkeys(encoded, given)
    if any(not _same(np.asarray(expected[name]), array) for name, array in encoded.items()):
        raise NoKernel("it encodes a row otherwise than the pipeline does")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=True)
