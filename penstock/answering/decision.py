"""Which label is answered, where wrong answers differ in what they cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penstock.aims import BINARY_CELLS, Cost
from penstock.errors import SpecError
from penstock.frozen import Frozen
from penstock.table import Target, closest
from penstock.target import fold

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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


def optimal_decision(target: Target, cost: Cost) -> Decision:
    """Return the decision that costs least where probabilities are exact.

    Parameters
    ----------
    target : Target
        Whose labels are chosen among.
    cost : Cost
        What the user says that answers cost.

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
    table = _table(target, cost, positive)
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


def _table(target: Target, cost: Cost, positive: int) -> tuple[tuple[float, ...], ...]:
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
            table[_place(target, truth)][_place(target, answer)] = amount
    return tuple(map(tuple, table))


def _place(target: Target, label: str) -> int:
    folded = [fold(known) for known in target.labels]
    if label in target.labels:
        return target.labels.index(label)
    if folded.count(fold(label)) == 1:
        return folded.index(fold(label))
    raise SpecError(
        f"`cost` names {label!r}, which is none of the labels of {target.name!r}",
        where="cost",
        expected=closest(label, target.labels),
    )


def threshold_for(
    y: npt.NDArray[np.generic], out_of_fold: Floats, decision: Decision, weights: Floats | None = None
) -> Decision:
    """Return a decision between two labels with the threshold that cost least on out-of-fold predictions.

    The optimal threshold for exact probabilities stays unless another one saves more than one standard error of the
    paired difference: the minimum of a jagged curve over few rows is mostly luck.

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
    Breiman, L., Friedman, J., Stone, C. J. and Olshen, R. A. (1984), Classification and Regression Trees, section 3.4.3
    (one standard error).

    Examples
    --------
    >>> wrong = Decision(cost=((0, 1), (1, 0)), threshold=0.5, optimal=0.5)
    >>> high = np.linspace(0.6, 0.9, 100)
    >>> found = threshold_for((high > 0.75).astype(int), np.column_stack([1 - high, high]), wrong)
    >>> round(found.threshold, 2), found.n
    (0.75, 100)
    """
    if decision.threshold is None or decision.optimal is None:
        return decision
    seen = np.flatnonzero(np.isfinite(out_of_fold).all(axis=1))
    codes = y[seen].astype(np.int64)
    w = np.ones(len(seen)) if weights is None else weights[seen]
    if not len(seen) or w.sum() <= 0:
        return decision
    shares = out_of_fold[seen]
    best = decision.model_copy(
        update={"threshold": _cheapest(codes, shares[:, decision.positive], w, decision), "n": len(seen)}
    )
    saved = decision.costs(codes, decision.codes(shares)) - decision.costs(codes, best.codes(shares))
    mean = float(np.average(saved, weights=w))
    error = float(np.sqrt(np.sum((w * (saved - mean)) ** 2)) / w.sum())
    return best if mean > error else decision.model_copy(update={"n": len(seen)})


def _cheapest(codes: Ints, probability: Floats, w: Floats, decision: Decision) -> float:
    """Return the middle between the two neighbouring probabilities between which a cut costs least."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    table = np.array(decision.cost)[codes[order]]
    more = w[order] * (table[:, decision.positive] - table[:, 1 - decision.positive])
    ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    costs = np.append(0.0, np.cumsum(more)[ends])
    k = int(costs.argmin())
    above = 1.0 if k == 0 else float(falling[ends[k - 1]])
    below = 0.0 if k == len(ends) else float(falling[0] if k == 0 else falling[ends[k - 1] + 1])
    # Above all there may be no room: then no probability reaches it.
    return (above + below) / 2 if above > below else 1.5
