"""What `benchmarks.faults` runs in skore's environment: its checks of clean and of spoiled tables, one JSON line each.

It imports nothing of this project, for none of it is there.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pandas as pd

# Of coefficients, useless or correlated features (which fails on one number), speed and tuning: no fault of data.
OF_THE_MODEL = ["SKD006", "SKD007", "SKD008", "SKD010", "SKD012", "SKD014", "SKD015", "SKD016"]


def issues(path: Path, target: str) -> list[str]:
    """Return the codes of the issues and tips that skore reports of a linear model behind skrub's encoders."""
    import skore  # type: ignore[import-not-found]  # it is in another environment
    from sklearn.linear_model import LogisticRegression
    from skrub import tabular_pipeline  # type: ignore[import-not-found]  # it is in another environment

    table = pd.read_csv(path)
    features = table.drop(columns=target)
    if "seen_at" in features:
        features["seen_at"] = pd.to_datetime(features["seen_at"])
    report = skore.evaluate(tabular_pipeline(LogisticRegression(max_iter=500)), features, table[target], splitter=0.3)
    found = report.checks.summarize(ignore=OF_THE_MODEL).frame()
    return sorted(set(found.loc[found["section"].isin(["issue", "tip"]), "code"]))


def main(folder: Path, target: str) -> None:
    """Check every table of a folder."""
    warnings.simplefilter("ignore")
    for path in sorted(folder.glob("*.csv")):
        try:
            told: dict[str, object] = {"table": path.stem, "issues": issues(path, target)}
        except Exception as error:  # whatever it stops with is a kind of finding
            told = {"table": path.stem, "error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
