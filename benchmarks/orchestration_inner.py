"""The rounds of `benchmarks.orchestration`, in one process, so that both sides find everything imported."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from flows.train import train as flow
from penstock.arrays.stage import make_arrays
from penstock.bundle.candidate import Candidate
from penstock.evaluate import evaluate
from penstock.explore import explore
from penstock.models.stage import train
from penstock.receipts import Collected
from penstock.report.gather import gather
from penstock.report.html import dossier_html
from penstock.sources import snapshot
from penstock.spec.pipeline import load_spec
from penstock.store import Store
from penstock.wrangle import wrangle


def plain(spec_path: str, artifacts: str) -> None:
    """Call the seven stages, and what a run writes of them, as functions, one after the other."""
    spec = load_spec(spec_path)
    store = Store(artifacts)
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    arrays = make_arrays(collected, spec.typing, None, store)
    wrangled = wrangle(arrays, spec.typing, spec.wrangling, store)
    explored = explore(wrangled, arrays.seeds["explore"], store)
    trained = train(wrangled, spec.modelling, spec.typing, arrays.seeds["train"], store)
    evaluated = evaluate(wrangled, trained, None, spec.gate, spec.typing, arrays.seeds["evaluate"], store)
    facts = gather(
        name=spec.name,
        run_id="plain",
        made_at="",
        artifacts=artifacts,
        stages=[],
        collected=collected,
        arrays=arrays,
        wrangled=wrangled,
        explored=explored,
        trained=trained,
        evaluated=evaluated,
        published=None,
        store=store,
    )
    report = store.put_bytes(dossier_html(facts), "html", "text/html")
    Candidate(
        name=spec.name,
        trained=trained,
        evaluated=evaluated,
        started_from="",
        spec=spec.declared,
        lineage={},
        report=report,
    ).publish(artifacts)


def main(spec: str, folder: str, rounds: int) -> None:
    """Print one JSON line: the seconds of flow and plain calls, round by round, after one round for the imports."""
    logging.disable(logging.CRITICAL)
    taken = []
    for i in range(rounds + 1):
        began = time.perf_counter()
        plain(spec, str(Path(folder, f"plain-{i}")))
        between = time.perf_counter()
        flow(spec, artifacts=str(Path(folder, f"flow-{i}")))
        after = time.perf_counter()
        # Nothing is left to do here but to orchestrate, and to check what is cached.
        flow(spec, artifacts=str(Path(folder, f"flow-{i}")))
        cached = time.perf_counter() - after
        taken.append({"plain": between - began, "flow": after - between, "cached": cached})
    sys.stdout.write(json.dumps(taken[1:]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
