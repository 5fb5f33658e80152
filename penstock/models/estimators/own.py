"""The user's own estimator behind this library's interface; sealed with the source that its class comes from."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.errors import SpecError
from penstock.metrics.weighted import Floats
from penstock.models.families.refusal import Refusal
from penstock.steps.code.loading import Entry, line_in, loaded, modules_of, require_packages

# What a class calls the parameter that decides its chance.
SEED = "random_state"


def class_of(use: str, source: Mapping[str, str], packages: Mapping[str, str]) -> Any:  # the user's class
    """Return the class that `use` names: out of carried source, or of the installed library where there is none.

    Raises
    ------
    BundleError
        A package that it was fitted with is not installed here.
    SpecError
        It cannot be loaded, or is no class.
    """
    require_packages(use, packages)
    if source:
        found = loaded(use, source)
    else:
        try:
            # A library: its version stands in the spec's slice, and so in the key of whatever is made with it.
            found = pkgutil.resolve_name(str(Entry.parsed(use)))
        except (ImportError, AttributeError) as error:
            raise SpecError(f"There is no class {use}", where=f"use: {use}", got=type(error).__name__) from error
    if not inspect.isclass(found):
        raise SpecError(
            f"{use} is no class",
            where=f"use: {use}",
            got=type(found).__name__,
            expected="a class with `fit` and `predict`, as scikit-learn's estimators are",
        )
    return found


def takes(function: Any, name: str) -> bool:
    """Whether a function or class has a parameter of that name, or takes any."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in known)


def has_seed(kind: Any, params: Mapping[str, Any]) -> bool:
    """Whether a run's seed is to be handed to a class: it has a `random_state`, and the user says nothing of it."""
    if SEED in params:
        return False
    try:
        return SEED in inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return False


class _Own(BaseEstimator):
    """Build the user's class, fit it, and hold what comes back to what was asked for.

    Parameters
    ----------
    use : str
        The class by its import path, `MODULE:NAME`.
    source : mapping of str to str
        The text of its modules; empty for a class of an installed library.
    packages : mapping of str to str
        Versions of the packages that have to be there.
    params : mapping of str to object
        What it is built with.
    seed : int, optional
        Its `random_state`; None where it has none.
    """

    def __init__(
        self,
        use: str,
        *,
        source: Mapping[str, str] | None = None,
        packages: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.use = use
        self.source = source
        self.packages = packages
        self.params = params
        self.seed = seed

    def built(self) -> Any:
        """Return an unfitted instance of the user's class.

        Raises
        ------
        SpecError
            It cannot be built with these parameters.
        """
        kind = class_of(self.use, self.source or {}, self.packages or {})
        given = dict(self.params or {})
        if self.seed is not None:
            given[SEED] = self.seed
        try:
            return kind(**given)
        except Exception as error:
            raise SpecError(
                f"The estimator {self.use} cannot be built",
                where=f"use: {self.use}, params: {', '.join(sorted(given)) or 'none'}",
                got=f"{type(error).__name__}: {error}",
                todo="Correct its `params`.",
            ) from error

    def _fitted(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None) -> Any:
        model = self.built()
        how: dict[str, Any] = {}
        if sample_weight is not None:
            if not takes(model.fit, "sample_weight"):
                raise Refusal("its `fit` takes no `sample_weight`, and rows are weighed")
            how["sample_weight"] = np.array(sample_weight)
        # Of its own copies: what it does to them must not reach the next candidate.
        self._asked("fit", model.fit, X.copy(), y.copy(), **how)
        self.n_features_in_ = X.shape[1]
        return model

    def _asked(self, method: str, function: Any, *given: Any, **how: Any) -> Any:
        try:
            return function(*given, **how)
        except Exception as error:
            # The message of its own exception is left out, since it may hold values.
            module = Entry.parsed(self.use).module
            line = line_in(error, f"<{module}>")
            where = f" in line {line} of {module}" if line else ""
            raise Refusal(f"its `{method}` raises {type(error).__name__}{where}") from error

    def _numbers(self, method: str, X: Floats, shape: tuple[int, ...]) -> Floats:
        found = self._asked(method, getattr(self.estimator_, method), X)
        try:
            values = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise Refusal(f"its `{method}` gives what are no numbers") from error
        if len(shape) == 1 and values.shape == (*shape, 1):
            values = values[:, 0]
        if values.shape != shape:
            raise Refusal(f"its `{method}` gives the shape {values.shape} where {shape} is expected")
        return values

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Before the state is read, the classes in it have to be there: they are no modules on a path.
        carried = (type(self), self.use, dict(self.source or {}), dict(self.packages or {}))
        return _reopened, carried, self.__getstate__()


def _reopened(kind: type[_Own], use: str, source: dict[str, str], packages: dict[str, str]) -> _Own:
    class_of(use, source, packages)
    for module in modules_of(source):
        # One that fails here failed in training, too, so no object of it was sealed.
        with suppress(SpecError):
            module()
    return kind.__new__(kind)


class OwnClassifier(ClassifierMixin, _Own):
    """The user's own classifier."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and indices of labels of shape (n_rows,).

        Raises
        ------
        Refusal
            Its class raises, or takes no weights where rows have some.
        """
        self.estimator_ = self._fitted(X, y, sample_weight)
        # What it calls its classes is in their order; a class that keeps none has seen those that are there.
        self.classes_ = np.asarray(getattr(self.estimator_, "classes_", np.unique(y)))
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self._numbers("predict_proba", X, (len(X), len(self.classes_)))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class OwnRegressor(RegressorMixin, _Own):
    """The user's own regressor."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,).

        Raises
        ------
        Refusal
            Its class raises, or takes no weights where rows have some.
        """
        self.estimator_ = self._fitted(X, y, sample_weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._numbers("predict", X, (len(X),))
