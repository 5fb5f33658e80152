"""The floor: histogram gradient boosting as scikit-learn has it, on plain codes, which any model should reach."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.metrics.weighted import Floats, Ints
from penstock.table import Target

# Cheap on a large table: so many rows and cells, and rounds, of which each fits a tree for each label.
MOST_ROWS, MOST_CELLS, LEAST_ROWS = 50_000, 2_000_000, 5_000
ROUNDS, MOST_TREES, MOST_LABELS = 100, 1_000, 50
# Histogram boosting bins a category into at most 255 values.
MOST_LEVELS = 254


def floor_predictions(
    train: pd.DataFrame,
    y: npt.NDArray[np.generic],
    heldout: pd.DataFrame,
    target: Target,
    *,
    seed: int,
    weights: Floats | None = None,
) -> Floats | None:
    """Fit the floor on training rows and return what it says of held-out rows.

    It is untuned: scikit-learn's own learning rate, leaves and penalty, 100 rounds at most, no early stopping, no step
    that learns, moments as numbers, and categories as their codes.

    Parameters
    ----------
    train, heldout : pandas.DataFrame
        Typed features at the plan's cut, shape (n_rows, n_columns).
    y : numpy.ndarray
        The target of the training rows: int64 indices of labels, or float64.
    target : Target
        What is predicted.
    seed : int
        Which rows are learned from where there are more than 50,000, or two million cells.
    weights : numpy.ndarray, optional
        How much each training row counts, float64.

    Returns
    -------
    numpy.ndarray or None
        Probabilities of shape (n_heldout, n_labels) or values of shape (n_heldout,), float64; None where there is
        nothing to fit it on, or more labels than it is fitted for (50).

    References
    ----------
    Ke, G. et al. (2017), LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 30, on which
    scikit-learn's estimator is modelled.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    if not len(train.columns) or len(target.labels) > MOST_LABELS:
        return None
    rows = _learned(len(train), len(train.columns), seed)
    if target.is_classification and len(np.unique(y[rows])) < 2:
        return None
    known, asked, categorical = _as_numbers(train.iloc[rows], heldout)
    trees = max(1, len(target.labels)) if target.task == "multiclass" else 1
    build = HistGradientBoostingClassifier if target.is_classification else HistGradientBoostingRegressor
    model = build(
        max_iter=max(10, min(ROUNDS, MOST_TREES // trees)),
        categorical_features=categorical,
        early_stopping=False,
        random_state=seed & 0x7FFFFFFF,
    )
    # With one thread it is the same on every machine.
    with threadpool_limits(limits=1):
        model.fit(known, y[rows], None if weights is None else weights[rows])
        if not target.is_classification:
            return np.asarray(model.predict(asked), dtype=np.float64)
        done = np.zeros((len(asked), len(target.labels)))
        done[:, np.asarray(model.classes_, dtype=np.int64)] = model.predict_proba(asked)
        return done


def _learned(n: int, n_columns: int, seed: int) -> Ints:
    most = min(MOST_ROWS, max(LEAST_ROWS, MOST_CELLS // n_columns))
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).permutation(n)[:most])


def _as_numbers(train: pd.DataFrame, heldout: pd.DataFrame) -> tuple[Floats, Floats, list[int]]:
    known, asked, categorical = [], [], []
    for i, name in enumerate(train.columns):
        if pd.api.types.is_numeric_dtype(train[name].dtype):
            pair = [frame[name].to_numpy(dtype=np.float64) for frame in (train, heldout)]
        elif train[name].dtype.kind == "M":
            pair = [_moments(frame[name]) for frame in (train, heldout)]
        else:
            levels = train[name].value_counts().index[:MOST_LEVELS]
            pair = [_codes(frame[name], levels) for frame in (train, heldout)]
            categorical.append(i)
        known.append(np.where(np.isinf(pair[0]), np.nan, pair[0]))
        asked.append(np.where(np.isinf(pair[1]), np.nan, pair[1]))
    return np.column_stack(known), np.column_stack(asked), categorical


def _moments(values: pd.Series) -> Floats:
    moments = values.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))


def _codes(values: pd.Series, levels: pd.Index) -> Floats:
    codes = pd.Index(levels.astype(object)).get_indexer(values.astype(object)).astype(np.float64)
    return np.where(codes < 0, np.nan, codes)
