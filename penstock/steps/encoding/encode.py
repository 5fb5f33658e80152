"""The step `encode`: a number, or several, for each level of a text column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks, FloatMatrix, Texts, require
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import TEXTS, Kinds, Known, LearnedStep
from penstock.steps.encoding.outoffold import OutOfFold, folds, names_for_labels, outputs_of, target_of
from penstock.steps.made import add_columns, in_place_of
from penstock.steps.statistics import by_group, overall
from penstock.table import closest

# Rows of a table behind those of its levels.
UNKNOWN, MISSING = -1, -2


@dataclass(frozen=True)
class Table:
    """The numbers of one column: a row a level, one for missing texts, and one for those that were never met.

    `values` has shape (n_levels + 2, n_made).
    """

    rows: dict[str, int]
    values: FloatMatrix

    def of(self, texts: Texts) -> FloatMatrix:
        """Return each row's numbers, of shape (n_rows, n_made)."""
        places = [self.rows.get(text, UNKNOWN) for text in texts.levels]
        found: FloatMatrix = self.values[np.array([*places, MISSING], dtype=np.intp)[texts.codes]]
        return found


@dataclass(frozen=True, kw_only=True)
class EncodeLearned(OutOfFold):
    """The numbers by column."""

    method: str
    made: tuple[str, ...]
    tables: dict[str, Table]
    keep: bool

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with numbers in place of texts, or beside them."""
        require(self.tables, blocks.texts)
        found = [table.of(blocks.texts[name]) for name, table in self.tables.items()]
        return self._with(blocks, np.concatenate([np.empty((blocks.n_rows, 0)), *found], axis=1))

    @property
    def is_out_of_fold(self) -> bool:
        """Whether the target was averaged."""
        return self.method == "target"

    def on_training(self, blocks: Blocks) -> Blocks:
        """Return the training rows; where the target was averaged, with the averages of rows of other folds."""
        if self.method != "target":
            return self.on(blocks)
        return self._with(blocks, self.values_for_training(blocks.n_rows))

    def describe(self) -> dict[str, Any]:
        """Return the columns that are made, and how many levels each column has."""
        levels = {name: len(table.rows) for name, table in self.tables.items()}
        return {"method": self.method, "made": list(self.made), "levels": levels}

    def _with(self, blocks: Blocks, values: FloatMatrix) -> Blocks:
        return in_place_of(blocks, () if self.keep else self.tables, self.made, values)


class Encode(LearnedStep):
    """Replace each text by a number: what the target is on average where it occurs, how frequent it is, or a code.

    - `target` gives `<column>_target`, the mean of the target over training rows with that level, drawn to the mean of
      all as if `smoothing` more rows had that; with more than two labels a column for each, `<column>_target_0` and so
      on, in the order of the labels. The training rows themselves get means of rows in other ones of `folds` folds:
      from its own target a row would learn by heart what no later row can know.
    - `frequency` gives `<column>_share`, the share of training rows with that level; 0 for one never met.
    - `ordinal` gives `<column>_code`, the place of the level in `order` or, for a column not in it, among all levels in
      code point order; missing where the text is missing or was never met.
    - `onehot` gives `<column>_is_1` to `_is_<at_most>`: 1 for the most frequent level, for the second, and so on. There
      are always so many, so that the columns are known before anything is learned; those without a level are 0.

    A missing text is a level like others, but for `ordinal`. With `keep` the texts stay beside their numbers.

    References
    ----------
    Micci-Barreca, D. (2001). A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems. SIGKDD Explorations 3 (1), 27-32.

    Examples
    --------
    >>> import pandas as pd
    >>> city, target = pd.DataFrame({"city": ["Oslo"] * 3 + ["Bonn"]}), np.array([1.0, 1.0, 1.0, 0.0])
    >>> learned = Encode(smoothing=1).learn(city, Known(target))
    >>> learned.apply(pd.DataFrame({"city": ["Oslo", "Bonn", "Rome"]})).to_dict("list")
    {'city_target': [0.9375, 0.375, 0.75]}
    >>> Encode(method="frequency").learn(city).apply(pd.DataFrame({"city": ["Oslo", "Rome"]})).to_dict("list")
    {'city_share': [0.75, 0.0]}
    >>> Encode().learn(city)
    Traceback (most recent call last):
    penstock.errors.DataError: The step `encode` learns from the target, and there is none here
    ...
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["encode"] = "encode"
    method: Literal["target", "frequency", "ordinal", "onehot"] = "target"
    smoothing: float = Field(default=10.0, ge=0, allow_inf_nan=False)
    folds: int = Field(default=5, ge=2, le=50)
    order: dict[str, Words] = {}
    at_most: int = Field(default=20, ge=1, le=1_000)
    keep: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.order and self.method != "ordinal":
            raise ValueError("only `method: ordinal` has an `order`")
        for name, levels in self.order.items():
            if not levels or len(set(levels)) < len(levels):
                raise ValueError(f"the order of {name!r} needs levels, each of them once")
        return self

    @property
    def needs_target(self) -> bool:
        """Whether the target is what is averaged."""
        return self.method == "target"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns where the target is a number or has two labels."""
        return self.columns_for(kinds, 0)

    def columns_for(self, kinds: Kinds, n_labels: int) -> Kinds:
        """Return the columns without the texts (unless they are kept), and with what stands for them.

        Raises
        ------
        PlanError
            A named column is absent or no text, an order is for a column that is not encoded, or a name is taken.
        """
        kinds = super().columns_after(kinds)
        texts = [
            name for name, kind in kinds.items() if kind in TEXTS and (self.columns is None or name in self.columns)
        ]
        for name in self.order:
            if name not in texts:
                raise PlanError(
                    f"The step `encode` has an order for a column {name!r} that it does not encode",
                    expected=closest(name, texts),
                )
        rest: Kinds = {name: kind for name, kind in kinds.items() if self.keep or name not in texts}
        made = [made for name in texts for made in self._made(name, n_labels)]
        return add_columns(self.name, rest, made, "integer" if self.method == "ordinal" else "float")

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> EncodeLearned:
        """Return the numbers of every level, and those of the training rows themselves.

        Raises
        ------
        DataError
            The target is to be averaged, and there is none.
        """
        names = self.texts_of(blocks)
        require(names, blocks.texts)
        columns = {name: blocks.texts[name] for name in names}
        if self.method != "target":
            tables = {name: self._table(name, texts) for name, texts in columns.items()}
            made = tuple(made for name in names for made in self._made(name, 0))
            return EncodeLearned(method=self.method, made=made, tables=tables, keep=self.keep)
        known = target_of(self.name, known)
        outputs = outputs_of(known)
        codes = {name: np.where(texts.codes < 0, len(texts.levels), texts.codes) for name, texts in columns.items()}
        return EncodeLearned(
            method=self.method,
            made=tuple(made for name in names for made in self._made(name, known.n_labels)),
            tables={name: Table(_rows(t.levels), self._means(codes[name], t, outputs)) for name, t in columns.items()},
            keep=self.keep,
            training=self._training(columns, codes, outputs, known.seed),
        )

    def _made(self, name: str, n_labels: int) -> tuple[str, ...]:
        if self.method == "target":
            return names_for_labels(f"{name}_target", n_labels)
        if self.method == "onehot":
            return tuple(f"{name}_is_{i}" for i in range(1, self.at_most + 1))
        return (f"{name}_share" if self.method == "frequency" else f"{name}_code",)

    def _training(
        self, columns: dict[str, Texts], codes: dict[str, np.ndarray], outputs: FloatMatrix, seed: int
    ) -> FloatMatrix:
        n_rows, n_outputs = outputs.shape
        values = np.full((n_rows, len(columns) * n_outputs), np.nan, order="F")
        for inside in folds(n_rows, self.folds, seed):
            outside = ~inside
            for k, (name, texts) in enumerate(columns.items()):
                means = self._means(codes[name][outside], texts, outputs[outside])
                values[inside, k * n_outputs : (k + 1) * n_outputs] = means[codes[name][inside]]
        return values

    def _means(self, codes: np.ndarray, texts: Texts, outputs: FloatMatrix) -> FloatMatrix:
        """Return smoothed means, of shape (n_levels + 2, n_outputs)."""
        n = len(texts.levels) + 2
        counts = np.bincount(codes, minlength=n)
        weight = np.where(counts > 0, counts / np.maximum(counts + self.smoothing, 1e-300), 0.0)
        means = np.empty((n, outputs.shape[1]))
        for j in range(outputs.shape[1]):
            prior = overall(outputs[:, j], "mean")
            found = by_group(outputs[:, j], codes, n, "mean")
            means[:, j] = weight * np.where(counts > 0, found, prior) + (1 - weight) * prior
        return means

    def _table(self, name: str, texts: Texts) -> Table:
        counts = {level: n for level, n in texts.counts().items() if n}
        n_missing = len(texts.codes) - sum(counts.values())
        if self.method == "frequency":
            shares = np.array([*counts.values(), n_missing, 0], dtype=np.float64) / max(1, len(texts.codes))
            return Table(_rows(counts), shares[:, None])
        if self.method == "ordinal":
            ordered = self.order.get(name) or tuple(sorted(counts))
            return Table(_rows(ordered), np.array([*range(len(ordered)), np.nan, np.nan])[:, None])
        # Of those that are as frequent the first in code point order, and the missing text last.
        ranked = [(-n, False, level) for level, n in counts.items()] + ([(-n_missing, True, "")] if n_missing else [])
        ranked = sorted(ranked)[: self.at_most]
        shown = [level for _, missing, level in ranked if not missing]
        values = np.zeros((len(shown) + 2, self.at_most))
        for slot, (_, missing, level) in enumerate(ranked):
            values[MISSING if missing else shown.index(level), slot] = 1.0
        return Table(_rows(shown), values)


def _rows(levels: Iterable[str]) -> dict[str, int]:
    return {level: row for row, level in enumerate(levels)}
