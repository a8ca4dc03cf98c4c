"""Derivatives of functions of trees: gradients, products with Jacobians, and Jacobians themselves.

Each lifts its arguments onto the tape through leaves of its own, calls the function, and walks back to these
leaves. A fresh leaf for each transformation is all that nested derivatives need: a walk ends at its own
leaves, and never mistakes an outer derivative's variable for its own.

A derivative is itself recorded exactly when the output can reach a node older than the first leaf lifted
here, that is, when the function also depends on an outer `Tensor`, by argument or by closure.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from . import tree
from .ops import reshape, stack
from .tape import (
    Box,
    Leaf,
    Node,
    Primitive,
    astype,
    box,
    new_serial,
    primitive,
    raw,
    require_floating,
    walk,
)
from .tensor import Tensor

__all__ = [
    "checkpoint",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]


@primitive
def _identity(x):
    return x


_identity.defvjp(x=lambda g: g)


def _lift(value: Any) -> Tensor:
    """A tensor on a node of its own; one that is on the tape already stays connected to it.

    One that can reach no leaf, because its graph was released, is a constant: a node above it would have
    nothing by which an inner derivative could tell that the outside depends on it.
    """
    if isinstance(value, Box) and value.node is not None and value.node.oldest < math.inf:
        return _identity(value)
    data = np.asarray(raw(value))
    require_floating(data.dtype)
    return box(Tensor, data, Leaf(data))


class _Trace:
    """One call of a function on lifted arguments, and the way back from its output."""

    def __init__(self, args: Sequence[Any]):
        self.first = new_serial()  # nodes below this serial belong to the world outside
        leaves, self.structure = tree.flatten(tuple(args))
        self.lifted = [_lift(leaf) for leaf in leaves]
        # containers of the function's own, which it may change
        self.args = tree.unflatten(self.structure, self.lifted)

    def _is_outer(self, out: Any) -> bool:
        """Whether an output depends on the world outside, so that an outer derivative may ask for it."""
        return isinstance(out, Box) and out.node is not None and out.node.oldest < self.first

    def recording(self, outputs: Sequence[Any]) -> type[Tensor] | None:
        """`Tensor` when the derivative of the outputs must be recorded, for an outer one; else None."""
        return Tensor if any(map(self._is_outer, outputs)) else None

    def plain(self, out: Any) -> Any:
        """An output for the caller: off the tape, 0-d as a scalar, unless an outer derivative needs it."""
        if self._is_outer(out) or not isinstance(out, Box):
            return out
        return out.data[()]

    def pull(self, roots: Iterable[tuple[Node, Any]], record: type[Tensor] | None) -> Any:
        """The cotangents of the arguments, as the tuple of trees that they are."""
        nodes: list[Node] = [x.node for x in self.lifted]  # type: ignore[misc]
        found = walk(roots, nodes, record)
        grads = [
            found[n] if n in found else np.zeros_like(x.data) for n, x in zip(nodes, self.lifted, strict=True)
        ]
        return tree.unflatten(self.structure, grads)


def _boxed(out: Any) -> Tensor:
    """An output as a tensor: what did not depend on the arguments is a constant."""
    return out if isinstance(out, Tensor) else Tensor(out)


def _roots(outputs: Sequence[Tensor], cotangents: Sequence[Any]) -> Iterator[tuple[Node, Any]]:
    """Where a walk starts: the outputs that are on the tape. An iterator, which the walk uses up."""
    pairs = zip(outputs, cotangents, strict=True)
    return iter([(out.node, g) for out, g in pairs if out.node is not None])


def _cotangent(g: Any, out: Tensor, what: str) -> Any:
    """``g`` as an array or tensor that fits ``out``."""
    if not isinstance(g, Tensor):
        g = np.asarray(g, dtype=out.dtype)
    elif raw(g).dtype != out.dtype:
        g = astype(g, out.dtype)  # as for an array, and on the tape
    if g.shape != out.shape:
        raise ValueError(f"{what}: expected a cotangent of shape {out.shape} like the output, got {g.shape}")
    return g


def _chosen(args: tuple, argnums: int | Sequence[int], name: str) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int | np.integer) else tuple(argnums)
    positions: list[int] = []
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise ValueError(
                f"{name}: argnums: expected positions below {len(args)}, the number of arguments, got {n}"
            )
        if n % len(args) in positions:
            raise ValueError(f"{name}: argnums: expected each argument once, got {numbers}")
        positions.append(n % len(args))
    return tuple(positions)


def _with_args(f: Callable, args: tuple, positions: tuple[int, ...], kwargs: dict) -> Callable:
    """``f`` as a function of the arguments at ``positions`` alone."""

    def partial(*chosen):
        filled = list(args)
        for position, value in zip(positions, chosen, strict=True):
            filled[position] = value
        return f(*filled, **kwargs)

    return partial


def value_and_grad(f: Callable, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Callable:
    """Make a function that computes the value of ``f`` and its gradient in one go.

    Parameters
    ----------
    f : callable
        Returns a scalar, or ``(scalar, aux)`` with ``has_aux``. Its differentiated arguments are trees of
        floating arrays; inside, their leaves are tensors.
    argnums : int or sequence of int
        The positions of the arguments to differentiate.
    has_aux : bool
        Whether ``f`` also returns something that is not differentiated: a model's state, logits.

    Returns
    -------
    callable
        Called as ``f`` is, returns ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient is a
        tree like the argument, of fresh writable arrays with its shapes and dtypes; a tuple of them for
        a sequence of ``argnums``. When the result depends on an outer tensor it is made of tensors.

    Raises
    ------
    TypeError
        If the output is no scalar, or an argument to differentiate is not floating.

    Examples
    --------
    >>> value, gradient = value_and_grad(lambda p: (p["w"] ** 2).sum())({"w": np.array([1.0, 3.0])})
    >>> float(value), gradient
    (10.0, {'w': array([2., 6.])})
    """

    @functools.wraps(f)
    def value_and_gradient(*args, **kwargs):
        positions = _chosen(args, argnums, "value_and_grad")
        trace = _Trace([args[n] for n in positions])
        result = _with_args(f, args, positions, kwargs)(*trace.args)
        value, aux = _split_aux(result) if has_aux else (result, None)
        if not _is_floating_scalar(value):
            hint = ""
            if isinstance(value, tuple) and not has_aux:
                hint = " (has_aux=True for a function that returns more)"
            raise TypeError(
                f"grad: expected a function of floating scalar output, got {_describe(value)}{hint}"
            )
        out = _boxed(value)
        record = trace.recording([out])
        value, aux = trace.plain(out), tree.map(trace.plain, aux)
        roots = _roots([out], [np.array(1, out.data.dtype)])
        del result, out  # from here on the walk alone holds the graph, and lets go of it node by node
        gradients = trace.pull(roots, record)
        return (value, aux) if has_aux else value, gradients[0] if isinstance(
            argnums, int | np.integer
        ) else gradients

    return value_and_gradient


def _split_aux(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"grad: expected a function that returns (scalar, aux), for has_aux=True, got {_describe(result)}"
        )
    return result


def _is_floating_scalar(value: Any) -> bool:
    value = raw(value)
    if isinstance(value, np.ndarray):
        return value.shape == () and value.dtype.kind == "f"
    return isinstance(value, float | np.floating)


def _describe(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "shape") else type(value).__name__


def grad(f: Callable, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Callable:
    """Make a function that computes the gradient of ``f``.

    Parameters
    ----------
    f : callable
        As for `value_and_grad`.
    argnums : int or sequence of int
        The positions of the arguments to differentiate.
    has_aux : bool
        Whether ``f`` returns ``(scalar, aux)``; the result is then ``(gradient, aux)``.

    Returns
    -------
    callable
        Called as ``f`` is, returns the gradient; see `value_and_grad`.

    Raises
    ------
    TypeError
        As `value_and_grad`.

    Examples
    --------
    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
    (array(12.), array(12.), array(6.))
    """
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f)
    def gradient(*args, **kwargs):
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def vjp(f: Callable, *primals: Any) -> tuple[Any, Callable]:
    """Evaluate ``f``, and make the function that multiplies a cotangent by its Jacobian, from the left.

    Parameters
    ----------
    f : callable
        Of trees of arrays, to a tree of arrays.
    *primals : tree of array_like
        Where to evaluate; all are differentiated.

    Returns
    -------
    out : tree
        ``f(*primals)``.
    pullback : callable
        Takes a cotangent, a tree like ``out``; returns a tuple with one cotangent for each primal. May be
        called any number of times.

    Raises
    ------
    ValueError
        If a cotangent does not fit the output.

    Examples
    --------
    >>> out, pullback = vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    trace = _Trace(primals)
    leaves, structure = tree.flatten(f(*trace.args))
    outputs = [_boxed(leaf) for leaf in leaves]
    record = trace.recording(outputs)

    def pullback(cotangent):
        given = tree.matching_leaves(structure.skeleton, cotangent)
        checked = [_cotangent(g, out, "vjp") for g, out in zip(given, outputs, strict=True)]
        # a cotangent on the tape is part of the outer world too, and is recorded by itself
        return trace.pull(_roots(outputs, checked), record)

    return tree.unflatten(structure, [trace.plain(out) for out in outputs]), pullback


def jvp(f: Callable, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Evaluate ``f``, and the product of its Jacobian with a tangent: a directional derivative.

    The pullback is linear in its cotangent, so its own pullback is the Jacobian: no second set of rules.

    Parameters
    ----------
    f : callable
        Of trees of arrays, to a tree of arrays.
    primals, tangents : sequence of tree
        The point and the direction: one tree for each argument, of the same structure and shapes.

    Returns
    -------
    out, tangent_out : tree
        ``f(*primals)`` and its derivative along ``tangents``.

    Raises
    ------
    ValueError
        If a tangent does not fit its primal.

    Examples
    --------
    >>> jvp(lambda x: x**2, [np.array([1.0, 3.0])], [np.array([1.0, 0.5])])
    (array([1., 9.]), array([2., 3.]))
    """
    out, pullback = vjp(f, *primals)
    # The pullback is linear: where its derivative is taken does not matter, except at 0, which the rules
    # read as "not used" and absorb even an infinite derivative by.
    dummy = tree.map(_dummy_cotangent, out)
    pulled, pushforward = vjp(pullback, dummy)
    given = tree.map(lambda g, tangent: _tangent(tangent, g), pulled, tuple(tangents))
    (tangent_out,) = pushforward(given)
    return out, tangent_out


def _dummy_cotangent(out: Any) -> np.ndarray:
    array = np.asarray(raw(out))
    # an integer output has no derivative: its tangent is a zero, and that is floating
    return np.ones(array.shape, array.dtype if array.dtype.kind == "f" else np.float64)


def _tangent(tangent: Any, primal: Any) -> Any:
    shape = np.shape(raw(tangent))
    if shape != primal.shape:
        raise ValueError(f"jvp: expected a tangent of shape {primal.shape} like its primal, got {shape}")
    return tangent


def hvp(f: Callable, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Multiply the Hessian of a scalar function by a tangent, without forming it.

    Parameters
    ----------
    f : callable
        Returns a scalar.
    primals, tangents : sequence of tree
        As for `jvp`.

    Returns
    -------
    tree
        The derivative, along ``tangents``, of the gradient to the first primal.

    Raises
    ------
    ValueError
        If a tangent does not fit its primal.

    Examples
    --------
    >>> hvp(lambda x: (x**3).sum(), [np.array([1.0, 2.0])], [np.array([1.0, 1.0])])
    array([ 6., 12.])
    """
    return jvp(grad(f), primals, tangents)[1]


def jacobian(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """Make a function that computes the Jacobian of ``f``, by one pullback for each output element.

    Parameters
    ----------
    f : callable
        Of trees of arrays, to a tree of arrays.
    argnums : int or sequence of int
        The positions of the arguments to differentiate.

    Returns
    -------
    callable
        Called as ``f`` is. Returns a tree like the output, in which each leaf is a tree like the
        argument (a tuple of them for a sequence), of arrays of shape ``output shape + argument shape``.

    Examples
    --------
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f)
    def jacobian_of_f(*args, **kwargs):
        positions = _chosen(args, argnums, "jacobian")
        out, pullback = vjp(_with_args(f, args, positions, kwargs), *(args[n] for n in positions))
        leaves, structure = tree.flatten(out)
        zeros = [np.zeros(np.shape(raw(leaf)), dtype=raw(leaf).dtype) for leaf in leaves]

        def rows_of(i):
            """The gradient of every element of output leaf ``i``, stacked."""
            pulled = []
            for position in np.ndindex(zeros[i].shape):
                basis = [z.copy() if j == i else z for j, z in enumerate(zeros)]
                basis[i][position] = 1
                grads = pullback(tree.unflatten(structure, basis))
                pulled.append(grads[0] if isinstance(argnums, int | np.integer) else grads)
            if not pulled:  # an empty output
                like = (
                    args[positions[0]]
                    if isinstance(argnums, int | np.integer)
                    else tuple(args[n] for n in positions)
                )
                return tree.map(
                    lambda x: np.zeros(zeros[i].shape + np.shape(raw(x)), np.asarray(raw(x)).dtype), like
                )
            return tree.map(lambda *rows: reshape(stack(rows), zeros[i].shape + rows[0].shape), *pulled)

        return tree.unflatten(structure, [rows_of(i) for i in range(len(leaves))])

    return jacobian_of_f


def hessian(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """Make a function that computes the Hessian of a scalar function: the Jacobian of its gradient.

    Parameters
    ----------
    f : callable
        Returns a scalar.
    argnums : int or sequence of int
        The positions of the arguments to differentiate.

    Returns
    -------
    callable
        Called as ``f`` is. For an array argument of shape S, an array of shape ``S + S``; for a tree, a tree
        of trees, as `jacobian`.

    Examples
    --------
    >>> hessian(lambda x: (x**2).sum() + x[0] * x[1])(np.array([1.0, 2.0]))
    array([[2., 1.],
           [1., 2.]])
    """
    return jacobian(grad(f, argnums), argnums)


def stop_gradient(x: Any) -> Any:
    """Treat a tree of arrays as constants: derivatives do not pass.

    Parameters
    ----------
    x : tree of array or Tensor

    Returns
    -------
    tree
        With the same values; tensors stay tensors, cut off from the tape.

    Examples
    --------
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    array(3.)
    """
    return tree.map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, x)


def checkpoint(f: Callable) -> Callable:
    """Make a function that keeps none of its intermediate values, and recomputes them in the backward walk.

    It trades a second evaluation of ``f`` for memory. Every `numpy.random.Generator` among the arguments is
    put back to the state it had, so that the second evaluation draws the same numbers: a dropout drops the
    same elements.

    Parameters
    ----------
    f : callable
        Of trees of arrays and other values, to one array. What is to be differentiated must be an argument.

    Returns
    -------
    callable
        Called with the positional arguments of ``f``; the same value and the same derivatives, of any order.

    Raises
    ------
    TypeError
        When called: if ``f`` returns no single array, or depends on a tensor that is not an argument, whose
        gradient would be lost.

    Examples
    --------
    >>> from tinygrad_cnn import tanh
    >>> block = checkpoint(lambda w, x: tanh(tanh(x * w) * w))
    >>> float(grad(lambda w: block(w, np.array([1.0, 2.0])).sum())(0.5).round(4))
    1.8368
    """

    @functools.wraps(f)
    def checkpointed(*args):
        leaves, structure = tree.flatten(args)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Box) and leaf.node is not None]
        before = with_fresh_generators(leaves)

        def call(others, xs):
            filled = dict(enumerate(others)) | dict(zip(places, xs, strict=True))
            return f(*tree.unflatten(structure, list(filled.values())))

        def forward(*xs):
            out = call(leaves, xs)
            if isinstance(out, Box) and out.node is not None:
                raise TypeError(
                    "checkpoint: the function depends on a tensor that is not among its arguments"
                )
            if not isinstance(raw(out), np.ndarray | np.generic):
                raise TypeError(
                    f"checkpoint: expected a function that returns one array, got {_describe(out)}"
                )
            return raw(out)

        def pull(g, xs):
            return vjp(lambda *xs: call(with_fresh_generators(before), xs), *xs)[1](g)

        op: Primitive[..., Any] = Primitive(forward)
        op.defvjp(xs=_once_for_all_operands(pull))
        return op(*(leaves[i] for i in places))

    return checkpointed


def with_fresh_generators(leaves: list[Any]) -> list[Any]:
    """Copy every random generator among leaves in its present state, so that it can be drawn from again.

    Parameters
    ----------
    leaves : list
        A Generator that is in it twice is one again in the result.

    Returns
    -------
    list
        All else is as it was.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first, second, other = with_fresh_generators([rng, rng, 1.0])
    >>> first is second, first is rng, other
    (True, False, 1.0)
    """
    copies: dict[int, Any] = {}  # a Generator given twice, or two that draw from one source, must share it
    return [copy.deepcopy(leaf, copies) if isinstance(leaf, np.random.Generator) else leaf for leaf in leaves]


def _once_for_all_operands(pull: Callable) -> Callable:
    """A rule for one operand out of ``pull(g, xs)``, which gives the cotangents of all at once.

    A walk asks for the operands in order, with one and the same ``g``: the first time ``pull`` is run, after
    that its result is handed out.
    """
    g_of_last, index_of_last = None, 0
    result: Any = None

    def rule(g, xs, index):
        nonlocal g_of_last, index_of_last, result
        if g is not g_of_last or index <= index_of_last:
            result = pull(g, xs)
        g_of_last, index_of_last = g, index
        return result[index]

    return rule
