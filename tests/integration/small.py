"""A project small enough that a whole run takes a second or two: a table, a look-up in SQLite, a spec."""

from __future__ import annotations

import csv
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

STAGES = ["collect", "arrays", "wrangle", "explore", "train", "evaluate", "publish"]


def rows(n: int = 160, seed: int = 1) -> list[dict[str, Any]]:
    """Return rows whose label two columns tell, with some noise."""
    chance = random.Random(seed)
    made = []
    for i in range(n):
        x, z = chance.gauss(0, 1), chance.gauss(0, 1)
        label = "yes" if x + 0.5 * z + chance.gauss(0, 0.4) > 0 else "no"
        made.append(
            {"id": f"r{i:04d}", "x": round(x, 3), "z": round(z, 3), "town": chance.choice("abc"), "label": label}
        )
    return made


def write_csv(path: Path, table: list[dict[str, Any]]) -> None:
    """Write a table as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def write_sqlite(path: Path) -> None:
    """Write the look-up."""
    with sqlite3.connect(path) as database:
        database.execute("create table towns (town text, height real)")
        database.executemany("insert into towns values (?, ?)", [("a", 1.0), ("b", 2.5), ("c", 4.0)])
    database.close()


SPEC: dict[str, Any] = {
    "name": "brook",
    "sources": {"brook": "brook.csv", "towns": "towns.sqlite"},
    "base": "brook",
    "target": "label",
    "joins": [{"table": "towns", "on": "town"}],
    "model": {"families": ["linear"], "folds": 2, "trials": 1},
    "gate": {"replicates": 100},
}


def make(folder: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """Write a project into a folder and return its spec."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "brook.csv", rows())
    write_sqlite(folder / "towns.sqlite")
    return respec(folder, change)


def respec(folder: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """Write the spec, changed in some way."""
    spec = yaml.safe_load(yaml.safe_dump(SPEC))
    if change:
        change(spec)
    path = folder / "brook.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path
