"""How much each label counts in fits, where some are rare or matter more."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from penstock.answering.decision import place_of
from penstock.errors import SpecError
from penstock.metrics.ranks import Floats
from penstock.table import Target

ClassWeight = Literal["balanced"] | dict[str, float]


def check_class_weight(target: Target, wanted: ClassWeight, *, private: bool = False) -> dict[int, float]:
    """Return the weights that are named, by the index of their label; none where they are to be balanced.

    Raises
    ------
    SpecError
        The target has no labels, or others than are named.
    """
    if not target.is_classification:
        raise SpecError(
            f"`class_weight` is for labels, and {target.name!r} is predicted as a number",
            where="model.class_weight",
            got=f"a {target.task} target",
            todo="Leave it out; rows are weighed by a column: weight: COLUMN",
        )
    if wanted == "balanced":
        return {}
    return {place_of(target, label, "class_weight", private=private): float(w) for label, w in wanted.items()}


def class_weights(
    target: Target,
    wanted: ClassWeight,
    y: npt.NDArray[np.generic],
    weights: Floats | None = None,
    *,
    private: bool = False,
) -> tuple[float, ...]:
    """Return how much a row of each label counts in fits, in the order of the labels.

    Balanced weights are n / (k * n_label), of rows as they are weighed, so that all labels count the same together; a
    label that is not named counts 1.

    Parameters
    ----------
    target : Target
        What is predicted.
    wanted : str or mapping of str to float
        `balanced`, or weights by label.
    y : numpy.ndarray
        Indices of the labels of training rows, shape (n_rows,).
    weights : numpy.ndarray, optional
        How much each row counts, shape (n_rows,).
    private : bool
        Whether nobody may be told the labels.

    References
    ----------
    King, G. and Zeng, L. (2001), Logistic regression in rare events data, Political Analysis 9, section 4.

    Examples
    --------
    >>> target = Target(name="y", task="binary", labels=("no", "yes"))
    >>> class_weights(target, "balanced", np.array([0, 0, 0, 1]))
    (0.6666666666666666, 2.0)
    >>> class_weights(target, {"yes": 5}, np.array([0, 0, 0, 1]))
    (1.0, 5.0)
    """
    named = check_class_weight(target, wanted, private=private)
    k = len(target.labels)
    if wanted != "balanced":
        return tuple(named.get(i, 1.0) for i in range(k))
    counts = np.bincount(y.astype(np.int64), weights, minlength=k).astype(np.float64)
    total = float(counts.sum())
    return tuple(total / (k * float(n)) if n > 0 else 1.0 for n in counts)
