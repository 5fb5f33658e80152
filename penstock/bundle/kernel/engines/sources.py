"""Where scores come from: trees, sums over columns, networks. Each takes one encoding, and is made of plain data."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Arrays, Floats
from penstock.bundle.kernel.engines.predictor import Predictor, checked
from penstock.bundle.kernel.engines.quickscorer import QuickScorer, Unfit, scorers
from penstock.bundle.kernel.engines.treetext import written
from penstock.rowwise import products

# From here on rows pass through blocks of trees; below, the calls for that cost more than it saves.
SOME_ROWS, FEW_ROWS = 100, 8
# What the tables of masks of one source may take: a blend of thousands of trees is walked.
MOST_BYTES = 32 * 1024**2
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


@dataclass(frozen=True)
class _Masked:
    """One estimator's trees, by masks; its sums begin in a column."""

    part: Leaves
    column: int
    tables: Sequence[tuple[int, int, QuickScorer]]

    def scores(self, X: Floats, done: Floats) -> None:
        """Write the sums of many rows to their columns."""
        for start in range(0, len(X), ROWS_BY_MASKS):
            some = slice(start, start + ROWS_BY_MASKS)
            _sum_up(self.part, self.tables, X[some], done[some, self.column : self.column + self.part.width])

    def scores_of(self, row: Sequence[float], done: Floats) -> None:
        """Write the sums of one row to their columns."""
        part, total = self.part, None
        for start, stop, table in self.tables:
            found = part.values.take(table.leaves_of(row) + part.first[start:stop], axis=0).reshape(-1, part.width)
            if total is not None:
                found[0] += total
            total = np.add.accumulate(found, axis=0)[-1]
        done[self.column : self.column + part.width] = total


@dataclass(frozen=True)
class _Walked:
    """One estimator's trees, by LightGBM's predictor in blocks that stay in the cache; its sums begin in a column."""

    part: Leaves
    column: int
    blocks: Sequence[tuple[int, int, Predictor]]

    def scores(self, X: Floats, done: Floats) -> None:
        """Write the sums of many rows to their columns."""
        for start in range(0, len(X), ROWS_BY_WALKS):
            some = slice(start, start + ROWS_BY_WALKS)
            _sum_up(self.part, self.blocks, X[some], done[some, self.column : self.column + self.part.width])


def _sum_up(part: Leaves, finders: Sequence[tuple[int, int, QuickScorer | Predictor]], X: Floats, done: Floats) -> None:
    total = None
    for start, stop, finder in finders:
        at = (finder.leaves(X).T + part.first[start:stop, None]).astype(np.intp)
        found = part.values.take(at, axis=0).reshape(-1, part.turns, len(X), part.values.shape[1])
        if total is not None:
            found[0] += total
        # Strictly one tree after the other, as a row alone is added up: NumPy adds in pairs along the last axis only,
        # which trees are where there is one number a tree.
        total = found.sum(axis=0) if found[0].size > 1 else np.add.accumulate(found, axis=0)[-1]
    assert total is not None
    done[:] = total.transpose(1, 0, 2).reshape(len(X), -1)


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
        self._first = np.concatenate([part.first for part in parts]).astype(np.float64)
        ends = np.cumsum([0, *(len(part.first) for part in parts)]).tolist()
        columns = np.cumsum([0, *(part.width for part in parts)]).tolist()
        self._spans = [(*span, column) for span, column in zip(pairwise(ends), columns, strict=False)]
        self._masked = self._by_masks()

    def _by_masks(self) -> list[_Masked]:
        """Return the estimators whose trees masks are for, unless their tables would take too much together."""
        made: list[_Masked] = []
        left = MOST_BYTES
        for part, (start, end, column) in zip(self._parts, self._spans, strict=True):
            with suppress(Unfit):
                tables = scorers(self._trees[start:end], part.turns, left)
                left -= sum(table.nbytes for *_, table in tables)
                made.append(_Masked(part, column, tables))
        return made

    @cached_property
    def _whole(self) -> Predictor:
        return Predictor(written(self._trees, self.n_features), self.n_features, len(self._trees))

    @cached_property
    def _many(self) -> Sequence[_Masked | _Walked]:
        """The same trees as many rows pass through them; made when many rows come."""
        masked = {each.column: each for each in self._masked}
        spans = zip(self._parts, self._spans, strict=True)
        return [masked.get(column) or self._in_blocks(part, start, end, column) for part, (start, end, column) in spans]

    def _in_blocks(self, part: Leaves, start: int, end: int, column: int) -> _Walked:
        size = max(1, CACHED_LEAVES * len(part.first) // len(part.values) // part.turns) * part.turns
        blocks = []
        for at in range(start, end, size):
            some = self._trees[at : min(at + size, end)]
            predictor = Predictor(written(some, self.n_features), self.n_features, len(some))
            blocks.append((at - start, at - start + len(some), predictor))
        return _Walked(part, column, blocks)

    def scores(self, X: Floats) -> Floats:
        """Return the sums, shape (n_rows, width)."""
        X = checked(X, self.n_features)
        done = np.empty((len(X), self.width))
        only_masks = len(self._masked) == len(self._parts)
        if len(X) < SOME_ROWS and not only_masks:
            self._row_by_row(X, done)
        elif len(X) < FEW_ROWS:
            for row, sums in zip(X.tolist(), done, strict=True):
                for each in self._masked:
                    each.scores_of(row, sums)
        else:
            for part in self._many:
                part.scores(X, done)
        return done

    def _row_by_row(self, X: Floats, done: Floats) -> None:
        at = (self._whole.leaves(X) + self._first).astype(np.intp)
        for part, (start, end, column) in zip(self._parts, self._spans, strict=True):
            found = part.values.take(at[:, start:end], axis=0).reshape(len(X), -1, part.width)
            # Strictly one after the other; `sum` would add in pairs.
            done[:, column : column + part.width] = np.add.accumulate(found, axis=1)[:, -1]

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
