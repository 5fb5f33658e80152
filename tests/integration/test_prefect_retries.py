"""What may pass is tried again, later each time; a mistake of the user's is told at once."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from penstock.errors import SourceError, SourceUnavailable, UserError
from tests.integration import small


@pytest.fixture
def log(prefect_api, tmp_path, monkeypatch):
    """Return where the bodies that are entered are told."""
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("PENSTOCK_STAGE_LOG", str(path))
    return path


def collect(folder):
    """Run the collect stage of a project as a flow does."""
    from prefect import flow

    from flows.stages import Stages
    from penstock.spec.pipeline import load_spec
    from tasks.collect import collect as door

    @flow(name="collect-alone")
    def alone():
        with Stages(str(folder / "artifacts"), refresh=False, runner="threads") as stages:
            return stages.run(door, load_spec(folder / "brook.yaml").sources)

    return alone()


def test_a_database_that_is_locked_twice_is_collected_at_the_third_try(log, tmp_path):
    """Somebody else's transaction holds it until the second try has failed."""
    small.make(tmp_path)
    database = tmp_path / "towns.sqlite"
    writer = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    writer.execute("begin exclusive")

    def let_go_at_the_second_failure():
        # SQLite itself waits five seconds for a lock before a try fails.
        while len(log.read_text().split()) < 2:
            time.sleep(0.05)
        time.sleep(5.3)
        writer.execute("rollback")

    other = threading.Thread(target=let_go_at_the_second_failure)
    other.start()
    collected = collect(tmp_path)
    other.join()
    writer.close()
    assert log.read_text().split() == ["collect"] * 3
    assert [s.name for s in collected.snapshots] == ["brook", "towns"]


def test_a_source_that_never_answers_is_told_after_the_last_try(log, tmp_path, monkeypatch):
    """A file that is written to all the while cannot be collected whole."""
    from tasks.collect import collect as door

    monkeypatch.setattr(door, "retry_delay_seconds", [0.05, 0.05, 0.05])
    small.make(tmp_path)
    path, stop = tmp_path / "brook.csv", threading.Event()

    def write_on():
        while not stop.is_set():
            with path.open("a") as file:
                file.write("r9999,0.1,0.2,a,yes\n")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(SourceUnavailable, match="changed while it was read"):
            collect(tmp_path)
    finally:
        stop.set()
        writer.join()
    assert log.read_text().split() == ["collect"] * 4


def test_a_missing_file_is_told_at_once(log, tmp_path):
    """No second try: it would be missing still."""
    small.make(tmp_path)
    (tmp_path / "brook.csv").unlink()
    with pytest.raises(SourceError, match="no such file"):
        collect(tmp_path)
    assert log.read_text().split() == ["collect"]


def test_a_mistake_in_the_data_reaches_the_caller_as_it_is(log, tmp_path):
    """The flow adds nothing to the error, and later stages are not entered."""
    from flows.train import train

    spec = small.make(tmp_path, lambda s: s.update(target="lable"))
    with pytest.raises(UserError, match="lable"):
        train(str(spec), artifacts=str(tmp_path / "artifacts"))
    assert log.read_text().split() == ["collect", "arrays"]


def test_a_server_that_does_not_answer_is_told_with_what_to_do(tmp_path):
    """Not a traceback of somebody's HTTP client."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.train import train

    spec = small.make(tmp_path)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(UserError, match="Prefect's server does not answer"),
    ):
        train(str(spec), artifacts=str(tmp_path / "artifacts"))
