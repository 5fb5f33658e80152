"""The step `impute`: what the other columns of a row let expect stands in for what it lacks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from penstock.blocks import Blocks
from penstock.steps.base import NUMBERS, Known, Learned, LearnedStep
from penstock.steps.missing.neighbours import Neighbours
from penstock.steps.missing.rounds import fit_rounds
from penstock.steps.missing.standard import Standard, sample


class Impute(LearnedStep):
    """Put for a missing number what similar training rows have, or what the row's other numbers let predict.

    With `method: knn` that is the mean of the `neighbours` nearest training rows that have the value, by the distance
    over the numbers that both rows have, in standard deviations. With `method: iterative` every column is predicted
    from all others by a Bayesian ridge, in at most `rounds` rounds, and stays within what training rows hold. At most
    `rows` training rows, chosen by the seed, are looked at for either. A row that holds none of the columns, and a
    column that never varies, get means; a column without any value gets 0.

    References
    ----------
    Troyanskaya, O. et al. (2001). Missing value estimation methods for DNA microarrays. Bioinformatics 17 (6), 520-525.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"height": [150.0, 152.0, 190.0, 192.0], "weight": [50.0, 52.0, 90.0, None]})
    >>> learned = Impute(neighbours=2).learn(train)
    >>> learned.apply(pd.DataFrame({"height": [151.0, 190.0], "weight": [None, 95.0]}))["weight"].round(9).tolist()
    [51.0, 95.0]
    >>> Impute(columns=("city",)).columns_after({"city": "category"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `impute` cannot work on the column 'city'
    ...
    """

    suits: ClassVar[frozenset[str]] = NUMBERS

    kind: Literal["impute"] = "impute"
    method: Literal["knn", "iterative"] = "knn"
    neighbours: int = Field(default=5, ge=1, le=100)
    rounds: int = Field(default=5, ge=1, le=50)
    rows: int = Field(default=2_000, ge=10, le=50_000)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> Learned:
        """Return the rows to take from, or what predicts."""
        seed = known.seed if known is not None else 0
        names = blocks.number_names if self.columns is None else self.columns
        matrix = blocks.matrix(names)
        standard = Standard.of(matrix)
        some = matrix[sample(len(matrix), self.rows, seed)]
        if self.method == "knn":
            return Neighbours.of(names, some, standard, self.neighbours)
        return fit_rounds(names, some, standard, self.rounds, seed & 0xFFFF_FFFF)
