"""The three kinds of step. What a step may do is settled by its kind, so that no plan can leak or skew.

- A `CellStep` is stateless and works within one row: it runs wherever rows are, before or after the cut.
- A `LearnedStep` learns from training rows, and what it learned works within one row. The plan is cut at the first.
- A `RowStep` names rows that a model should not learn from. It never drops a held-out row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from penstock.blocks import Blocks
from penstock.errors import PlanError
from penstock.frozen import Frozen
from penstock.slices import Words
from penstock.table import NUMERIC, Kind, closest

Kinds = dict[str, Kind]
NUMBERS: frozenset[str] = NUMERIC
TEXTS: frozenset[str] = frozenset({"category", "text"})
MOMENTS: frozenset[str] = frozenset({"datetime"})


class StepBase(Frozen):
    """What all steps have: a `kind`, and in an automatic plan the reason why they are in it."""

    why: str = ""

    @property
    def name(self) -> str:
        """The step's kind."""
        return str(getattr(self, "kind", type(self).__name__))

    @property
    def looks_ahead(self) -> bool:
        """Whether a row may be given what is only known from rows after it in time."""
        return False

    @property
    def needs_target(self) -> bool:
        """Whether the step cannot learn without the target of the training rows."""
        return False

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, in order, that the step leaves of those it is given.

        Raises
        ------
        PlanError
            The step names a column that is not there, or one that it cannot work on.
        """
        return dict(kinds)

    def columns_for(self, kinds: Kinds, n_labels: int) -> Kinds:
        """Return the columns after the step where the target has so many labels, 0 for a regression.

        Only a step that makes a column for each label has any use for the number.
        """
        return self.columns_after(kinds)

    def settled(self, kinds: Kinds) -> Self:
        """Return the step as a plan keeps it for these columns: what it would otherwise find out anew is filled in."""
        return self

    def check_columns(self, named: Iterable[str], kinds: Mapping[str, Kind], suits: frozenset[str]) -> None:
        """Refuse columns that are absent or of a kind that does not suit."""
        for column in named:
            if column not in kinds:
                raise PlanError(
                    f"The step `{self.name}` names a column {column!r} that is not there",
                    expected=closest(column, list(kinds)),
                )
            if kinds[column] not in suits:
                raise PlanError(
                    f"The step `{self.name}` cannot work on the column {column!r}",
                    got=f"kind {kinds[column]}",
                    expected=" or ".join(sorted(suits)),
                    todo="Leave the column out of the step, or declare its kind under `columns`.",
                )

    def turned(self, columns: Iterable[str], kinds: Kinds, suits: frozenset[str], kind: Kind) -> Kinds:
        """Return the columns, some of them, which must suit, of another kind."""
        named = list(columns)
        self.check_columns(named, kinds, suits)
        return {**kinds, **dict.fromkeys(named, kind)}


class ColumnStep(StepBase):
    """A step that works on the columns it names; where it names none, on all that suit it."""

    suits: ClassVar[frozenset[str]] = NUMBERS | TEXTS

    columns: Words | None = None

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, which the step leaves as they are."""
        self.check_columns(self.columns or (), kinds, self.suits)
        return dict(kinds)

    def numbers_of(self, blocks: Blocks) -> tuple[str, ...]:
        """Return the number columns that the step works on."""
        return blocks.number_names if self.columns is None else tuple(c for c in self.columns if c not in blocks.texts)

    def texts_of(self, blocks: Blocks) -> tuple[str, ...]:
        """Return the text columns that the step works on."""
        return tuple(blocks.texts) if self.columns is None else tuple(c for c in self.columns if c in blocks.texts)


class CellStep(StepBase):
    """Stateless, within one row, and giving as many rows as it takes."""

    @abstractmethod
    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks as the step leaves them."""

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame as the step leaves it; the given frame is not changed."""
        return self.on(Blocks.of(frame)).frame()


@dataclass(frozen=True)
class Known:
    """What is known of training rows beside their columns: what a learned step may learn from, too.

    `target` holds label indices (int64) or values (float64) of shape (n_rows,); `n_labels` is 0 for a regression.
    """

    target: np.ndarray
    n_labels: int = 0
    seed: int = 0


class Learned:
    """What a learned step took from training rows. It is picklable and works within one row."""

    @abstractmethod
    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks as the step leaves them."""

    def on_training(self, blocks: Blocks) -> Blocks:
        """Return the very rows that were learned from, in their order, as a model should see them.

        Whatever a row has itself put into what was learned (its target in the mean of its category, say) must be left
        out of what it gets: such a step gives values out of fold here. The others give what `on` gives.
        """
        return self.on(blocks)

    @property
    def is_out_of_fold(self) -> bool:
        """Whether the rows that were learned from get other values than `on` gives."""
        return type(self).on_training is not Learned.on_training

    def extended(self, blocks: Blocks) -> Learned:
        """Return the same with more recent rows known: what a caller sends as history, with the columns of this place.

        Only a step that looks rows up in what came before has any use for them.
        """
        return self

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what was learned as JSON-able values, for people and for `steps.json`."""

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame as the step leaves it; the given frame is not changed."""
        return self.on(Blocks.of(frame)).frame()


class LearnedStep(ColumnStep):
    """Learns from training rows; what it learned works within one row."""

    # Whether it looks rows up in what came before, and so has use for rows that are sent as history.
    looks_back: ClassVar[bool] = False

    @abstractmethod
    def learn_from(self, blocks: Blocks, known: Known | None = None) -> Learned:
        """Return what the step takes from training rows.

        Parameters
        ----------
        blocks : Blocks
            Training rows, and no others.
        known : Known, optional
            Their target. Whoever only wants to see a step work may leave it out; a step that cannot do without raises
            a `DataError`.
        """

    def learn(self, frame: pd.DataFrame, known: Known | None = None) -> Learned:
        """Return what the step takes from a typed frame of training rows."""
        return self.learn_from(Blocks.of(frame), known)


@dataclass(frozen=True)
class Rows:
    """What a row step knows of rows beside their features; every field has one entry a row.

    `train` tells the side, `beside` holds as text what a row says beside its features and target (its ids, say),
    `target` is the encoded target, and `misfit` the reason why a row has a cell that could not be read, else None.
    `others` holds, typed, those columns of the base that are no features and that a row step asks for. `private` names
    the columns whose values no message may show.
    """

    train: np.ndarray
    beside: pd.DataFrame
    target: np.ndarray
    misfit: np.ndarray
    others: pd.DataFrame = field(default_factory=pd.DataFrame)
    private: frozenset[str] = frozenset()

    def take(self, kept: np.ndarray) -> Rows:
        """Return some of the rows."""
        return replace(
            self,
            train=self.train[kept],
            beside=self.beside[kept].reset_index(drop=True),
            target=self.target[kept],
            misfit=self.misfit[kept],
            others=self.others[kept].reset_index(drop=True) if len(self.others.columns) else self.others,
        )

    def named(self, frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
        """Return some columns by name: features of a frame of these rows, or what was asked for beside them."""
        data = {name: frame[name] if name in frame.columns else self.others[name] for name in columns}
        return pd.DataFrame({name: values.array for name, values in data.items()}, index=pd.RangeIndex(len(self.train)))


def is_told(reasons: np.ndarray) -> np.ndarray:
    """Return which rows have a reason that is not None, bool of shape (n_rows,)."""
    return np.asarray(pd.notna(reasons), dtype=bool)


class RowStep(StepBase):
    """Names rows that a model should not learn from."""

    @property
    def asks(self) -> tuple[str, ...]:
        """The columns that the step looks at by name; beside features they may be ids and what is left out."""
        return ()

    def check_beside(self, kinds: Kinds, others: Mapping[str, Kind]) -> None:
        """Refuse a column that the step asks for and that is neither a feature here nor another column of the base.

        Raises
        ------
        PlanError
            There is none of that name.
        """
        for column in self.asks:
            if column not in kinds and column not in others:
                raise PlanError(
                    f"The step `{self.name}` names a column {column!r} that is not there",
                    expected=closest(column, [*kinds, *others]),
                )

    @abstractmethod
    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return, for every row, why it should go, or None; object array of shape (n_rows,)."""

    def note(self, frame: pd.DataFrame, rows: Rows, row: np.ndarray, reasons: np.ndarray) -> str:
        """Return what there is to say beside the counts, such as why the step objects to no row.

        Parameters
        ----------
        frame : pandas.DataFrame
            The features as they reach the step.
        rows : Rows
            What is known of them beside.
        row : numpy.ndarray
            Their positions in the base source, int64 of shape (n_rows,).
        reasons : numpy.ndarray
            What `reasons` gave for them.
        """
        return ""

    def kept(self, frame: pd.DataFrame, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows stay, and the reasons of all that the step objects to.

        Returns
        -------
        tuple of numpy.ndarray
            A mask, bool of shape (n_rows,), true for every held-out row; and the reasons, object of shape (n_rows,).
        """
        reasons = self.reasons(frame, rows)
        objected = is_told(reasons)
        return ~(objected & rows.train), reasons
