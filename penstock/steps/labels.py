"""The target of every row: its value, or why it has none that counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penstock.errors import DataError
from penstock.split import TRAIN
from penstock.steps.audit import StepAudit, bounded
from penstock.steps.relations.source import SourceTable
from penstock.table import Target
from penstock.target import encode_target, target_present

# A fold cannot hold a class and leave it for the others with fewer.
FEWEST_IN_CLASS = 2
TARGET_MISSING = "the target is missing"


@dataclass(frozen=True)
class Labelled:
    """The target of every row of the base: its value, and why a row has none that counts, else None."""

    target: Target
    values: np.ndarray
    lacking: np.ndarray


def label(base: SourceTable, side: np.ndarray) -> Labelled:
    """Encode the target of the base.

    Parameters
    ----------
    base : SourceTable
        The table that holds it.
    side : numpy.ndarray
        `train` or `heldout`, shape (n_rows,).

    Raises
    ------
    DataError
        There is no target, or the training rows do not hold two of its classes.
    """
    target = base.table_schema.target
    if target is None:
        raise DataError("The base has no target", where=base.name)
    raw = base.raw[target.name]
    values = encode_target(target, raw)
    present = target_present(target, raw)
    lacking = np.full(len(values), None, dtype=object)
    without = values < 0 if target.is_classification else np.isnan(values)
    lacking[without & ~present] = TARGET_MISSING
    lacking[without & present] = (
        "the target's class is too rare, or unknown to the lock"
        if target.is_classification
        else "the target does not read as a number"
    )
    if target.is_classification:
        target, values = _drop_unlearnable(target, values, lacking, side)
    return Labelled(target, values, lacking)


def _drop_unlearnable(
    target: Target, values: np.ndarray, lacking: np.ndarray, side: np.ndarray
) -> tuple[Target, np.ndarray]:
    """Take out classes that the training side hardly has: no model could learn them there."""
    counts = np.bincount(values[(values >= 0) & (side == TRAIN)], minlength=len(target.labels))
    enough = counts >= FEWEST_IN_CLASS
    if enough.all():
        return target, values
    if enough.sum() < 2:
        raise DataError(
            "The training rows do not hold two classes",
            where=f"target {target.name!r}",
            got=", ".join(f"{label}: {n}" for label, n in list(zip(target.labels, counts, strict=True))[:12]),
            expected=f"at least {FEWEST_IN_CLASS} training rows in two classes",
            todo="Bring more rows, or split otherwise.",
        )
    lacking[(values >= 0) & ~np.append(enough, False)[values]] = "the target's class has too few training rows"
    renumbered = np.append(np.where(enough, np.cumsum(enough) - 1, -1), -1)[values]
    labels = tuple(label for label, kept in zip(target.labels, enough, strict=True) if kept)
    # Fewer labels don't make another task: a model of two classes out of three is still multiclass.
    return target.model_copy(update={"labels": labels}), renumbered


def label_audit(labelled: Labelled, n_labelled: int) -> StepAudit:
    """Return the audit's entry of the rows without a target."""
    counts: dict[str, int] = {}
    for why in labelled.lacking:
        if why is not None:
            counts[why] = counts.get(why, 0) + 1
    n_rows = len(labelled.lacking)
    return StepAudit(
        step="unlabelled",
        nature="label",
        rows_in=n_rows,
        rows_out=n_labelled,
        share=(n_rows - n_labelled) / n_rows,
        why="a row without a target teaches nothing, and nothing can be judged by it",
        note="; ".join(f"{why}: {n}" for why, n in bounded(counts)[0].items()),
    )
