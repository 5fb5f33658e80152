"""XML, JSON lines and Excel beside pandas' readers: the same file, each in a process of its own, in one run."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.ground import ROOT, report, workplace

N_LINES, N_ELEMENTS, N_SHEET_ROWS = 200_000, 50_000, 20_000
_TRIES = 2
_TURNS = 2


def main() -> None:
    """Write the files, measure and report."""
    with workplace() as folder:
        for name, write, pandas in (
            ("JSON lines", _write_lines, "read_json(lines=True)"),
            ("JSON lines, nested and ragged", _write_ragged, "read_json(lines=True)"),
            ("XML", _write_xml, "read_xml"),
            ("Excel", _write_excel, "read_excel"),
        ):
            path = write(folder)
            # In turns, so that a busy moment of the machine falls on both.
            turns = [(_measured("penstock", path), _measured("pandas", path)) for _ in range(_TURNS)]
            ours, theirs = (min(one) for one in zip(*turns, strict=True))
            size = path.stat().st_size / 1e6
            note = f"{ours[0]:.2f} s and {theirs[0]:.2f} s; peak {ours[1]:.0f} and {theirs[1]:.0f} MiB; {size:.0f} MB"
            report(f"{name}, beside pandas.{pandas}", "1.0 x", f"{ours[0] / theirs[0]:.2f} x", note)


def _measured(who: str, path: Path) -> tuple[float, float]:
    """Return the least seconds of some tries, and the peak of memory above that of a process that read nothing."""
    words = [sys.executable, "-m", "benchmarks.formats", who, str(path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def _rows(n: int) -> Iterator[dict[str, object]]:
    chance = random.Random(7)  # noqa: S311 - no secret
    for i in range(n):
        yield {
            "id": i,
            "name": f"name {chance.randrange(5000)}",
            "city": chance.choice(("Berlin", "São Paulo", "Paris", "Kyoto")),
            "amount": round(chance.gauss(100, 30), 4),
            "share": round(chance.random(), 6),
            "count": chance.randrange(1_000_000),
            "rate": round(chance.expovariate(3), 5),
            "day": f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
            "open": chance.random() < 0.5,
            "note": None if chance.random() < 0.3 else "a note that says little",
        }


def _write_lines(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in _rows(N_LINES))
    return path


def _write_ragged(folder: Path) -> Path:
    path = folder / "ragged.jsonl"
    with path.open("w") as file:
        for i, row in enumerate(_rows(N_LINES // 2)):
            if i % 7 == 0:
                del row["city"], row["note"]
            row["place"] = {"at": [row["amount"], row["share"]], "kind": "point"}
            file.write(json.dumps(row) + "\n")
    return path


def _write_xml(folder: Path) -> Path:
    path = folder / "rows.xml"
    with path.open("w") as file:
        file.write("<?xml version='1.0' encoding='UTF-8'?>\n<rows>\n")
        for row in _rows(N_ELEMENTS):
            cells = "".join(f"    <{k}>{v}</{k}>\n" for k, v in row.items() if v is not None)
            file.write(f"  <row>\n{cells}  </row>\n")
        file.write("</rows>\n")
    return path


def _write_excel(folder: Path) -> Path:
    import pandas as pd

    path = folder / "rows.xlsx"
    pd.DataFrame(_rows(N_SHEET_ROWS)).to_excel(path, index=False)
    return path


def _ours(path: Path) -> Callable[[], object]:
    from penstock.sources.excel import ExcelSource
    from penstock.sources.intake import Intake
    from penstock.sources.json import JsonSource
    from penstock.sources.xml import XmlSource

    kind = {".jsonl": JsonSource, ".xml": XmlSource, ".xlsx": ExcelSource}[path.suffix]
    source = kind(name="rows", path=(str(path),))
    return lambda: list(source.tables(path, path.name, Intake()))


def _theirs(path: Path) -> Callable[[], object]:
    import pandas as pd

    if path.suffix == ".jsonl":
        return lambda: pd.read_json(path, lines=True)
    if path.suffix == ".xml":
        return lambda: pd.read_xml(path)
    return lambda: pd.read_excel(path)


def _one(who: str, path: Path) -> None:
    warnings.simplefilter("ignore")
    read = _ours(path) if who == "penstock" else _theirs(path)
    before = _peak()
    times = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    print(min(times), _peak() - before)


def _peak() -> float:
    """Return the most memory that this process has held, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage tells on Linux begins with the peak of the process that started this one.
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _one(sys.argv[1], Path(sys.argv[2]))
