"""Arrays by name out of the bytes of an npz file."""

from __future__ import annotations

import io
from threading import Lock

import numpy as np

# NumPy reads the head of each array by Python's own parser, which in 3.11 stumbles when two threads are in it at once.
_parsing = Lock()


def arrays_in(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; none may hold objects.

    Raises
    ------
    ValueError, OSError, EOFError, zipfile.BadZipFile
        It is none, or holds objects.
    """
    with _parsing, np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
