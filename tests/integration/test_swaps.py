"""A model that is replaced while it is asked: nobody fails, nobody waits for a version, no answer is of two."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import httpx
import pytest

from penstock.bundle.rollback import rollback
from tests.integration.test_service import running
from tests.swapping import Load, expected, first_answers, lay_down, looked_at, publish_all, rows, under_load
from tests.unit.service.making import SHIP, put, wait_for

SEEDS = (0, 1, 2)
# What a busy machine may take beside; what a quiet one takes is measured by `make bench`.
PATIENCE = 8.0


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return expected(tmp_path_factory.mktemp("beside"), SEEDS, rows())


def swapped(artifacts, service, told, n, pause):
    """Publish n versions while the service is asked, and return what was found and the versions in their order."""
    made = []
    load = Load(service.port, 25.0, rows())

    def publish():
        publish_all(artifacts, SEEDS, n, pause, lambda line: made.append(line.split()[0]))
        wait_for(lambda: service.version() == made[-1], 20)

    under_load(load, publish)
    return load, looked_at(load.done, told), made


def check(load, found, made):
    """Nothing failed, every answer was that of the version that it names, and versions only came later and later."""
    assert found.answers > 5
    assert (found.failed, found.mixed) == (0, 0)
    assert made[-1] in found.versions
    first = first_answers(load.done)
    order = [version for version in first if version in made]
    assert order == sorted(order, key=made.index)
    # A busy machine may pass over a version for the next one; it may not pass over most of what comes.
    assert len(order) >= 5


@pytest.mark.parametrize("events", [pytest.param("true", marks=pytest.mark.long), "false"])
def test_twenty_swaps_under_load_harm_no_answer(tmp_path, root, told, events):
    """With file events, and on file systems that have none, where only looking tells; going back is one more swap."""
    put(tmp_path, seed=SEEDS[-1])
    with running(tmp_path, root, PENSTOCK_FILE_EVENTS=events) as service:
        wait_for(lambda: service.answers("/readyz"))
        load, found, made = swapped(tmp_path, service, told, 20, 0.1)
        check(load, found, made)
        began = time.monotonic()
        moved = rollback(tmp_path, "ships", reason="worse", who="tests")
        wait_for(lambda: service.version() == moved.version, PATIENCE)
        assert time.monotonic() - began < PATIENCE


@pytest.mark.long
def test_many_swaps_take_no_memory(tmp_path, root, told):
    """What is replaced is let go; the figure after two hundred is what `python -m benchmarks swap` prints."""
    put(tmp_path, seed=SEEDS[-1])
    with running(tmp_path, root) as service:
        wait_for(lambda: service.answers("/readyz"))
        swapped(tmp_path, service, told, 6, 0.0)
        before = resident(service.process.pid)
        load, found, made = swapped(tmp_path, service, told, 40, 0.1)
        assert (found.failed, found.mixed) == (0, 0)
        assert made[-1] in found.versions
        assert len(first_answers(load.done)) > 5
        assert resident(service.process.pid) < 1.05 * before


def resident(pid):
    """Return the resident memory of a process in pages."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


@pytest.mark.long
def test_workers_follow_the_pointer_in_step(tmp_path, root, told):
    """Each answer names its version, and soon after a publish no worker answers by the one before."""
    put(tmp_path, seed=SEEDS[-1])
    with running(tmp_path, root, workers=2) as service:
        wait_for(lambda: service.answers("/readyz"), 40)
        base = str(service.http.base_url)
        wait_for(lambda: all(answer(base).status_code == 200 for _ in range(8)), 40)
        written, seen, over = {}, [], threading.Event()

        def ask():
            while not over.is_set():
                asked_at = time.time()
                seen.append((asked_at, answer(base)))

        asking = threading.Thread(target=ask)
        asking.start()
        for seed in SEEDS[:2]:
            written[put(tmp_path, seed=seed).version] = time.time()
            time.sleep(2.2)
        over.set()
        asking.join()
        order = list(written)
        for asked_at, reply in seen:
            assert reply.status_code == 200
            version = reply.json()["version"]
            later = [
                at for other, at in written.items() if version not in order or order.index(other) > order.index(version)
            ]
            assert not later or asked_at - min(later) < 2.0, (version, asked_at - min(later))
            row = {k: v for k, v in reply.json().items() if k not in ("model", "version")}
            assert row == told[version.partition("-")[2]][0]
        assert {reply.json()["version"] for _, reply in seen} >= set(order)


def answer(base):
    """Ask over a connection of its own, so that either worker may be met."""
    return httpx.post(f"{base}/predict", json=rows()[0], timeout=20)


@pytest.mark.long
def test_five_hundred_models_are_there_at_once_and_one_is_loaded_when_it_is_asked(tmp_path, root):
    """Start, memory and idle cost hang on what is asked, and hardly on how many there are."""
    lay_down(tmp_path, [f"model-{i:03}" for i in range(500)])
    with running(tmp_path, root) as service:
        wait_for(lambda: service.answers("/readyz"), 20)
        before = resident(service.process.pid)
        assert len(service.http.get("/models").json()["models"]) == 500
        for i in (0, 250, 499):
            assert service.http.post(f"/models/model-{i:03}/predict", json=SHIP).json()["model"] == f"model-{i:03}"
        assert resident(service.process.pid) < 1.2 * before
        busy = cpu_seconds(service.process.pid)
        time.sleep(3.0)
        assert cpu_seconds(service.process.pid) - busy < 0.6


def cpu_seconds(pid):
    """Return the processor time that a process has taken."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
