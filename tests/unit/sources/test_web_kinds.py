"""Every kind of file over HTTP, and the certificates of HTTPS."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources.locate import source_from
from penstock.sources.places.access import Access
from penstock.sources.web.download import download
from penstock.store import Store
from tests.unit.sources.local_web import Reply, certificate, site

CSV = b"a,b\n1,2\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def quick(**more) -> Access:
    return Access.model_validate({"tries": 3, "backoff": 0.01, "timeout": 5.0, **more})


def test_https_is_spoken_and_a_stranger_not_trusted(tmp_path, monkeypatch):
    """A certificate that nobody vouches for is an error that no other try mends; SSL_CERT_FILE names who vouches."""
    tls, authority = certificate(tmp_path)
    with site(Reply(body=CSV), tls) as web:
        with pytest.raises(SourceError, match="not trusted") as caught:
            download(web.url, tmp_path / "f", quick())
        assert not isinstance(caught.value, SourceUnavailable)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert download(f"{web.url}/rows.csv", tmp_path / "f", quick()) is not None
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(SourceError, match="authorities cannot be read"):
            download(web.url, tmp_path / "g", quick())
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with pytest.raises((SourceError, SourceUnavailable)):
            download(web.url.replace("https", "http"), tmp_path / "g", quick(tries=1))
    assert (tmp_path / "f").read_bytes() == CSV
    with site(Reply()) as plain, pytest.raises(SourceError, match="does not speak https"):
        download(plain.url.replace("http", "https"), tmp_path / "g", quick())


def a_table(kind: str) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"a": ["1", "2"], "b": ["x", "y"]})
    if kind == "parquet":
        pq.write_table(table, sink)
    elif kind == "arrow":
        feather.write_feather(table, sink)
    elif kind == "xlsx":
        table.to_pandas().to_excel(sink, index=False)
    else:
        return {
            "csv": b"a,b\n1,x\n2,y\n",
            "json": b'[{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]',
            "xml": b"<r><o><a>1</a><b>x</b></o><o><a>2</a><b>y</b></o></r>",
            "html": b"<table><tr><th>a<th>b<tr><td>1<td>x<tr><td>2<td>y</table>",
        }[kind]
    return sink.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "json", "xml", "html", "parquet", "arrow", "xlsx"])
def test_every_kind_of_file_may_lie_on_the_web(tmp_path, kind, packed):
    """The same rows from an address as from a path, packed or not, and the second time nothing is sent."""
    data = gzip.compress(a_table(kind)) if packed else a_table(kind)

    def reply(asked):
        if asked.path == "/robots.txt":
            return Reply(404)
        known = asked.headers.get("if-none-match") == '"v1"'
        return Reply(304 if known else 200, data, {"ETag": '"v1"'})

    name = f"rows.{kind}{'.gz' if packed else ''}"
    (tmp_path / name).write_bytes(data)
    store = Store(tmp_path / "store")
    with site(reply) as web:
        politely = {"every": 0} if kind == "html" else {}
        there = source_from(f"{web.url}/{name}", "there", tmp_path, **politely)
        here = source_from(name, "here", tmp_path)
        taken = there.collect(store)
        sent = web.n_sent
        again = there.collect(store, taken)
    assert sent == web.n_sent == len(data)
    assert again.identity() == taken.identity()
    assert store.read_table(taken.table).to_pydict() == store.read_table(here.collect(store).table).to_pydict()
    assert store.read_table(taken.table).column("b").to_pylist() == ["x", "y"]
