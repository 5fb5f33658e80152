"""Signs that a model learns what it cannot know: findings, some of which block a publish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.frozen import Frozen
from penstock.metrics.weighted import Ints
from penstock.suspicion.alone import alone
from penstock.table import TableSchema, Target

# What one column alone may reach. Real measurements come close to the first (.975 in the bundled sample); the second
# is out of reach of anything but a copy of the target.
SUSPICIOUS = 0.99
PERFECT = 0.9999
MOST_ROWS, FEWEST_ROWS, MOST_CELLS = 20_000, 1_000, 1_000_000
TELLING_SHARE, TELLING_COLUMNS, COPIES = 0.2, 2, 0.05
# A copy has its target with it; a few may have been corrected.
COPIED = 0.95

Values = npt.NDArray[np.generic]


class Finding(Frozen):
    """One sign of leakage, in a sentence."""

    kind: str
    what: str
    column: str = ""
    blocks: bool = False


def find_leaks(
    frame: pd.DataFrame,
    y: npt.NDArray[np.generic],
    target: Target,
    schema: TableSchema,
    known_after: Sequence[str] = (),
    *,
    seed: int,
) -> tuple[Finding, ...]:
    """Return what looks like a leak in training rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of the training rows at the plan's cut, shape (n_rows, n_columns).
    y : numpy.ndarray
        Their target, shape (n_rows,).
    target : Target
        What is predicted.
    schema : TableSchema
        The columns that a model may use.
    known_after : sequence of str
        Columns that the spec says are known only after the fact.
    seed : int
        Which rows are looked at where there are too many (20,000, or a million cells), and how they are halved.
    """
    found = [*_from_the_future(schema, known_after)]
    rows = _some_rows(len(y), len(frame.columns), seed)
    half = np.random.default_rng(seed).permutation(len(rows)) % 2
    truth = y[rows]
    for name in frame.columns:
        strength = alone(frame[name].iloc[rows], truth, half, target)
        if strength > SUSPICIOUS:
            found.append(_telling(str(name), strength, target))
    return tuple(found)


def find_shared_rows(train: pd.DataFrame, heldout: pd.DataFrame, known: Values, true: Values) -> tuple[Finding, ...]:
    """Return whether held-out rows are copies of training rows under another identifier.

    Where columns have few values, rows are alike by nature, and that is only told. It blocks where at least two columns
    take so many values that two rows do not agree in all of them by chance, where more than 5 % of the held-out rows
    have their like, and where these agree in the target, too: of rows that are merely alike some differ in it.

    Parameters
    ----------
    train, heldout : pandas.DataFrame
        Typed features of both sides, with the same columns.
    known, true : numpy.ndarray
        The target of the training rows and of the held-out rows.
    """
    if not len(train.columns) or not len(heldout) or not len(train):
        return ()
    seen = pd.util.hash_pandas_object(train, index=False).to_numpy()
    asked = pd.util.hash_pandas_object(heldout, index=False).to_numpy()
    both = int(np.isin(asked, seen).sum())
    if not both:
        return ()
    telling = sum(train[c].nunique() > TELLING_SHARE * len(train) for c in train.columns)
    what = f"{both} of {len(heldout)} held-out rows agree in every feature with a training row"
    pairs = pd.DataFrame({"row": asked, "true": true}).merge(pd.DataFrame({"row": seen, "known": known}), on="row")
    same = float((pairs["true"] == pairs["known"]).mean())
    blocks = telling >= TELLING_COLUMNS and both > COPIES * len(heldout) and same >= COPIED
    what += "; they look like copies" if blocks else f", and {same:.0%} of such pairs in the target"
    return (Finding(kind="shared_rows", what=what, blocks=blocks),)


def find_shared_groups(groups: pd.Series[Any], sides: pd.Series[Any]) -> tuple[Finding, ...]:
    """Return whether a group has rows on both sides of the split.

    Parameters
    ----------
    groups, sides : pandas.Series
        The group (missing where there is none) and the side of every row.
    """
    train = set(groups[sides == "train"].dropna())
    both = sorted(train & set(groups[sides == "heldout"].dropna()))
    if not both:
        return ()
    return (
        Finding(kind="shared_groups", what=f"{len(both)} groups have rows on both sides of the split", blocks=True),
    )


def _from_the_future(schema: TableSchema, known_after: Sequence[str]) -> list[Finding]:
    late = {c.name for c in schema.columns if c.role == "known_after"} | set(known_after)
    return [
        Finding(
            kind="known_after",
            column=c.name,
            what=f"the column {c.name!r} is a feature, and the spec says that it is known only after the fact",
            blocks=True,
        )
        for c in schema.features
        if c.name in late
    ]


def _telling(name: str, strength: float, target: Target) -> Finding:
    measure = "ROC AUC" if target.is_classification else "R²"
    if strength > PERFECT:
        what = (
            f"the column {name!r} alone tells the target, with a {measure} of {strength:.5f}: it is most likely made "
            f"from it; declare it under `known_after`, or give it the role `ignored`"
        )
        return Finding(kind="tells_all", column=name, what=what, blocks=True)
    what = f"the column {name!r} alone reaches a {measure} of {strength:.4f}: see that it is known beforehand"
    return Finding(kind="tells_much", column=name, what=what)


def _some_rows(n: int, n_columns: int, seed: int) -> Ints:
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // max(1, n_columns)))
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])
