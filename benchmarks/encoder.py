"""The encoder beside scikit-learn's ColumnTransformer with the like of its parts: one row, and 100,000 rows.

A row is asked to take a tenth of scikit-learn's time, many rows no more than that. Most of a row's time goes into
getting its cells out of a frame, which is said beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from benchmarks.ground import report
from penstock.models.encoder import Encoder

N_ROWS, N_NUMBERS = 100_000, 20
# Beyond the two hundred that codes and indicators hold, 5,000 levels are averaged.
LEVELS = (3, 8, 20, 50, 60, 5_000)
ROUNDS, ROW_CALLS = 5, 300
KINDS: tuple[Literal["ordinal", "onehot", "quantile"], ...] = ("ordinal", "onehot", "quantile")


def main() -> None:
    """Measure and report."""
    X, y = _table()
    for kind in KINDS:
        ours, theirs = Encoder(kind).fit(X, y), _column_transformer(kind).fit(X, y)
        row = X.iloc[[7]].reset_index(drop=True)
        cells = _seconds(lambda row=row: row.to_numpy(dtype=object).tolist(), ROW_CALLS)  # type: ignore[misc]
        one = _side_by_side(ours, theirs, row, ROW_CALLS)
        report(
            f"one row x {X.shape[1]}, {kind}",
            f"{one[1] / 10 * 1e6:,.0f} us",
            f"{one[0] * 1e6:,.0f} us",
            f"ColumnTransformer {one[1] * 1e3:.2f} ms; {cells * 1e6:,.0f} us of ours is pandas handing over the cells",
        )
        many = _side_by_side(ours, theirs, X, 1)
        note = f"ColumnTransformer {many[1] * 1e3:,.0f} ms"
        report(f"{N_ROWS:,} rows x {X.shape[1]}, {kind}", f"{many[1] * 1e3:,.0f} ms", f"{many[0] * 1e3:,.0f} ms", note)


def _table() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for j in range(N_NUMBERS):
        values = rng.normal(size=N_ROWS) * 10.0 ** (j % 5)
        columns[f"x{j}"] = np.where(rng.random(N_ROWS) < 0.03, np.nan, values)
    for j, n in enumerate(LEVELS):
        columns[f"c{j}"] = pd.array(np.array([f"level{i}" for i in range(n)])[rng.integers(0, n, N_ROWS)], dtype="str")
    return pd.DataFrame(columns), (columns["x1"] > rng.logistic(size=N_ROWS)).astype(np.int64)


def _column_transformer(kind: str) -> Any:  # scikit-learn is untyped
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, RobustScaler, TargetEncoder

    numbers = [f"x{j}" for j in range(N_NUMBERS)]
    few, many = [f"c{j}" for j in range(len(LEVELS) - 1)], [f"c{len(LEVELS) - 1}"]
    if kind == "ordinal":
        levels = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        parts = [("few", levels, few), ("numbers", "passthrough", numbers), ("many", TargetEncoder(), many)]
        return ColumnTransformer(parts)
    scaler = RobustScaler() if kind == "onehot" else QuantileTransformer(n_quantiles=101, output_distribution="normal")
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scaler)
    levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", filled, numbers), ("few", levels, few), ("many", TargetEncoder(), many)])


def _side_by_side(ours: Any, theirs: Any, X: pd.DataFrame, calls: int) -> tuple[float, float]:
    # In turns: what else the machine does then meets both.
    rounds = [
        (_seconds(lambda: ours.transform(X), calls), _seconds(lambda: theirs.transform(X), max(1, calls // 10)))
        for _ in range(ROUNDS)
    ]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)


def _seconds(task: Callable[[], object], calls: int) -> float:
    task()
    began = time.perf_counter()
    for _ in range(calls):
        task()
    return (time.perf_counter() - began) / calls
