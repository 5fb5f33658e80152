"""Which label is answered, where wrong answers differ in what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.aims import BINARY_CELLS, Cost
from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.table import Target, closest
from penstock.target import fold

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Log-odds of certainty are taken for those of this.
SMALLEST = 1e-6
# What a better log-likelihood has to gain for each number that is fitted: there are two.
N_FITTED = 2


class Decision(Frozen):
    """How a label is chosen from probabilities.

    Attributes
    ----------
    cost : tuple of tuple of float
        What answers cost: row the true label, column the answer, in the order of the target's labels.
    positive : int
        Which of two labels is the positive one.
    threshold : float, optional
        The probability from which on the positive one of two labels is answered; None for more labels, of which the
        one with the least expected cost is.
    optimal : float, optional
        The threshold that would cost least, were the probabilities exact.
    n : int
        On how many out-of-fold predictions the threshold was chosen.
    ranks : int
        1 or 2 where costs are the distances of ordered labels' ranks, or their squares; 0 where they are the user's.

    References
    ----------
    Elkan, C. (2001), The foundations of cost-sensitive learning, Proceedings of the 17th International Joint Conference
    on Artificial Intelligence, sections 1 and 2.
    """

    cost: tuple[tuple[float, ...], ...]
    positive: int = 1
    threshold: float | None = None
    optimal: float | None = None
    n: int = 0
    ranks: int = 0

    @classmethod
    def of_ranks(cls, n_labels: int, power: int = 1) -> Decision:
        """Return how labels that have an order are chosen: by the least expected distance of ranks, or of its square.

        Examples
        --------
        >>> Decision.of_ranks(3).codes(np.array([[0.4, 0.25, 0.35]])).tolist()
        [1]
        """
        ranks = range(n_labels)
        return cls(cost=tuple(tuple(float(abs(i - j) ** power) for j in ranks) for i in ranks), ranks=power)

    def codes(self, probabilities: Floats) -> Ints:
        """Return the labels' indices, int64 of shape (n_rows,), for probabilities of shape (n_rows, n_labels).

        Examples
        --------
        >>> Decision(cost=((0, 1), (4, 0)), threshold=0.2).codes(np.array([[0.7, 0.3], [0.9, 0.1]])).tolist()
        [1, 0]
        >>> Decision(cost=((0, 1, 1), (1, 0, 1), (9, 9, 0))).codes(np.array([[0.6, 0.2, 0.2]])).tolist()
        [2]
        """
        if self.threshold is not None:
            own, other = np.int64(self.positive), np.int64(1 - self.positive)
            answers: Ints = np.where(probabilities[:, self.positive] >= self.threshold, own, other)
            return answers
        # Not as a product of matrices: a row alone has to come out as it does among others, to the last bit.
        expected = np.zeros_like(probabilities)
        for truth, row in enumerate(self.cost):
            expected += probabilities[:, [truth]] * np.array(row)
        return np.asarray(expected.argmin(axis=1), dtype=np.int64)

    def costs(self, codes: Ints, answers: Ints) -> Floats:
        """Return what each answer costs, shape (n_rows,), given the indices of the true labels and of the answers."""
        return np.asarray(np.array(self.cost)[codes, answers])


def codes_of(probabilities: Floats, decision: Decision | None) -> Ints:
    """Return the indices of the labels that are answered: by a decision, or the likeliest ones."""
    return probabilities.argmax(axis=1).astype(np.int64) if decision is None else decision.codes(probabilities)


def optimal_decision(target: Target, cost: Cost, *, private: bool = False) -> Decision:
    """Return the decision that costs least where probabilities are exact.

    Parameters
    ----------
    target : Target
        Whose labels are chosen among.
    cost : Cost
        What the user says that answers cost.
    private : bool
        Whether nobody may be told the labels.

    Raises
    ------
    SpecError
        The target has no labels, or others than are named; or a wrong answer costs no more than the right one.

    Examples
    --------
    >>> target = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
    >>> optimal_decision(target, Cost(fp=5, fn=100)).threshold
    0.047619047619047616
    """
    if not target.is_classification:
        raise SpecError(
            f"`cost` is for labels, and {target.name!r} is predicted as a number",
            where="cost",
            got=f"a {target.task} target",
            todo="Leave `cost` out, or name a metric of your own: metric: {use: MODULE:NAME}",
        )
    positive = target.labels.index(target.positive) if target.positive in target.labels else len(target.labels) - 1
    table = _table(target, cost, positive, private)
    for truth, row in enumerate(table):
        cheap = [j for j, amount in enumerate(row) if j != truth and amount <= row[truth]]
        if cheap:
            raise SpecError(
                "A wrong answer costs no more than the right one",
                where="cost",
                got=f"answering label {cheap[0] + 1} costs {row[cheap[0]]:g} where label {truth + 1} is true, and "
                f"answering that {row[truth]:g}",
                expected="each wrong answer to cost more than the right one",
            )
    decision = Decision(cost=table, positive=positive)
    if target.task != "binary":
        return decision
    negative = 1 - positive
    wrong_positive = table[negative][positive] - table[negative][negative]
    wrong_negative = table[positive][negative] - table[positive][positive]
    best = wrong_positive / (wrong_positive + wrong_negative)
    return decision.model_copy(update={"threshold": best, "optimal": best})


def _table(target: Target, cost: Cost, positive: int, private: bool) -> tuple[tuple[float, ...], ...]:
    n = len(target.labels)
    if cost.fp is not None and cost.fn is not None:
        if target.task != "binary":
            raise SpecError(
                f"`cost: {{fp: …, fn: …}}` is for two labels, and {target.name!r} has {n}",
                where="cost",
                expected="{LABEL: {ANSWER: COST}}, by what is true and what is answered",
            )
        cells = {name: float(getattr(cost, name)) for name in BINARY_CELLS}
        own, other = (cells["tp"], cells["fn"]), (cells["fp"], cells["tn"])
        return (own, other) if positive == 0 else (other[::-1], own[::-1])
    table = [[0.0 if i == j else 1.0 for j in range(n)] for i in range(n)]
    for truth, row in cost.matrix.items():
        for answer, amount in row.items():
            i, j = (place_of(target, label, "cost", private=private) for label in (truth, answer))
            table[i][j] = amount
    return tuple(map(tuple, table))


def place_of(target: Target, label: str, where: str, *, private: bool) -> int:
    """Return the index of a label that the spec names under `where`, in whatever spelling.

    Raises
    ------
    SpecError
        The target has no such label.
    """
    folded = [fold(known) for known in target.labels]
    if label in target.labels:
        return target.labels.index(label)
    if folded.count(fold(label)) == 1:
        return folded.index(fold(label))
    raise SpecError(
        f"`{where}` names {label!r}, which is none of the labels of {target.name!r}",
        where=where,
        expected="one of its labels, which are private" if private else closest(label, target.labels),
    )


def threshold_for(
    y: npt.NDArray[np.generic], out_of_fold: Floats, decision: Decision, weights: Floats | None = None
) -> Decision:
    """Return a decision between two labels with the threshold that out-of-fold predictions bear out.

    The optimal threshold holds for exact probabilities. Where those of the model are off, it is where a logistic
    regression of the true labels on their log-odds gives the optimal one. The threshold that cost least on these rows
    would be one of the jags of a noisy curve: it loses several times as much on new rows.

    Parameters
    ----------
    y : numpy.ndarray
        Indices of the true labels, shape (n_rows,).
    out_of_fold : numpy.ndarray
        Probabilities from fits that had not seen the row, shape (n_rows, n_labels); rows that have none are NaN.
    decision : Decision
        As `optimal_decision` gives it; one among more than two labels is given back as it is.
    weights : numpy.ndarray, optional
        How much each row counts, shape (n_rows,).

    References
    ----------
    Sheng, V. S. and Ling, C. X. (2006), Thresholding for making classifiers cost-sensitive, Proceedings of the 21st
    National Conference on Artificial Intelligence, 476-481.
    Platt, J. (1999), Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 61-74.
    Akaike, H. (1974), A new look at the statistical model identification, IEEE Transactions on Automatic Control 19
    (whether probabilities are off at all).

    Examples
    --------
    >>> even = Decision(cost=((0, 1), (1, 0)), threshold=0.5, optimal=0.5)
    >>> said, true = np.tile([0.7, 0.9], 200), np.tile([0, 1], 200)
    >>> true[:40] = 1 - true[:40]
    >>> found = threshold_for(true, np.column_stack([1 - said, said]), even)
    >>> round(found.threshold, 2), found.optimal, found.n
    (0.82, 0.5, 400)
    """
    if decision.threshold is None or decision.optimal is None:
        return decision
    seen = np.flatnonzero(np.isfinite(out_of_fold).all(axis=1))
    is_positive = y[seen].astype(np.int64) == decision.positive
    w = np.ones(len(seen)) if weights is None else weights[seen]
    told = decision.model_copy(update={"n": len(seen)})
    if w[is_positive].sum() <= 0 or w[~is_positive].sum() <= 0:
        return told
    odds = _log_odds(out_of_fold[seen, decision.positive])
    slope, shift = _calibrated(is_positive, odds, w / w.mean())
    if slope <= 0:
        return told
    return told.model_copy(update={"threshold": float(_share((_log_odds(decision.optimal) - shift) / slope))})


def _calibrated(is_positive: npt.NDArray[np.bool_], odds: Floats, w: Floats) -> tuple[float, float]:
    """Return slope and shift of the log-odds that are right; 1 and 0 where these explain the labels as well."""
    from sklearn.linear_model import LogisticRegression

    # All but unpenalised: only labels that are told apart without an error would run away.
    fitted = LogisticRegression(C=1e4, solver="newton-cholesky").fit(odds[:, None], is_positive, w)
    slope, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    gain = _likelihood(is_positive, slope * odds + shift, w) - _likelihood(is_positive, odds, w)
    return (slope, shift) if gain > N_FITTED else (1.0, 0.0)


def _likelihood(is_positive: npt.NDArray[np.bool_], odds: Floats, w: Floats) -> float:
    return -float(np.sum(w * np.logaddexp(0.0, np.where(is_positive, -odds, odds))))


def _log_odds(share: Any) -> Any:
    bounded = np.clip(share, SMALLEST, 1 - SMALLEST)
    return np.log(bounded) - np.log1p(-bounded)


def _share(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))
