"""Tools that find mistakes in code that uses or extends the package; each is off until it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .program.nonfinite import first_nonfinite as first_nonfinite
from .tape import Box, Edge, Hook, Node, Plan, Primitive, raw

__all__ = ["first_nonfinite", "guard_mutation"]


def __dir__() -> list[str]:
    return __all__


class OperandChangedError(RuntimeError):
    """The function of a primitive has changed one of its operands."""


@contextmanager
def guard_mutation() -> Iterator[None]:
    """Raise an error if an array that a gradient rule needs is changed, by the call, after it or by the rule.

    The guard watches the calls that are recorded inside the block, wherever their backward walk takes place.
    After the call it compares the operands with what they were. Before every rule it compares the arrays that
    the call has kept with what they were, and after the rule it compares them again, with the cotangent that
    the rule was given. Calls outside of the block are not watched and cost nothing.

    Yields
    ------
    None

    Raises
    ------
    RuntimeError
        If an array was changed. The call or the backward walk raises it, with the names of the operation and
        the operand.

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
    with _hook.installed():
        yield


def _watching(record: Callable[..., Any]) -> Callable[..., Any]:
    """Return a form of `Primitive.record` that gives each recorded node a plan of its own to watch."""

    def record_and_watch(
        op: Primitive[..., Any], cls: type[Box], operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        before = [_digest(operand) for operand in operands]
        out = record(op, cls, operands, params)
        for position, operand in enumerate(operands):
            if _digest(operand) != before[position]:
                name = op.operand_name(position)
                raise OperandChangedError(f"'{op.name}' changes its operand '{name}': it must work on a copy")
        if out.node is not None:
            out.node.plan = _WatchedPlan(out.node)
        return out

    return record_and_watch


_hook = Hook("record", _watching)


class _WatchedPlan(Plan):
    """The plan of a single node, whose rules compare digests of the arrays before and after they run."""

    __slots__ = ("digests",)

    def __init__(self, node: Node) -> None:
        for name in Plan.__slots__:
            setattr(self, name, getattr(node.plan, name))
        self.digests = [_digest(value) for value in node.values]
        self.edges = tuple(self._watched(edge, edge.rule) if edge.rule else edge for edge in self.edges)

    def _watched(self, edge: Edge, plain: Callable[..., Any]) -> Edge:
        """Return the edge with a rule that runs the plain one and looks for arrays that have changed."""
        op, operand = self.primitive.name, self.primitive.operand_name(edge.position)

        def changed(context: tuple[Any, ...]) -> str | None:
            _, _, *values = context  # the cotangent and the position come first
            pairs = zip(self.names, self.digests, values, strict=True)
            return next((name for name, digest, value in pairs if _digest(value) != digest), None)

        def rule(*context: Any) -> Any:
            if name := changed(context):
                raise RuntimeError(
                    f"guard_mutation: '{op}': '{name}' was changed between the call and the backward walk"
                )
            before = _digest(context[0])
            gradient = plain(*edge.arguments(context))
            name = "g" if _digest(context[0]) != before else changed(context)
            if name:
                raise RuntimeError(f"guard_mutation: '{op}': the rule of '{operand}' changes '{name}'")
            return gradient

        return Edge(edge.position, rule, tuple)


def _digest(value: Any) -> Any:
    """Return what changes when the arrays in a value do, and None for a value that cannot change."""
    value = raw(value)
    if isinstance(value, np.ndarray):
        return hashlib.blake2b(value.tobytes(), digest_size=16).digest()
    if isinstance(value, tuple | list):  # the operands of a variadic op, or an index that holds arrays
        return [_digest(item) for item in value]
    return None
