"""Clients of the page's server: requests as bytes on a socket, and what comes back."""

import contextlib
import http.client
import socket
import threading

from tinygrad_cnn.demo.server import Answer, Server


def echo(method, path, query, body):
    """An application that answers at once, and has a fault at one path."""
    if path == "/fault":
        raise KeyError("/secret/path")
    if path == "/mine":
        raise ValueError("a fault of who asked")
    return Answer(f"{method} {path} {query} {len(body)}".encode())


@contextlib.contextmanager
def running(application=echo, **options):
    """A server in a thread of its own, which has to end with the block."""
    server = Server(application, 0, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
        assert not thread.is_alive()


def connected(server):
    return socket.create_connection(server.server_address, timeout=120)


def head(server, first="GET / HTTP/1.1", *lines):
    """The head of a request, from the page unless a line says otherwise."""
    if not any(line.lower().startswith("host:") for line in lines):
        lines = (f"Host: 127.0.0.1:{server.server_address[1]}", *lines)
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def exchange(server, request):
    """Send bytes, and return the status, the headers and the body of the answer; the server then closes."""
    with connected(server) as client:
        client.sendall(request)
        answer = http.client.HTTPResponse(client, method=request.partition(b" ")[0].decode("latin-1"))
        answer.begin()
        body = answer.read()
        assert client.recv(1) == b""
        return answer.status, answer.headers, body.decode()
