"""Contributions to what is answered: through links and calibration, and over the members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.metrics.weighted import Floats
from penstock.models.blend import BlendClassifier, BlendRegressor
from penstock.models.calibration import Calibration
from penstock.models.scales import PLAIN, Scale
from penstock.reasons.additive import Added, Additive, additive

# A sum of contributions that is this small a part of their sizes says nothing about proportions.
BALANCED = 1e-9


@dataclass(frozen=True)
class Share:
    """What encoded columns add to one number that is answered: `base` plus the sum of all `each` is that number.

    Attributes
    ----------
    base : float
        What is answered on the average.
    each : mapping of str to numpy.ndarray
        By encoding, shape (n_features,).
    """

    base: float
    each: Mapping[str, Floats]


@dataclass(frozen=True)
class Joined:
    """One member of a blend: the plain mean of its estimators, and the scale on which they learned the target."""

    kind: str
    weight: float
    estimators: tuple[Additive, ...]
    scale: Scale = PLAIN
    smear: float = 1.0

    def answered(self, row: Floats, place: int) -> tuple[Floats, Floats, Floats]:
        """Return what it answers on the average and of a row, and what columns add to the answer at `place`."""
        parts = [_answered(estimator, estimator.of(row), place) for estimator in self.estimators]
        start, end, each = (np.mean([part[i] for part in parts], axis=0) for i in range(3))
        if self.scale == PLAIN:
            return start, end, each
        begun, done = self.scale.back(start, self.smear), self.scale.back(end, self.smear)
        wanted = float(done[place] - begun[place])
        return begun, done, _rescaled(each, float(each.sum()), float(np.abs(each).sum()), wanted)


class Together:
    """A fitted model, alone or a blend, all of whose estimators are additive.

    Parameters
    ----------
    members : sequence of Joined
        Whose weights sum to one.
    calibration : Calibration, optional
        What probabilities go through last.
    classes : numpy.ndarray, optional
        Which labels the probabilities are of.
    """

    def __init__(
        self,
        members: list[Joined],
        calibration: Calibration | None,
        classes: Any,
    ) -> None:
        self._members = members
        self._calibration = calibration
        self._classes = classes

    def share(self, encoded: Mapping[str, Floats], place: int | None) -> Share:
        """Return contributions to the probability of the class at `place`, or to the value.

        Parameters
        ----------
        encoded : mapping of str to numpy.ndarray
            By encoding the row, shape (n_features,).
        place : int, optional
            Which class; None for a value.
        """
        each = {kind: np.zeros(len(row)) for kind, row in encoded.items()}
        n_classes = 1 if place is None else len(self._classes)
        base, now = np.zeros(n_classes), np.zeros(n_classes)
        for member in self._members:
            start, end, shares = member.answered(encoded[member.kind], place or 0)
            base, now = base + member.weight * start, now + member.weight * end
            each[member.kind] += member.weight * shares
        if place is None or self._calibration is None:
            return Share(float(base[place or 0]), each)
        places = np.asarray(self._classes, dtype=np.int64)
        start, end = self._calibration.apply(np.stack([base, now]), places)[:, place]
        total = float(sum(v.sum() for v in each.values()))
        sizes = float(sum(np.abs(v).sum() for v in each.values()))
        return Share(
            float(start), {kind: _rescaled(values, total, sizes, end - start) for kind, values in each.items()}
        )


def together(model: Any, kinds: tuple[str, ...], background: Mapping[str, Floats]) -> Together | None:
    """Return a fitted model's contributions; None where one of its estimators is not additive.

    Parameters
    ----------
    model : object
        The last part of a recipe.
    kinds : tuple of str
        The encodings, where the model is a single estimator the only one.
    background : mapping of str to numpy.ndarray
        By encoding some encoded rows, shape (n_rows, n_features).
    """
    if not isinstance(model, BlendClassifier | BlendRegressor):
        alone = additive(model, background[kinds[0]])
        return None if alone is None else Together([Joined(kinds[0], 1.0, (alone,))], None, _classes(model))
    members = []
    for member in model.members:
        each = [additive(estimator, background[member.encoding]) for estimator in member.estimators]
        known = tuple(a for a in each if a is not None)
        if len(known) < len(each):
            return None
        members.append(Joined(member.encoding, member.weight, known, member.scale, member.smear))
    return Together(members, model.calibration, _classes(model))


def _classes(model: Any) -> Any:
    return getattr(model, "classes_", None)


def _answered(estimator: Additive, added: Added, place: int) -> tuple[Floats, Floats, Floats]:
    """Return what is answered on the average and of the row, and what each column adds to the answer at `place`.

    A link is passed as in the rescale rule: columns keep the proportions in which they move the log odds.

    References
    ----------
    Shrikumar, A., Greenside, P. and Kundaje, A. (2017), Learning important features through propagating activation
    differences, ICML, section 3.5.1.
    Chen, H., Lundberg, S. and Lee, S.-I. (2022), Explaining a series of models by propagating Shapley values, Nature
    Communications 13.
    """
    if estimator.link is None:
        return added.base, added.total, added.each[:, place]
    start, end = estimator.link(np.stack([added.base, added.total]))
    if added.each.shape[1] == 1:
        moved = added.each[:, 0] if place == 1 else -added.each[:, 0]
    else:
        others = end.copy()
        others[place] = 0.0
        others /= max(float(others.sum()), np.finfo(np.float64).tiny)
        moved = added.each[:, place] - added.each @ others
    sizes = float(np.abs(moved).sum())
    return start, end, _rescaled(moved, float(moved.sum()), sizes, float(end[place] - start[place]))


def _rescaled(values: Floats, total: float, sizes: float, wanted: float) -> Floats:
    """Return values in the same proportions that, with those of the other encodings, sum to what is wanted."""
    if abs(total) > BALANCED * sizes:
        return np.asarray(values * (wanted / total))
    # Where they cancel out, what is left is shared out by size.
    return np.asarray(values + (wanted - total) * np.abs(values) / sizes) if sizes else values
