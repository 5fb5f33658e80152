"""Accuracy beside scores that others published on the same tables, by their protocols, through the command line.

The tables are none of this project's: `PUBLISHED_DATA` names the folder that holds them, one folder a set, as their
publishers left them. `PUBLISHED_SETS=german_credit,diamonds` takes some, `PUBLISHED_BUDGET` seconds go to each search,
and `PUBLISHED_FOLDS` of the protocol's folds are scored, the first ones.

TabArena scores split 0 of three folds, AMLB ten folds: the same shares, divided by scikit-learn here, for their own
divisions are not at hand. What scikit-learn's two forests reach on the very folds that penstock is scored on (the
better one, 300 trees, otherwise as they come) tells how hard these are. A model that the gate refuses is published
against it, scored, and marked.
"""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ground import PENSTOCK, environment, workplace

DATA = "PUBLISHED_DATA"
REFUSED = 3


def _bank(folder: Path) -> pd.DataFrame:
    with zipfile.ZipFile(folder / "bank-additional.zip") as packed:
        data = packed.read("bank-additional/bank-full.csv")
    return pd.read_csv(io.BytesIO(data), sep=";", dtype=str, keep_default_na=False)


def _bank_before(folder: Path) -> pd.DataFrame:
    return _bank(folder).drop(columns=["day", "month", "duration"])


def _credit(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "german.csv", header=None, dtype=str, keep_default_na=False)
    return table.set_axis([*(f"a{i + 1}" for i in range(20)), "credit"], axis=1)


def _jobs(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "aug_train.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _shoppers(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "online_shoppers_intention.csv", sep=";", dtype=str, keep_default_na=False)


def _diamonds(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "diamonds.csv", dtype=str, keep_default_na=False)


def _wine(folder: Path) -> pd.DataFrame:
    files = (folder / "winequality-red.csv", folder / "winequality-white.csv")
    table = pd.concat([pd.read_csv(file, header=None, dtype=str) for file in files], ignore_index=True)
    return table.set_axis([*(f"a{i + 1}" for i in range(11)), "quality"], axis=1)


def _houses(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "housing.csv", dtype=str, keep_default_na=False).drop(columns="ocean_proximity")
    values = table.pop("median_house_value").astype(float).tolist()
    return table.assign(ln_value=[repr(math.log(value)) for value in values])


@dataclass(frozen=True)
class Published:
    """A set by a protocol, and what others reached there."""

    folder: str
    table: Callable[[Path], pd.DataFrame]
    target: str
    metric: str
    folds: int
    protocol: str
    # The best, AutoGluon 1.4 with four hours, tuned LightGBM, the best of scikit-learn; as far as they are published.
    scores: tuple[str, ...]
    positive: str = ""


ARENA = "TabArena, split 0 of 3 folds"
AMLB = "AMLB, 10 folds"
SETS = {
    "german_credit": Published(
        "german_credit", _credit, "credit", "AUC", 3, ARENA, (".808 LimiX", ".785", ".778", ".778 random forest"), "2"
    ),
    "wine_quality": Published(
        "wine_quality", _wine, "quality", "RMSE", 3, ARENA, (".579 TabDPT", ".592", ".595", ".587 extra trees")
    ),
    "online_shoppers": Published(
        "online_shoppers",
        _shoppers,
        "Revenue",
        "AUC",
        3,
        ARENA,
        (".934 TabPFN-3", ".931", ".926", ".926 extra trees"),
        "TRUE",
    ),
    "hr_job_change": Published(
        "hr_job_change",
        _jobs,
        "target",
        "AUC",
        3,
        ARENA,
        (".816 XGBoost default", ".815", ".814", ".813 extra trees"),
        "1",
    ),
    "california_housing": Published(
        "california_housing",
        _houses,
        "ln_value",
        "RMSE",
        3,
        f"{ARENA}; logarithm, 8 numeric features",
        (".190 TabPFN-3", ".205", ".213", ".234 random forest"),
    ),
    "bank_marketing": Published(
        "bank_marketing",
        _bank_before,
        "y",
        "AUC",
        3,
        f"{ARENA}; without day, month and duration",
        (".777 TabPFN-3", ".776", ".774", ".771 random forest"),
        "yes",
    ),
    "diamonds": Published(
        "diamonds", _diamonds, "price", "RMSE", 3, ARENA, ("495 TabPFN-3", "514", "528", "542 extra trees")
    ),
    "bank_marketing_amlb": Published(
        "bank_marketing",
        _bank,
        "y",
        "AUC",
        10,
        f"{AMLB}; with duration",
        (".9423 ± .006 AutoGluon 1.0", "", "", ".931 random forest"),
        "yes",
    ),
    "diamonds_amlb": Published(
        "diamonds", _diamonds, "price", "RMSE", 10, AMLB, ("502 ± 19 AutoGluon 1.0", "", "", "537 random forest")
    ),
    "wine_quality_amlb": Published(
        "wine_quality", _wine, "quality", "RMSE", 10, AMLB, (".566 ± .022 AutoGluon 1.0", "", "", ".584 random forest")
    ),
}


def main() -> None:
    """Measure, and print a row of a table for each set."""
    given = os.environ.get(DATA)
    if not given:
        print(f"published: {DATA} names no folder of tables; left out")
        return
    budget = os.environ.get("PUBLISHED_BUDGET", "60")
    most = int(os.environ.get("PUBLISHED_FOLDS", "1"))
    columns = ["set", "protocol", "metric", "best", "AutoGluon 1.4, 4 h", "tuned LightGBM", "scikit-learn"]
    columns += ["a forest on these folds", "penstock on these folds", "folds"]
    print("|", " | ".join(columns), "|")
    print("|", " | ".join("---" for _ in columns), "|", flush=True)
    for name in os.environ.get("PUBLISHED_SETS", ",".join(SETS)).split(","):
        one = SETS[name]
        done = [_scored(one, fold, Path(given), budget) for fold in range(min(most, one.folds))]
        said = _said(mean(value for value, _ in done))
        refused = sum(not passed for _, passed in done)
        said += f" ({refused} refused by the gate)" if refused else ""
        forest = _said(mean(_forest(one, fold, Path(given)) for fold in range(len(done))))
        cells = [name, one.protocol, one.metric, *one.scores, forest, said, str(len(done))]
        print("|", " | ".join(cells), "|", flush=True)


def _said(score: float) -> str:
    return f"{score:.0f}" if score > 10 else f"{score:.4f}".removeprefix("0")


def _forest(one: Published, fold: int, data: Path) -> float:
    """Return what the better of scikit-learn's forests reaches on a fold, texts as codes."""
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )

    table = one.table(data / one.folder)
    tested = _tested(table[one.target], one, fold)
    X = table.drop(columns=one.target).apply(_numbers_or_codes).to_numpy(dtype=float)
    y = (table[one.target] == one.positive) if one.positive else table[one.target].astype(float)
    kinds = (RandomForestClassifier, ExtraTreesClassifier)
    if not one.positive:
        kinds = (RandomForestRegressor, ExtraTreesRegressor)
    scores = []
    for kind in kinds:
        model = kind(n_estimators=300, random_state=0, n_jobs=-1).fit(X[~tested], y[~tested])
        if one.positive:
            scores.append(_measured(one, y[tested], model.predict_proba(X[tested])[:, 1]))
        else:
            scores.append(_measured(one, y[tested], model.predict(X[tested])))
    return max(scores) if one.positive else min(scores)


def _scored(one: Published, fold: int, data: Path, budget: str) -> tuple[float, bool]:
    """Train on all other folds, predict one, and return the score and whether the gate let the model in."""
    table = one.table(data / one.folder)
    tested = _tested(table[one.target], one, fold)
    with workplace() as here:
        table[~tested].to_csv(here / "train.csv", index=False)
        table[tested].drop(columns=one.target).to_csv(here / "test.csv", index=False)
        spec = {"name": "set", "source": "train.csv", "target": one.target}
        # Labels as the table spells them, where their words do not say which one is meant.
        spec |= {"positive": one.positive} if one.positive else {"task": "regression"}
        (here / "set.yaml").write_text(json.dumps(spec))
        passed = _run(here, budget)
        words = ["predict", "set", "--input", "test.csv", "--output", "answers.csv", "--artifacts", "artifacts"]
        _penstock(here, words)
        answers = pd.read_csv(here / "answers.csv")
    return _score(one, table.loc[tested, one.target], answers), passed


def _numbers_or_codes(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().all():
        return pd.Series(pd.factorize(column, sort=True)[0], index=column.index)
    return numbers.fillna(-1)


def _tested(target: pd.Series, one: Published, fold: int) -> pd.Series:
    from sklearn.model_selection import KFold, StratifiedKFold

    folds = (StratifiedKFold if one.positive else KFold)(one.folds, shuffle=True, random_state=0)
    tested = list(folds.split(np.zeros(len(target)), target))[fold][1]
    return pd.Series(np.isin(np.arange(len(target)), tested), index=target.index)


def _run(here: Path, budget: str) -> bool:
    words = ["run", "set.yaml", "--artifacts", "artifacts", "--budget", budget, "--json"]
    done = _penstock(here, words, REFUSED)
    if not done.returncode:
        return True
    run = json.loads(done.stdout.strip().splitlines()[-1])["run_id"]
    _penstock(here, ["publish", run, "--force", "scored beside published scores", "--artifacts", "artifacts"])
    return False


def _penstock(here: Path, words: list[str], *may_end_with: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PENSTOCK), *words], cwd=here, env=environment(here), capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, *may_end_with):
        sys.exit(f"penstock {' '.join(words)} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done


def _score(one: Published, truth: pd.Series, answers: pd.DataFrame) -> float:
    if one.metric == "RMSE":
        return _measured(one, truth.astype(float), answers["prediction"].astype(float))
    # A label of a boolean column is spelled as JSON does.
    column = next(c for c in answers.columns if c.lower() == f"probability_{one.positive}".lower())
    return _measured(one, truth == one.positive, answers[column])


def _measured(one: Published, truth: pd.Series, told: Any) -> float:
    from sklearn.metrics import roc_auc_score, root_mean_squared_error

    return float((root_mean_squared_error if one.metric == "RMSE" else roc_auc_score)(truth, told))


if __name__ == "__main__":
    main()
