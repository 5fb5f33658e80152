"""Where scores come from: trees, sums over columns, networks. Each takes one encoding, and is made of plain data."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Arrays, Floats
from penstock.bundle.kernel.engines.predictor import Predictor, checked
from penstock.bundle.kernel.engines.quickscorer import MOST_LEAVES, QuickScorer, Unfit, n_leaves, scorers
from penstock.bundle.kernel.engines.treetext import written
from penstock.pieces import Pieces
from penstock.rowwise import layered, products

# From here on rows pass through blocks of trees; below, the calls for that cost more than it saves.
SOME_ROWS, FEW_ROWS = 100, 8
# Leaves of all trees, and bytes of their tables of masks: more are walked, for making the tables takes 5 µs a leaf.
MOST_MASKED, MOST_BYTES = 60_000, 32 * 1024**2
ROWS_BY_MASKS, ROWS_BY_WALKS = 256, 4_096
# A leaf with its node takes some 40 bytes.
CACHED_LEAVES = 2_000
# In standard deviations: farther out, a network would follow single rows.
CLIP = 6.0


class Source(Protocol):
    """Scores of encoded rows."""

    kind: ClassVar[str]

    @property
    def encoding(self) -> str:
        """What rows it takes."""

    @property
    def width(self) -> int:
        """How many scores there are."""

    def scores(self, X: Floats) -> Floats:
        """Return float64 of shape (n_rows, width) for float64 of shape (n_rows, n_features)."""

    def data(self) -> Arrays:
        """Return the arrays that `made` makes it of again."""


@dataclass(frozen=True)
class Leaves:
    """What one estimator's trees hold, and how they add up.

    Attributes
    ----------
    first : numpy.ndarray
        Where each tree's leaves begin among the values, shape (n_trees,).
    values : numpy.ndarray
        Shape (n_leaves, n_values), in the dtype that they add up in.
    turns : int
        How many sums take turns: tree after tree adds to the next of them.
    """

    first: npt.NDArray[np.integer[Any]]
    values: npt.NDArray[np.floating[Any]]
    turns: int = 1

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self.turns * int(self.values.shape[1])


class Trees:
    """Trees whose leaves are found by masks or by LightGBM's predictor, and whose values are looked up and added here.

    Values add up in the order of the trees and in their own dtype, as the libraries add them: float32 stays float32. A
    leaf may hold several values, for which a tree is walked once.

    Parameters
    ----------
    encoding : str
        What rows it takes.
    trees : sequence of str
        As the functions of `treetext` return them.
    n_features : int
        Of a row.
    parts : sequence of Leaves
        Of each estimator, in the order of the trees.
    """

    kind: ClassVar[str] = "trees"

    def __init__(self, encoding: str, trees: Sequence[str], n_features: int, parts: Sequence[Leaves]) -> None:
        self.encoding, self.n_features = encoding, n_features
        self._trees, self._parts = tuple(trees), tuple(parts)
        self.width = sum(part.width for part in parts)
        self._first = np.concatenate([part.first for part in parts]).astype(np.int64)
        ends = np.cumsum([0, *(len(part.first) for part in parts)]).tolist()
        columns = np.cumsum([0, *(part.width for part in parts)]).tolist()
        self._spans = [(*span, column) for span, column in zip(pairwise(ends), columns, strict=False)]

    @cached_property
    def _tables(self) -> list[tuple[int, int, QuickScorer]] | None:
        """The trees of all estimators by masks; None where they are too large or too many for that."""
        sizes = [n_leaves(tree) for tree in self._trees]
        if max(sizes) > MOST_LEAVES or sum(sizes) > MOST_MASKED:
            return None
        try:
            return scorers(self._trees, MOST_BYTES)
        except Unfit:
            return None

    @cached_property
    def _whole(self) -> Predictor:
        return Predictor(written(self._trees, self.n_features), self.n_features, len(self._trees))

    @cached_property
    def _blocks(self) -> list[tuple[int, int, Predictor]]:
        """The same trees as they are walked by many rows: in blocks that stay in the cache, one estimator's each."""
        blocks = []
        for part, (first, end, _) in zip(self._parts, self._spans, strict=True):
            size = max(1, CACHED_LEAVES * len(part.first) // len(part.values))
            for start in range(first, end, size):
                stop = min(start + size, end)
                text = written(self._trees[start:stop], self.n_features)
                blocks.append((start, stop, Predictor(text, self.n_features, stop - start)))
        return blocks

    def scores(self, X: Floats) -> Floats:
        """Return the sums, shape (n_rows, width)."""
        X = checked(X, self.n_features)
        done = np.empty((len(X), self.width))
        tables = self._tables
        if tables is not None and len(X) < FEW_ROWS:
            for row, sums in zip(X.tolist(), done, strict=True):
                found = [table.leaves_of(row) for *_, table in tables]
                self._sum_row(found[0] if len(found) == 1 else np.concatenate(found), sums)
        elif len(X) < SOME_ROWS and tables is None:
            for leaves, sums in zip(self._whole.leaves(X), done, strict=True):
                self._sum_row(leaves.astype(np.int64), sums)
        else:
            at_once = ROWS_BY_WALKS if tables is None else ROWS_BY_MASKS
            for start in range(0, len(X), at_once):
                some = slice(start, start + at_once)
                self._sum_rows(self._blocks if tables is None else tables, X[some], done[some])
        return done

    def _sum_row(self, leaves: npt.NDArray[np.integer[Any]], sums: Floats) -> None:
        at = leaves + self._first
        for part, (start, end, column) in zip(self._parts, self._spans, strict=True):
            found = part.values.take(at[start:end], axis=0).reshape(-1, part.width)
            # Strictly one after the other; `sum` would add in pairs.
            sums[column : column + part.width] = np.add.accumulate(found, axis=0)[-1]

    def _sum_rows(self, finders: Sequence[tuple[int, int, QuickScorer | Predictor]], X: Floats, done: Floats) -> None:
        totals: list[Any] = [None] * len(self._parts)
        for first, last, finder in finders:
            leaves = finder.leaves(X).T
            for i, (part, (start, end, _)) in enumerate(zip(self._parts, self._spans, strict=True)):
                a, b = max(first, start), min(last, end)
                if a < b:
                    at = (leaves[a - first : b - first] + self._first[a:b, None]).astype(np.intp)
                    totals[i] = _added(part, (a - start) % part.turns, part.values.take(at, axis=0), totals[i])
        for part, (*_, column), total in zip(self._parts, self._spans, totals, strict=True):
            done[:, column : column + part.width] = total.transpose(1, 0, 2).reshape(len(X), -1)

    def data(self) -> Arrays:
        """Return the text, compressed, and each estimator's values."""
        text = "\f".join(self._trees).encode()
        own: Arrays = {"text": np.frombuffer(zlib.compress(text, 6), dtype=np.uint8)}
        own["shape"] = np.array([self.n_features, *(part.turns for part in self._parts)])
        for i, part in enumerate(self._parts):
            own |= {f"f{i}": part.first, f"v{i}": part.values}
        return own

    @classmethod
    def made(cls, encoding: str, data: Any) -> Trees:
        """Return it from its arrays."""
        n_features, *turns = data["shape"].tolist()
        parts = [Leaves(data[f"f{i}"], data[f"v{i}"], n) for i, n in enumerate(turns)]
        return cls(encoding, zlib.decompress(data["text"].tobytes()).decode().split("\f"), n_features, parts)


def _added(part: Leaves, turn: int, found: npt.NDArray[np.floating[Any]], total: Any) -> Any:
    """Return sums with further trees' values, shape (turns, n_rows, n_values); the first of them adds to one turn."""
    if part.turns == 1 and found[0].size > 1:
        # Strictly one tree after the other, as a row alone is added up: NumPy adds in pairs along the last axis only.
        if total is not None:
            found[0] += total[0]
        return found.sum(axis=0)[None]
    if total is None:
        total = np.zeros((part.turns, *found.shape[1:]), dtype=found.dtype)
        total[:] = -0.0
    for each in found:
        total[turn] += each
        turn = (turn + 1) % part.turns
    return total


@dataclass(frozen=True)
class Layers:
    """Dot products with rectified units between them; one layer is a linear model.

    Attributes
    ----------
    weights, biases : list of numpy.ndarray
        Of each layer, as `penstock.rowwise.layered` takes them.
    pieces : Pieces, optional
        What is made of the encoded rows first.
    """

    kind: ClassVar[str] = "layers"
    encoding: str
    weights: list[Floats]
    biases: list[Floats]
    pieces: Pieces | None = None

    @property
    def width(self) -> int:
        """How many scores there are."""
        return int(self.biases[-1].shape[-1])

    def scores(self, X: Floats) -> Floats:
        """Return the last layer's sums, shape (n_rows, width)."""
        return layered(X if self.pieces is None else self.pieces.of(X), self.weights, self.biases)

    def data(self) -> Arrays:
        """Return each layer's weights and bias, and the pieces."""
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        made = {name: part for i, (w, b) in pairs for name, part in ((f"w{i}", w), (f"b{i}", b))}
        return made | ({} if self.pieces is None else self.pieces.data())

    @classmethod
    def made(cls, encoding: str, data: Any) -> Layers:
        """Return it from its arrays."""
        # Each layer has one bias, and no other name begins so.
        count = range(sum(name.startswith("b") for name in data))
        pieces = Pieces.made(data) if "source" in data else None
        return cls(encoding, [data[f"w{i}"] for i in count], [data[f"b{i}"] for i in count], pieces)


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
