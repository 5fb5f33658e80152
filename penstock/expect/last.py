"""How many rows each source had in the last completed run of a pipeline."""

from __future__ import annotations

from pathlib import Path

import orjson


def last_counts(artifacts: str | Path, name: str) -> dict[str, int]:
    """Return the rows of each source in the newest whole run of that name; nothing where there is none.

    A run's summary is written last, so that a folder which has one is whole; and a run that broke an expectation has
    none, so that what was refused never becomes the measure.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The pipeline.
    """
    runs = Path(artifacts) / "runs"
    # A run's id begins with the moment that it began at.
    for folder in sorted(runs.glob("*"), reverse=True) if runs.is_dir() else ():
        try:
            if orjson.loads((folder / "summary.json").read_bytes())["name"] != name:
                continue
            origins = orjson.loads((folder / "lineage.json").read_bytes())
            return {s["name"]: int(s["n_rows"]) for s in origins["receipts"]["collect"]["snapshots"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
