"""Tools to find mistakes in code that uses or extends the package; each is off until it is asked for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .tape import Edge, Node, Plan, Primitive, raw

__all__ = ["guard_mutation"]


@contextmanager
def guard_mutation() -> Iterator[None]:
    """Raise when an array that a gradient rule needs was changed after the call, or is changed by the rule.

    Calls recorded inside the block are watched, wherever their backward walk takes place. Before every rule,
    what the call has kept for it is compared with what it was; after the rule, that and the cotangent that it
    was handed. What is recorded outside of the block costs nothing and is not watched.

    Yields
    ------
    None

    Raises
    ------
    RuntimeError
        From the backward walk; names the operation and the operand.

    Examples
    --------
    >>> from tinygrad_cnn import Tensor
    >>> x, scale = Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 3.0])
    >>> with guard_mutation():
    ...     y = (x * scale).sum()
    >>> scale *= 2
    >>> try:
    ...     y.backward()
    ... except RuntimeError as error:
    ...     print(error)
    guard_mutation: 'multiply': 'b' was changed between the call and the backward walk
    """
    _hook.install()
    try:
        yield
    finally:
        _hook.remove()


class _Hook:
    """Puts the watching form of `Primitive.record` in place while any guard is active.

    It replaces the method, so that the tape itself has nothing to ask when no guard is active.
    """

    def __init__(self) -> None:
        self._plain = Primitive.record
        self._active = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        with self._lock:
            self._active += 1
            self._set(_watching(self._plain))

    def remove(self) -> None:
        with self._lock:
            self._active -= 1
            if not self._active:
                self._set(self._plain)

    @staticmethod
    def _set(method: Callable) -> None:
        Primitive.record = method  # type: ignore[method-assign]


_hook = _Hook()


def _watching(record: Callable) -> Callable:
    def record_and_watch(self, cls, operands, params):
        out = record(self, cls, operands, params)
        if out.node is not None:
            out.node.plan = _WatchedPlan(out.node)
        return out

    return record_and_watch


class _WatchedPlan(Plan):
    """The plan of one node alone, whose rules compare digests before and after."""

    __slots__ = ("digests",)

    def __init__(self, node: Node):
        for name in Plan.__slots__:
            setattr(self, name, getattr(node.plan, name))
        self.digests = [_digest(value) for value in node.values]
        self.edges = tuple(self._watched(edge, edge.rule) if edge.rule else edge for edge in self.edges)

    def _watched(self, edge: Edge, plain: Callable) -> Edge:
        op, position = self.primitive.name, self.primitive.operand_name(edge.position)

        def changed(context):
            _, _, *values = context  # g and the position
            pairs = zip(self.names, self.digests, values, strict=True)
            return next((name for name, digest, value in pairs if _digest(value) != digest), None)

        def rule(*context):
            if name := changed(context):
                raise RuntimeError(
                    f"guard_mutation: '{op}': '{name}' was changed between the call and the backward walk"
                )
            before = _digest(context[0])
            g = plain(*edge.arguments(context))
            name = "g" if _digest(context[0]) != before else changed(context)
            if name:
                raise RuntimeError(f"guard_mutation: '{op}': the rule of '{position}' changes '{name}'")
            return g

        return Edge(edge.position, rule, tuple)


def _digest(value: Any) -> Any:
    """What changes when the arrays in a value do; None for what cannot change."""
    value = raw(value)
    if isinstance(value, np.ndarray):
        return hashlib.blake2b(value.tobytes(), digest_size=16).digest()
    if isinstance(value, tuple | list):  # the operands of a variadic op, or an index made of arrays
        return [_digest(item) for item in value]
    return None
