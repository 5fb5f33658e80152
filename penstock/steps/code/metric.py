"""The user's own metric: a function of what is true and what is predicted, out of carried source."""

from __future__ import annotations

import inspect
import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.aims import Measure
from penstock.answering.decision import Decision, Floats, codes_of
from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.metrics.weighted import positive_index
from penstock.steps.code.loading import loaded, require_packages
from penstock.table import Target

# What the second parameter of a metric is called that takes probabilities.
PROBABILITIES = frozenset({"probabilities", "probability", "y_prob", "y_proba", "y_score"})


class OwnMetric(Frozen):
    r"""A metric of the user's own, as scores are worked out with it.

    Examples
    --------
    >>> text = "def profit(y_true, y_pred):\n    return float(sum(y_pred - abs(y_true - y_pred)))\n"
    >>> own = OwnMetric(measure=Measure(use="shop:profit", source={"shop": text}))
    >>> target = Target(name="y", task="regression")
    >>> true, guess, drawn = np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([[1.0, 1.0], [2.0, 0.0]])
    >>> own.values(target, true, guess, None, drawn).tolist()
    [3.0, 2.0]
    """

    measure: Measure

    @property
    def name(self) -> str:
        """What it is called."""
        return self.measure.name

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return 1.0 if self.measure.greater_is_better else -1.0

    def check(self, *, weighted: bool) -> None:
        """See that the function is there and can be called.

        Raises
        ------
        SpecError
            Its module fails as it is loaded, it is no function, or rows have weights and it takes none.
        """
        names = _parameters(self.measure)
        if weighted and "sample_weight" not in names:
            raise SpecError(
                f"The spec weighs rows, and the metric {self.measure.use} takes no weights",
                where=f"metric: use: {self.measure.use}",
                expected="a parameter `sample_weight`",
                todo="Add the parameter, or leave `weight` out.",
            )

    def values(
        self, target: Target, y: npt.NDArray[np.generic], predicted: Floats, decision: Decision | None, weights: Floats
    ) -> Floats:
        """Return it under each of several weightings, float64 of shape (n_weightings,).

        A function without `sample_weight` is given the rows as often as they were drawn.

        Parameters
        ----------
        target : Target
            What is predicted.
        y : numpy.ndarray
            True values, shape (n_rows,): int64 indices of labels, or float64.
        predicted : numpy.ndarray
            Probabilities of shape (n_rows, n_labels), or values of shape (n_rows,).
        decision : Decision, optional
            How labels are answered.
        weights : numpy.ndarray
            Shape (n_weightings, n_rows), float64.

        Raises
        ------
        SpecError
            It raises, or gives something that is no number; NaN is allowed where rows were drawn at random, and nowhere
            else.
        """
        true, guess = self._sides(target, y, predicted, decision)
        takes_weights = "sample_weight" in _parameters(self.measure)
        done = np.empty(len(weights))
        for i, row in enumerate(weights):
            if takes_weights:
                done[i] = self._called(target, true, guess, row)
            else:
                drawn = np.repeat(np.arange(len(row)), row.astype(np.int64))
                done[i] = self._called(target, true[drawn], guess[drawn], None)
            if math.isnan(done[i]) and bool((row > 0).all()):
                raise self._wrong("NaN")
        return done

    def _sides(
        self, target: Target, y: npt.NDArray[np.generic], predicted: Floats, decision: Decision | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if not target.is_classification:
            return y.astype(np.float64), predicted
        kinds = {"text": object, "integer": np.int64, "boolean": np.bool_}
        typed: npt.NDArray[Any] = np.array(
            [target.typed(label) for label in target.labels], dtype=kinds[target.label_type]
        )
        true = typed[y.astype(np.int64)]
        if self._wants_probabilities():
            return true, predicted[:, positive_index(target)] if target.task == "binary" else predicted
        return true, typed[codes_of(predicted, decision)]

    def _wants_probabilities(self) -> bool:
        if self.measure.needs is not None:
            return self.measure.needs == "probabilities"
        return _parameters(self.measure)[1] in PROBABILITIES

    def _called(self, target: Target, true: npt.NDArray[Any], guess: npt.NDArray[Any], weight: Floats | None) -> float:
        names = _parameters(self.measure)
        given: dict[str, Any] = {}
        if weight is not None:
            given["sample_weight"] = weight.copy()
        if "labels" in names:
            given["labels"] = [target.typed(label) for label in target.labels]
        try:
            # Of its own copies: what it does to them must not reach the next score.
            found = _function(self.measure)(true.copy(), guess.copy(), **given)
        except Exception as error:
            raise self._wrong(f"{type(error).__name__} from a call with {len(true):,} rows") from error
        try:
            return float(found)
        except (TypeError, ValueError) as error:
            raise self._wrong(f"a value of type {type(found).__name__}") from error

    def _wrong(self, got: str) -> SpecError:
        # What its exception says may quote values of private columns.
        return SpecError(
            f"The metric {self.measure.use} gives no score",
            where=f"metric: use: {self.measure.use}",
            got=got,
            expected="one finite number for the true and the predicted values of any rows",
            todo="Try the function on a few rows of your own, and correct it.",
        )


def _function(measure: Measure) -> Any:  # whatever the user's module calls by that name
    require_packages(measure.use, measure.packages)
    return loaded(measure.use, measure.source)


def _parameters(measure: Measure) -> tuple[str, ...]:
    return _parameters_of(measure.model_dump_json())


@lru_cache(maxsize=64)
def _parameters_of(measure: str) -> tuple[str, ...]:
    own = Measure.model_validate_json(measure)
    function = _function(own)
    try:
        names = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = ()
    if len(names) < 2:
        raise SpecError(
            f"The metric {own.use} cannot be called",
            where=f"metric: use: {own.use}",
            got=f"{len(names)} parameters",
            expected="a function of (y_true, y_pred), or of (y_true, probabilities)",
        )
    return names
