"""What a fitted estimator says of the frame at the cut, with a place for every label."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.bundle.kernel.kernel import Kernel
from penstock.bundle.predictions import Floats
from penstock.table import Target

if TYPE_CHECKING:
    import pandas as pd


def places_of(target: Target, estimator: Any) -> list[int] | None:
    """Return where the estimator's classes stand among the labels; None where they are all there, in order."""
    classes = getattr(estimator, "classes_", None)
    if not target.is_classification or classes is None:
        return None
    places = [int(c) for c in classes]
    return None if places == list(range(len(target.labels))) else places


def with_history(estimator: Any, cut: pd.DataFrame) -> Any:
    """Return the same pipeline or kernel with steps that know more recent rows, given as they are at the cut."""
    if isinstance(estimator, Kernel):
        return estimator.extended(cut)
    (name, steps), *rest = estimator.steps
    longer = copy(estimator)
    longer.steps = [(name, steps.extended(cut)), *rest]
    return longer


def estimates_of(target: Target, estimator: Any, cut: pd.DataFrame) -> Floats:
    """Return probabilities of shape (n_rows, n_labels), or values of shape (n_rows,).

    Parameters
    ----------
    target : Target
        What is predicted.
    estimator : object
        A kernel, or a fitted scikit-learn pipeline.
    cut : pandas.DataFrame
        Rows at the plan's cut.
    """
    n_labels = len(target.labels)
    if not len(cut):
        return np.empty((0, n_labels) if n_labels else 0)
    if isinstance(estimator, Kernel):
        return estimator.estimates(cut)
    if not n_labels:
        return np.asarray(estimator.predict(cut), dtype=np.float64)
    shares = np.asarray(estimator.predict_proba(cut), dtype=np.float64)
    places = places_of(target, estimator)
    if places is None:
        return shares
    # A label that training rows lacked has probability 0.
    whole = np.zeros((len(shares), n_labels))
    whole[:, places] = shares
    return whole
