"""Which families of models may compete, as a spec names them: this library's, and estimators of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from penstock.aims import Packages, named_by_use
from penstock.frozen import Frozen
from penstock.table import closest

FamilyName = Literal[
    "linear",
    "lightgbm",
    "xgboost",
    "extra_trees",
    "random_forest",
    "hist_gradient_boosting",
    "mlp",
    "ridge",
    "logistic",
    "lasso",
    "elastic_net",
    "sgd",
    "poisson",
    "gamma",
    "tweedie",
    "naive_bayes",
    "tree",
    "neighbours",
    "svm",
    "gradient_boosting",
    "catboost",
    "ols",
    "logit",
    "glm",
    "torch",
    "keras",
]
# What stands on a leaderboard beside families.
TAKEN = ("dummy", "ensemble")
# Strong and quick ones; the others are there by name.
USUAL_FAMILIES: tuple[FamilyName, ...] = (
    "linear",
    "lightgbm",
    "xgboost",
    "extra_trees",
    "random_forest",
    "hist_gradient_boosting",
    "mlp",
)


class OwnEstimator(Frozen):
    """A scikit-learn-compatible class of the user's own, `use: MODULE:NAME`, that competes beside the families.

    It is built with `params`, and with the run's seed as `random_state` where it has such a parameter; it is fitted on
    a float64 array, encoded as `encoding` says (see `penstock.models.encoder.Encoder`), and labels as whole numbers
    from 0 on, in the order of the target's labels. `latency_ms` is about what it takes for one row: the search counts
    with it, and the gate measures it. `source`, or of an installed library the version in `packages`, is filled in
    where the spec is read; from then on nothing but that is run.

    Examples
    --------
    >>> OwnEstimator(use="shop.models:Stumps", params={"depth": 2}).name
    'Stumps'
    """

    use: str
    name: str = ""
    params: dict[str, Any] = {}
    encoding: Literal["ordinal", "target", "onehot", "quantile"] = "onehot"
    latency_ms: float = Field(default=1.0, gt=0)
    packages: Packages = {}
    source: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return named_by_use(value)


def _named_or_own(value: object) -> str:
    return "use" if isinstance(value, Mapping | OwnEstimator) or (isinstance(value, str) and ":" in value) else "family"


# A family of this library by its name, or an estimator of the user's own.
FamilyOrOwn = Annotated[
    Annotated[FamilyName, Tag("family")] | Annotated[OwnEstimator, Tag("use")], Discriminator(_named_or_own)
]


def checked_names(families: object) -> object:
    """Return what a spec names as families, all of which there are.

    Raises
    ------
    ValueError
        One is unknown; the message names the closest.
    """
    known = get_args(FamilyName)
    for name in families if isinstance(families, list | tuple) else ():
        if isinstance(name, str) and ":" not in name and name not in known:
            raise ValueError(f"there is no family {name!r}; {closest(name, known)}")
    return families


def checked_distinct(families: tuple[FamilyOrOwn, ...]) -> tuple[FamilyOrOwn, ...]:
    """Return families, each of which has a name of its own.

    Raises
    ------
    ValueError
        An estimator of the user's own is called as another, or as what stands on every leaderboard.
    """
    taken = [family if isinstance(family, str) else family.name for family in families]
    own = [family.name for family in families if not isinstance(family, str)]
    twice = next((n for n in own if taken.count(n) > 1 or n in (*get_args(FamilyName), *TAKEN)), None)
    if twice is not None:
        raise ValueError(f"two families would be called {twice!r}; name yours: {{use: MODULE:NAME, name: OTHER}}")
    return families
