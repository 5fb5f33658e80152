"""Where scores come from: trees, sums over columns, networks. Each takes one encoding, and is made of plain data."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Arrays, Floats
from penstock.bundle.kernel.engines.library import LEAVES, SUMS, Predictor, checked
from penstock.rowwise import products

# Leaves of trees that are looked up at once: 8 MiB of them.
AT_ONCE = 1 << 20
# In standard deviations: farther out, a network would follow single rows.
CLIP = 6.0


class Source(Protocol):
    """Scores of encoded rows."""

    kind: ClassVar[str]
    encoding: str
    width: int

    def scores(self, X: Floats) -> Floats:
        """Return float64 of shape (n_rows, width) for float64 of shape (n_rows, n_features)."""

    def data(self) -> Arrays:
        """Return the arrays that `made` makes it of again."""


class SummedTrees:
    """Trees whose values LightGBM's predictor adds up, in their order, in float64.

    Parameters
    ----------
    encoding : str
        What rows it takes.
    text : bytes
        As `treetext.written` writes it; trees take turns, one for each sum.
    n_features, width : int
        Of a row, and how many sums there are.
    """

    kind: ClassVar[str] = "summed trees"

    def __init__(self, encoding: str, text: bytes, n_features: int, width: int) -> None:
        self.encoding, self.width, self.n_features = encoding, width, n_features
        self._text = text
        self._trees = Predictor(text, n_features, width, SUMS)

    def scores(self, X: Floats) -> Floats:
        """Return the sums, shape (n_rows, width)."""
        return self._trees.of(checked(X, self.n_features))

    def data(self) -> Arrays:
        """Return the text, compressed."""
        return {"text": _packed(self._text), "shape": np.array([self.n_features, self.width])}

    @classmethod
    def made(cls, encoding: str, data: Arrays) -> SummedTrees:
        """Return it from its arrays."""
        n_features, width = data["shape"].tolist()
        return cls(encoding, _unpacked(data["text"]), n_features, width)


class LookedUpTrees:
    """Trees whose leaves LightGBM's predictor finds, and whose values are looked up and added here.

    So a leaf may hold several values, for which a tree is walked once, and float32 adds up as float32.

    Parameters
    ----------
    encoding : str
        What rows it takes.
    text : bytes
        As `treetext.written` writes it.
    n_features : int
        Of a row.
    first : numpy.ndarray
        Where each tree's values begin, shape (n_trees,).
    values : numpy.ndarray
        Of all leaves, shape (n_leaves, n_values), float32 or float64.
    parts : sequence of (int, int)
        For each estimator how many trees it has, and how many of them take turns.
    """

    kind: ClassVar[str] = "looked-up trees"

    def __init__(
        self,
        encoding: str,
        text: bytes,
        n_features: int,
        first: npt.NDArray[np.integer[Any]],
        values: npt.NDArray[np.floating[Any]],
        parts: Sequence[Sequence[int]],
    ) -> None:
        self.encoding, self.n_features = encoding, n_features
        self._text, self._first, self._values = text, np.asarray(first, dtype=np.float64), values
        self._parts = [(int(n), int(turns)) for n, turns in parts]
        self.width = sum(turns * values.shape[1] for _, turns in self._parts)
        self._trees = Predictor(text, n_features, len(first), LEAVES)

    def scores(self, X: Floats) -> Floats:
        """Return the sums, shape (n_rows, width)."""
        X = checked(X, self.n_features)
        done = np.empty((len(X), self.width))
        step = max(1, AT_ONCE // (len(self._first) * self._values.shape[1]))
        for start in range(0, len(X), step):
            self._add(X[start : start + step], done[start : start + step])
        return done

    def _add(self, X: Floats, done: Floats) -> None:
        at = self._trees.of(X)
        at += self._first
        found = self._values.take(at.astype(np.intp), axis=0)
        tree = column = 0
        for n, turns in self._parts:
            width = turns * found.shape[2]
            each = found[:, tree : tree + n].reshape(len(X), -1, width)
            # Strictly one after the other, as the libraries add; `sum` would add in pairs.
            done[:, column : column + width] = np.add.accumulate(each, axis=1)[:, -1]
            tree, column = tree + n, column + width

    def data(self) -> Arrays:
        """Return the text, compressed, and the values."""
        return {
            "text": _packed(self._text),
            "shape": np.array([self.n_features]),
            "first": self._first.astype(np.int64),
            "values": self._values,
            "parts": np.array(self._parts, dtype=np.int64),
        }

    @classmethod
    def made(cls, encoding: str, data: Arrays) -> LookedUpTrees:
        """Return it from its arrays."""
        (n_features,) = data["shape"].tolist()
        values: Any = data["values"]
        return cls(encoding, _unpacked(data["text"]), n_features, data["first"], values, data["parts"].tolist())


@dataclass(frozen=True)
class Layers:
    """Dot products with rectified units between them; one layer is a linear model.

    Attributes
    ----------
    weights, biases : list of numpy.ndarray
        Of each layer: shapes (n_out, n_in) and (n_out,).
    """

    kind: ClassVar[str] = "layers"
    encoding: str
    weights: list[Floats]
    biases: list[Floats]

    @property
    def width(self) -> int:
        """How many scores there are."""
        return len(self.biases[-1])

    def scores(self, X: Floats) -> Floats:
        """Return the last layer's sums, shape (n_rows, width)."""
        done = X
        for i, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            done = products(done, weights) + bias
            if i < len(self.weights) - 1:
                np.maximum(done, 0.0, out=done)
        return done

    def data(self) -> Arrays:
        """Return each layer's weights and bias."""
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        return {name: part for i, (w, b) in pairs for name, part in ((f"w{i}", w), (f"b{i}", b))}

    @classmethod
    def made(cls, encoding: str, data: Any) -> Layers:
        """Return it from its arrays."""
        count = range(len(data) // 2)
        return cls(encoding, [data[f"w{i}"] for i in count], [data[f"b{i}"] for i in count])


@dataclass(frozen=True)
class Bells:
    """Log densities of a bell curve for each column and label: Gaussian naive Bayes.

    Attributes
    ----------
    centres, variances : numpy.ndarray
        Shape (n_labels, n_features).
    constants : numpy.ndarray
        Shape (n_labels,).
    """

    kind: ClassVar[str] = "bells"
    encoding: str
    centres: Floats
    variances: Floats
    constants: Floats

    @property
    def width(self) -> int:
        """How many scores there are."""
        return len(self.constants)

    def scores(self, X: Floats) -> Floats:
        """Return the log of prior times density, shape (n_rows, n_labels)."""
        apart = np.empty((len(X), len(self.constants)))
        for k, (centre, variance) in enumerate(zip(self.centres, self.variances, strict=True)):
            apart[:, k] = ((X - centre) ** 2 / variance).sum(axis=1)
        return np.asarray(self.constants - 0.5 * apart)

    def data(self) -> Arrays:
        """Return its arrays."""
        return {"centres": self.centres, "variances": self.variances, "constants": self.constants}

    @classmethod
    def made(cls, encoding: str, data: Any) -> Bells:
        """Return it from its arrays."""
        return cls(encoding, **data)


@dataclass(frozen=True)
class Residual:
    """A residual network in float32: scaled numbers with their flags, embedded codes, blocks of two layers.

    Attributes
    ----------
    reading : dict of numpy.ndarray
        `coded`, `plain` and `flagged` positions, `levels` of each column of codes, `middle` and `deviation` of numbers.
    tables, weights, biases : list of numpy.ndarray
        Embeddings, and layers.
    """

    kind: ClassVar[str] = "residual network"
    encoding: str
    reading: dict[str, Any]
    tables: list[npt.NDArray[np.float32]]
    weights: list[npt.NDArray[np.float32]]
    biases: list[npt.NDArray[np.float32]]
    names: tuple[str, ...] = field(default=("coded", "plain", "flagged", "levels", "middle", "deviation"), init=False)

    @property
    def width(self) -> int:
        """How many scores there are."""
        return len(self.biases[-1])

    def scores(self, X: Floats) -> Floats:
        """Return the last layer's sums, shape (n_rows, width)."""
        read = self.reading
        numbers, codes, levels = X[:, read["plain"]], X[:, read["coded"]], read["levels"]
        gone = np.isnan(numbers)
        scaled = np.clip((numbers - read["middle"]) / read["deviation"], -CLIP, CLIP)
        done = np.concatenate([np.where(gone, 0.0, scaled), gone[:, read["flagged"]]], axis=1).astype(np.float32)
        known = np.where(np.isnan(codes) | (codes >= levels) | (codes < 0), levels, codes).astype(np.int64)
        parts = [done, *(table[known[:, i]] for i, table in enumerate(self.tables))]
        done = np.maximum(self._layer(0, np.ascontiguousarray(np.concatenate(parts, axis=1))), 0)
        last = len(self.weights) - 1
        for inner in range(1, last, 2):
            hidden = np.maximum(self._layer(inner, done), 0)
            done = done + self._layer(inner + 1, hidden)
        return self._layer(last, np.maximum(done, 0)).astype(np.float64)

    def _layer(self, i: int, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        done: Any = products(X, self.weights[i])  # type: ignore[arg-type]  # 32 bits stay 32 bits
        return np.asarray(done + self.biases[i], dtype=np.float32)

    def data(self) -> Arrays:
        """Return what it reads by, and its tables and layers."""
        layers = enumerate(zip(self.weights, self.biases, strict=True))
        return {
            **{name: np.asarray(self.reading[name]) for name in self.names},
            **{f"t{i}": table for i, table in enumerate(self.tables)},
            **{name: part for i, (w, b) in layers for name, part in ((f"w{i}", w), (f"b{i}", b))},
        }

    @classmethod
    def made(cls, encoding: str, data: Any) -> Residual:
        """Return it from its arrays."""
        count = range(sum(name.startswith("w") for name in data))
        tables = [data[f"t{i}"] for i in range(len(data["levels"]))]
        reading = {name: data[name] for name in ("coded", "plain", "flagged", "levels", "middle", "deviation")}
        return cls(encoding, reading, tables, [data[f"w{i}"] for i in count], [data[f"b{i}"] for i in count])


@dataclass(frozen=True)
class Always:
    """The same scores for every row; they need no encoding, but are given one."""

    kind: ClassVar[str] = "always"
    encoding: str
    values: Floats

    @property
    def width(self) -> int:
        """How many scores there are."""
        return len(self.values)

    def scores(self, X: Floats) -> Floats:
        """Return them for each row, shape (n_rows, width)."""
        return np.tile(self.values, (len(X), 1))

    def data(self) -> Arrays:
        """Return them."""
        return {"values": self.values}

    @classmethod
    def made(cls, encoding: str, data: Any) -> Always:
        """Return it from its arrays."""
        return cls(encoding, data["values"])


KINDS: dict[str, Any] = {
    kind.kind: kind for kind in (SummedTrees, LookedUpTrees, Layers, Bells, Residual, Always)
}


def _packed(text: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(text, 6), dtype=np.uint8)


def _unpacked(packed: npt.NDArray[np.generic]) -> bytes:
    return zlib.decompress(packed.tobytes())
