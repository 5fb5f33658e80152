"""Models of statsmodels, kept as their coefficients with what is known of them: serving needs no statsmodels."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.metrics.weighted import Floats, Ints
from penstock.models.estimators.arithmetic import products, two_sided
from penstock.models.families.refusal import Refusal

# Of the longest column's length: what is left of one that others make up.
DEPENDENT = 1e-8
# Log odds beyond this mean that some column tells the labels apart without an error.
SEPARATED = 25.0
MOST_EXPONENT = 40.0
INTERVAL = 0.95
TOLD = ("estimate", "error", "p", "low", "high")
Kind = Literal["gaussian", "poisson", "gamma", "binomial"]


class _Coefficients(BaseEstimator):
    """A linear score, its table and its diagnostics.

    Attributes
    ----------
    coef_ : numpy.ndarray
        Shape (n_features,); 0 for a column that the others make up.
    intercept_ : float
        What the score starts from.
    table_ : list of dict
        For the intercept (`column` -1) and each column kept: `estimate`, `error` (its standard error), `p`, `low` and
        `high` of its 95 % interval; all but the estimate None where there is none.
    diagnostics_ : dict
        Numbers of rows and parameters, fit, information criteria, condition number, tests of the residuals.
    notes_ : list of str
        What was done about columns that others make up, or that separate the labels.
    """

    def _keep(self, X: Floats) -> tuple[Floats, Ints]:
        """Return the design with an intercept, and the columns in it: none that those before it make up."""
        design = np.column_stack([np.ones(len(X)), X])
        lengths = np.sqrt((design**2).sum(axis=0))
        left = np.zeros(design.shape[1])
        diagonal = np.abs(np.diag(np.linalg.qr(design / np.maximum(lengths, 1e-300), mode="r")))
        left[: len(diagonal)] = diagonal
        kept = np.flatnonzero((left > DEPENDENT) & (lengths > 0))
        if len(kept) >= len(X):
            raise Refusal(f"{len(kept)} coefficients cannot be told from {len(X)} rows")
        dropped = X.shape[1] + 1 - len(kept)
        self.notes_ = [f"{dropped} columns that others make up have no coefficient"] if dropped else []
        self.n_features_in_ = X.shape[1]
        return np.ascontiguousarray(design[:, kept]), kept - 1

    def _take(self, fitted: Any, design: Floats, columns: Ints) -> None:
        intervals = np.asarray(fitted.conf_int(1 - INTERVAL))
        parts = zip(columns, fitted.params, fitted.bse, fitted.pvalues, intervals, strict=True)
        self.table_ = [
            {
                "column": int(c),
                **{name: _plain(value) for name, value in zip(TOLD, (b, se, p, *i), strict=True)},
            }
            for c, b, se, p, i in parts
        ]
        self._spread(columns, np.asarray(fitted.params, dtype=np.float64))
        self.diagnostics_ = {
            "rows": int(fitted.nobs),
            "parameters": len(columns),
            "log_likelihood": _plain(fitted.llf),
            "aic": _plain(fitted.aic),
            "bic": _plain(fitted.bic_llf if hasattr(fitted, "bic_llf") else fitted.bic),
            "condition_number": _plain(np.linalg.cond(design)),
        }

    def _spread(self, columns: Ints, values: Floats) -> None:
        whole = np.zeros(self.n_features_in_ + 1)
        whole[columns + 1] = values
        self.intercept_, self.coef_ = float(whole[0]), whole[1:]

    def _score(self, X: Floats) -> Floats:
        return np.asarray(products(X, self.coef_[None, :])[:, 0] + self.intercept_)

    def _generalised(self, kind: Kind, X: Floats, y: Floats, weights: Floats | None) -> None:
        import statsmodels.api as sm

        log = sm.families.links.Log()
        family = {
            "gaussian": sm.families.Gaussian,
            "poisson": sm.families.Poisson,
            "gamma": lambda: sm.families.Gamma(link=log),
            "binomial": sm.families.Binomial,
        }[kind]()
        design, columns = self._keep(X)
        self.kind_ = kind
        with warnings.catch_warnings():
            # What they warn of is looked at afterwards: scores without bounds, or none at all.
            warnings.simplefilter("ignore")
            try:
                fitted = sm.GLM(y, design, family=family, freq_weights=weights).fit(maxiter=100)
                bounded = bool(np.isfinite(fitted.params).all() and np.isfinite(fitted.bse).all())
                if kind == "binomial":
                    bounded = bounded and float(np.abs(design @ fitted.params).max()) < SEPARATED
            except (ValueError, FloatingPointError, np.linalg.LinAlgError):
                bounded = False
            if not bounded:
                self._shrunk(kind, design, columns, y, weights)
                return
            self._take(fitted, design, columns)
            self.diagnostics_ |= {
                "pseudo_r2": _plain(1 - fitted.llf / fitted.llnull),
                "deviance": _plain(fitted.deviance),
                "pearson_chi2": _plain(fitted.pearson_chi2),
                "dispersion": _plain(fitted.pearson_chi2 / max(1.0, float(fitted.df_resid))),
            }

    def _shrunk(self, kind: Kind, design: Floats, columns: Ints, y: Floats, weights: Floats | None) -> None:
        if kind != "binomial":
            raise Refusal("its estimates do not converge on these rows")
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=1.0, max_iter=1_000).fit(design[:, 1:], y, sample_weight=weights)
        values = np.concatenate([fitted.intercept_, fitted.coef_[0]])
        self._spread(columns, values)
        self.table_ = [
            {**dict.fromkeys(TOLD), "column": int(c), "estimate": float(v)}
            for c, v in zip(columns, values, strict=True)
        ]
        self.diagnostics_ = {
            "rows": len(y),
            "parameters": len(columns),
            "condition_number": _plain(np.linalg.cond(design)),
        }
        self.notes_.append(
            "some columns tell the labels apart without an error: the estimates are shrunk, and have no standard errors"
        )

    def _answer(self, X: Floats) -> Floats:
        score = self._score(X)
        return score if self.kind_ == "gaussian" else np.exp(np.clip(score, -MOST_EXPONENT, MOST_EXPONENT))


class LeastSquares(RegressorMixin, _Coefficients):
    """Ordinary least squares, or weighted where rows have weights."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        import statsmodels.api as sm
        from statsmodels.stats.diagnostic import het_breuschpagan
        from statsmodels.stats.stattools import durbin_watson, jarque_bera

        design, columns = self._keep(X)
        self.kind_: Kind = "gaussian"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = sm.WLS(y, design, weights=1.0 if sample_weight is None else sample_weight).fit()
            self._take(fitted, design, columns)
            self.diagnostics_ |= {
                "r2": _plain(fitted.rsquared),
                "adjusted_r2": _plain(fitted.rsquared_adj),
                "durbin_watson": _plain(durbin_watson(fitted.wresid)),
                "jarque_bera_p": _plain(jarque_bera(fitted.wresid)[1]),
                "breusch_pagan_p": _plain(het_breuschpagan(fitted.wresid, design)[1]) if len(columns) > 1 else None,
            }
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._answer(X)


class Generalised(RegressorMixin, _Coefficients):
    """A generalised linear model for numbers, whose distribution fits the target.

    Counts are Poisson; amounts above 0 that are skewed to the right, gamma; all else, normal.
    """

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        y = np.asarray(y, dtype=np.float64)
        kind: Kind = "gaussian"
        if (y >= 0).all() and (y == np.floor(y)).all() and y.any():
            kind = "poisson"
        elif (y > 0).all() and y.mean() > np.median(y):
            kind = "gamma"
        self._generalised(kind, X, y, sample_weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._answer(X)


class LogOdds(ClassifierMixin, _Coefficients):
    """Logistic regression of two labels without a penalty, or with one where some column separates them."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise Refusal(f"it needs two labels, and the rows have {len(self.classes_)}")
        self._generalised("binomial", X, codes.astype(np.float64), sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, 2)."""
        return two_sided(self._score(X))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _plain(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
