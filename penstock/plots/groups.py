"""The groups of rows that colours tell apart: the target's classes, or the thirds of a numeric target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import GREY, hues
from penstock.plots.words import number, word
from penstock.table import Target

MOST = 10


@dataclass(frozen=True)
class Groups:
    """Rows by colour.

    Attributes
    ----------
    title : str
        What the groups are.
    names, colours : tuple of str
        One a group, in drawing order, safe to draw.
    codes : ndarray of int64, shape (n_rows,)
        Each row's group, -1 where it has none.
    """

    title: str
    names: tuple[str, ...]
    colours: tuple[str, ...]
    codes: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)

    def split(self, values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Return the values of each group, shape (n_of_group,) each."""
        return [values[self.codes == code] for code in range(len(self.names))]


def groups_of(target: Target, values: npt.NDArray[Any]) -> Groups:
    """Group rows by their target.

    Parameters
    ----------
    target : Target
        What is predicted.
    values : ndarray, shape (n_rows,)
        Indices into the target's labels, or numbers.

    Returns
    -------
    Groups
        At most ten: of more classes the rarest are taken together, a numeric target is cut in thirds.
    """
    return _classes(target, values) if target.is_classification else _thirds(target, values)


def no_groups(n_rows: int) -> Groups:
    """Return one group of all rows."""
    return Groups(title="", names=("all rows",), colours=tuple(hues(1)), codes=np.zeros(n_rows, dtype=np.int64))


def _classes(target: Target, values: npt.NDArray[Any]) -> Groups:
    codes = np.asarray(values, dtype=np.int64)
    n = len(target.labels)
    ordered = (target.ordered or target.label_type == "integer") and n > 2
    if n <= MOST:
        names = tuple(word(label, 16) for label in target.labels)
        return Groups(word(target.name), names, tuple(hues(n, ordered)), codes)
    counts = np.bincount(codes[codes >= 0], minlength=n)
    kept = np.sort(np.argsort(-counts, kind="stable")[: MOST - 1])
    place = np.full(n, MOST - 1, dtype=np.int64)
    place[kept] = np.arange(MOST - 1)
    names = (*(word(target.labels[i], 16) for i in kept), f"{n - MOST + 1:,} others")
    recoded = np.where(codes >= 0, place[np.maximum(codes, 0)], -1)
    return Groups(word(target.name), names, (*hues(MOST - 1, ordered), GREY), recoded)


def _thirds(target: Target, values: npt.NDArray[Any]) -> Groups:
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return no_groups(len(numbers))
    low, high = np.quantile(numbers[finite], [1 / 3, 2 / 3])
    if not low < high or low >= numbers[finite].max():
        return no_groups(len(numbers))
    codes = np.where(finite, (numbers > low).astype(np.int64) + (numbers > high), -1)
    names = (f"up to {number(low)}", f"{number(low)} to {number(high)}", f"above {number(high)}")
    return Groups(word(f"{target.name}, in thirds", 40), names, tuple(hues(3, ordered=True)), codes)
