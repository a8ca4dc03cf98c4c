"""The reverse walk: it carries cotangents from outputs back along the tape.

Rules are written with primitives. Handed ndarrays, they compute a gradient; handed boxes, they record it,
and the recorded gradient can be differentiated again, to any order, by the same rules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Set
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .adjoints import add, astype, single, sum_to
from .node import RELEASED, Box, Node, box, require_graph
from .primitive import Edge, Primitive


def walk(
    roots: Iterable[tuple[Node, Any]], inputs: Iterable[Node] | None = None, record: type[Box] | None = None
) -> dict[Any, Any]:
    """Carry cotangents from ``roots`` back along the tape.

    Parameters
    ----------
    roots : iterable of (Node, array or Box)
        Where to start, with the cotangent of each. Handed over as an iterator, it lets the walk hold the
        graph alone, and so release each node once it is done with it.
    inputs : iterable of Node, optional
        Where to stop: the walk visits no node older than the oldest of these, which could not depend on
        them. By default it goes on to every leaf.
    record : type of Box, optional
        Hand the rules boxes of this class, so that the derivative is itself recorded.

    Returns
    -------
    dict of Node to (ndarray or Box)
        The cotangent of each of ``inputs`` (or of each leaf) that was reached. ndarrays are writable and
        share no memory.
    """
    ends = frozenset(inputs or ())
    oldest = min((node.serial for node in ends), default=RELEASED.serial)
    cotangents = Cotangents(ends)
    for node, g in roots:
        require_graph(node)
        cotangents.add(node, g)
    while cotangents.queue:
        node, g = cotangents.pop_newest()
        values = node.values if record is None else boxed_values(node, record)
        for edge in node.plan.edges:
            parent = node.parents[edge.position]
            if parent.serial >= oldest:
                cotangents.add(parent, pull(node, edge, parent, g, values))
    return cotangents.own()


class Cotangents:
    """The cotangents that have arrived at nodes, and the queue of the nodes that are to pass theirs on."""

    __slots__ = ("_arrived", "_ends", "_widened", "queue")

    def __init__(self, ends: Set[Node]) -> None:
        self._ends = ends  # these keep their cotangents, as leaves do
        self._arrived: dict[Node, Any] = {}
        self._widened: set[Node] = set()  # of halves, whose sums are kept in single precision
        self.queue: list[tuple[int, Node]] = []  # a heap by negated serial: the newest node comes first

    def add(self, node: Node, g: Any) -> None:
        """Add a cotangent to what has arrived at a node, in place where nobody else can see the array."""
        if node not in self._arrived:
            self._arrived[node] = g
            if node.plan is not None and node not in self._ends:
                heappush(self.queue, (-node.serial, node))
            return
        total = self._arrived.pop(node)
        if node.dtype == np.float16:
            self._widened.add(node)
            total, g = single(total), single(g)
        if is_lone(total) and type(g) is np.ndarray:
            total += g
        else:
            total = add(total, g)
        self._arrived[node] = total

    def pop_newest(self) -> tuple[Node, Any]:
        """Take out the newest node of the queue; all that depends on it is newer, and was taken before."""
        node = heappop(self.queue)[1]
        g = self._arrived.pop(node)
        return node, astype(g, np.float16) if node in self._widened else g

    def own(self) -> dict[Node, Any]:
        """Take out what is left; an array that somebody else may hold is copied."""
        owned = {}
        while self._arrived:
            node, g = self._arrived.popitem()
            if node in self._widened:
                g = astype(g, np.float16)
            owned[node] = g if is_lone(g) or isinstance(g, Box) else np.copy(g)
        return owned


def _references(array: np.ndarray) -> int:
    """Count the references to an array that a variable of the caller holds."""
    return sys.getrefcount(array)


def _references_to_a_lone_array() -> int:
    array = np.empty(0)
    return _references(array)


_LONE = _references_to_a_lone_array()  # measured, for it differs between versions of Python


def is_lone(array: Any) -> bool:
    """Tell whether one variable of the caller is all that refers to an array and its memory.

    Then nobody else can see it change: any view of it, any rule that kept it, would count as a reference.
    So the walk may add to it in place, and hand it out as a gradient without a copy.
    """
    # the count is taken in the same way as in `_references`
    return (
        type(array) is np.ndarray
        and array.base is None
        and array.flags.writeable
        and sys.getrefcount(array) <= _LONE
    )


def pull(node: Node, edge: Edge, parent: Node, g: Any, values: Iterable[Any]) -> Any:
    """Apply one rule, and fit what it returns to the operand, which may have been broadcast or promoted."""
    op = node.plan.primitive
    position, rule, arguments = edge
    if rule is None:
        require_graph(parent)
        raise TypeError(
            f"'{op.name}' is not differentiable in operand '{op.operand_name(position)}': "
            "it has no gradient rule; use stop_gradient if the operand is meant as a constant"
        )
    if op.broadcasts and parent.shape != node.shape and node.dtype.itemsize == 2:
        g = single(g)  # what is summed below may be larger than any half
    try:
        pulled = rule(*arguments((g, position, *values)))
    except Exception as error:
        error.add_note(f"in the gradient rule of '{op.name}' for operand '{op.operand_name(position)}'")
        raise
    try:
        shape, dtype = pulled.shape, pulled.dtype
    except AttributeError:
        raise _misfit(op, position, parent, type(pulled).__name__) from None
    if shape == parent.shape and dtype == parent.dtype:
        return pulled
    require_graph(parent)
    is_swapped = shape == parent.shape and dtype.type is parent.dtype.type  # only the order of bytes differs
    if not (is_swapped or (op.broadcasts and _broadcasts_to(parent.shape, shape))):
        raise _misfit(op, position, parent, f"{dtype}{list(shape)}")
    if shape != parent.shape:
        pulled = sum_to(pulled, parent.shape)
    return pulled if dtype == parent.dtype else astype(pulled, parent.dtype)


def _misfit(op: Primitive[..., Any], position: int, parent: Node, came: str) -> TypeError:
    return TypeError(
        f"'{op.name}', rule of operand '{op.operand_name(position)}': expected a cotangent "
        f"{parent.dtype}{list(parent.shape)} like the operand, but the rule returned {came}"
    )


def _broadcasts_to(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    lead = len(large) - len(small)
    if lead < 0:
        return False
    ends = large[lead:]
    return small == ends or all(n in (1, m) for n, m in zip(small, ends, strict=True))


def boxed_values(node: Node, cls: type[Box]) -> list[Any]:
    """Put what ``node`` keeps for its rules into boxes, where it has a place on the tape."""
    plan, parents = node.plan, node.parents
    values = list(node.values)
    for i, position in plan.boxes:
        if plan.primitive.variadic:
            values[i] = tuple(box(cls, x, p) if p else x for x, p in zip(values[i], parents, strict=True))
        elif parents[position] is not None:
            values[i] = box(cls, values[i], parents[position])
    if "out" in plan.names:
        i = plan.names.index("out")
        values[i] = box(cls, values[i], node)
    return values
