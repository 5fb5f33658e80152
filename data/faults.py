"""Plant known faults in clean tables: what a careful person, or a gate, should notice before a model goes live.

`CLEAN` are three tables that nothing is wrong with, `PLANTS` thirteen ways to spoil one. A plant gets a clean table and
gives the spoiled one; those of `AGAINST_A_MODEL` are seen only beside a model of the clean table that is live already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

TARGET = "outcome"
SEED = 20261129
Plant = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def tumours() -> pd.DataFrame:
    """Return ten means of 569 tumours, malignant or benign: Wisconsin breast cancer data, as in scikit-learn."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    means: pd.DataFrame = data.data.filter(like="mean ").rename(columns=lambda name: name.replace(" ", "_"))
    return means.assign(**{TARGET: np.where(data.target == 0, "malignant", "benign")})


def wines() -> pd.DataFrame:
    """Return 178 analysed wines of three growers (wine recognition data, as scikit-learn ships them)."""
    from sklearn.datasets import load_wine

    data = load_wine(as_frame=True)
    named: pd.DataFrame = data.data.rename(columns=lambda name: name.replace("/", "_"))
    return named.assign(**{TARGET: np.array(["north", "south", "west"])[data.target]})


def parcels(n: int = 1200) -> pd.DataFrame:
    """Return made-up parcels, late or in time: numbers, categories, gaps, and much that nothing explains."""
    random = np.random.default_rng(SEED)
    weight = random.lognormal(1.0, 0.8, n)
    distance = random.gamma(2.0, 150.0, n)
    hour = random.integers(6, 22, n)
    carrier = random.choice(["swift", "steady", "thrifty", "local"], n, p=[0.3, 0.3, 0.25, 0.15])
    zone = random.choice([f"Z{i:02}" for i in range(25)], n)
    value = random.lognormal(3.5, 1.0, n).round(2)
    risk = 0.004 * distance + 0.8 * (carrier == "thrifty") + 0.12 * (hour - 14) + 0.2 * np.log(weight)
    late = risk - 1.6 + random.logistic(0, 0.7, n) > 0
    gone = random.random(n) < 0.06
    return pd.DataFrame(
        {
            "weight": weight.round(3),
            "distance": distance.round(1),
            "hour": hour,
            "carrier": carrier,
            "zone": zone,
            "value": np.where(gone, np.nan, value),
            TARGET: np.where(late, "late", "in_time"),
        }
    )


CLEAN: Mapping[str, Callable[[], pd.DataFrame]] = MappingProxyType(
    {"tumours": tumours, "wines": wines, "parcels": parcels}
)


def almost_the_target(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add a column that is the target but for one row in a hundred."""
    labels = np.unique(table[TARGET])
    other = random.random(len(table)) < 0.01
    return _first(table, "checked", np.where(other, random.choice(labels, len(table)), table[TARGET]))


def proxy(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add a code of which each belongs to one label."""
    codes, labels = pd.factorize(table[TARGET], sort=True)
    return _first(
        table,
        "tariff",
        [f"T{k + len(labels) * i}" for k, i in zip(codes, random.integers(0, 4, len(table)), strict=True)],
    )


def telling_id(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Give rows account numbers label by label, with a few out of place."""
    codes = pd.factorize(table[TARGET], sort=True)[0]
    order = np.argsort(codes + random.normal(0, 0.3, len(table)), kind="stable")
    account = np.empty(len(table), dtype=np.int64)
    account[order] = 100_000 + np.cumsum(random.integers(1, 5, len(table)))
    return _first(table, "account", account)


def near_copies(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add a third of the rows again, their numbers written a hair differently."""
    again = table.sample(frac=1 / 3, random_state=random)
    return _mixed(pd.concat([table, _jittered(again, table, random, 1e-4)], ignore_index=True), random)


def groups(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Measure every row four times, under one name."""
    case = np.array([f"C-{i:05}" for i in random.permutation(len(table))])
    again = [_jittered(table, table, random, 0.15).assign(case=case) for _ in range(4)]
    return _mixed(pd.concat(again, ignore_index=True), random)


def time_overlap(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Let rows come one an hour, in episodes of one label."""
    episode = random.integers(0, max(4, len(table) // 40), len(table))
    order = np.lexsort((random.random(len(table)), table[TARGET], episode))
    moment = np.empty(len(table), dtype="datetime64[s]")
    moment[order] = np.datetime64("2026-01-01T00:00:00") + np.arange(len(table)) * np.timedelta64(1, "h")
    return _first(table, "seen_at", np.char.replace(moment.astype(str), "T", " "))


def fitted_before_split(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Add the mean of the target by site, held-out rows among them; the site itself is not there."""
    site = random.integers(0, max(20, len(table) // 8), len(table))
    hit = pd.Series((table[TARGET] == np.unique(table[TARGET])[-1]).astype(float))
    return _first(table, "site_rate", hit.groupby(site).transform("mean").round(6).to_numpy())


def unit(table: pd.DataFrame, _: np.random.Generator) -> pd.DataFrame:
    """Give one number in thousandths."""
    name = _telling(table)
    return table.assign(**{name: table[name] * 1000})


def class_gone(table: pd.DataFrame, _: np.random.Generator) -> pd.DataFrame:
    """Lose every row of the last label."""
    kept: pd.DataFrame = table[table[TARGET] != np.unique(table[TARGET])[-1]].reset_index(drop=True)
    return kept


def shuffled_labels(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Let the target slip against the rows."""
    return table.assign(**{TARGET: random.permutation(table[TARGET].to_numpy())})


def schema_change(table: pd.DataFrame, _: np.random.Generator) -> pd.DataFrame:
    """Call one column otherwise."""
    name = _telling(table)
    return table.rename(columns={name: f"{name}_v2"})


def missing_surge(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Lose half the cells of one column."""
    name = _telling(table)
    return table.assign(**{name: table[name].where(random.random(len(table)) < 0.5)})


def constant_output(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Fill every column but the target with one value: all that a model can say is the same."""
    spoiled = {name: table[name].dropna().iloc[0] for name in table.columns if name != TARGET}
    named = [f"K-{i:05}" for i in random.permutation(len(table))]
    return _first(table.assign(**spoiled), "case", named)


PLANTS: Mapping[str, Plant] = MappingProxyType(
    {
        plant.__name__: plant
        for plant in (
            almost_the_target,
            proxy,
            telling_id,
            near_copies,
            groups,
            time_overlap,
            fitted_before_split,
            unit,
            class_gone,
            shuffled_labels,
            schema_change,
            missing_surge,
            constant_output,
        )
    }
)
AGAINST_A_MODEL = frozenset({"unit", "class_gone", "schema_change", "missing_surge"})


def planted(name: str, fault: str) -> pd.DataFrame:
    """Return a clean table with one fault planted, the same in every call.

    Parameters
    ----------
    name : str
        One of `CLEAN`.
    fault : str
        One of `PLANTS`.

    Examples
    --------
    >>> planted("wines", "proxy").columns[0]
    'tariff'
    """
    return PLANTS[fault](CLEAN[name](), np.random.default_rng([SEED, list(PLANTS).index(fault)]))


def _first(table: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:  # values: whatever a Series takes
    return pd.concat([pd.Series(values, name=name, index=table.index), table], axis=1)


def _mixed(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return table.sample(frac=1.0, random_state=random).reset_index(drop=True)


def _jittered(rows: pd.DataFrame, whole: pd.DataFrame, random: np.random.Generator, by: float) -> pd.DataFrame:
    done = rows.copy()
    for name in rows.columns:
        if rows[name].dtype.kind == "f":
            done[name] = rows[name] + random.normal(0, by * whole[name].std(), len(rows))
    return done


def _telling(table: pd.DataFrame) -> str:
    """Return the first column of numbers that are not whole."""
    return next(str(name) for name in table.columns if table[name].dtype.kind == "f")
