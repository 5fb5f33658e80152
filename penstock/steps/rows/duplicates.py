"""The step `duplicates`: rows that say again what another row has said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, Kinds, Rows, RowStep, is_told
from penstock.steps.rows.keeping import Keep, equal_rows, same_rows, scores_of, surplus
from penstock.steps.rows.near import is_too_large, near_rows
from penstock.table import Kind


class Duplicates(RowStep):
    """Reject training rows that equal an earlier row of their side in all that they say, or in their `key`.

    All that they say is their features, the target, and their ids and whatever else the source says of them; a column
    that only counts rows does not matter. Where more than `at_most` of the training rows are such copies, equality says
    little (a table of a few categories repeats itself), and all stay.

    With `key` rows of one key stand for one thing, and one of them is kept: the first or the last, the newest (with
    the greatest value in the column `by`) or the most complete (with the fewest missing cells); of equals the earlier.
    A row that lacks a key is no copy. Of two rows on different sides both stay.

    With `near` the audit tells, too, how many rows nearly equal another: in all columns but one, or up to case, blanks,
    accents, punctuation and rounding. None of them goes.

    Examples
    --------
    >>> frame = pd.DataFrame({"order": [1.0, 1.0, 2.0], "price": [5.0, 6.0, 7.0]})
    >>> rows = Rows(np.ones(3, bool), pd.DataFrame(index=range(3)), np.zeros(3), np.full(3, None, object))
    >>> Duplicates(key=("order",), keep="last").reasons(frame, rows).tolist()
    ["another row with the same 'order' is kept", None, None]
    """

    kind: Literal["duplicates"] = "duplicates"
    at_most: float = Field(default=1.0, gt=0, le=1)
    key: Words = ()
    keep: Keep = "first"
    by: str = ""
    near: bool = True

    @model_validator(mode="after")
    def _keeps_one(self) -> Self:
        if self.keep in ("newest", "complete") and not self.key:
            raise ValueError(f"`keep: {self.keep}` chooses among rows of one key; name them under `key`")
        if (self.keep == "newest") != bool(self.by):
            raise ValueError("`keep: newest` and `by`, the column that tells what is newer, go together")
        return self

    @property
    def asks(self) -> tuple[str, ...]:
        """The keys, and what tells which row is newer."""
        return (*self.key, *((self.by,) if self.by else ()))

    def check_beside(self, kinds: Kinds, others: Mapping[str, Kind]) -> None:
        """Refuse columns that are not there, and a text that should tell which row is newer."""
        super().check_beside(kinds, others)
        kind = {**others, **kinds}.get(self.by)
        if kind is not None and kind not in NUMBERS | MOMENTS:
            raise PlanError(
                f"The step `duplicates` cannot tell what is newer by {self.by!r}",
                got=f"kind {kind}",
                expected="a number or a moment",
                todo="Name another column under `by`.",
            )

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return for every row but the one that is kept that another one is."""
        copies = self._copies(frame, rows)
        found = np.full(len(frame), None, dtype=object)
        if self._too_many(copies, rows):
            return found
        keys = ", ".join(repr(key) for key in self.key)
        earlier = f"duplicate of {'a later' if self.keep == 'last' else 'an earlier'} row"
        found[copies] = f"another row with the same {keys} is kept" if keys else earlier
        return found

    def note(self, frame: pd.DataFrame, rows: Rows, row: np.ndarray, reasons: np.ndarray) -> str:
        """Tell of copies that were too many to be mistakes, and of training rows that nearly equal another."""
        copies, said = is_told(reasons), []
        if self.at_most < 1 and not copies.any():
            # None, or too many of them.
            copies = self._copies(frame, rows)
        if self._too_many(copies, rows):
            share, alike = (
                copies[rows.train].mean(),
                f"have the same {', '.join(self.key)} as" if self.key else "equal",
            )
            said.append(
                f"{share:.0%} of the training rows {alike} an earlier one: too many to be mistakes, so all stay"
            )
        elif self.near:
            said.append(_told_near(frame, rows, row, copies))
        return "; ".join(text for text in said if text)

    def _too_many(self, copies: np.ndarray, rows: Rows) -> bool:
        return bool(rows.train.any() and copies[rows.train].mean() > self.at_most)

    def _copies(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        if not self.key:
            facts = pd.DataFrame({"side": rows.train, "target": rows.target})
            return equal_rows(_positional(frame, rows.beside, facts), keep="last" if self.keep == "last" else "first")
        named = rows.named(frame, self.asks)
        keyed = named[list(self.key)]
        groups = same_rows(_positional(keyed, pd.DataFrame({"side": rows.train})))
        scores = scores_of(self.keep, named[self.by] if self.by else None, frame)
        return surplus(groups, self.keep, scores) & keyed.notna().all(axis=1).to_numpy(dtype=bool)


def _positional(*parts: pd.DataFrame) -> pd.DataFrame:
    """Return frames side by side with positions for names: a feature may be called `side` or `target` too."""
    whole = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    whole.columns = pd.RangeIndex(whole.shape[1])
    return whole


def _told_near(frame: pd.DataFrame, rows: Rows, row: np.ndarray, copies: np.ndarray) -> str:
    train = rows.train
    if is_too_large(int(train.sum()), frame.shape[1] + 1):
        return ""
    target = pd.DataFrame({"target": np.asarray(rows.target, dtype=np.float64)})
    near = near_rows(_positional(frame, target)[train], copies[train])
    if near is None or not near.count:
        return ""
    at = row[train]
    pairs = ", ".join(f"{at[i]} and {at[j]}" for i, j in near.pairs)
    return (
        f"{near.count:,} of the training rows ({near.count / near.n:.1%}) nearly equal another one (in all columns but "
        f"one, or up to case, blanks, accents, punctuation and rounding), such as rows {pairs}: all stay"
    )
