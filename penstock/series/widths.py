"""How wide a prediction interval is, by how far ahead a row lies: split conformal, from errors of earlier forecasts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MOST_BUCKETS = 8


class Widths(Frozen):
    """Half the width of an interval, in units of a series' scale.

    Attributes
    ----------
    level : float
        Which share of true values the interval should hold.
    upto : tuple of int
        The last step ahead of every bucket, rising.
    half : tuple of float
        The half width of every bucket.
    n : tuple of int
        From how many errors each was taken.
    floor : float, optional
        What the target never fell below in training, where that is zero: an interval does not either.

    References
    ----------
    Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J. and Wasserman, L. (2018), Distribution-free predictive inference
    for regression, Journal of the American Statistical Association 113, section 2.2.
    """

    level: float
    upto: tuple[int, ...]
    half: tuple[float, ...]
    n: tuple[int, ...]
    floor: float | None = None

    def around(self, predicted: Floats, steps: Ints, scale: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends about predictions, each of shape (n_rows,).

        Examples
        --------
        >>> widths = Widths(level=0.9, upto=(1, 4), half=(1.0, 2.0), n=(20, 20))
        >>> low, high = widths.around(np.array([10.0, 10.0]), np.array([1, 3]), np.array([1.0, 5.0]))
        >>> low.tolist(), high.tolist()
        ([9.0, 0.0], [11.0, 20.0])
        """
        bucket = np.minimum(np.searchsorted(self.upto, steps), len(self.upto) - 1)
        half = np.array(self.half)[bucket] * scale
        low = predicted - half
        # The prediction itself stays inside.
        return low if self.floor is None else np.maximum(low, np.minimum(self.floor, predicted)), predicted + half


def widths_of(errors: Floats, steps: Ints, horizon: int, level: float, floor: float | None = None) -> Widths | None:
    """Return the half widths that errors of forecasts bear out; None where there are too few of them.

    Parameters
    ----------
    errors : numpy.ndarray
        Absolute errors in units of their series' scale, shape (n_rows,), of forecasts that had not seen the truth.
    steps : numpy.ndarray
        How many steps ahead each was, shape (n_rows,).
    horizon : int
        The furthest step.
    level : float
        Which share of true values an interval should hold.
    floor : float, optional
        As `Widths` has it.

    Examples
    --------
    >>> widths_of(np.arange(1.0, 20.0), np.ones(19, dtype=np.int64), 1, 0.9).half
    (18.0,)
    """
    # With fewer errors no rank among them reaches the level.
    fewest = math.ceil(level / (1.0 - level))
    if len(errors) < fewest:
        return None
    upto: list[int] = []
    half: list[float] = []
    n: list[int] = []
    lowest = 0
    for edge in edges_of(horizon):
        own = errors[(steps > lowest) & (steps <= edge)]
        if len(own) < fewest and edge != horizon:
            # Too few: they are taken together with the next bucket's.
            continue
        if len(own) < fewest:
            own = errors
        rank = min(math.ceil((len(own) + 1) * level), len(own))
        upto.append(edge)
        half.append(float(np.sort(own)[rank - 1]))
        n.append(len(own))
        lowest = edge
    return Widths(level=level, upto=tuple(upto), half=tuple(half), n=tuple(n), floor=floor)


def edges_of(horizon: int) -> list[int]:
    """Return the last steps of the parts of a horizon that are looked at apart: short ones first, longer ones later.

    Examples
    --------
    >>> edges_of(48)
    [1, 2, 3, 5, 9, 16, 28, 48]
    """
    edges = np.unique(np.rint(np.geomspace(1, horizon, MOST_BUCKETS)).astype(np.int64))
    return [int(edge) for edge in edges]
