"""A table with something of everything, looked at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.profiling import profile


@pytest.fixture(scope="session")
def table():
    """Return 400 rows of numbers, names, dates, gaps, copies and repeated rows."""
    rng = np.random.default_rng(0)
    n = 396
    width = rng.normal(10, 2, n)
    shade = rng.choice(["red", "green", "blue"], n, p=[0.6, 0.3, 0.1])
    frame = pd.DataFrame(
        {
            "part": [f"P-{i:04}" for i in range(n)],
            "width": width,
            "height": 2 * width + rng.normal(0, 0.5, n),
            "shade": shade,
            "tint": pd.Series(shade).map({"red": "r", "green": "g", "blue": "b"}),
            "zeros": np.where(rng.random(n) < 0.8, 0.0, rng.exponential(5, n)),
            "gone": np.where(np.arange(n) % 3 == 0, np.nan, width),
            "too": np.where(np.arange(n) % 3 == 0, np.nan, rng.normal(size=n)),
            "when": pd.date_range("2024-01-01", periods=n, freq="D"),
            "note": [f"a sentence of {i} words, more or less" for i in rng.integers(0, 10_000, n)],
            "broken": np.where(shade == "red", "yes", rng.choice(["yes", "no"], n)),
            "same": "x",
        }
    )
    return pd.concat([frame, frame.iloc[:4]], ignore_index=True)


@pytest.fixture(scope="session")
def seen(table):
    """Return its profile with a target."""
    return profile(table, name="parts", target="broken")
