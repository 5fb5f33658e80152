"""A run's page on a real Prefect server: what is on it, also where every stage came from the cache."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from penstock.errors import DataError
from penstock.progress import note
from tests.integration import small

ALL = {
    "dossier-brook",
    "leaderboard-brook",
    "cleaning-brook",
    "report-brook",
    "progress-collect-brook",
    "progress-train-brook",
}
SECRET = "Zwiebelfisch"


def artifacts_of(api: str, flow_run: str) -> dict[str, dict]:
    """Return a run's artifacts by their keys."""
    asked = {"flow_runs": {"id": {"any_": [flow_run]}}, "limit": 100}
    found = httpx.post(f"{api}/artifacts/filter", json=asked, timeout=30).json()
    # What Prefect keeps of a failure has no key.
    return {one["key"]: one for one in found if one["key"]}


def run(spec, artifacts):
    """Run the flow and return its summary, and the id under which Prefect knows it."""
    from flows.train import train

    summary = train(str(spec), artifacts=str(artifacts))
    lineage = json.loads((artifacts / "runs" / summary.run_id / "lineage.json").read_text())
    return summary, lineage["flow_run"]


@pytest.fixture(scope="module")
def project(prefect_api, tmp_path_factory):
    """Return a project with a private column that has run once, and what that run and a second one showed."""
    folder = tmp_path_factory.mktemp("page")
    spec = small.make(folder, lambda spec: spec.update(columns={"town": {"private": True}, "notes": {"private": True}}))
    rows = [row | {"notes": f"{SECRET} {i % 7}"} for i, row in enumerate(small.rows())]
    small.write_csv(folder / "brook.csv", rows)
    shown = []
    for _ in range(2):
        summary, flow_run = run(spec, folder / "artifacts")
        shown.append((summary, artifacts_of(prefect_api, flow_run)))
    return spec, folder / "artifacts", shown


def test_a_run_shows_all_that_there_is_to_see(project):
    """The dossier with pictures, both tables, the way to the report, and how far the long stages came."""
    (summary, found), _ = project[2]
    assert set(found) == ALL
    assert found["dossier-brook"]["data"].count("](data:image/png;base64,") > 5
    assert len(found["dossier-brook"]["data"]) < 1_000_000
    board = json.loads(found["leaderboard-brook"]["data"])
    assert board[0]["candidate"] == f"{summary.leaderboard[0].family} (chosen)"
    audit = json.loads(found["cleaning-brook"]["data"])
    assert {"step", "rows in", "rows out", "cells changed", "most changed"} <= set(audit[0])
    assert summary.report in found["report-brook"]["description"]
    assert "penstock serve" in found["report-brook"]["description"]
    for stage in ("collect", "train"):
        bar = found[f"progress-{stage}-brook"]
        assert bar["data"] == 100
        assert bar["description"].startswith(f"{stage}: done in ")


def test_a_run_that_found_everything_in_the_cache_shows_it_all(project):
    """The page is the run's own: nothing of it hangs on what was entered."""
    _, (summary, found) = project[2]
    assert {s.state for s in summary.stages} == {"cached", "unchanged"}
    assert set(found) == ALL
    assert found["dossier-brook"]["data"].count("](data:image/png;base64,") > 5
    assert found["progress-train-brook"]["data"] == 100
    assert found["progress-train-brook"]["description"] == "train: taken from the cache"


def test_nothing_of_a_private_column_is_shown_but_its_name(project):
    """Neither a value nor a part of one, on any artifact."""
    _, found = project[2][0]
    told = json.dumps([one["data"] for one in found.values()] + [one["description"] for one in found.values()])
    assert SECRET not in told
    assert "notes" in told


def test_a_service_that_is_known_is_linked_to(project, prefect_api, monkeypatch):
    """The model's page, and the report where a browser can open it."""
    spec, artifacts, _ = project
    monkeypatch.setenv("PENSTOCK_SERVICE", "http://127.0.0.1:8123/")
    summary, flow_run = run(spec, artifacts)
    found = artifacts_of(prefect_api, flow_run)
    assert set(found) == ALL | {"service-brook"}
    assert found["service-brook"]["data"] == "[The model's page](http://127.0.0.1:8123/models/brook)"
    assert found["report-brook"]["data"] == "[The whole report](http://127.0.0.1:8123/models/brook/report)"
    assert summary.report in found["report-brook"]["description"]
    assert "(http://127.0.0.1:8123/models/brook)" in found["dossier-brook"]["data"]


def test_a_part_that_cannot_be_written_takes_neither_the_run_nor_the_other_parts_with_it(
    project, prefect_api, monkeypatch
):
    """A server that refuses the largest artifact, and every bar."""
    spec, artifacts, _ = project

    def refuse(*_args, **_options):
        raise httpx.HTTPStatusError("413", request=None, response=None)  # type: ignore[arg-type]  # as a proxy would

    monkeypatch.setattr("flows.pages.create_markdown_artifact", refuse)
    monkeypatch.setattr("flows.progress.create_progress_artifact", refuse)
    summary, flow_run = run(spec, artifacts)
    assert summary.state == "unchanged"
    assert set(artifacts_of(prefect_api, flow_run)) == {"leaderboard-brook", "cleaning-brook", "report-brook"}


def test_what_a_run_shows_costs_it_next_to_nothing(project, prefect_api):
    """Less than half a second, of which the server's work is the most."""
    import flows.train as module

    spec, artifacts, _ = project
    took = []
    show = module.show

    def timed(*given):
        began = time.perf_counter()
        show(*given)
        took.append(time.perf_counter() - began)

    module.show = timed
    try:
        for _ in range(2):
            run(spec, artifacts)
    finally:
        module.show = show
    assert min(took) < 0.5


def watched(work, budget=None):
    """Run some work as a stage of a flow whose bar moves at once, and return the flow run's id."""
    from prefect import flow
    from prefect.runtime import flow_run

    from flows.progress import Bar, shown

    ids = []

    @flow(name="watched")
    def watched_flow():
        ids.append(flow_run.id)
        bar = Bar("train", "brook", budget)
        with shown(bar):
            work()
        bar.end("done")

    try:
        watched_flow()
    except (DataError, ValueError):
        return ids[0], True
    return ids[0], False


@pytest.fixture
def quick(prefect_api, monkeypatch):
    """Let bars move at once."""
    monkeypatch.setattr("flows.progress.PATIENCE", 0.01)
    monkeypatch.setattr("flows.progress.EVERY", 0.05)
    return prefect_api


def test_a_bar_moves_while_the_stage_is_at_work(quick):
    """Seen from outside, in the midst of it; and it is full at the end."""
    seen = []

    def work():
        from prefect.runtime import flow_run

        note(3, 4, "3 of 4 fits; <b>the last</b>")
        until = time.monotonic() + 20
        while not seen and time.monotonic() < until:
            time.sleep(0.05)
            found = artifacts_of(quick, flow_run.id)
            seen.extend(one for one in found.values() if one["data"] == 75)

    flow_run_id, failed = watched(work)
    assert not failed
    assert "3 of 4 fits" in seen[0]["description"]
    assert "<b>" not in seen[0]["description"]
    (bar,) = artifacts_of(quick, flow_run_id).values()
    assert (bar["key"], bar["data"], bar["description"]) == ("progress-train-brook", 100, "train: done")


def test_time_moves_a_bar_where_there_is_a_budget(quick):
    """A single fit may take all of it."""
    flow_run_id, _ = watched(lambda: time.sleep(0.7), budget=100.0)
    (bar,) = artifacts_of(quick, flow_run_id).values()
    assert bar["data"] == 100

    def fails():
        time.sleep(0.7)
        raise ValueError

    flow_run_id, _ = watched(fails, budget=1.0)
    (bar,) = artifacts_of(quick, flow_run_id).values()
    assert 60 < bar["data"] < 100


@pytest.mark.parametrize(
    ("error", "told"),
    [(DataError("There is nothing to learn from"), "nothing to learn from"), (ValueError(SECRET), "ValueError")],
)
def test_a_failure_is_told_where_the_bar_stopped(quick, error, told):
    """Errors of ours say what is the matter; what others say may quote the data."""

    def work():
        note(1, 4, "1 of 4 fits")
        raise error

    flow_run_id, failed = watched(work)
    assert failed
    (bar,) = artifacts_of(quick, flow_run_id).values()
    assert bar["data"] == 25
    assert "failed after" in bar["description"]
    assert told in bar["description"]
    assert SECRET not in bar["description"]


def test_no_bar_outlives_its_stage(quick):
    """Its thread ends with it."""
    watched(lambda: None)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("progress")]
