"""The server answers what is well-formed, refuses the rest in a line, and waits for nobody for long."""

import concurrent.futures
import socket
import threading
import time

import pytest
from clients import connected, echo, exchange, head, running

from tinygrad_cnn.demo.server import MAX_BODY, Answer


@pytest.fixture(scope="module")
def server():
    with running() as server:
        yield server


@pytest.mark.parametrize(
    ("first", "body", "expected"),
    [
        ("GET /a?b=1 HTTP/1.1", b"", "GET /a b=1 0"),
        ("GET /../../etc/passwd HTTP/1.0", b"", "GET /../../etc/passwd  0"),
        ("POST /a HTTP/1.1", b"x" * MAX_BODY, f"POST /a  {MAX_BODY}"),
    ],
)
def test_a_request_is_answered(server, first, body, expected):
    status, headers, text = exchange(server, head(server, first, f"Content-Length: {len(body)}") + body)
    assert (status, text) == (200, expected)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Python" not in str(headers)


def test_head_has_no_body(server):
    status, headers, text = exchange(server, head(server, "HEAD / HTTP/1.1"))
    assert (status, text, int(headers["Content-Length"])) == (200, "", len("GET /  0"))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_page_may_ask_by_both_of_its_names(server, name):
    here = f"{name}:{server.server_address[1]}"
    request = head(server, "POST / HTTP/1.1", f"Host: {here}", f"Origin: http://{here}", "Content-Length: 0")
    assert exchange(server, request)[0] == 200


@pytest.mark.parametrize(
    ("status", "first", "lines"),
    [
        (400, "GET /", ()),
        (400, "GET / HTTP/2.0", ()),
        (400, "nonsense", ()),
        (400, "", ()),
        (400, "\x16\x03\x01\x02 HTTP/1.1", ()),  # a handshake of TLS
        (414, "GET /" + "a" * 20_000 + " HTTP/1.1", ()),
        (431, "GET / HTTP/1.1", [f"A{i}: b" for i in range(200)]),
        (431, "GET / HTTP/1.1", ["A: " + "b" * 70_000]),
        (405, "DELETE / HTTP/1.1", ()),
        (405, "OPTIONS / HTTP/1.1", ()),
        (421, "GET / HTTP/1.1", ["Host: evil.example"]),
        (421, "GET / HTTP/1.1", ["Host: 127.0.0.1"]),
        (421, "GET / HTTP/1.1", ["Host: 127.0.0.1:1", "Host: 127.0.0.1:1"]),
        (403, "POST / HTTP/1.1", ["Origin: http://evil.example", "Content-Length: 0"]),
        (403, "POST / HTTP/1.1", ["Origin: null", "Content-Length: 0"]),
        (403, "GET / HTTP/1.1", ["Origin: https://evil.example"]),
        (411, "POST / HTTP/1.1", ()),
        (411, "POST / HTTP/1.1", ["Transfer-Encoding: chunked"]),
        (400, "POST / HTTP/1.1", ["Content-Length: -1"]),
        (400, "POST / HTTP/1.1", ["Content-Length: 1_0"]),
        (400, "POST / HTTP/1.1", ["Content-Length: 1", "Content-Length: 2"]),
        (413, "POST / HTTP/1.1", [f"Content-Length: {MAX_BODY + 1}"]),
        (413, "POST / HTTP/1.1", [f"Content-Length: {MAX_BODY + 1}", "Expect: 100-continue"]),
        (400, "GET /mine HTTP/1.1", ()),
    ],
)
def test_what_is_wrong_is_refused_in_a_line(server, status, first, lines):
    found, headers, text = exchange(server, head(server, first, *lines))
    assert found == status
    assert text.count("\n") == 1
    assert headers["Content-Type"].startswith("text/plain")


def test_a_body_that_is_too_large_is_refused_while_it_comes(server):
    request = head(server, "POST / HTTP/1.1", f"Content-Length: {8 * MAX_BODY}") + b"x" * (8 * MAX_BODY)
    assert exchange(server, request)[0] == 413


def test_a_body_that_is_awaited_is_asked_for(server):
    with connected(server) as client:
        client.sendall(head(server, "POST / HTTP/1.1", "Content-Length: 3", "Expect: 100-continue"))
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"abc")
        assert client.makefile("rb").read().endswith(b"POST /  3")


def test_a_body_that_ends_early_is_refused(server):
    with connected(server) as client:
        client.sendall(head(server, "POST / HTTP/1.1", "Content-Length: 3") + b"a")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_fault_tells_nothing_to_who_asked_and_all_to_who_started_the_server(server, capfd):
    status, _, text = exchange(server, head(server, "GET /fault HTTP/1.1"))
    assert (status, text) == (500, "the server has a fault\n")
    assert "KeyError: '/secret/path'" in capfd.readouterr().err


def test_a_client_that_goes_away_is_no_fault(server, capfd):
    for request in (b"", b"GET / HT", head(server, "POST / HTTP/1.1", "Content-Length: 9") + b"a"):
        with connected(server) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            client.sendall(request)
    assert exchange(server, head(server))[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\n"])
def test_a_client_that_trickles_has_no_more_time_than_others(sent):
    with running(patience=0.4) as server, connected(server) as client:
        begin = time.monotonic()
        client.sendall(sent)
        answer = b""
        while time.monotonic() - begin < 5 and not answer:
            client.settimeout(0.1)
            try:
                answer = client.recv(100)
            except TimeoutError:
                client.sendall(b"a")  # which starts no clock anew
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read_is_left():
    def large(*request):
        return Answer(b"x" * (1 << 25))

    with running(large, patience=0.3, clients=1) as server, connected(server) as client:
        client.sendall(head(server))
        assert exchange(server, head(server, "HEAD / HTTP/1.1"))[0] == 200


def test_no_more_clients_are_served_at_once_than_allowed_and_the_others_wait():
    together, most, lock = 0, 0, threading.Lock()

    def slow(*request):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.02)
        with lock:
            together -= 1
        return echo(*request)

    with running(slow, clients=3) as server, concurrent.futures.ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: exchange(server, head(server))[0], range(20)))
    assert found == [200] * 20
    assert most == 3


def test_a_server_stops_at_once_with_clients_connected_and_frees_its_port():
    before = threading.active_count()
    with running(clients=2) as server:
        clients = [connected(server) for _ in range(4)]  # two of them wait for a free thread
        clients[0].sendall(b"GET / HT")
        time.sleep(0.05)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    for client in clients:
        client.close()
    with running():
        pass
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before
