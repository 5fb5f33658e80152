"""Between which ends a number lies that is predicted: split conformal, from errors of out-of-fold predictions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen

Floats = npt.NDArray[np.float64]
# Bins by prediction: each has enough errors for its own quantiles to be worth more than those of all rows.
MOST_BINS = 10
FEWEST_IN_BIN = 100
# Of the errors in each bin, so many at least lie beyond each end.
FEWEST_BEYOND = 5
# A rank that is whole but for rounding.
TINY = 1e-9


class Offsets(Frozen):
    """How far below and above a prediction the ends of its interval lie, by how high the prediction is.

    Attributes
    ----------
    level : float
        Which share of true values an interval should hold.
    upto : tuple of float
        The highest prediction of every bin but the last, rising.
    below, above : tuple of float
        The two offsets of every bin, in the target's units: at most 0, and at least 0.
    n : tuple of int
        From how many errors each pair was taken.
    floor, ceiling : float, optional
        What the target cannot fall below or rise above.

    References
    ----------
    Vovk, V., Gammerman, A. and Shafer, G. (2005), Algorithmic Learning in a Random World, section 4.5 (Mondrian).
    Vovk, V. (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74.
    Boström, H. and Johansson, U. (2020), Mondrian conformal regressors, Proceedings of Machine Learning Research 128
    (bins by prediction).
    """

    level: float
    upto: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    n: tuple[int, ...]
    floor: float | None = None
    ceiling: float | None = None

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends about predictions, each of shape (n_rows,).

        Examples
        --------
        >>> offsets = Offsets(level=0.9, upto=(10.0,), below=(-1.0, -4.0), above=(2.0, 8.0), n=(100, 100), floor=0.0)
        >>> low, high = offsets.around(np.array([0.5, 20.0]))
        >>> low.tolist(), high.tolist()
        ([0.0, 16.0], [2.5, 28.0])
        """
        place = self.bins(predicted)
        low, high = predicted + np.array(self.below)[place], predicted + np.array(self.above)[place]
        # The prediction itself stays inside.
        if self.floor is not None:
            low = np.maximum(low, np.minimum(self.floor, predicted))
        if self.ceiling is not None:
            high = np.minimum(high, np.maximum(self.ceiling, predicted))
        return low, high

    def bins(self, predicted: Floats) -> npt.NDArray[np.intp]:
        """Return in which bin each prediction lies, shape (n_rows,)."""
        return np.searchsorted(np.array(self.upto), predicted, side="left")


def widths_for(
    y: npt.NDArray[np.generic],
    out_of_fold: Floats,
    level: float,
    weights: Floats | None = None,
    *,
    floor: float | None = None,
    ceiling: float | None = None,
) -> Offsets | None:
    """Return the offsets that errors of out-of-fold predictions bear out; None where there are too few of them.

    With 200 rows or more these are cut in bins by prediction, of at least 100 each, so that intervals are as wide as
    errors are there. Each end leaves half of what may be missed beyond it; with few rows both ends are equally far. The
    rank of an error is taken among those of one row more, which is the row that will be predicted.

    Parameters
    ----------
    y : numpy.ndarray
        True values, shape (n_rows,).
    out_of_fold : numpy.ndarray
        Predictions from fits that had not seen the row, float64 of shape (n_rows,); rows that have none are NaN.
    level : float
        Which share of true values an interval should hold.
    weights : numpy.ndarray, optional
        How much each row counts, shape (n_rows,).
    floor, ceiling : float, optional
        As `Offsets` has them.

    References
    ----------
    Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J. and Wasserman, L. (2018), Distribution-free predictive inference
    for regression, Journal of the American Statistical Association 113, section 2.2.
    Barber, R. F., Candès, E. J., Ramdas, A. and Tibshirani, R. J. (2021), Predictive inference with the jackknife+,
    Annals of Statistics 49, section 3 (errors of folds). The intervals lie about the model that is fitted on all rows,
    so that coverage is that of the cross-validated jackknife: it holds where a fold's rows change the fit little.

    Examples
    --------
    >>> widths_for(np.arange(1.0, 20.0), np.zeros(19), 0.9).above
    (19.0,)
    >>> widths_for(np.arange(5.0), np.zeros(5), 0.9) is None
    True
    """
    seen = np.flatnonzero(np.isfinite(out_of_fold))
    predicted, errors = out_of_fold[seen], y[seen].astype(np.float64) - out_of_fold[seen]
    w = np.ones(len(seen)) if weights is None else weights[seen]
    if len(seen) < math.ceil(level / (1.0 - level) - TINY) or w.sum() <= 0:
        return None
    edges = _edges(predicted, level)
    place = np.searchsorted(edges, predicted, side="left")
    pairs = [_ends(errors[place == k], w[place == k], level) for k in range(len(edges) + 1)]
    return Offsets(
        level=level,
        upto=tuple(edges.tolist()),
        below=tuple(min(low, 0.0) for low, _ in pairs),
        above=tuple(max(high, 0.0) for _, high in pairs),
        n=tuple(np.bincount(place, minlength=len(edges) + 1).tolist()),
        floor=floor,
        ceiling=ceiling,
    )


def _edges(predicted: Floats, level: float) -> Floats:
    """Return the predictions at which one bin ends and the next begins."""
    fewest = max(FEWEST_IN_BIN, math.ceil(2 * FEWEST_BEYOND / (1.0 - level)))
    n_bins = min(MOST_BINS, len(predicted) // fewest)
    if n_bins < 2:
        return np.empty(0)
    wanted = np.unique(np.quantile(predicted, np.arange(1, n_bins) / n_bins, method="lower"))
    kept: list[float] = []
    left = 0
    for edge in wanted.tolist():
        upto = int(np.count_nonzero(predicted <= edge))
        # Equal predictions lie in one bin, which may leave too few for another.
        if upto - left >= fewest and len(predicted) - upto >= fewest:
            kept.append(edge)
            left = upto
    return np.array(kept, dtype=np.float64)


def _ends(errors: Floats, w: Floats, level: float) -> tuple[float, float]:
    beyond = (1.0 - level) / 2
    if len(errors) + TINY < 1.0 / beyond - 1.0:
        half = _upper(np.abs(errors), w, level)
        return -half, half
    return -_upper(-errors, w, 1.0 - beyond), _upper(errors, w, 1.0 - beyond)


def _upper(errors: Floats, w: Floats, level: float) -> float:
    """Return the error at a level of the weighted errors and one more, which counts as much as they do on average."""
    order = np.argsort(errors, kind="stable")
    reached = np.cumsum(w[order]) >= level * (w.sum() + w.mean()) * (1.0 - TINY)
    return float(errors[order[int(reached.argmax())]]) if reached.any() else float(errors.max())
