"""Models that are fitted to be read: coefficients with standard errors, p-values and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from penstock.models.families.linear import ScaledFamily, labels_only, numbers_only
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.models.recipe import Recipe


class ReadFamily(ScaledFamily):
    """What they share: statsmodels fits them, and only fits them."""

    extra: ClassVar[str] = "statsmodels"
    package: ClassVar[str] = "statsmodels"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that there are no more rows than coefficients."""
        few = f"{n_features} columns cannot be told from {n_rows} rows" if n_features >= n_rows else ""
        return super().refuses(target, n_rows, n_features) or few


class LeastSquaresFamily(ReadFamily):
    """Ordinary least squares."""

    kind: Literal["ols"] = "ols"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs numbers to predict, where it has labels."""
        return super().refuses(target, n_rows, n_features) or numbers_only(target, "logit")

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return least squares."""
        from penstock.models.estimators.coefficients import LeastSquares

        return LeastSquares()


class LogOddsFamily(ReadFamily):
    """Logistic regression of two labels without a penalty."""

    kind: Literal["logit"] = "logit"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs two labels to predict."""
        more = "it predicts two labels, and the target has more: use logistic" if len(target.labels) > 2 else ""
        return super().refuses(target, n_rows, n_features) or labels_only(target, "ols") or more

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return logistic regression."""
        from penstock.models.estimators.coefficients import LogOdds

        return LogOdds()


class GeneralisedFamily(ReadFamily):
    """A generalised linear model for numbers: Poisson, gamma or normal, by the target."""

    kind: Literal["glm"] = "glm"

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs numbers to predict, where it has labels."""
        return super().refuses(target, n_rows, n_features) or numbers_only(target, "logit")

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a generalised linear model."""
        from penstock.models.estimators.coefficients import Generalised

        return Generalised()


def coefficient_table(recipe: Recipe, private: frozenset[str] = frozenset()) -> dict[str, Any] | None:
    """Return the coefficients of a fitted recipe with their names, ready for JSON; None where its model has none.

    Parameters
    ----------
    recipe : Recipe
        Fitted.
    private : frozenset of str
        Columns of which only the name is told, and so of columns that are named after them: one row without numbers.

    Returns
    -------
    dict or None
        `kind` (the distribution), `rows` (each with `name`, `column`, `estimate`, `error`, `p`, `low`, `high`),
        `diagnostics` and `notes`.
    """
    steps: Any = getattr(recipe, "steps", ())
    if len(steps) != len(("steps", "encode", "model")) or not hasattr(steps[2][1], "table_"):
        return None
    encoder, model = steps[1][1], steps[2][1]
    names, origins = encoder.feature_names, encoder.origin
    rows: list[dict[str, Any]] = []
    hidden: set[str] = set()
    for row in model.table_:
        numbers = {key: value for key, value in row.items() if key != "column"}
        at = row["column"]
        if at < 0:
            rows.append({"name": "intercept", "column": "", **numbers})
        elif not origins[at].startswith(tuple(private)):
            rows.append({"name": names[at], "column": origins[at], **numbers})
        elif origins[at] not in hidden:
            hidden.add(origins[at])
            rows.append({"name": origins[at], "column": origins[at], **dict.fromkeys(numbers)})
    return {"kind": model.kind_, "rows": rows, "diagnostics": model.diagnostics_, "notes": model.notes_}
