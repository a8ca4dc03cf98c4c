"""A hook: a method of `Primitive` in another form while somebody asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .primitive import Primitive


class Hook:
    """The replacement of one method of `Primitive`, in all threads, while any block asks for it.

    The method itself is replaced, so that at other times the tape has no question to ask.

    Parameters
    ----------
    method : str
        The name of the method.
    changed : callable
        Makes the other form of the plain method.
    """

    def __init__(self, method: str, changed: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._method = method
        self._plain = getattr(Primitive, method)
        self._changed = changed(self._plain)
        self._active = 0
        self._lock = threading.Lock()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace the method inside of a block."""
        with self._lock:
            self._active += 1
            setattr(Primitive, self._method, self._changed)
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if not self._active:
                    setattr(Primitive, self._method, self._plain)
