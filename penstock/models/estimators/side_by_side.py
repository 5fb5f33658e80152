"""Networks of one shape that learn side by side, from other beginnings, in one array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats

Singles = npt.NDArray[np.float32]
# Adam's, as its authors set them.
FORGETS, FORGETS_SQUARES, SMALL = 0.9, 0.999, 1e-8


class SideBySide:
    """Several networks of rectified units, learned by Adam on the same rows; their mean answer is what counts.

    The mean of a few networks is better than any of them by more than most settings make of one, and side by side they
    take little longer: the first layers of all are one product of matrices.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of each hidden layer, outputs.
    nets : int
        How many there are.
    random : numpy.random.Generator
        Where they begin: Glorot's uniform weights.

    References
    ----------
    Lakshminarayanan, B., Pritzel, A. and Blundell, C. (2017), Simple and scalable predictive uncertainty estimation
    using deep ensembles, NIPS 30.
    Kingma, D. P. and Ba, J. (2015), Adam: a method for stochastic optimization, ICLR.
    Glorot, X. and Bengio, Y. (2010), Understanding the difficulty of training deep feedforward networks, AISTATS.
    """

    def __init__(self, sizes: Sequence[int], nets: int, random: np.random.Generator) -> None:
        self.sizes, self.nets = tuple(sizes), nets
        n = nets * sum((a + 1) * b for a, b in pairwise(sizes))
        self.state = np.zeros(n, dtype=np.float32)
        self._gradient, self._mean, self._square, self._room = np.zeros((4, n), dtype=np.float32)
        self._weights, self._biases = self._parts(self.state)
        self._weight_slopes, self._bias_slopes = self._parts(self._gradient)
        self._steps = 0
        for (a, b), weights, biases in zip(pairwise(sizes), self._weights, self._biases, strict=True):
            bound = (6.0 / (a + b)) ** 0.5
            weights[...] = random.uniform(-bound, bound, weights.shape)
            biases[...] = random.uniform(-bound, bound, biases.shape)

    def scores(self, X: Singles) -> Singles:
        """Return every network's last layer, shape (nets, n_rows, n_outputs), for rows of shape (n_rows, n_inputs)."""
        return self._through(X)[-1]

    def step(self, X: Singles, slopes: Callable[[Singles], Singles], rate: float, l2: float) -> None:
        """Take one step of Adam.

        Parameters
        ----------
        X : numpy.ndarray
            Shape (n_rows, n_inputs).
        slopes : callable
            Gives how each row's loss changes with its scores, for shape (nets, n_rows, n_outputs).
        rate : float
            Learning rate.
        l2 : float
            Penalty on weights, in a batch's share of it.
        """
        layers = self._through(X)
        delta = slopes(layers[-1]) / np.float32(len(X))
        for i in range(len(self._weights) - 1, -1, -1):
            weights = self._weights[i]
            if i:
                np.matmul(layers[i].transpose(0, 2, 1), delta, out=self._weight_slopes[i])
            else:
                np.matmul(X.T, _flat(delta), out=self._weight_slopes[0])
            if l2:
                self._weight_slopes[i] += np.float32(l2 / len(X)) * weights
            np.sum(delta, axis=1, keepdims=True, out=self._bias_slopes[i])
            if i:
                delta = np.matmul(delta, weights.transpose(0, 2, 1))
                delta *= layers[i] > 0
        self._move(rate)

    def layers(self) -> tuple[list[Floats], list[Floats]]:
        """Return weights and biases as float64: the first layer of all, then those of each; the mean is taken last.

        Returns
        -------
        weights : list of numpy.ndarray
            Shape (nets * n_units, n_inputs) of the first layer, (nets, n_units, n_units_before) of the others.
        biases : list of numpy.ndarray
            Shapes (nets * n_units,) and (nets, n_units).
        """
        first, *others = self._weights
        weights = [first.T, *(w.transpose(0, 2, 1) for w in others)]
        biases = [self._biases[0].ravel(), *(b[:, 0] for b in self._biases[1:])]
        return [np.ascontiguousarray(w, dtype=np.float64) for w in weights], [np.array(b, np.float64) for b in biases]

    def _parts(self, flat: Singles) -> tuple[list[Singles], list[Singles]]:
        weights, biases, at = [], [], 0
        for i, (a, b) in enumerate(pairwise(self.sizes)):
            size = self.nets * a * b
            weights.append(flat[at : at + size].reshape((self.nets, a, b) if i else (a, self.nets * b)))
            at += size
        for b in self.sizes[1:]:
            biases.append(flat[at : at + self.nets * b].reshape(self.nets, 1, b))
            at += self.nets * b
        return weights, biases

    def _through(self, X: Singles) -> list[Singles]:
        first = (X @ self._weights[0]).reshape(len(X), self.nets, self.sizes[1]).transpose(1, 0, 2)
        done = [X, np.asarray(first + self._biases[0])]
        for weights, biases in zip(self._weights[1:], self._biases[1:], strict=True):
            np.maximum(done[-1], 0.0, out=done[-1])
            done.append(np.matmul(done[-1], weights) + biases)
        return done

    def _move(self, rate: float) -> None:
        self._steps += 1
        room, slopes = self._room, self._gradient
        self._mean *= FORGETS
        self._mean += np.multiply(slopes, 1 - FORGETS, out=room)
        self._square *= FORGETS_SQUARES
        np.multiply(slopes, slopes, out=room)
        room *= 1 - FORGETS_SQUARES
        self._square += room
        scale = rate * (1 - FORGETS_SQUARES**self._steps) ** 0.5 / (1 - FORGETS**self._steps)
        np.sqrt(self._square, out=room)
        room += SMALL
        np.divide(self._mean, room, out=room)
        room *= scale
        self.state -= room


def _flat(delta: Singles) -> Singles:
    """Return shape (nets, n_rows, n_units) as (n_rows, nets * n_units)."""
    return np.asarray(delta.transpose(1, 0, 2).reshape(delta.shape[1], -1))
