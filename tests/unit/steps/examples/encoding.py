"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.encoding.encode import Encode
from penstock.steps.encoding.group_stats import GroupStats
from penstock.steps.encoding.hashing import HashText
from penstock.steps.encoding.tfidf import Tfidf

ENCODING: tuple[StepBase, ...] = (
    Encode(),
    Encode(columns=("note",), smoothing=0, folds=2, keep=True),
    Encode(method="frequency"),
    Encode(method="ordinal", order={"city": ("Bonn", "Oslo")}),
    Encode(method="onehot", columns=("city",), at_most=3),
    GroupStats(by=("city", "smoker"), of="dose", take=("count", "mean", "std", "min", "max", "median")),
    GroupStats(by=("age",), of="target", take=("mean", "count"), folds=2),
    HashText(),
    HashText(columns=("note",), unit="characters", ngrams=(1, 3), into=3, keep=True),
    Tfidf(at_least=1, components=2),
    Tfidf(columns=("city",), unit="characters", ngrams=(1, 2), terms=5, components=None, keep=True),
)
