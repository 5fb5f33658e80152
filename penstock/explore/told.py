"""Words of captions."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.explore.sample import Sample
from penstock.plots.words import listed


def counted(n: int, what: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def of_rows(sample: Sample) -> str:
    """Say that all training rows are counted."""
    return f"all {sample.n_train:,} training rows" if sample.n_train != 1 else "the one training row"


def of_points(sample: Sample, drawn: int) -> str:
    """Say how many training rows are drawn as points, and how they were chosen."""
    if drawn == sample.n_train:
        return counted(drawn, "training row")
    return f"{drawn:,} of {sample.n_train:,} training rows, drawn by the seed {sample.seed}"


def coloured(sample: Sample) -> str:
    """Say what the colours are."""
    if len(sample.groups) < 2:
        return ""
    third = "" if sample.target.is_classification else ", cut in thirds"
    return f", coloured by {named(sample.target.name)}{third}"


def named(name: str) -> str:
    """Return a column's name as one line."""
    return listed([name])


def left_out(left: Sequence[str], sample: Sample, why: str = "as the target explains less of them") -> str:
    """Say which columns are not drawn."""
    unread = f"{sample.unread:,} further columns of the wide table were not read." if sample.unread else ""
    return f"Left out, {why}: {listed(list(left))}. {unread}".strip() if left else unread


def joined(*sentences: str) -> str:
    """Return sentences with blanks between them; empty ones are passed over."""
    return " ".join(sentence for sentence in sentences if sentence)
