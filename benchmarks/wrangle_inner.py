"""What `benchmarks.wrangle` runs in processes of their own: make the table, clean it by hand, clean it by the stage."""

from __future__ import annotations

import json
import pickle
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import feather

if TYPE_CHECKING:
    import pandas as pd

N_FLOATS, N_COUNTS, N_TEXTS = 16, 4, 7
SIZES = {"small": "S", "medium": "M", "large": "L"}
STEPS: tuple[dict[str, Any], ...] = (
    {"kind": "duplicates"},
    {"kind": "bounds", "domains": {f"k{j}": {"low": 0, "high": 110} for j in range(N_COUNTS)}},
    {"kind": "strip"},
    {"kind": "case", "to": "lower"},
    {"kind": "map_values", "columns": ["size"], "values": SIZES},
    {"kind": "derive", "columns": {"ratio": "x0 / x1", "both": "x2 + x3 * 2"}},
    {"kind": "calendar", "parts": ["year", "month", "weekday"]},
    {"kind": "flag_missing", "columns": [f"x{j}" for j in range(N_FLOATS)]},
    {"kind": "outliers", "columns": [f"x{j}" for j in range(N_FLOATS)], "factor": 3.0, "action": "clip"},
    {"kind": "fill"},
    {"kind": "rare", "at_least": 100},
    {"kind": "encode", "columns": [f"c{j}" for j in range(N_TEXTS - 1)], "method": "frequency", "keep": True},
)


def make(n_rows: int, folder: Path) -> dict[str, float]:
    """Write a table with gaps, spelling variants and copies, typed: for pandas a file, for penstock a receipt."""
    from penstock.arrays.stage import make_arrays
    from penstock.slices import Typing
    from penstock.sources import collect, source_from
    from penstock.store import Store

    path = folder / "table.arrow"
    feather.write_feather(_table(n_rows), str(path), compression="uncompressed")
    store = Store(folder / "store")
    collected = collect((source_from(path.name, "big", folder),), store)
    arrays = make_arrays(collected, Typing(base="big", target="label"), None, store)
    (folder / "arrays.pickle").write_bytes(pickle.dumps(arrays))
    typed = store.read_frame(arrays.tables[0].typed)
    return {"frame": float(typed.memory_usage(deep=True).sum())}


def _table(n_rows: int) -> pa.Table:
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {"id": pa.array(rng.permutation(n_rows))}
    for j in range(N_FLOATS):
        values = rng.normal(size=n_rows) * 10.0 ** (j % 5)
        columns[f"x{j}"] = pa.array(np.where(rng.random(n_rows) < 0.03, np.nan, values), from_pandas=True)
    columns |= {f"k{j}": pa.array(rng.integers(0, 120, n_rows)) for j in range(N_COUNTS)}
    for j in range(N_TEXTS - 1):
        levels = np.array([f"Level {i}" if i % 3 else f" level {i} " for i in range(5 + 20 * j)])
        columns[f"c{j}"] = pa.array(levels[rng.integers(0, len(levels), n_rows)])
    columns["size"] = pa.array(np.array(["Small", "Medium", "large "])[rng.integers(0, 3, n_rows)])
    columns["when"] = pa.array(np.datetime64("2015-01-01", "D") + rng.integers(0, 4000, n_rows))
    columns["label"] = pa.array(np.array(["no", "yes"])[rng.integers(0, 2, n_rows)])
    table = pa.table(columns)
    n_copies = n_rows // 100
    return pa.concat_tables([table.slice(0, n_rows - n_copies), table.slice(0, n_copies)]).combine_chunks()


def by_hand(folder: Path) -> dict[str, float]:
    """Clean the table as a careful person would write it in pandas."""
    import pandas as pd

    frame = feather.read_table(str(folder / "table.arrow")).to_pandas()
    before = _peak()
    own, began = Own(), time.perf_counter()
    clean, train = _cleaned(pd, frame)
    clean[train].to_feather(folder / "train.arrow", compression="uncompressed")
    clean[~train].to_feather(folder / "heldout.arrow", compression="uncompressed")
    return {"seconds": time.perf_counter() - began, "peak": _peak(), "before": before, "own": own.stop()}


def _cleaned(pd: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    texts = [*(f"c{j}" for j in range(N_TEXTS - 1)), "size"]
    floats, counts = [f"x{j}" for j in range(N_FLOATS)], [f"k{j}" for j in range(N_COUNTS)]
    train = pd.util.hash_array(frame["id"].to_numpy(), categorize=False) / 2.0**64 >= 0.2
    kept = ~(frame.duplicated().to_numpy() & train)
    frame, train = frame[kept].reset_index(drop=True), train[kept]
    frame = frame.assign(target=(frame["label"] == "yes").astype("float64")).drop(columns=["id", "label"])
    for name in counts:
        frame[name] = frame[name].astype("float64").where(frame[name].between(0, 110))
    for name in texts:
        frame[name] = frame[name].str.strip()
    for name in texts:
        frame[name] = frame[name].str.lower()
    frame["size"] = frame["size"].map(lambda text: SIZES.get(text, text), na_action="ignore")
    frame["ratio"] = (frame["x0"] / frame["x1"]).replace([np.inf, -np.inf], np.nan)
    frame["both"] = frame["x2"] + frame["x3"] * 2
    when = pd.to_datetime(frame.pop("when"))
    frame["when_year"] = when.dt.year.astype("float64")
    frame["when_month"] = when.dt.month.astype("float64")
    frame["when_weekday"] = when.dt.day_of_week.astype("float64")
    for name in floats:
        frame[f"{name}_missing"] = frame[name].isna().astype("float64")
    for name in floats:
        first, third = frame.loc[train, name].quantile([0.25, 0.75])
        frame[name] = frame[name].clip(first - 3.0 * (third - first), third + 3.0 * (third - first))
    for name in frame.columns.difference([*texts, "target"]):
        frame[name] = frame[name].fillna(frame.loc[train, name].median())
    for name in texts:
        frequent = frame.loc[train, name].value_counts()
        known = frame[name].isin(frequent.index[frequent >= 100])
        frame[name] = frame[name].where(known | frame[name].isna(), "(other)").fillna("(missing)")
    for name in texts[:-1]:
        frame[f"{name}_frequency"] = frame[name].map(frame.loc[train, name].value_counts(normalize=True))
    return frame, train


def penstock(folder: Path) -> dict[str, float]:
    """Clean the table by the stage."""
    from pydantic import TypeAdapter

    from penstock.slices import Typing
    from penstock.steps.union import Step
    from penstock.steps.wrangling import Wrangling
    from penstock.store import Store
    from penstock.wrangle import wrangle

    arrays = pickle.loads((folder / "arrays.pickle").read_bytes())  # noqa: S301 - our own, from `make`
    steps = tuple(TypeAdapter(Step).validate_python(step) for step in STEPS)
    store = Store(folder / "store")
    # The frame is in memory on the other side, too, before the watch starts.
    frame = store.read_frame(arrays.tables[0].typed)
    before = _peak()
    del frame
    own, began = Own(), time.perf_counter()
    done = wrangle(arrays, Typing(base="big", target="label"), Wrangling(name="big", steps=steps), store)
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "peak": _peak(),
        "before": before,
        "own": own.stop(),
        "rows": done.n_train + done.n_heldout,
    }


def join(folder: Path) -> dict[str, float]:
    """Join 100,000 made-up flights to planes, airports, airlines and, as of a time, the weather."""
    from penstock.arrays.stage import make_arrays
    from penstock.slices import Join, Typing
    from penstock.sources import collect, source_from
    from penstock.steps.relations.assemble import assemble
    from penstock.steps.relations.source import read_table
    from penstock.store import Store

    sources = []
    for name, table in _flights().items():
        feather.write_feather(table, str(folder / f"{name}.arrow"), compression="uncompressed")
        sources.append(source_from(f"{name}.arrow", name, folder))
    store = Store(folder / "flights")
    arrays = make_arrays(collect(tuple(sources), store), Typing(base="flights", target="delay"), None, store)
    tables = {table.name: read_table(table, store) for table in arrays.tables}
    joins = [
        Join(table="planes", on="tail"),
        Join(table="airports", on={"dest": "faa"}),
        Join(table="airlines", on="carrier"),
        Join.model_validate({"table": "weather", "on": "origin", "as_of": {"hour": "at"}, "lag": "1h"}),
    ]
    base = tables.pop("flights")
    began = time.perf_counter()
    assemble(base, tables, joins)
    return {"seconds": time.perf_counter() - began}


def _flights() -> dict[str, pa.Table]:
    rng = np.random.default_rng(1)
    n, hours = 100_000, np.datetime64("2013-01-01T00", "s") + np.arange(8760).astype("timedelta64[h]")
    tails = np.array([f"N{i:05}" for i in range(4000)])
    places, lines = np.array([f"A{i:03}" for i in range(1500)]), np.array([f"L{i:02}" for i in range(16)])
    flights = {
        "hour": pa.array(rng.choice(hours, n)),
        "origin": pa.array(places[rng.integers(0, 3, n)]),
        "dest": pa.array(places[rng.integers(0, 1500, n)]),
        "tail": pa.array(tails[rng.integers(0, 4000, n)]),
        "carrier": pa.array(lines[rng.integers(0, 16, n)]),
        "distance": pa.array(rng.integers(90, 4900, n)),
        "delay": pa.array(rng.normal(10, 40, n)),
    }
    weather = {
        "origin": pa.array(np.repeat(places[:3], len(hours))),
        "at": pa.array(np.tile(hours, 3)),
        **{name: pa.array(rng.normal(size=3 * len(hours))) for name in ("temp", "wind", "rain", "pressure", "visib")},
    }
    # An eighth of the planes and some of the airports are not known: orphans.
    planes = {"tail": pa.array(tails[:3500]), **{f"p{j}": pa.array(rng.integers(0, 400, 3500)) for j in range(5)}}
    airports = {"faa": pa.array(places[:1450]), **{f"a{j}": pa.array(rng.normal(size=1450)) for j in range(5)}}
    airlines = {"carrier": pa.array(lines), "name": pa.array([f"Line {i}" for i in range(16)])}
    named = {"flights": flights, "planes": planes, "airports": airports, "airlines": airlines, "weather": weather}
    return {name: pa.table(columns) for name, columns in named.items()}


def _peak() -> int:
    # Linux counts kilobytes, macOS bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Own(threading.Thread):
    """The most memory of its own that the process has held since this began: without the pages of mapped files.

    Those are the disk's: they are given back as soon as somebody needs the room.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._started_with = self.most = _own_now()
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        """Look every few milliseconds."""
        while not self._over.wait(0.005):
            self.most = max(self.most, _own_now())

    def stop(self) -> int:
        """Return the bytes beyond those of the beginning."""
        self._over.set()
        self.join()
        return self.most - self._started_with


def _own_now() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return _peak()
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("RssAnon"))


def main(task: str, *words: str) -> None:
    """Run one task and print what it measured as one JSON line."""
    if task == "make":
        found = make(int(words[0]), Path(words[1]))
    else:
        found = {"pandas": by_hand, "penstock": penstock, "join": join}[task](Path(words[0]))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
