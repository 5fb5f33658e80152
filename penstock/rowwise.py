"""Sums and links of which every row has the same bits alone as in a batch of any size.

BLAS adds in another order for one row than for many, and a sum over an axis may; here each row's order is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Products are formed before they are summed, for so many at a time: 512 KiB stay in the processor's cache.
AT_ONCE = 65_536
SMALLEST = 1e-12
# exp(500) is finite, and one over it no longer tells from 0.
MOST_ODDS = 500.0


def products(X: Floats, coefficients: Floats) -> Floats:
    """Return the dot product of every row with every coefficient vector, the same bits for a row alone as in a batch.

    Parameters
    ----------
    X : numpy.ndarray
        Shape (n_rows, n_features), float64.
    coefficients : numpy.ndarray
        Shape (n_outputs, n_features), float64.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, n_outputs), float64.

    Examples
    --------
    >>> products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[11.0, 2.0]]
    """
    done = np.empty((len(X), len(coefficients)), dtype=np.result_type(X, coefficients))
    step = max(1, AT_ONCE // max(1, coefficients.size))
    for start in range(0, len(X), step):
        np.sum(X[start : start + step, None, :] * coefficients, axis=2, out=done[start : start + step])
    return done


def layered(X: Floats, weights: Sequence[Floats], biases: Sequence[Floats]) -> Floats:
    """Return the last layer's scores of networks of rectified units, the mean over networks where there are several.

    Parameters
    ----------
    X : numpy.ndarray
        Shape (n_rows, n_features).
    weights, biases : sequence of numpy.ndarray
        Of each layer: shapes (n_out, n_in) and (n_out,). Of several networks the first layer holds the units of all,
        network by network; the others have shapes (n_nets, n_out, n_in) and (n_nets, n_out).

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, n_scores).

    Examples
    --------
    >>> first, second = np.array([[1.0], [-1.0]]), np.array([[[2.0]], [[4.0]]])
    >>> layered(np.array([[3.0]]), [first, second], [np.zeros(2), np.zeros((2, 1))]).tolist()
    [[3.0]]
    """
    done = X
    for i, (layer, bias) in enumerate(zip(weights, biases, strict=True)):
        if layer.ndim == 2:
            done = products(done, layer) + bias
        else:
            done = _products_of_each(done.reshape(len(done), len(layer), -1), layer) + bias
        if i < len(weights) - 1:
            np.maximum(done, 0.0, out=done)
    if done.ndim == 2:
        return done
    total = done[:, 0].copy()
    for k in range(1, done.shape[1]):
        total += done[:, k]
    total /= done.shape[1]
    return np.asarray(total)


def _products_of_each(X: Floats, coefficients: Floats) -> Floats:
    """Return each network's dot products, shape (n_rows, n_nets, n_out), of rows of shape (n_rows, n_nets, n_in)."""
    done = np.empty((len(X), *coefficients.shape[:2]), dtype=np.result_type(X, coefficients))
    step = max(1, AT_ONCE // max(1, coefficients.size))
    for start in range(0, len(X), step):
        np.sum(X[start : start + step, :, None, :] * coefficients, axis=3, out=done[start : start + step])
    return done


def softmax(raw: Floats) -> Floats:
    """Return probabilities of shape (n_rows, n_labels) for scores of that shape.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    done = raw - raw.max(axis=1, keepdims=True)
    np.exp(done, out=done)
    done /= done.sum(axis=1, keepdims=True)
    return np.asarray(done)


def two_sided(raw: Floats) -> Floats:
    """Return probabilities of both labels, shape (n_rows, 2), for log odds of shape (n_rows,).

    Examples
    --------
    >>> two_sided(np.array([0.0])).tolist()
    [[0.5, 0.5]]
    """
    return softmax(np.column_stack([-raw / 2, raw / 2]))


def each_against_the_rest(raw: Floats) -> Floats:
    """Return probabilities of shape (n_rows, n_labels) for each label's own log odds, made to sum to 1.

    Examples
    --------
    >>> each_against_the_rest(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    own = 1.0 / (1.0 + np.exp(-np.clip(raw, -MOST_ODDS, MOST_ODDS)))
    return np.asarray(own / own.sum(axis=1, keepdims=True))


def stretched(shares: Floats, slope: float, biases: Floats) -> Floats:
    """Return probabilities whose logarithms were stretched by a slope and moved by a bias for each label.

    Parameters
    ----------
    shares : numpy.ndarray
        Shape (n_rows, n_labels).
    slope : float
        Above 0.
    biases : numpy.ndarray
        Shape (n_labels,).

    Examples
    --------
    >>> stretched(np.array([[0.25, 0.75]]), 2.0, np.zeros(2)).round(3).tolist()
    [[0.1, 0.9]]
    """
    raw = slope * np.log(np.maximum(shares, SMALLEST)) + biases
    raw -= raw.max(axis=1, keepdims=True)
    np.exp(raw, out=raw)
    # A sum over an axis adds in an order that may hang on the number of rows; column by column it doesn't.
    total = raw[:, 0].copy()
    for k in range(1, raw.shape[1]):
        total += raw[:, k]
    raw /= total[:, None]
    return np.asarray(raw)
