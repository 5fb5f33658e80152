"""No skew, on real tables: one frame, its batches, its rows alone, JSON and Arrow over HTTP, all with one answer."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from penstock.bundle.bundle import Bundle
from penstock.receipts import Wrangled
from penstock.store import Store
from tests.e2e.driving import Service, penstock, serving, summary_of
from tests.real import SPECS

# The first test waits for fourteen runs of all stages.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

# What the gate refuses for good reason is no less to be the same at every door: a forest of nothing, say.
BUDGET = 6
MOST, ALONE_HTTP, BATCH = 10_000, 40, 997
PROCESSES = 2
# Rows that are asked for alone, evenly spread, the planted ones last; ALONE_ROWS=10000 asks for every one of them.
ALONE = int(os.environ.get("ALONE_ROWS", "2500"))
PLANTED = 6
# Of a long file every so-manieth line is enough to meet all that is in it; FILE_LINES=1000000 takes them whole. One has
# a single row whose cells are shifted, and is shorter than that.
LINES = int(os.environ.get("FILE_LINES", "11000"))


@dataclass(frozen=True)
class Served:
    """The models of all sets behind one service."""

    artifacts: Path
    service: Service
    wrangled: dict[str, Wrangled]
    # By set: the report of the run, and what the run said on the side.
    reports: dict[str, tuple[Path, str]]

    def rows(self, name: str) -> pa.Table:
        """Return raw rows as a caller would send them, with some that no training row is like."""
        raw = Store(self.artifacts).read_table(self.wrangled[name].raw).slice(0, MOST)
        return pa.concat_tables([raw, _planted(raw)]) if raw.num_rows else raw


@pytest.fixture(scope="module")
def served(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run every spec, publish what comes of it, and serve it all."""
    place = tmp_path_factory.mktemp("no-skew")
    with ThreadPoolExecutor(PROCESSES) as together:
        runs = [*together.map(lambda name: _run(name, _thinned(shared / "data" / name, place), place), SPECS)]
    with serving(place / "artifacts") as service:
        wrangled = {name: done[0] for name, done in zip(SPECS, runs, strict=True)}
        reports = {name: done[1:] for name, done in zip(SPECS, runs, strict=True)}
        yield Served(place / "artifacts", service, wrangled, reports)


def _thinned(folder: Path, place: Path) -> Path:
    """Return a set's folder, or a copy in which long files have fewer lines."""
    own = place / "data" / folder.name
    own.mkdir(parents=True)
    for path in folder.iterdir():
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed, zipfile.ZipFile(own / path.name, "w", zipfile.ZIP_DEFLATED) as thin:
                for member in packed.namelist():
                    thin.writestr(member, _fewer(packed.read(member)))
        elif path.suffix in (".xls", ".json"):
            (own / path.name).symlink_to(path)
        else:
            (own / path.name).write_bytes(_fewer(path.read_bytes()))
    return own


def _fewer(text: bytes) -> bytes:
    head, *lines = text.splitlines(keepends=True) or [b""]
    return b"".join([head, *lines[:: 1 + len(lines) // LINES]])


def _run(name: str, data: Path, place: Path) -> tuple[Wrangled, Path, str]:
    model = {"model": {"families": ["hist_gradient_boosting"], "folds": 2, "trials": 1}}
    gate = {"gate": {"floor": False, "replicates": 100}}
    spec = {"name": name.replace("_", "-"), **model, **gate, **SPECS[name](data)}
    (place / f"{name}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    done = penstock("run", f"{name}.yaml", "--budget", BUDGET, "--json", cwd=place)
    assert done.returncode in (0, 3), (name, done.stderr)
    run = summary_of(done)["run_id"]
    if done.returncode:
        forced = penstock("publish", run, "--force", "only the answers matter here", cwd=place)
        assert forced.returncode == 0, (name, forced.stderr)
    folder = place / "artifacts" / "runs" / run
    receipts = json.loads((folder / "lineage.json").read_text())["receipts"]
    return Wrangled.model_validate(receipts["wrangle"]), folder / "report.html", done.stderr


def _planted(raw: pa.Table) -> pa.Table:
    """Return rows with nothing in them, with texts never seen, with numbers far out; and these again, without gaps."""
    n = 3
    columns = {}
    for name in raw.column_names:
        kind = raw.schema.field(name).type
        values: list[Any] = [None] * n
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            values = [None, "never seen ✓", ""]
        elif pa.types.is_floating(kind):
            values = [None, 1e9, -1e9]
        elif pa.types.is_integer(kind):
            values = [None, 100, 0]
        usual = next((value for value in raw[name].to_pylist() if value), None)
        columns[name] = pa.array([*values, *(value or usual for value in values)], kind)
    return pa.table(columns, schema=raw.schema.remove_metadata())


def _plain(value: Any) -> Any:
    """Return a raw cell as JSON has it."""
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_rows(rows: pa.Table) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows.to_pylist()]


def _bundle(artifacts: Path, name: str) -> Bundle:
    return Bundle.load(artifacts / "models" / name.replace("_", "-"))


def _same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SPECS)
def test_a_frame_its_batches_and_its_rows_alone_get_one_answer(served: Served, name: str) -> None:
    """Label, type and numbers hang on the row alone, never on its company, nor on the order of its columns."""
    bundle, rows = _bundle(served.artifacts, name), served.rows(name)
    whole = bundle.predict(rows)
    parts = [bundle.predict(rows.slice(at, BATCH)) for at in range(0, rows.num_rows, BATCH)]
    _same(np.concatenate([part.estimates for part in parts]), whole.estimates)
    backwards = rows.select(rows.column_names[::-1])
    assert (bundle.predict(backwards).estimates == whole.estimates).all()
    n = rows.num_rows
    some = np.unique([*np.linspace(0, n - 1, min(n, ALONE)).round().astype(int), *range(n - PLANTED, n)])
    halves = [backwards.take(pa.array(part)).to_pylist() for part in np.array_split(some, PROCESSES)]
    alone = joblib.Parallel(PROCESSES)(joblib.delayed(_alone)(served.artifacts, name, part) for part in halves)
    estimates, labels, null = ([*chain.from_iterable(parts)] for parts in zip(*alone, strict=True))
    _same(np.array(estimates), whole.estimates[some])
    if bundle.target.is_classification:
        assert labels == [whole.labels[row] for row in some]
    assert null == whole.null[some].tolist()


def _alone(artifacts: Path, name: str, rows: list[dict[str, Any]]) -> tuple[list[Any], list[Any], list[bool]]:
    """Return numbers, label, and whether there is an answer, for each row asked for by itself."""
    bundle = _bundle(artifacts, name)
    answers = [bundle.predict([row]) for row in rows]
    labels = [answer.labels[0] if bundle.target.is_classification else None for answer in answers]
    return [answer.estimates[0] for answer in answers], labels, [bool(answer.misfits) for answer in answers]


@pytest.mark.parametrize("name", SPECS)
def test_a_run_ends_in_a_bounded_report_and_warns_of_nothing(served: Served, name: str) -> None:
    """Whatever the table: figures of the data, of each step and of the model, in one file."""
    report, said = served.reports[name]
    assert "Warning" not in said
    page = report.read_text(encoding="utf-8")
    assert len(page.encode()) < 5_000_000
    assert {"target", "leaderboard", "importance"} <= set(re.findall(r'id="figure-([a-z-]+)"', page))


@pytest.mark.parametrize("name", SPECS)
def test_json_and_arrow_over_http_answer_as_the_bundle_does(served: Served, name: str) -> None:
    """Whatever door a row comes in by."""
    bundle, rows = _bundle(served.artifacts, name), served.rows(name)
    whole = bundle.predict(rows)
    lacking = _lacking(bundle, rows)
    good = np.flatnonzero(~whole.null & ~lacking)
    model = f"{served.service.base}/models/{bundle.name}/predict"
    answers = []
    for at in range(0, len(good), 2_000):
        sent = _json_rows(rows.take(pa.array(good[at : at + 2_000])))
        answer = httpx.post(f"{model}/batch", json={"rows": sent}, timeout=120)
        assert answer.status_code == 200, answer.text[:500]
        answers += answer.json()["rows"]
    _agree(bundle, answers, whole.estimates[good])
    answer = _sent_as_arrow(model, rows)
    assert answer.status_code == 200, answer.text[:500]
    table = pa.ipc.open_stream(answer.content).read_all().to_pandas()
    assert table["prediction"].isna().tolist() == whole.null.tolist()
    names = [f"probability_{label}" for label in bundle.target.labels] or ["prediction"]
    numbers = table[names].to_numpy(dtype=np.float64)
    _same(numbers[~whole.null].reshape(-1), whole.estimates[~whole.null].reshape(-1))
    some = good[:: max(1, len(good) // ALONE_HTTP)]
    alone = [httpx.post(model, json=row, timeout=30) for row in _json_rows(rows.take(pa.array(some)))]
    assert {one.status_code for one in alone} == {200}
    _agree(bundle, [one.json() for one in alone], whole.estimates[some])


@pytest.mark.parametrize("name", SPECS)
def test_a_gap_where_training_had_none_is_refused_in_json_and_told_in_a_table(served: Served, name: str) -> None:
    """In JSON nothing is guessed; in a table the gap costs a warning, and the answer is the bundle's."""
    bundle, rows = _bundle(served.artifacts, name), served.rows(name)
    lacking = np.flatnonzero(_lacking(bundle, rows))
    if not len(lacking):
        return
    some = rows.take(pa.array(lacking[-3:]))
    model = f"{served.service.base}/models/{bundle.name}/predict"
    refused = httpx.post(f"{model}/batch", json={"rows": _json_rows(some)})
    assert refused.status_code == 422
    assert {fault["row"] for fault in refused.json()["errors"]} == set(range(some.num_rows))
    told = pa.ipc.open_stream(_sent_as_arrow(model, some).content).read_all().to_pandas()
    expected = bundle.predict(some).to_frame()
    assert told["warning"].str.contains("is missing").all()
    assert told["prediction"].tolist() == expected["prediction"].tolist()


def _sent_as_arrow(model: str, rows: pa.Table) -> httpx.Response:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    kind = {"content-type": "application/vnd.apache.arrow.stream"}
    return httpx.post(f"{model}/batch", content=sink.getvalue().to_pybytes(), headers=kind, timeout=120)


def _lacking(bundle: Bundle, rows: pa.Table) -> np.ndarray:
    """Return which rows leave out a field that the service insists on."""
    needed = [c.name for c in bundle.schema.features if c.serve == "request" and not c.nullable]
    frame = rows.select(needed).to_pandas()
    return (frame.isna() | (frame == "")).any(axis=1).to_numpy()


def _agree(bundle: Bundle, answers: list[dict[str, Any]], estimates: np.ndarray) -> None:
    if not bundle.target.is_classification:
        _same(np.array([answer["prediction"] for answer in answers], dtype=np.float64), estimates)
        return
    labels = bundle.target.labels
    _same(np.array([[answer["probabilities"][label] for label in labels] for answer in answers]), estimates)
    typed = [bundle.target.typed(labels[place]) for place in estimates.argmax(axis=1)]
    assert [answer["prediction"] for answer in answers] == typed
    assert {type(answer["prediction"]) for answer in answers} == {type(label) for label in typed}


@pytest.mark.parametrize("name", SPECS)
def test_raw_rows_through_the_bundle_come_out_as_the_clean_training_rows(served: Served, name: str) -> None:
    """What the pictures and the model's search have seen is what a request becomes."""
    store, wrangled = Store(served.artifacts), served.wrangled[name]
    twin = Bundle.load(served.artifacts / "models" / name.replace("_", "-"), twin=True)
    raw, clean = store.read_table(wrangled.raw), store.read_frame(wrangled.clean)
    cut = twin.plan.apply_cells(twin.schema.cast(raw, [c.name for c in twin.schema.features]).frame)
    pd.testing.assert_frame_equal(cut, store.read_frame(wrangled.cut)[cut.columns], check_exact=True)
    replayed = twin.estimator.steps[0][1].transform(cut)
    pd.testing.assert_frame_equal(replayed, clean[replayed.columns], check_exact=True)
