"""The confusion matrix of held-out predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import INK, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS = 12


def confusion_matrix(counts: npt.NDArray[np.int64], labels: Sequence[str]) -> Figure:
    """Draw counts of true against predicted labels, each row shaded by its own share.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_labels, n_labels)
        Row the true label, column the predicted one.
    labels : sequence of str
        One a row; of more than twelve the rarest are taken together as the last.
    """
    counts, names = _bounded(np.asarray(counts), list(labels))
    n = len(names)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.8 + 0.3 * n
    figure, (ax,) = sheet(1, across=1, width=side + 0.6, height=side)
    ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest")
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if share[row, column] > 0.55 else INK
        told = f"{count:,}\n{share[row, column]:.0%}" if n <= 6 else f"{count:,}"
        ax.text(column, row, told, ha="center", va="center", color=ink, fontsize=9 if n <= 6 else 8)
    turned = any(len(name) > 6 for name in names) and n > 3
    ax.set_xticks(range(n), names, rotation=45 if turned else 0, ha="right" if turned else "center")
    ax.set_yticks(range(n), names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def _bounded(counts: npt.NDArray[np.int64], labels: list[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    if len(labels) <= MOST_LABELS:
        return counts, [word(label, 16) for label in labels]
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: MOST_LABELS - 1])
    place = np.full(len(labels), MOST_LABELS - 1)
    place[kept] = np.arange(MOST_LABELS - 1)
    smaller = np.zeros((MOST_LABELS, MOST_LABELS), dtype=np.int64)
    np.add.at(smaller, (place[:, None], place[None, :]), counts)
    return smaller, [*(word(labels[i], 16) for i in kept), f"{len(labels) - len(kept):,} others"]
