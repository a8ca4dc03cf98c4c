"""The page: which request is answered by what, and serving it until an interrupt."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from ..train import SavedModel
from ..train.json_lines import line
from .files import static
from .lesson import RATES, Lesson
from .reading import Reader
from .server import Answer, RequestError, Server
from .walk import walk

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class Page:
    """What the server answers: the files of the page, and what is computed for it.

    Parameters
    ----------
    model : SavedModel
        The network that reads drawings.
    """

    def __init__(self, model: SavedModel) -> None:
        self._lesson = Lesson()
        self._readers = {"given": Reader(model), "lesson": Reader(self._lesson.model)}
        self._files = _files()
        self._computed: dict[tuple[str, str], Callable[[dict[str, str], bytes], Any]] = {
            ("GET", "/network"): lambda query, body: self._reader(query).described(),
            ("POST", "/read"): self._read,
            ("POST", "/lesson"): self._train,
            ("POST", "/expression"): lambda query, body: walk(body),
        }

    def __call__(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """Answer a request."""
        if method == "GET" and path in self._files:
            return self._files[path]
        if (method, path) in self._computed:
            found = self._computed[method, path](_parsed(query), body)
            return Answer(line(found).encode(), "application/json")
        if path in self._files or any(path == other for _, other in self._computed):
            raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, "expected another method")
        raise RequestError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _reader(self, query: dict[str, str]) -> Reader:
        which = query.get("which", "given")
        if which not in self._readers:
            raise ValueError("which: expected given or lesson")
        return self._readers[which]

    def _read(self, query: dict[str, str], body: bytes) -> Any:
        target = _number(query, "target", range(10)) if "target" in query else None
        return self._reader(query).read(body, target)

    def _train(self, query: dict[str, str], body: bytes) -> Any:
        if "restart" not in query:
            return self._lesson.train(_number(query, "steps", range(1, 21)))
        rates = {str(rate): rate for rate in RATES}
        rate = query.get("rate", str(RATES[2]))
        if rate not in rates:
            raise ValueError(f"rate: expected one of {', '.join(rates)}")
        return self._lesson.restart(rates[rate])


def _files() -> dict[str, Answer]:
    """Read the page, and the files that it names."""
    index = static("index.html")
    names = re.findall(r'"([\w.]+\.(?:js|css))"', index)
    found = {
        f"/{name}": Answer(static(name).encode(), f"{_KINDS[name.rpartition('.')[2]]}; charset=utf-8")
        for name in ["index.html", *names]
    }
    return {"/": found["/index.html"], **found}


def _number(query: dict[str, str], name: str, allowed: range) -> int:
    text = query.get(name, "")
    if text not in map(str, allowed):
        raise ValueError(f"{name}: expected a whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def _parsed(query: str) -> dict[str, str]:
    """Read the fields of a query, of which each may occur once."""
    found = urllib.parse.parse_qs(query, max_num_fields=8)
    return {name: values[0] for name, values in found.items()}


def serve(model: SavedModel, port: int = 0, *, ready: Callable[[str], None]) -> None:
    """Serve the page for a network on loopback, until an interrupt.

    Parameters
    ----------
    model : SavedModel
        A network that reads digits of shape (1, 28, 28).
    port : int
        The port, or 0 for any that is free.
    ready : callable
        It is given the address, once the page can be opened.

    Raises
    ------
    ValueError
        If the network reads other images.
    OSError
        If the port is taken.

    Examples
    --------
    >>> serve(model, ready=print)  # doctest: +SKIP
    http://127.0.0.1:43211/
    """
    with Server(Page(model), port) as server:
        ready(server.url)
        server.run()
