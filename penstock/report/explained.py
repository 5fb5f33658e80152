"""What the evaluate stage found out about what a model goes by, as far as a dossier tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from penstock.frozen import Frozen
from penstock.receipts import Interval
from penstock.report.words import clipped, count, metric_title

if TYPE_CHECKING:
    from penstock.report.measured import Measured

MOST_FEATURES = 40


class Part(BaseModel):
    """Something in the metrics file; what is not shown of it is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Fall(Part):
    """By how much the metric falls where a feature is exchanged between rows; an empty name is a forecast's past."""

    feature: str
    mean: float
    low: float
    high: float


class Importance(Part):
    """Permutation importance on `n` rows of `asked` features of `of`."""

    metric: str
    n: int = 0
    repeats: int = 0
    asked: int = 0
    of: int = 0
    note: str = ""
    features: tuple[Fall, ...] = ()


class Moving(Part):
    """By how much a prediction moves, for one label or a number."""

    label: str
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class FeatureEffect(Part):
    """Which way one feature moves the prediction."""

    feature: str
    kind: str
    x: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    n: tuple[int, ...] = ()
    lines: tuple[Moving, ...] = ()


class Effects(Part):
    """The effects of a few features."""

    n: int = 0
    note: str = ""
    features: tuple[FeatureEffect, ...] = ()


class Point(Part):
    """The score where so many rows were learned from."""

    n: int
    value: float
    low: float
    high: float
    learned: float | None = None


class Learning(Part):
    """The learning curve."""

    metric: str
    note: str = ""
    answer: str = ""
    points: tuple[Point, ...] = ()


class Ahead(Part):
    """The error of a forecast some steps ahead, and that of the seasonal naive one."""

    first: int
    last: int
    n: int
    own: Interval
    naive: Interval


class Example(Part):
    """What was forecast from one moment, and what came true."""

    origin: str
    series: str = ""
    steps: tuple[int, ...] = ()
    true: tuple[float, ...] = ()
    predicted: tuple[float, ...] = ()
    naive: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class ImportanceFact(Frozen):
    """How much one thing that a caller sends matters; `fall` is by how much the metric worsens without it."""

    feature: str
    private: bool
    fall: Interval


class Explained(Frozen):
    """What a model goes by: features, the most important first, and sentences on what was asked and what was not."""

    metric: str
    features: tuple[ImportanceFact, ...] = ()
    notes: tuple[str, ...] = ()


def name_of(feature: str, target: str) -> str:
    """Return what a feature is called."""
    return feature or f"past values of {target}"


def explained_facts(measured: Measured, target: str, private: frozenset[str] = frozenset()) -> Explained | None:
    """Return what is told of importance beside the figures; None where nothing was measured.

    Parameters
    ----------
    measured : Measured
        What the metrics file holds.
    target : str
        The target's name.
    private : frozenset of str
        The names of private columns.
    """
    found = measured.importance
    if found is None:
        return None
    features = tuple(
        ImportanceFact(
            feature=clipped(name_of(row.feature, target), 80),
            private=(row.feature or target) in private,
            fall=Interval(value=row.mean, low=row.low, high=row.high, n=found.n),
        )
        for row in found.features[:MOST_FEATURES]
    )
    notes = [importance_note(found)] if features else []
    if not features and found.note:
        notes.append(f"How much each feature matters could not be measured: {clipped(found.note)}.")
    if measured.effects is not None and measured.effects.note:
        notes.append(f"Which way features move the prediction: {clipped(measured.effects.note)}.")
    if measured.learning is not None and measured.learning.note:
        notes.append(f"Learning curve: {clipped(measured.learning.note)}.")
    return Explained(metric=found.metric, features=features, notes=tuple(notes))


def importance_note(found: Importance) -> str:
    """Return a sentence on how importance was measured."""
    of = f" of {found.of:,}" if found.of > found.asked else ""
    more = f"; {clipped(found.note)}" if found.note else ""
    return (
        f"{metric_title(found.metric)} of {count(found.n, 'held-out row')} where one of {found.asked:,}{of} things "
        f"that a caller sends is exchanged between rows, {found.repeats} times over{more}."
    )
