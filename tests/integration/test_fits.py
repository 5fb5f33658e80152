"""The fits of a search on a run's page: task runs of a real Prefect server, in threads that the flow owns."""

from __future__ import annotations

import re
import threading
import time

import httpx
import pytest

from penstock.models.crew import Processes, Work
from penstock.models.families import DummyFamily
from penstock.models.search import search
from tests.integration import small
from tests.integration.test_run_page import run
from tests.unit.models.making import training
from tests.unit.models.test_search import AUC, SleepyFamily


def fits_of(api: str, flow_run: str, wanted: int) -> list[dict]:
    """Return a run's task runs of fits in their order, as soon as so many have ended."""
    asked = {"flow_runs": {"id": {"any_": [flow_run]}}, "sort": "EXPECTED_START_TIME_ASC"}
    until = time.monotonic() + 30
    while True:
        found = httpx.post(f"{api}/task_runs/filter", json=asked, timeout=30).json()
        fits = [one for one in found if one["task_key"].startswith("together-")]
        ended = [one for one in fits if one["state_type"] in ("COMPLETED", "FAILED")]
        if len(ended) >= wanted or time.monotonic() > until:
            return fits
        time.sleep(0.1)


def told(fits: list[dict]) -> dict[str, int]:
    """Return how many fits of each family the task runs tell of."""
    counted: dict[str, int] = {}
    for one in fits:
        for n, kind in re.findall(r"(\d+) (\D+?)(?=[,;]|$)", one["state"]["message"].partition(": ")[2]):
            counted[kind] = counted.get(kind, 0) + int(n)
    return counted


def folds_of(summary) -> int:
    """Return on how many folds anything was fitted but the dummy, which costs nothing."""
    return sum(len(row.folds) for row in summary.leaderboard if row.family == "linear")


def flown(work):
    """Do some work with fits of a flow's, and return the flow run's id."""
    from prefect import flow
    from prefect.runtime import flow_run

    from tasks.fits import Fits

    ids = []

    @flow(name="fitting")
    def fitting():
        ids.append(flow_run.id)
        with Fits() as fits:
            work(fits)

    fitting()
    return ids[0]


def test_every_fit_of_a_run_is_in_a_task_run_and_none_that_is_known(prefect_api, tmp_path):
    """All folds and the last fits; a run that is given more goes on from where the first one stood."""
    # However slow the machine, the number of trials ends the search.
    spec = small.make(tmp_path, lambda s: s["model"].update(budget=600))
    summary, first = run(spec, tmp_path / "artifacts")
    folds = folds_of(summary)
    fits = fits_of(prefect_api, first, 1)
    # Of twin and served model the encodings, and the one estimator.
    assert told(fits) == {"linear": folds, "the winner": 4}
    assert fits[0]["name"].startswith("linear fold 1")
    small.respec(tmp_path, lambda s: s["model"].update(budget=600, trials=2))
    summary, second = run(spec, tmp_path / "artifacts")
    assert folds_of(summary) > folds
    assert told(fits_of(prefect_api, second, 1))["linear"] == folds_of(summary) - folds


def test_short_fits_share_a_task_run_and_long_ones_have_their_own(prefect_api, monkeypatch):
    """A task run costs more than a fit of some milliseconds."""
    monkeypatch.setattr("tasks.fits.SHARED_SECONDS", 0.3)

    def work(fits):
        for i in range(5):
            assert fits.submit(Work(f"quick fold {i + 1}", lambda: 1)).result() == 1
        time.sleep(0.4)
        for i in range(2):
            fits.submit(Work(f"slow fold {i + 1}", lambda: time.sleep(0.4))).result()

    names = [one["name"] for one in fits_of(prefect_api, flown(work), 3)]
    assert names == ["quick fold 1 and 4 more", "slow fold 1", "slow fold 2"]


def test_what_the_deadline_ended_is_stopped_and_nobody_waits_for_it(prefect_api):
    """Its process is killed, its thread is free, and the flow is over soon."""

    def work(fits):
        crew = Processes(1, fits)
        try:
            families = (DummyFamily(), SleepyFamily(seconds=60.0))
            search(training(n=150), families, AUC, crew=crew, deadline=time.monotonic() + 2)
        finally:
            crew.close()

    began = time.monotonic()
    fits = fits_of(prefect_api, flown(work), 1)
    assert time.monotonic() - began < 25
    assert {one["state_name"] for one in fits} == {"Stopped"}
    assert "sleepy fold 1" in {one["name"] for one in fits}
    assert {one["state"]["message"] for one in fits} == {"1 fit: 1 sleepy; 1 ended in ShutdownExecutorError"}


def test_what_a_fit_failed_with_is_told_by_its_kind_alone(prefect_api):
    """Messages may quote the data; whoever waits for the fit gets the error itself."""

    def fails():
        raise ValueError("17.5 is nobody's business")

    def work(fits):
        with pytest.raises(ValueError, match="nobody's business"):
            fits.submit(Work("odd fold 1", fails)).result()

    (one,) = fits_of(prefect_api, flown(work), 1)
    assert (one["state_type"], one["state"]["message"]) == ("FAILED", "1 fit: 1 odd; 1 ended in ValueError")


def test_a_fit_that_cannot_be_recorded_is_done_all_the_same(monkeypatch):
    """A page is not worth a model."""
    from tasks.fits import Fits

    def refuses(*_args, **_options):
        raise OSError("no server")

    monkeypatch.setattr("tasks.fits.together", refuses)
    with Fits() as fits:
        assert [fits.submit(Work("x fold 1", lambda: 7)).result(10) for _ in range(3)] == [7, 7, 7]


def test_no_fit_waits_for_a_thread(monkeypatch):
    """Each of many has one, whatever the others wait for, and none outlives the flow."""
    from tasks.fits import Fits

    monkeypatch.setattr("tasks.fits.together", lambda _name, work, **_options: work())
    gate = threading.Barrier(8)
    with Fits() as fits:
        met = [fits.submit(gate.wait, 10) for _ in range(8)]
        assert sorted(future.result(10) for future in met) == list(range(8))
    assert not [thread for thread in threading.enumerate() if thread.name == "fits"]
