"""What good means, as the user says it: a metric of their own, and what a wrong answer costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from penstock.frozen import Frozen

# A cost is an amount of anything: money, hours, harm.
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
BINARY_CELLS = ("fp", "fn", "tp", "tn")


def _packages(value: object) -> object:
    listed = [value] if isinstance(value, str) else value
    return {str(name): "" for name in listed} if isinstance(listed, list | tuple) else value


# Packages with their versions; a spec may name them alone.
Packages = Annotated[
    dict[str, str], BeforeValidator(_packages, json_schema_input_type=str | list[str] | dict[str, str])
]


def named_by_use(value: Any) -> Any:
    """Return what was written of something of the user's own with its name, by default that of the object.

    Examples
    --------
    >>> named_by_use("my_pkg.metrics:profit")
    {'use': 'my_pkg.metrics:profit', 'name': 'profit'}
    """
    if isinstance(value, str):
        value = {"use": value}
    if isinstance(value, Mapping) and not value.get("name") and isinstance(value.get("use"), str):
        return {**value, "name": value["use"].rpartition(":")[2]}
    return value


class Measure(Frozen):
    """The user's own metric, `use: MODULE:NAME`.

    The function is called with what is true and what is predicted, and with `sample_weight` and `labels` where it has
    parameters of these names. It is given labels in their own type, or numbers; where its second parameter is called
    `probabilities`, `y_prob`, `y_proba` or `y_score`, or `needs` says so, it is given the probability of the positive
    label, shape (n_rows,), of more than two labels those of all, shape (n_rows, n_labels). `source` and the versions of
    `packages` are filled in where the spec is read; from then on nothing but the carried source is run.

    Examples
    --------
    >>> Measure(use="shop.metrics:profit").name
    'profit'
    """

    use: str
    name: str = ""
    greater_is_better: bool = True
    needs: Literal["predictions", "probabilities"] | None = None
    packages: Packages = {}
    source: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return named_by_use(value)


class Cost(Frozen):
    """What answers cost, by what is true: `{fp: 5, fn: 100}` for two labels, or `{LABEL: {ANSWER: COST}}`.

    In the second form a right answer costs 0 and a wrong one 1 where nothing is said of it.

    Examples
    --------
    >>> Cost.model_validate({"bad": {"good": 5}}).matrix
    {'bad': {'good': 5.0}}
    """

    fp: Amount | None = None
    fn: Amount | None = None
    tp: Amount = 0.0
    tn: Amount = 0.0
    matrix: dict[str, dict[str, Amount]] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_labels(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value and all(isinstance(row, Mapping) for row in value.values()):
            rows = value["matrix"] if set(value) == {"matrix"} else value
            return {"matrix": {str(truth): {str(k): v for k, v in row.items()} for truth, row in rows.items()}}
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.matrix and (self.fp is None or self.fn is None):
            raise ValueError("`cost` needs both kinds of error: cost: {fp: 5, fn: 100}, or {LABEL: {ANSWER: COST}}")
        return self
