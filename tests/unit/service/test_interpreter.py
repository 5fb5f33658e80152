"""What keeps loading out of the way of answers."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from deploy.service import interpreter
from deploy.service.app import create_app
from deploy.service.settings import Settings


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux alone")
def test_the_thread_that_loads_stands_back_alone():
    """Where cores are few it waits, and not the answers."""

    def niceness():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    with ThreadPoolExecutor(1, initializer=interpreter.stand_back) as pool:
        assert pool.submit(niceness).result() == min(19, before + interpreter.NICER)
    assert niceness() == before


def test_threads_take_turns_often_while_a_service_runs(tmp_path):
    """An answer waits for the interpreter no longer than this."""
    before = sys.getswitchinterval()
    try:
        with TestClient(create_app(Settings(artifacts=tmp_path))) as client:
            assert client.get("/livez").status_code == 200
            assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)
