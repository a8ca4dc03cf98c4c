"""What the tape is made of: boxes, which hold an array, and nodes, which remember how it was computed.

Nodes carry a serial number. A node can only be made after its parents, so descending serial order is a
topological order of the graph: the backward walk needs neither a sort nor recursion.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..stand_in import StandIn

new_serial = itertools.count().__next__  # it is atomic, so threads can share it


class Box:
    """An array and the node that computed it, or None for a constant.

    `Tensor` adds operators and methods; the tape needs no more than these two fields.
    """

    __slots__ = ("__weakref__", "data", "node")

    data: np.ndarray
    node: Node | None


def box(cls: type[Box], data: np.ndarray, node: Node | None) -> Any:
    """Make a ``cls`` without its constructor, which validates what users pass."""
    self = cls.__new__(cls)
    self.data = data
    self.node = node
    return self


def raw(x: Any) -> Any:
    """Return the ndarray inside a `Tensor`, and anything else unchanged.

    The tape takes what is computed from a raw array for a constant. Use it in a rule for what is locally
    constant, such as the winners of a maximum.

    Parameters
    ----------
    x : Tensor or object
        Any operand.

    Returns
    -------
    ndarray or object
        The array itself, not a copy.

    Examples
    --------
    >>> from tinygrad_cnn import Tensor
    >>> raw(Tensor([1.0, 2.0]))
    array([1., 2.])
    """
    return x.data if isinstance(x, Box) else x


def constant_for(x: Any, make: Callable[..., Any], *args: Any) -> Any:
    """Return ``make(*args)``, a constant that follows from the shape of ``x``, such as indices of an axis.

    A program that is recorded has no array that is neither an argument nor computed. So this call is a line
    of the program that ``x`` is a part of.

    Examples
    --------
    >>> constant_for(np.zeros((2, 3)), np.arange, 3)
    array([0, 1, 2])
    """
    x = raw(x)
    return x.recorded(make, *args) if isinstance(x, StandIn) else make(*args)


class Node:
    """One recorded call: what was called, on whose results, and what the gradient rules will need.

    A node refers to arrays and to parent nodes, never to a box. A box refers to its node, so the cycle would
    keep a finished graph alive until the garbage collector runs. There is no constructor, because calling
    one would be a tenth of the cost of recording.

    Attributes
    ----------
    plan : Plan or None
        What was called, and which of its operands are differentiated; None for a leaf.
    parents : sequence of (Node or None)
        The node of each operand, or None where the operand is a constant.
    values : sequence
        What the rules asked for, in the order of ``plan.names``.
    shape, dtype
        The shape and dtype of the output, and so of its cotangent.
    serial : int
        Larger than the serial of any parent.
    oldest : float
        The lowest serial that a walk from here can reach.
    """

    __slots__ = ("dtype", "oldest", "parents", "plan", "serial", "shape", "values")

    plan: Any  # a Plan of `primitive`, which imports this module; the walk asks only nodes that have one
    parents: Sequence[Any]
    values: Sequence[Any]
    shape: tuple[int, ...]
    dtype: np.dtype
    serial: int
    oldest: float

    @property
    def primitive(self) -> Any:
        """The primitive that was called, or None for a leaf."""
        return self.plan and self.plan.primitive

    @property
    def saved(self) -> dict[str, Any]:
        """What is kept alive for the rules, by name."""
        return dict(zip(self.plan.names, self.values, strict=True)) if self.plan else {}

    def __repr__(self) -> str:
        if self is RELEASED:
            return "<released>"
        made_by = self.primitive.name if self.plan else "leaf"
        return f"<{made_by}: {self.dtype}{list(self.shape)}>"


class Leaf(Node):
    """The node of a tensor that nothing computed; `Tensor.backward` leaves the gradient in ``grad``."""

    __slots__ = ("grad",)

    def __init__(self, array: np.ndarray) -> None:
        self.plan = None
        self.parents = self.values = ()
        self.shape = array.shape
        self.dtype = array.dtype
        self.oldest = self.serial = new_serial()
        self.grad: np.ndarray | None = None

    def accumulate(self, g: np.ndarray) -> None:
        """Add a gradient that nobody else holds to what earlier walks have left."""
        if self.grad is None:
            self.grad = g
        else:
            self.grad += g


def require_floating(dtype: np.dtype) -> None:
    """Refuse to differentiate an array that is not floating."""
    if dtype.kind != "f":
        raise TypeError(
            f"{dtype} tensors cannot require gradients: cast to a floating dtype, as in "
            "x.astype(np.float32), or write 2.0 for 2"
        )


def _released() -> Node:
    node = Node()
    node.plan = None
    node.parents = node.values = ()
    # no cotangent fits, so a walk stops here with an error
    node.shape = node.dtype = None  # type: ignore[assignment]
    node.oldest = math.inf
    node.serial = -1  # older than any other, so that only a walk to every leaf arrives here
    return node


RELEASED = _released()
"""The node of a tensor whose graph `Tensor.backward` has released."""


def require_graph(node: Node) -> None:
    """Refuse to walk into a graph that an earlier walk has released."""
    if node is RELEASED:
        raise RuntimeError(
            "the graph was released by an earlier backward(); pass retain_graph=True there to keep it"
        )
