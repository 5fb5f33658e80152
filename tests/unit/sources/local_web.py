"""A real web server of this machine, whose answers a test decides."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECRET = "hunter2-planted"


class Asked(NamedTuple):
    """A request that came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return where it asked, without the query."""
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        """Return its query."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Reply(NamedTuple):
    """What to answer; a `length` that is not the body's is sent all the same, a body of several pieces slowly."""

    status: int = 200
    body: bytes | tuple[bytes, ...] = b""
    headers: Mapping[str, str] = {}
    length: int | None = None
    pause: float = 0.0


class Site:
    """A running server: its address, and all that it was asked."""

    def __init__(self, reply: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.n_sent = 0
        self._free = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                asked = Asked(
                    self.command,
                    self.path,
                    {k.lower(): v for k, v in self.headers.items()},
                    self.rfile.read(length) if length else b"",
                )
                site.asked.append(asked)
                given = reply(asked)
                pieces = (given.body,) if isinstance(given.body, bytes) else given.body
                if self.command == "HEAD" or given.status == 304:
                    pieces = ()
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                size = sum(map(len, pieces))
                self.send_header("content-length", str(size if given.length is None else given.length))
                self.end_headers()
                for piece in pieces:
                    site._free.wait(given.pause)
                    self.wfile.write(piece)
                    self.wfile.flush()
                    site.n_sent += len(piece)
                if given.length is not None:
                    self.close_connection = True

            do_GET = do_POST = do_HEAD = answer  # noqa: N815 - the server's names

            def log_message(self, *args) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address) -> None:
                """Say nothing: clients that hang up are what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._free.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def site(reply: Callable[[Asked], Reply] | Reply | list[Reply], tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a server that answers by a function, always the same, or by a list of which the last stays."""
    if isinstance(reply, Reply):
        same = reply
        answer = lambda asked: same  # noqa: E731 - one of three answers, each too short for a name
    elif isinstance(reply, list):
        queue = list(reply)
        answer = lambda asked: queue.pop(0) if len(queue) > 1 else queue[0]  # noqa: E731 - as above
    else:
        answer = reply
    running = Site(answer, tls)
    try:
        yield running
    finally:
        running.close()


def nobody() -> str:
    """Return the address of a port that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}"


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that only this test trusts: what a server needs of it, and the file that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    return context, cert


def every_word(error: BaseException | None) -> str:
    """Return all that an exception and whatever led to it say, requests and responses that hang on them included."""
    words, seen = "", set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        words += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return words


def echoing(asked: Asked, status: int) -> Reply:
    """Say back all that was told, as careless servers do."""
    told = f"{asked.target} {dict(asked.headers)}"
    location = "/x?back=" + asked.headers.get("authorization", "").replace(" ", "%20") + "&" + asked.target
    headers = {"X-Echo": told[:2000], "Content-Type": f"text/{SECRET}"}
    return Reply(status, told.encode(), {**headers, "Location": location[:2000]} if status == 302 else headers)
