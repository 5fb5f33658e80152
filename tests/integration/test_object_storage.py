"""Object storage over its own protocol: moto's S3 server, asked by s3fs, with every request counted."""

from __future__ import annotations

import gc
import gzip
import io
import json
import logging
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources import CsvSource, ParquetSource, collect, read_snapshot, snapshot
from penstock.sources.arrow import ArrowSource
from penstock.store import Store

SECRET = "s3cret-of-the-test"


class Counting:
    """A WSGI application that counts requests, and fails or cuts short those that it is told to."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.seen: list[tuple[str, str]] = []
        self.failing = 0
        self.status = "503 Service Unavailable"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if self.failing:
            self.failing -= 1
            start_response(self.status, [("Content-Type", "text/xml"), ("Content-Length", "0")])
            return [b""]
        return self.app(environ, start_response)

    def got(self, name: str = "") -> list[str]:
        """Return which objects were read."""
        return [path for method, path in self.seen if method == "GET" and path.count("/") > 1 and name in path]


class Cloud:
    """A running server, and what tests do there."""

    def __init__(self, endpoint: str, counting: Counting) -> None:
        self.endpoint = endpoint
        self.counting = counting
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="setup",
            aws_secret_access_key="setup",
            config=Config(retries={"max_attempts": 0}),
        )

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket="rows", Key=key, Body=data)

    def access(self, **keys: Any) -> dict[str, Any]:
        """Return the settings that reach the server."""
        options = {"endpoint_url": self.endpoint, "key": "k", "secret": SECRET} | keys.pop("options", {})
        return {"options": options, "backoff": 0.01, "tries": 3, "timeout": 10} | keys

    def csv(self, path: str, **keys: Any) -> CsvSource:
        """Return a source that reaches the server."""
        return CsvSource(name="t", path=path, access=self.access(**keys.pop("access", {})), **keys)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Counting]]:
    """Run moto's server in this process; no test waits for another's port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    counting = Counting(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, counting, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", counting
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def cloud(served: tuple[str, Counting], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Return an empty bucket called `rows`; no credentials of the machine are used."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    endpoint, counting = served
    cloud = Cloud(endpoint, counting)
    cloud.client.create_bucket(Bucket="rows")
    counting.seen.clear()
    yield cloud
    counting.failing = 0
    s3_backends.reset()
    cloud.client.close()
    gc.collect()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store of the test's own."""
    return Store(tmp_path / "store")


def refused(source: Any, store: Store) -> SourceError:
    """Return the error that collecting gives; the planted secret is nowhere in it."""
    with pytest.raises(SourceError) as caught:
        snapshot(source, store)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r} {error.__dict__}"
        error = error.__cause__ or error.__context__
    return caught.value


def test_an_object_is_collected_as_it_came(cloud: Cloud, store: Store):
    """Its bytes, its ETag and its address; the table is read from them."""
    data = gzip.compress(b"a,b\n1,x\n2,y\n", mtime=0)
    cloud.put("2024/a.csv.gz", data)
    taken = snapshot(cloud.csv("s3://rows/2024/a.csv.gz"), store)
    (part,) = taken.parts
    assert (taken.uri, part.name, taken.n_rows) == ("s3://rows/2024/a.csv.gz", "a.csv.gz", 2)
    assert store.read_bytes(part.file) == data
    assert part.etag == cloud.client.head_object(Bucket="rows", Key="2024/a.csv.gz")["ETag"].strip('"')
    assert part.modified
    assert read_snapshot(taken, store)["b"].to_pylist() == ["x", "y"]


def test_the_environment_gives_the_keys(cloud: Cloud, store: Store, monkeypatch: pytest.MonkeyPatch):
    """As every AWS tool has it."""
    cloud.put("a.csv", b"a\n1\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    assert snapshot(CsvSource(name="t", path="s3://rows/a.csv"), store).n_rows == 1


def test_patterns_and_directories_are_listed(cloud: Cloud, store: Store):
    """In order, hidden objects and the markers of directories left out."""
    for key in ("d/b.csv", "d/a.csv", "d/2020/c.csv.gz", "d/_tmp/x.csv", "d/n.pdf", "d/"):
        cloud.put(key, gzip.compress(b"a\n1\n") if key.endswith("gz") else b"a\n1\n" if key != "d/" else b"")
    for path, names in (
        ("s3://rows/d/*.csv", ["a.csv", "b.csv"]),
        ("s3://rows/d", ["2020/c.csv.gz", "a.csv", "b.csv"]),
        ("s3://rows/d/", ["2020/c.csv.gz", "a.csv", "b.csv"]),
        ("s3://rows/d/20*", ["2020/c.csv.gz"]),
        ("s3://rows/**/[ac].csv*", ["d/2020/c.csv.gz", "d/a.csv"]),
    ):
        assert [part.name for part in snapshot(cloud.csv(path), store).parts] == names, path


def test_a_partitioned_data_set_is_one_table(cloud: Cloud, store: Store):
    """Parquet and Feather, by directory or by pattern, with the columns that the keys tell."""
    for year in (2020, 2021):
        out, ipc = io.BytesIO(), io.BytesIO()
        table = pa.table({"v": [year - 2000]})
        pq.write_table(table, out)
        with pa.ipc.new_file(ipc, table.schema) as writer:
            writer.write_table(table)
        cloud.put(f"p/year={year}/city=S%C3%A3o/1.parquet", out.getvalue())
        cloud.put(f"p/year={year}/city=S%C3%A3o/1.feather", ipc.getvalue())
    expected = {"v": [20, 21], "year": [2020, 2021], "city": ["São", "São"]}
    for kind in (ParquetSource, ArrowSource):
        taken = snapshot(kind(name="t", path="s3://rows/p", access=cloud.access()), store)
        assert read_snapshot(taken, store).to_pydict() == expected
    source = ParquetSource(name="t", path="s3://rows/p/year=*/*/*.parquet", access=cloud.access())
    assert read_snapshot(snapshot(source, store), store).to_pydict() == expected


def test_what_is_unchanged_is_not_fetched_again(cloud: Cloud, store: Store):
    """By its ETag: a listing, however many files there are, and a request for what is new alone."""
    names = "abcdefgh"
    for name in names:
        cloud.put(f"d/{name}.csv", f"x\n{name}\n".encode())
    source = cloud.csv("s3://rows/d/*.csv")
    state, first = source.state(), snapshot(source, store)
    assert len(cloud.counting.got()) == len(names)
    cloud.counting.seen.clear()
    again = snapshot(source, store)
    assert cloud.counting.got() == []
    assert len(cloud.counting.seen) <= 4
    assert (again.identity(), source.state()) == (first.identity(), state)
    cloud.put("d/b.csv", b"x\nnew\n")
    cloud.counting.seen.clear()
    assert source.state() != state
    third = snapshot(source, store)
    assert cloud.counting.got() == ["/rows/d/b.csv"]
    assert read_snapshot(third, store)["x"].to_pylist() == ["a", "new", *names[2:]]


def test_one_object_is_asked_for_its_state_once(cloud: Cloud, store: Store):
    """A HEAD request, and nothing else, when nothing has changed."""
    cloud.put("a.csv", b"x\n1\n")
    source = cloud.csv("s3://rows/a.csv")
    snapshot(source, store)
    cloud.counting.seen.clear()
    snapshot(source, store)
    assert cloud.counting.seen == [("HEAD", "/rows/a.csv")]


def test_an_object_of_the_store_that_is_gone_is_fetched_again(cloud: Cloud, store: Store):
    """An ETag is no use without its bytes."""
    cloud.put("a.csv", b"x\n1\n")
    source = cloud.csv("s3://rows/a.csv")
    store.local_path(snapshot(source, store).parts[0].file).unlink()
    cloud.counting.seen.clear()
    snapshot(source, store)
    assert cloud.counting.got() == ["/rows/a.csv"]


def test_a_large_object_comes_in_pieces(cloud: Cloud, store: Store):
    """Never whole in memory."""
    data = b"n\n" + b"".join(b"%015d\n" % i for i in range(20 * 2**16))
    cloud.put("big.csv", data)
    taken = snapshot(cloud.csv("s3://rows/big.csv"), store)
    assert taken.parts[0].file.size == len(data) > 20 << 20
    assert len(cloud.counting.got()) == 3
    assert taken.n_rows == 20 * 2**16


@pytest.mark.parametrize("status", ["503 Service Unavailable", "500 Internal Server Error", "429 Too Many Requests"])
def test_a_server_that_heals_is_asked_again(cloud: Cloud, store: Store, status: str):
    """At the third try it is well; where it is not, that is told as worth another run."""
    cloud.put("a.csv", b"x\n1\n")
    cloud.counting.status = status
    cloud.counting.failing = 2
    assert snapshot(cloud.csv("s3://rows/a.csv"), store).n_rows == 1
    cloud.counting.failing = 100
    assert isinstance(refused(cloud.csv("s3://rows/a.csv"), store), SourceUnavailable)
    assert cloud.counting.failing == 97


def test_a_refused_connection_may_pass(cloud: Cloud, store: Store):
    """Nobody listens there, now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    access = {"options": {"endpoint_url": f"http://127.0.0.1:{port}"}, "tries": 2}
    assert isinstance(refused(cloud.csv("s3://rows/a.csv", access=access), store), SourceUnavailable)


def test_a_server_that_says_nothing_is_not_waited_for(cloud: Cloud, store: Store):
    """Longer than `timeout`."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        source = cloud.csv("s3://rows/a.csv", access={"options": options, "tries": 1, "timeout": 0.5})
        assert isinstance(refused(source, store), SourceUnavailable)


def test_what_is_not_there_is_told(cloud: Cloud, store: Store):
    """A key, a pattern, a bucket; with what is like it. It is asked for once."""
    cloud.put("d/sales.csv", b"x\n1\n")
    error = refused(cloud.csv("s3://rows/d/sale.csv"), store)
    assert (error.what, error.where) == ("There is no such file", "s3://rows/d/sale.csv")
    assert error.expected == "did you mean 'sales.csv'?"
    assert "sales.csv" in refused(cloud.csv("s3://rows/d/*.tsv"), store).expected
    assert refused(cloud.csv("s3://nobucket/a.csv"), store).what == "There is no such file"
    assert (
        "no file of this kind"
        in refused(ParquetSource(name="t", path="s3://rows/d", access=cloud.access()), store).what
    )
    assert not isinstance(error, SourceUnavailable)


def test_an_object_that_is_empty_or_too_large_is_told(cloud: Cloud, store: Store):
    """The second before a byte of it comes."""
    cloud.put("empty.csv", b"")
    cloud.put("large.csv", b"x\n" * 1000)
    assert refused(cloud.csv("s3://rows/empty.csv"), store).what == "The file is empty"
    cloud.counting.seen.clear()
    assert "larger than allowed" in refused(cloud.csv("s3://rows/large.csv", access={"max_bytes": 1000}), store).what
    assert cloud.counting.got() == []


def test_a_key_that_climbs_is_refused(cloud: Cloud, store: Store):
    """Object stores let a key be anything."""
    # Clients put paths in order before they send them; who wants to do harm does not.
    s3_backends["123456789012"]["global"].put_object("rows", "d/../../etc/a.csv", b"x\n1\n")
    assert "climbs out" in refused(cloud.csv("s3://rows/d"), store).what


def test_missing_credentials_are_told(cloud: Cloud, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """With the variables' names."""
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    source = CsvSource(name="t", path="s3://rows/a.csv", access={"options": {"endpoint_url": cloud.endpoint}})
    error = refused(source, store)
    assert error.what == "There are no credentials"
    assert "AWS_ACCESS_KEY_ID" in error.todo


def test_a_denied_access_is_told(cloud: Cloud, store: Store):
    """It is tried once: another try would be denied too."""
    cloud.put("a.csv", b"x\n1\n")
    cloud.counting.status, cloud.counting.failing = "403 Forbidden", 1
    error = refused(cloud.csv("s3://rows/a.csv"), store)
    assert error.what == "Access is denied"
    assert not isinstance(error, SourceUnavailable)
    assert "AWS_SECRET_ACCESS_KEY" in error.todo
    assert cloud.counting.failing == 0


def test_a_wrong_key_is_told(cloud: Cloud, store: Store):
    """The server checks it, and its words hold no secret of ours."""

    def check_from(n: str) -> None:
        url, plain = f"{cloud.endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        request = urllib.request.Request(url, data=n.encode(), headers=plain, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)

    cloud.put("a.csv", b"x\n1\n")
    check_from("0")
    try:
        error = refused(cloud.csv("s3://rows/a.csv", access={"options": {"key": "AKIAWRONG"}}), store)
    finally:
        check_from("Infinity")
    assert error.what == "Access is denied"


def test_no_secret_is_written_anywhere(cloud: Cloud, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Not in the receipt, the spec's dump, the note for the next run, an object or a log at its most talkative."""
    cloud.put("a.csv", b"x\n1\n")
    store = Store(tmp_path / "store")
    caplog.set_level(logging.DEBUG, logger="penstock")
    source = cloud.csv("s3://rows/a.csv")
    taken = snapshot(source, store)
    texts = [taken.model_dump_json(), source.model_dump_json(), repr(source), str(source), str(source.state())]
    assert SECRET not in " ".join([*texts, caplog.text])
    files = [p for p in (tmp_path / "store").rglob("*") if p.is_file()]
    assert len(files) >= 3
    assert all(SECRET.encode() not in p.read_bytes() and SECRET not in str(p) for p in files)


def test_sources_are_collected_side_by_side(cloud: Cloud, tmp_path: Path):
    """From threads of their own, over one connection pool; nothing is left behind."""
    for i in range(8):
        cloud.put(f"{i}.csv", f"x\n{i}\n".encode())
    sources = tuple(CsvSource(name=f"s{i}", path=f"s3://rows/{i}.csv", access=cloud.access()) for i in range(8))
    collected = collect(sources, Store(tmp_path / "store"))
    assert [s.name for s in collected.snapshots] == [f"s{i}" for i in range(8)]
    threads = {t.name for t in threading.enumerate()}
    assert not [name for name in threads if name.startswith("collect")]
