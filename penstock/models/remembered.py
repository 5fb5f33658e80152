"""Fits of earlier runs: a search that was interrupted, or is given more time, goes on from where it stood."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

import penstock
from penstock.errors import StoreError
from penstock.frozen import digest_of
from penstock.models.candidates import Configured
from penstock.models.training import FoldFit, Training
from penstock.store import Store

# What fits depend on beside this library.
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "lightgbm", "xgboost-cpu", "catboost", "torch")
# Larger predictions than this are made again rather than kept.
MOST_BYTES = 20_000_000
FOLDER = "fits"


class Memory(Protocol):
    """What remembers fits."""

    def recall(self, configured: Configured, fold: int) -> FoldFit | None:
        """Return what a fit came to, or None where nobody knows."""

    def keep(self, configured: Configured, fold: int, fit: FoldFit) -> None:
        """Remember what a fit came to."""


class Forgetful:
    """Remembers nothing."""

    def recall(self, configured: Configured, fold: int) -> FoldFit | None:
        """Return nothing."""
        return None

    def keep(self, configured: Configured, fold: int, fit: FoldFit) -> None:
        """Keep nothing."""


class Kept:
    """Remembers fits in a store, each under the digest of all that it depends on.

    Parameters
    ----------
    store : Store
        Where.
    training : Training
        What is fitted.
    rows : str
        The digest of the rows that the training holds: its tables in the store, and the rule by which it was made.
    """

    def __init__(self, store: Store, training: Training, rows: str) -> None:
        self._store = store
        divisions = (training.fold_of, *training.repeats)
        self._shared = {
            "rows": rows,
            "plan": training.plan,
            "target": training.target,
            "seed": training.seed,
            "sized": training.n_sized,
            "weights": None if training.weights is None else hashlib.sha256(training.weights.tobytes()).hexdigest(),
            "class_weight": training.class_weight,
            "code": code_digest(),
            "libraries": _versions(),
        }
        self._folds = [hashlib.sha256(np.ascontiguousarray(division).tobytes()).hexdigest() for division in divisions]
        self._n_folds = training.n_folds
        self._until = training.order.until if training.order is not None else ()

    def recall(self, configured: Configured, fold: int) -> FoldFit | None:
        """Return what a fit came to; None where it was never kept, or what was kept cannot be read."""
        data = self._store.read_note(self._path(configured, fold))
        if data is None:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                way = found.get("way")
                return FoldFit(found["predicted"], float(found["seconds"]), int(found["rounds"]), way)
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            return None

    def keep(self, configured: Configured, fold: int, fit: FoldFit) -> None:
        """Write what a fit came to; a store that takes nothing costs a later run time, and this one nothing."""
        parts: dict[str, Any] = {"predicted": fit.predicted} | ({} if fit.way is None else {"way": fit.way})
        if sum(part.nbytes for part in parts.values()) > MOST_BYTES:
            return
        sink = io.BytesIO()
        np.savez(sink, seconds=np.float64(fit.seconds), rounds=np.int64(fit.rounds), **parts)
        try:
            self._store.write_note(self._path(configured, fold), sink.getvalue())
        except StoreError:
            return

    def _path(self, configured: Configured, fold: int) -> str:
        division = self._folds[fold // self._n_folds]
        which = {"division": division, "fold": fold % self._n_folds, "until": self._until}
        digest = digest_of({**self._shared, **which, **configured.record})
        return f"{FOLDER}/{digest[:2]}/{digest}.npz"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the sha256 over the sources that a fit runs through: models, encoders, steps and their grounds."""
    root = Path(penstock.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("*.py"), *(root / "models").rglob("*.py"), *(root / "steps").rglob("*.py")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    known = {}
    for name in LIBRARIES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known
