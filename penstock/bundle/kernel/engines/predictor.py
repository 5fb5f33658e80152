"""LightGBM's own predictor, called without its Python package: that costs 20 µs a row, and imports scikit-learn."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from penstock.bundle.kernel.engines.engine import Floats, NoKernel
from penstock.errors import BundleError

# As LightGBM's C API numbers what is asked for, and the type of a row's numbers.
LEAVES, DOUBLE = 2, 1
# From the first tree on, all. A booster keeps what was asked for last, whoever asks: another range of trees would
# be used by calls of other threads, too.
ALL = (0, -1)
# A call for a batch reads its parameters first; so many rows are sooner asked one by one.
FEW_ROWS = 4
# Below, waking another thread costs more than it saves, and other requests want the core.
MANY_ROWS = 4_096
ONE_THREAD = b"num_threads=1 verbosity=-1"
NAMES = {"win32": "lib_lightgbm.dll", "darwin": "lib_lightgbm.dylib"}


@cache
def _library() -> ctypes.CDLL:
    """Return LightGBM's shared library."""
    spec = find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise NoKernel("lightgbm is not installed")
    home, name = Path(spec.origin).parent, NAMES.get(sys.platform, "lib_lightgbm.so")
    found = next((path for path in (home / "lib" / name, home / "bin" / name, home / name) if path.is_file()), None)
    if found is None:
        raise NoKernel(f"lightgbm has no {name}")
    library = ctypes.CDLL(str(found))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_BoosterFree.argtypes = [ctypes.c_void_p]
    library.LGBM_FastConfigFree.argtypes = [ctypes.c_void_p]
    library.LGBM_BoosterPredictForMatSingleRowFast.argtypes = [ctypes.c_void_p] * 4
    library.LGBM_BoosterPredictForMat.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.c_int),
        *(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p),
    ]
    return library


def _check(status: int) -> None:
    if status:
        raise BundleError(
            "LightGBM's predictor refuses trees of the kernel",
            got=_library().LGBM_GetLastError().decode(errors="replace")[:200],
            todo="Publish the model again with the installed version of lightgbm.",
        )


class Predictor:
    """Trees in LightGBM's text form, ready to be asked.

    Any number of threads may ask at once.

    Parameters
    ----------
    text : bytes
        As `treetext.written` writes it.
    n_features : int
        What a row has.
    n_trees : int
        How many there are.
    """

    def __init__(self, text: bytes, n_features: int, n_trees: int) -> None:
        self._lib, self._booster, self._fast = _library(), ctypes.c_void_p(), ctypes.c_void_p()
        self.n_features, self.n_trees = n_features, n_trees
        # Where the length of an answer is written, which is known: all threads may write it.
        self._length = ctypes.c_int64()
        self._length_at = ctypes.addressof(self._length)
        rounds = ctypes.c_int()
        _check(
            self._lib.LGBM_BoosterLoadModelFromString(
                ctypes.c_char_p(text), ctypes.byref(rounds), ctypes.byref(self._booster)
            )
        )
        if rounds.value != n_trees:
            raise BundleError(
                "The kernel has not the trees that it names", got=str(rounds.value), expected=str(n_trees)
            )
        _check(
            self._lib.LGBM_BoosterPredictForMatSingleRowFastInit(
                *(self._booster, ctypes.c_int(LEAVES), *map(ctypes.c_int, ALL), ctypes.c_int(DOUBLE)),
                *(ctypes.c_int32(n_features), ctypes.c_char_p(ONE_THREAD), ctypes.byref(self._fast)),
            )
        )
        self._row = self._lib.LGBM_BoosterPredictForMatSingleRowFast

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._lib.LGBM_FastConfigFree(self._fast)
        if getattr(self, "_booster", None):
            self._lib.LGBM_BoosterFree(self._booster)

    def leaves(self, X: Floats) -> Floats:
        """Return the leaf that each tree comes to, for float64 rows of shape (n_rows, n_features).

        Returns
        -------
        numpy.ndarray
            Shape (n_rows, n_trees), float64: LightGBM's numbers of leaves.
        """
        told = np.empty((len(X), self.n_trees))
        if len(X) > FEW_ROWS:
            self._many(X, told)
            return told
        source, sink = X.ctypes.data, told.ctypes.data
        for row in range(len(X)):
            status = self._row(
                self._fast, source + 8 * self.n_features * row, self._length_at, sink + 8 * self.n_trees * row
            )
            if status:
                _check(status)
        return told

    def _many(self, X: Floats, told: Floats) -> None:
        # Rows are independent of each other: the number of threads changes no bit.
        how = ONE_THREAD if len(X) < MANY_ROWS else f"num_threads={os.cpu_count() or 1} verbosity=-1".encode()
        _check(
            self._lib.LGBM_BoosterPredictForMat(
                *(self._booster, X.ctypes.data, DOUBLE, len(X), self.n_features, 1),
                *(LEAVES, *ALL, how, self._length_at, told.ctypes.data),
            )
        )


def checked(X: Floats, n_features: int) -> Floats:
    """Return rows whose memory may be handed to C: float64, C-contiguous, of so many features.

    Raises
    ------
    ValueError
        They have another number of features.
    """
    if X.ndim == 2 and X.shape[1] == n_features and X.dtype == np.float64 and X.flags.c_contiguous:
        return X
    if X.ndim != 2 or X.shape[1] != n_features:
        raise ValueError(f"rows of {n_features} features are needed, and these have shape {X.shape}")
    return np.ascontiguousarray(X, dtype=np.float64)
