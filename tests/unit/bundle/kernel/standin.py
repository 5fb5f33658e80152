"""An engine that asks the fitted model itself: what stands before an engine is tested with it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np

from penstock.bundle.bundle import Bundle
from penstock.bundle.estimates import places_of
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.kernel import Kernel
from penstock.table import Target


@dataclass(frozen=True)
class Asking:
    """The model behind the protocol of an engine."""

    model: Any
    encodings: tuple[str, ...]
    n_labels: int
    places: tuple[int, ...] | None

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Ask the model."""
        rows = encoded if hasattr(self.model, "members") else encoded[self.encodings[0]]
        if not self.n_labels:
            return np.asarray(self.model.predict(rows), dtype=np.float64)
        shares = np.asarray(self.model.predict_proba(rows), dtype=np.float64)
        if self.places is None:
            return shares
        whole = np.zeros((len(shares), self.n_labels))
        whole[:, list(self.places)] = shares
        return whole

    def files(self) -> dict[str, bytes]:
        """Return the model, pickled: a test's business only."""
        sink = io.BytesIO()
        joblib.dump(self, sink)
        return {"model.joblib": sink.getvalue()}


def compiled(model: Any, encodings: tuple[str, ...], target: Target, places: Sequence[int] | None) -> Asking:
    return Asking(model, encodings, len(target.labels), None if places is None else tuple(places))


def opened(files: Mapping[str, bytes]) -> Asking:
    found: Asking = joblib.load(io.BytesIO(files["model.joblib"]))
    return found


def with_kernel(bundle: Bundle) -> Bundle:
    """Return a bundle that answers by a kernel which has been stored and opened."""
    kernel = Kernel.of(bundle.estimator, bundle.target, places_of(bundle.target, bundle.estimator), compiled)
    return replace(bundle, kernel=Kernel.opened(kernel.files(), opened))


def the_long_way(bundle: Bundle) -> Bundle:
    """Return the same bundle without the quick way for a single row."""
    long = replace(bundle)
    object.__setattr__(long, "_quick", None)
    return long
