"""Which cross-validation was chosen from the data, and why, in sentences."""

from __future__ import annotations

import numpy as np

from penstock.models.training import Training

MOST_TOLD = 5


def division_told(training: Training, *, group: str, wanted: int, private: bool, split_by: str) -> tuple[str, ...]:
    """Say how training rows were divided into folds, and why so.

    Parameters
    ----------
    training : Training
        The rows with their folds.
    group : str
        The column of rows that must stay together; empty where there is none.
    wanted : int
        How many folds the spec asks for.
    private : bool
        Whether nobody may be told the target's labels.
    split_by : str
        How held-out rows were set apart.
    """
    n = training.n_folds
    folds = f"{n} folds" + (f" (of {wanted} asked for)" if n < wanted else "")
    if training.order is not None:
        why = "as a forecast is asked for" if training.target.task == "forecast" else "as held-out rows are the latest"
        after = f"Each is tested on what comes after all that it learns from, {why}."
        return (f"Cross-validation: {folds} that follow each other in time. {after}",)
    told = [f"Cross-validation: {folds}, {_kind(training, group)}."]
    if training.repeats:
        often = f"The rows are divided up to {1 + len(training.repeats)} times over"
        told.append(
            f"{often}: {len(training.y):,} are few, and what is best on one division may have been lucky. The best "
            "candidates are judged by all divisions."
        )
    if split_by == "time":
        told.append(
            "Held-out rows are the latest, while folds are drawn among all earlier ones: where things change with "
            "time, the held-out score is the one to go by."
        )
    if training.target.is_classification:
        told += _rare(training, private)
    return tuple(told)


def _kind(training: Training, group: str) -> str:
    labels = training.target.is_classification
    if group:
        kept = f"in which rows of one {group!r} stay together, since new rows may be of others"
        return f"{kept}, with about the shares of all labels in each" if labels else kept
    if labels:
        return "stratified: labels are predicted, so each fold holds the shares of all labels, and rows stand alone"
    return "shuffled: numbers are predicted, and rows stand alone"


def _rare(training: Training, private: bool) -> list[str]:
    counts = np.bincount(training.y.astype(np.int64), minlength=len(training.target.labels))
    rare = [i for i in np.argsort(counts, kind="stable").tolist() if 0 < counts[i] < training.n_folds]
    if not rare:
        return []
    names = "" if private else ": " + ", ".join(f"{training.target.labels[i]!r} {counts[i]}" for i in rare[:MOST_TOLD])
    more = f" and {len(rare) - MOST_TOLD} more" if len(rare) > MOST_TOLD and not private else ""
    said = "Some folds are tested without them, and what is said of them is uncertain."
    which = "1 label has" if len(rare) == 1 else f"{len(rare)} labels have"
    return [f"{which} fewer rows than there are folds{names}{more}. {said}"]
