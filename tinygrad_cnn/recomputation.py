"""`checkpoint`: trade a second evaluation of a function for the memory of its intermediate values."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from . import tree
from .autodiff import describe, vjp
from .made import made
from .stand_in import StandIn
from .tape import Box, primitive, raw

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that keeps none of its intermediate values, and recomputes them in the backward walk.

    It trades a second evaluation of ``f`` for memory. Every `numpy.random.Generator` among the arguments is
    put back to the state it had, so that the second evaluation draws the same numbers: a dropout drops the
    same elements.

    Parameters
    ----------
    f : callable
        A function of trees of arrays and other values, which returns one array. What is to be differentiated
        must be an argument.

    Returns
    -------
    callable
        Takes the positional arguments of ``f``, and gives the same value and the same derivatives of any
        order.

    Raises
    ------
    TypeError
        When called: if ``f`` returns no single array, or depends on a tensor that is not an argument, whose
        gradient would be lost.

    Examples
    --------
    >>> from tinygrad_cnn import grad, tanh
    >>> block = checkpoint(lambda w, x: tanh(tanh(x * w) * w))
    >>> float(grad(lambda w: block(w, np.array([1.0, 2.0])).sum())(0.5).round(4))
    1.8368
    """

    @made(checkpoint, f)
    def checkpointed(*args: Any) -> Any:
        call = _Call(f, args)
        return checkpoint_call(*(call.leaves[i] for i in call.places), call=call)

    return checkpointed


class _Call:
    """One call of a checkpointed function, which can be made again."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.f = f
        self.leaves, self.structure = tree.flatten(args)
        self.places = [i for i, x in enumerate(self.leaves) if isinstance(x, Box) and x.node is not None]
        self._first_leaves = with_fresh_generators(self.leaves)
        self._last: tuple[Any, int] = None, 0  # the cotangent and the operand that a walk asked for
        self._pulled: Any = None

    def _run(self, leaves: list[Any], xs: tuple[Any, ...]) -> Any:
        filled = dict(enumerate(leaves)) | dict(zip(self.places, xs, strict=True))
        return self.f(*tree.unflatten(self.structure, list(filled.values())))

    def forward(self, xs: tuple[Any, ...]) -> np.ndarray:
        """Evaluate the function on arrays in the place of the tensors among its arguments."""
        out = self._run(self.leaves, xs)
        if isinstance(out, Box) and out.node is not None:
            raise TypeError("checkpoint: the function depends on a tensor that is not among its arguments")
        if not isinstance(raw(out), np.ndarray | np.generic | StandIn):
            raise TypeError(f"checkpoint: expected a function that returns one array, got {describe(out)}")
        return raw(out)

    def again(self, *xs: Any) -> Any:
        """Evaluate the function once more; every generator starts where it stood at the first time."""
        return self._run(with_fresh_generators(self._first_leaves), xs)

    def pull(self, g: Any, xs: tuple[Any, ...], index: int) -> Any:
        """Return the cotangent of one operand, out of a second evaluation that gives those of all at once.

        A walk asks for the operands in order, with the very same ``g``: the function is evaluated for the
        first of them.
        """
        last_g, last_index = self._last
        if g is not last_g or index <= last_index:
            self._pulled = vjp(self.again, *xs)[1](g)
        self._last = g, index
        return self._pulled[index]


# The call is a parameter and not the closure of a primitive of its own, since a primitive and its plans refer
# to each other: the arguments would live until the garbage collector runs.
@primitive
def checkpoint_call(*xs: Any, call: _Call) -> np.ndarray:
    """Call a function; its gradient rule calls it again.

    While a program is recorded both calls are, line by line.
    """
    return call.forward(xs)


checkpoint_call.name = "checkpoint"  # for messages
checkpoint_call.defvjp(xs=lambda g, xs, index, call: call.pull(g, xs, index))


def with_fresh_generators(leaves: list[Any]) -> list[Any]:
    """Copy every random generator among leaves in its present state, so that it can be drawn from again.

    Parameters
    ----------
    leaves : list
        The leaves of a tree. A Generator that stands in two places is one again in the result.

    Returns
    -------
    list
        The leaves, with copies of the generators and all else as it was.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first, second, other = with_fresh_generators([rng, rng, 1.0])
    >>> first is second, first is rng, other
    (True, False, 1.0)
    """
    copies: dict[int, Any] = {}  # a Generator given twice, or two that draw from one source, must share it
    return [copy.deepcopy(leaf, copies) if isinstance(leaf, np.random.Generator) else leaf for leaf in leaves]
