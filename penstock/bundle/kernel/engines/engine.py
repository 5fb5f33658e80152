"""What an engine is: encoded rows in, answers out, a row alone to the same bits as among others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Arrays and small facts of a part, by name.
Arrays = dict[str, npt.NDArray[np.generic]]


class NoKernel(ValueError):
    """A model has no compiled form. The message says why, in words."""


class Engine(Protocol):
    """A fitted model that answers encoded rows.

    Attributes
    ----------
    encodings : tuple of str
        Which encodings it takes.
    """

    encodings: tuple[str, ...]

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        """Return probabilities of shape (n_rows, n_labels) in the order of the labels, or values of shape (n_rows,).

        Parameters
        ----------
        encoded : mapping of str to numpy.ndarray
            One row or more: for each encoding float64 of shape (n_rows, n_features), C-contiguous.
        """

    def files(self) -> dict[str, bytes]:
        """Return its files by name, from which `opened` makes it again: data only."""
