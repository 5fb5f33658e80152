"""The guard alone, over an app that does nothing but read: what passes, what does not, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json

import pytest

from deploy.service.app import create_app
from deploy.service.guard import Guard
from deploy.service.keys import Keys, new_key
from deploy.service.leaving import Leaving
from deploy.service.settings import Settings

KEY, ENTRY = new_key("shop")


async def reading(scope, receive, send):
    """Read all of a body, and answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


async def failing(scope, receive, send):
    """Fail after having read."""
    await receive()
    raise RuntimeError


def guarded(app=reading, leaving=None, keys="", **limits):
    narrow = {"max_row_bytes": 100, "max_batch_bytes": 1000}
    return Guard(app, Settings(**narrow | limits), Keys(keys, "x"), Keys("", "y"), leaving or Leaving())


def ask(guard, headers=(), parts=(b"",), path="/predict", **scope):
    """Send one request through a guard; return the status, the headers and the body of its answer."""
    return asyncio.run(asked(guard, headers, parts, path, **scope))


async def asked(guard, headers=(), parts=(b"",), path="/predict", wait=None, **scope):
    messages = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)]
    told = []

    async def receive():
        if wait is not None:
            await wait.wait()
        return messages.pop(0)

    async def send(message):
        told.append(message)

    full = {"type": "http", "method": "POST", "path": path, "headers": list(headers), "state": {"request_id": "r"}}
    await guard(full | scope, receive, send)
    return told[0]["status"], dict(told[0]["headers"]), b"".join(m.get("body", b"") for m in told[1:])


CHUNKED = [(b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("headers", "parts", "status"),
    [
        ([(b"content-length", b"1000")], [b"x" * 1000], 200),
        ([(b"content-length", b"1001")], [b"x" * 1001], 413),
        ([(b"content-length", b"9" * 500)], [b"x"], 413),
        (CHUNKED, [b"x" * 500, b"x" * 500], 200),
        (CHUNKED, [b"x" * 500, b"x" * 501], 413),
        ([], [b""], 200),
    ],
)
def test_a_body_is_bounded_by_its_word_and_in_fact(headers, parts, status):
    """In the one shape, whatever app lies below; and its place is free again."""
    guard = guarded()
    got, told, body = ask(guard, headers, parts)
    assert got == status
    if status == 413:
        assert told[b"content-type"] == b"application/problem+json"
        assert json.loads(body)["type"].endswith("body-too-long")
    assert (guard.n_requests, guard.n_long) == (0, 0)


def test_a_failure_leaves_no_place_taken():
    """Or the service would be full some day."""
    guard = guarded(failing)
    for headers in (CHUNKED, []):
        with pytest.raises(RuntimeError):
            ask(guard, headers)
    assert (guard.n_requests, guard.n_long) == (0, 0)


def test_a_caller_who_goes_leaves_no_place_taken():
    """A task that is cancelled gives back what it took."""
    guard = guarded()

    async def gone():
        task = asyncio.create_task(asked(guard, CHUNKED, wait=asyncio.Event()))
        await asyncio.sleep(0.01)
        assert (guard.n_requests, guard.n_long) == (1, 1)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(gone())
    assert (guard.n_requests, guard.n_long) == (0, 0)


def test_health_is_told_when_no_place_is_left():
    """A full service is alive: to restart it would help nobody."""
    guard = guarded(max_concurrent=1)

    async def full():
        wait = asyncio.Event()
        task = asyncio.create_task(asked(guard, wait=wait))
        await asyncio.sleep(0.01)
        answers = [(await asked(guard, path=path))[:2] for path in ("/predict", "/livez", "/readyz")]
        wait.set()
        await task
        return answers

    (refused, headers), (alive, _), (ready, _) = asyncio.run(full())
    assert (refused, alive, ready) == (503, 200, 200)
    assert headers[b"retry-after"] == b"1"


def test_whoever_has_no_key_takes_no_place():
    """Strangers are turned away before a place or a byte is spent on them."""
    guard = guarded(max_concurrent=1, keys=ENTRY)
    assert ask(guard, CHUNKED)[0] == 401
    assert ask(guard, [*CHUNKED, (b"x-api-key", KEY.encode())])[0] == 200
    assert ask(guard, [(b"authorization", b"Bearer " + KEY.encode())], root_path="/v", path="/v/predict")[0] == 200
    assert ask(guard, root_path="/v", path="/v/livez")[0] == 200


def test_a_watch_that_misses_its_end_keeps_no_process(tmp_path, monkeypatch):
    """A file that changes just then must not cost the whole time in which a process may go."""
    missed = []

    async def run(_):
        while len(missed) < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                missed.append(1)

    monkeypatch.setattr("deploy.service.watch.Watcher.run", run)

    async def live():
        app = create_app(Settings(artifacts=tmp_path))
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(live(), 20))
    assert len(missed) == 2


def test_a_process_that_goes_asks_for_the_connection_to_be_closed():
    """The next request then finds another process."""
    leaving = Leaving()
    guard = guarded(leaving=leaving)
    assert b"connection" not in ask(guard)[1]
    leaving.begun = True
    assert ask(guard)[1][b"connection"] == b"close"
