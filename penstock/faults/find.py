"""Everything that is looked for in the rows and the answers of a candidate, from the surest sign to the least."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.arrays.profile import Profile
from penstock.casting import canonical_array
from penstock.faults.changed import (
    find_changes_between_sides,
    find_changes_since,
    find_constant_output,
    find_gone_labels,
    find_mixed_units,
    find_one_sided_labels,
)
from penstock.faults.copies import find_near_rows, find_shared_rows
from penstock.faults.encoded import find_encoded
from penstock.faults.finding import Finding
from penstock.faults.groups import find_shared_groups, find_undeclared_groups
from penstock.faults.order import find_time_overlap
from penstock.faults.telling import find_leaks, find_near_copies, find_parts, find_telling_ids, strengths_of
from penstock.metrics.weighted import Floats
from penstock.split import SplitRule
from penstock.table import TableSchema, Target


@dataclass(frozen=True)
class Rows:
    """The rows of both sides, in one order.

    Attributes
    ----------
    cut : pandas.DataFrame
        Typed features at the plan's cut, shape (n_rows, n_columns).
    raw : pyarrow.Table
        The same rows as a caller would send them.
    y : numpy.ndarray
        Their target, shape (n_rows,).
    is_train : numpy.ndarray
        Their side, bool, shape (n_rows,).
    groups : pandas.Series
        Their group, missing where there is none.
    schema : TableSchema
        The columns.
    target : Target
        What is predicted.
    rule : SplitRule
        How they were split.
    """

    cut: pd.DataFrame
    raw: pa.Table
    y: npt.NDArray[np.generic]
    is_train: npt.NDArray[np.bool_]
    groups: pd.Series[Any]
    schema: TableSchema
    target: Target
    rule: SplitRule

    @property
    def is_private(self) -> bool:
        """Whether the target's values are nobody's to see."""
        return any(c.private for c in self.schema.columns if c.name == self.target.name)

    @property
    def train(self) -> pd.DataFrame:
        """The training rows."""
        return self.cut[self.is_train].reset_index(drop=True)

    @property
    def heldout(self) -> pd.DataFrame:
        """The held-out rows."""
        return self.cut[~self.is_train].reset_index(drop=True)


def find_in_rows(rows: Rows, known_after: tuple[str, ...], *, seed: int) -> tuple[Finding, ...]:
    """Return what is wrong with the rows themselves.

    Parameters
    ----------
    rows : Rows
        Those of both sides.
    known_after : tuple of str
        Columns that the spec says are known only after the fact.
    seed : int
        Which rows are looked at where there are too many.
    """
    train, heldout, target = rows.train, rows.heldout, rows.target
    known, true = rows.y[rows.is_train], rows.y[~rows.is_train]
    strengths = strengths_of(train, known, target, seed=seed)
    found = [
        *find_leaks(train, known, target, rows.schema, known_after, seed=seed, strengths=strengths),
        *find_near_copies(train, known, target, strengths, seed=seed),
        *find_parts(train, known, target, seed=seed),
        *find_telling_ids(train, known, target, seed=seed),
        *find_encoded(rows.cut, rows.y, target),
        *find_shared_rows(train, heldout, known, true),
        *find_near_rows(train, heldout, known, true, target, seed=seed),
        *find_shared_groups(rows.groups, pd.Series(np.where(rows.is_train, "train", "heldout"))),
        *_undeclared_groups(rows),
        *_time_overlap(rows, seed),
        *find_mixed_units(rows.cut),
        *find_changes_between_sides(train, heldout),
    ]
    if target.is_classification:
        counts = [dict(Counter(part.astype(np.int64).tolist())) for part in (known, true)]
        found += find_one_sided_labels(counts[0], counts[1], target, private=rows.is_private)
    return tuple(found)


def find_since(
    live: Profile, now: Profile, labels: tuple[str, ...], target: Target, version: str, *, private: bool
) -> tuple[Finding, ...]:
    """Return what is other than in the rows that the live version learned from.

    Parameters
    ----------
    live, now : Profile
        What the training rows of the live version and of the candidate hold.
    labels : tuple of str
        The labels that the live version knows.
    target : Target
        What is predicted now.
    version : str
        The live version.
    private : bool
        Whether labels are nobody's to see.
    """
    return (*find_changes_since(live, now, version), *find_gone_labels(labels, target, version, private=private))


def find_in_answers(predicted: Floats) -> tuple[Finding, ...]:
    """Return what is wrong with the answers to held-out rows."""
    return find_constant_output(predicted)


def _undeclared_groups(rows: Rows) -> tuple[Finding, ...]:
    told = set(rows.rule.columns) if rows.rule.by in ("key", "group") else set()
    kinds = {c.name for c in rows.schema.columns if c.role == "id"}
    texts = {c.name for c in rows.schema.features if c.kind in ("category", "text", "integer")}
    names = [n for n in rows.raw.column_names if n in kinds | texts and n not in told]
    columns = pd.DataFrame({name: canonical_array(rows.raw[name].combine_chunks()).to_pandas() for name in names})
    return find_undeclared_groups(columns, rows.cut, rows.y, rows.is_train, rows.target, frozenset(kinds))


def _time_overlap(rows: Rows, seed: int) -> list[Finding]:
    found: list[Finding] = []
    for column in rows.schema.columns:
        if column.kind != "datetime" or column.role in ("known_after", "target") or column.table:
            continue
        if column.name not in rows.raw.column_names:
            continue
        values = rows.schema.cast(rows.raw.select([column.name]), [column.name]).frame[column.name]
        moments = values.to_numpy().astype("datetime64[us]")
        times = np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
        by_time = rows.rule.by == "time" and rows.rule.columns[:1] == (column.name,)
        if rows.rule.by == "time" and not by_time:
            continue
        found += find_time_overlap(column.name, times, rows.y, rows.is_train, rows.target, by_time=by_time, seed=seed)
    return found
