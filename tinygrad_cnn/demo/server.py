"""A small HTTP server for one user on this machine: it listens on loopback, and bounds what a client may ask.

A request that waits for a free thread waits in the queue of the kernel, so that a burst is answered late, and
not refused. A client has a few seconds for the whole of its request, however it spreads the bytes.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

MAX_BODY = 1 << 18
"""The bytes that the body of a request may have."""

_ADDRESS = "127.0.0.1"
_CLIENTS = 128  # that are served at once
_MAX_LINE = 1 << 14  # bytes of the first line of a request
_PATIENCE = 10.0  # seconds that a client has to send a request, and as many to take the answer
_GOODBYE = 1.0  # seconds that a client has to close, after which it may miss the answer
_POLL = 0.1  # seconds between looks at whether the server shall stop
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Answer(NamedTuple):
    """What is sent back: bytes, what they are, and the status."""

    body: bytes
    kind: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


class RequestError(Exception):
    """A request that cannot be answered; the message is for whoever asked."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(status, message)  # all of it, so that a copy can be made of the same
        self.status, self.message = status, message

    def __str__(self) -> str:
        return self.message


Application = Callable[[str, str, str, bytes], Answer]
"""It is given the method, path, query and body of a request; a ValueError is the fault of who asked."""


class Server(http.server.ThreadingHTTPServer):
    """The server of one application; a context that closes it, with whatever is still connected.

    Parameters
    ----------
    application : callable
        What answers: see `Application`.
    port : int
        The port, or 0 for any that is free.
    clients : int
        How many clients are served at once.
    patience : float
        The seconds that a client has to send a request.
    """

    request_queue_size = 1024
    allow_reuse_address = sys.platform != "win32"  # where it would let two servers share a port

    def __init__(
        self, application: Application, port: int, *, clients: int = _CLIENTS, patience: float = _PATIENCE
    ) -> None:
        self.application, self.patience = application, patience
        self._free = threading.BoundedSemaphore(clients)
        self._connected: set[socket.socket] = set()
        super().__init__((_ADDRESS, port), _Handler)

    @property
    def hosts(self) -> set[str]:
        """The names by which a browser may have found this server; another was made to point here."""
        return {f"{name}:{self.server_address[1]}" for name in (_ADDRESS, "localhost")}

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{_ADDRESS}:{self.server_address[1]}/"

    def run(self) -> None:
        """Serve until `shutdown`, or until an interrupt."""
        self.serve_forever(poll_interval=_POLL)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take the next client, once a thread is free; `serve_forever` asks again after an OSError."""
        if not self._free.acquire(timeout=_POLL):
            raise TimeoutError
        try:
            connection, address = super().get_request()
        except OSError:
            self._free.release()
            raise
        self._connected.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, once the client has had time to read the answer, and free its thread."""
        with contextlib.suppress(OSError):
            _let_go(request)
        self._connected.discard(request)
        self.close_request(request)
        self._free.release()

    def server_close(self) -> None:
        """Stop listening, and end the connections that are left."""
        super().server_close()
        for connection in list(self._connected):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that went away; an error of the server's own is shown on its side."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _let_go(connection: socket.socket) -> None:
    """Read what a client still sends, for if it were left unread, the answer might be lost with it."""
    connection.shutdown(socket.SHUT_WR)
    end = time.monotonic() + _GOODBYE
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(1 << 16):
            break


class _Patient(io.RawIOBase):
    """The bytes of a client, all of which have to come before a time."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        self.connection, self.end = connection, time.monotonic() + patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection, which has one request."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tinygrad-cnn", ""
    server: Server

    def setup(self) -> None:
        """Read by the clock of `_Patient`."""
        super().setup()
        self.rfile = io.BufferedReader(_Patient(self.connection, self.server.patience))

    def handle(self) -> None:
        """Answer the request, also one that is too slow."""
        self.close_connection = True
        self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
        try:
            answer = self._answered() if self._read_head() else None
        except TimeoutError:
            answer = _refused(RequestError(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to come"))
        if answer:
            self._send(answer)

    def _read_head(self) -> bool:
        """Read all but the body; what is malformed is answered at once."""
        self.raw_requestline = self.rfile.readline(_MAX_LINE + 1)
        if len(self.raw_requestline) > _MAX_LINE:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return False
        return bool(self.raw_requestline) and self.parse_request()

    def parse_request(self) -> bool:
        """Read the head; a request without a version is older than any browser."""
        if not self.raw_requestline.rstrip().endswith((b"HTTP/1.0", b"HTTP/1.1")):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        """Let a client send its body, unless it is refused; it is asked to go on only then."""
        try:
            self._length()
        except RequestError as refusal:
            self._send(_refused(refusal))
            return False
        return super().handle_expect_100()

    def _answered(self) -> Answer:
        try:
            self._check_origin()
            if self.command not in ("GET", "HEAD", "POST"):
                raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET, HEAD or POST")
            length = self._length()
            body = self.rfile.read(length)
            if len(body) < length:
                raise RequestError(HTTPStatus.BAD_REQUEST, "the body is shorter than it was said to be")
            path, _, query = self.path.partition("?")
            return self.server.application(
                "GET" if self.command == "HEAD" else self.command, path, query, body
            )
        except RequestError as refusal:
            return _refused(refusal)
        except ValueError as error:
            return _refused(RequestError(HTTPStatus.BAD_REQUEST, str(error)))
        except TimeoutError:
            raise
        except Exception:
            self.server.handle_error(self.connection, self.client_address)
            return _refused(RequestError(HTTPStatus.INTERNAL_SERVER_ERROR, "the server has a fault"))

    def _check_origin(self) -> None:
        """Refuse other pages of the browser, and names of other hosts that were made to point here."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0] not in self.server.hosts:
            raise RequestError(
                HTTPStatus.MISDIRECTED_REQUEST, "expected the address that the command printed"
            )
        origin = self.headers.get("Origin", f"http://{hosts[0]}")
        if origin.removeprefix("http://") not in self.server.hosts:
            raise RequestError(HTTPStatus.FORBIDDEN, "expected a request of the page itself")

    def _length(self) -> int:
        """Return the length of the body, which has to be told."""
        told = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or (self.command == "POST" and not told):
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if len(told) > 1 or not all(re.fullmatch("[0-9]{1,15}", text) for text in told):
            raise RequestError(HTTPStatus.BAD_REQUEST, "expected a whole number for Content-Length")
        length = int(told[0]) if told else 0
        if length > MAX_BODY:
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MAX_BODY} bytes")
        return length

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in a line, without what the request was."""
        status = HTTPStatus(code)
        self._send(_refused(RequestError(status, status.phrase)))

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(self.server.patience)
        self.request_version = self.protocol_version  # or what seems to be of HTTP/0.9 would get no headers
        self.send_response(answer.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no log: the command prints the address, and nothing for a request."""


def _refused(refusal: RequestError) -> Answer:
    return Answer(f"{refusal}\n".encode(), status=refusal.status)
