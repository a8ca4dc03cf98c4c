"""Derivatives of functions of trees: gradients, products with Jacobians, and Jacobians themselves.

Each lifts its arguments onto the tape through leaves of its own, calls the function, and walks back to these
leaves. A fresh leaf for each transformation is all that nested derivatives need: a walk ends at its own
leaves, and never mistakes an outer derivative's variable for its own.

A derivative is itself recorded exactly when the output can reach a node older than the first leaf lifted
here, that is, when the function also depends on an outer `Tensor`, by argument or by closure.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from . import tree
from .made import level_of_user, made
from .ops import reshape, stack
from .stand_in import StandIn, as_array
from .tape import (
    Box,
    Leaf,
    LostGradientError,
    Node,
    astype,
    box,
    is_connected,
    new_serial,
    primitive,
    raw,
    require_floating,
    walk,
)
from .tensor import Tensor
from .types import Options

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "stop_gradient", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]
Tree = TypeVar("Tree")

_new_trace_number = itertools.count().__next__  # it is atomic, so threads can share it


@primitive
def _identity(x: Any) -> Any:
    return x


_identity.defvjp(x=lambda g: g)


def _lift(value: Any) -> Tensor:
    """Make a tensor with a node of its own; what is on the tape already stays connected to it.

    A tensor whose graph was released can reach no leaf. It is a constant here, since a node above it would
    not tell an inner derivative that the outside depends on it.
    """
    if isinstance(value, Box) and is_connected(value):
        return _identity(value)
    data = as_array(raw(value))
    # NumPy makes an array of any sequence, but a sequence that is no container would come back as an array
    if data.dtype.kind not in "biufc" or (data.ndim and not hasattr(value, "__array__")):
        found = f"an array of {data.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(
            f"expected an array of numbers, or a container of such, got {found}: a dict, list, tuple or "
            "dataclass is a container, and tree.register makes one of another class"
        )
    require_floating(data.dtype)
    return box(Tensor, data, Leaf(data))


class _Trace:
    """One call of a function on lifted arguments, and the way back from its output."""

    def __init__(self, args: Sequence[Any]) -> None:
        self.number = _new_trace_number()
        self.first = new_serial()  # nodes below this serial belong to the world outside
        leaves, self.structure = tree.flatten(tuple(args))
        self.lifted: list[Any] = []
        try:
            self.lifted.extend(map(_lift, leaves))
        except TypeError as error:
            path = tree.paths(tuple(args))[len(self.lifted)]
            raise TypeError(f"at '{path}' of the arguments to differentiate: {error}") from None
        # the containers are new, so the function may change them
        self.args = tree.unflatten(self.structure, self.lifted)

    def call(self, f: Callable[..., Any]) -> Any:
        """Call a function on the lifted arguments; where these are the cause of an error, it says so."""
        try:
            return f(*self.args)
        except ValueError as error:
            if isinstance(error.__cause__, LostGradientError):  # NumPy puts a message of its own before it
                raise error.__cause__.with_traceback(error.__traceback__) from None
            raise
        except (TypeError, AttributeError) as error:
            if any(map(_is_list_of_numbers, self.args)):
                error.add_note(
                    "an argument to differentiate is a list of numbers: did you mean np.array([...])?"
                )
            raise

    def warn_of_lost_gradient(self) -> None:
        """Warn that a function returns bare numbers, if it seems to have used its arguments.

        Whatever is recorded or read takes a serial number, so no call has to be watched for this. There is no
        warning if the function takes derivatives itself, since those may well be constant.
        """
        was_used = self.lifted and new_serial() > self.lifted[-1].node.serial + 1
        if was_used and _new_trace_number() == self.number + 1:
            warnings.warn(
                "the result of the function does not depend on what is differentiated, although tensors were "
                "computed or read: it is a bare number, and the derivatives are zero. "
                "Numbers leave the tape by .item(), .numpy(), .data and comparisons: compute with the "
                "operations of tinygrad_cnn instead. If a constant is meant, return tg.stop_gradient(tensor)",
                stacklevel=level_of_user(),
            )

    def _is_outer(self, out: Any) -> bool:
        """Tell whether an output depends on the world outside, so that an outer derivative may need it."""
        return isinstance(out, Box) and out.node is not None and out.node.oldest < self.first

    def recording(self, outputs: Sequence[Any]) -> type[Tensor] | None:
        """Return the class of tensor to record with when an outer derivative may need it; else None."""
        for out in outputs:
            if self._is_outer(out):
                return type(out)
        return None

    def plain(self, out: Any) -> Any:
        """Take an output off the tape, 0-d as a scalar, unless an outer derivative may need it."""
        if self._is_outer(out) or not isinstance(out, Box):
            return out
        return out.data[()]

    def pull(self, roots: Iterable[tuple[Node, Any]], record: type[Tensor] | None) -> Any:
        """Walk back from the roots; return the cotangents of the arguments as a tuple of trees."""
        nodes = [lifted.node for lifted in self.lifted]
        found = walk(roots, nodes, record)
        pairs = zip(nodes, self.lifted, strict=True)
        grads = [found[node] if node in found else np.zeros_like(lifted.data) for node, lifted in pairs]
        return tree.unflatten(self.structure, grads)


def _is_list_of_numbers(arg: Any) -> bool:
    """Tell whether an argument is what `np.array` would make an array of; to a function it is a list."""
    if type(arg) not in (list, tuple):
        return False
    return all(_is_list_of_numbers(x) or (isinstance(x, Box) and x.data.shape == ()) for x in arg)


def _boxed(out: Any) -> Tensor:
    """Make a tensor of an output; what did not depend on the arguments is a constant."""
    return out if isinstance(out, Tensor) else Tensor(out)


def _roots(outputs: Sequence[Tensor], cotangents: Sequence[Any]) -> Iterator[tuple[Node, Any]]:
    """List where a walk starts: the outputs that are on the tape. The walk uses the iterator up."""
    pairs = zip(outputs, cotangents, strict=True)
    return iter([(out.node, g) for out, g in pairs if out.node is not None])


def _cotangent(g: Any, out: Tensor, what: str) -> Any:
    """Make ``g`` an array or tensor that fits ``out``."""
    if not isinstance(g, Tensor):
        g = as_array(g, out.dtype)
    elif raw(g).dtype != out.dtype:
        g = astype(g, out.dtype)  # as for an array, and on the tape
    if g.shape != out.shape:
        raise ValueError(f"{what}: expected a cotangent of shape {out.shape} like the output, got {g.shape}")
    return g


def _positions(args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums, name: str) -> tuple[int, ...]:
    """Check ``argnums``, and count negative positions from the start."""
    numbers = (argnums,) if isinstance(argnums, int | np.integer) else tuple(argnums)
    positions: list[int] = []
    for n in numbers:
        if not -len(args) <= n < len(args):
            keywords = ", ".join(kwargs)
            hint = (
                f"; keyword arguments ({keywords}) are not differentiated: pass by position" if kwargs else ""
            )
            raise ValueError(
                f"{name}: argnums: expected positions below {len(args)}, the number of positional arguments, "
                f"got {n}{hint}"
            )
        if n % len(args) in positions:
            raise ValueError(f"{name}: argnums: expected each argument once, got {numbers}")
        positions.append(n % len(args))
    return tuple(positions)


def _as_asked(found: tuple[Any, ...], argnums: Argnums) -> Any:
    """Unpack the result for a single position; a sequence of positions gets a tuple."""
    return found[0] if isinstance(argnums, int | np.integer) else found


def _with_args(
    f: Callable[..., Any], args: tuple[Any, ...], positions: tuple[int, ...], kwargs: dict[str, Any]
) -> Callable[..., Any]:
    """Make ``f`` a function of the arguments at ``positions`` alone."""

    def partial(*chosen: Any) -> Any:
        filled = list(args)
        for position, value in zip(positions, chosen, strict=True):
            filled[position] = value
        return f(*filled, **kwargs)

    return partial


def value_and_grad(
    f: Callable[Options, Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[Options, tuple[Any, Any]]:
    """Make a function that computes the value of ``f`` and its gradient in one go.

    Parameters
    ----------
    f : callable
        A function that returns a scalar, or ``(scalar, aux)`` with ``has_aux``. Its differentiated arguments
        are trees of floating arrays; inside, their leaves are tensors.
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
        If the output is no scalar, an argument to differentiate is not floating, or Python or NumPy would
        take the number of a tensor by themselves, as ``math.sin(x)`` does.
    ValueError
        If there is no positional argument at one of ``argnums``; keyword arguments are not differentiated.

    Warns
    -----
    UserWarning
        If ``f`` returns a bare number although tensors were computed or read: its derivatives are zero.

    Examples
    --------
    >>> value, gradient = value_and_grad(lambda p: (p["w"] ** 2).sum())({"w": np.array([1.0, 3.0])})
    >>> float(value), gradient
    (10.0, {'w': array([2., 6.])})
    """

    @made(value_and_grad, f, argnums=argnums, has_aux=has_aux)
    def value_and_gradient(*args: Options.args, **kwargs: Options.kwargs) -> tuple[Any, Any]:
        positions = _positions(args, kwargs, argnums, "grad")
        trace = _Trace([args[n] for n in positions])
        result = trace.call(_with_args(f, args, positions, kwargs))
        value, aux = _split_aux(result) if has_aux else (result, None)
        out = _scalar(value, has_aux)
        if out is not value:
            trace.warn_of_lost_gradient()
        record = trace.recording([out])
        value, aux = trace.plain(out), tree.map(trace.plain, aux)
        roots = _roots([out], [np.ones_like(out.data)])
        del result, out  # from here on the walk alone holds the graph, and lets go of it node by node
        gradient = _as_asked(trace.pull(roots, record), argnums)
        return ((value, aux) if has_aux else value), gradient

    return value_and_gradient


def _scalar(value: Any, has_aux: bool) -> Tensor:
    """Check that what is to be differentiated is a floating scalar."""
    if not _is_floating_scalar(value):
        returns_more = isinstance(value, tuple) and not has_aux
        hint = " (has_aux=True for a function that returns more)" if returns_more else ""
        raise TypeError(f"grad: expected a function of floating scalar output, got {describe(value)}{hint}")
    return _boxed(value)


def _split_aux(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"grad: expected a function that returns (scalar, aux), for has_aux=True, got {describe(result)}"
        )
    return result


def _is_floating_scalar(value: Any) -> bool:
    value = raw(value)
    if isinstance(value, np.ndarray | StandIn):
        return value.shape == () and value.dtype.kind == "f"
    return isinstance(value, float | np.floating)


def describe(value: Any) -> str:
    """Describe a value for an error: dtype and shape of an array, the type of anything else."""
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "shape") else type(value).__name__


def grad(f: Callable[Options, Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[Options, Any]:
    """Make a function that computes the gradient of ``f``.

    Parameters
    ----------
    f : callable
        The same function as `value_and_grad` takes.
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
        The cases are those that `value_and_grad` lists.

    Examples
    --------
    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
    (array(12.), array(12.), array(6.))
    """
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @made(grad, f, argnums=argnums, has_aux=has_aux)
    def gradient(*args: Options.args, **kwargs: Options.kwargs) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Evaluate ``f``, and make the function that multiplies a cotangent by its Jacobian, from the left.

    Parameters
    ----------
    f : callable
        A function of trees of arrays, which returns a tree of arrays.
    *primals : tree of array_like
        The arguments; all of them are differentiated.

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
    leaves, structure = tree.flatten(trace.call(f))
    outputs = [_boxed(leaf) for leaf in leaves]
    if all(out is not leaf and out.dtype.kind == "f" for out, leaf in zip(outputs, leaves, strict=True)):
        trace.warn_of_lost_gradient()
    record = trace.recording(outputs)

    def pullback(cotangent: Any) -> Any:
        given = tree.matching_leaves(structure.skeleton, cotangent)
        checked = [_cotangent(g, out, "vjp") for g, out in zip(given, outputs, strict=True)]
        # a cotangent on the tape is part of the outer world too, and is recorded by itself
        return trace.pull(_roots(outputs, checked), record)

    return tree.unflatten(structure, [trace.plain(out) for out in outputs]), pullback


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Evaluate ``f``, and the product of its Jacobian with a tangent: a directional derivative.

    The pullback is linear in its cotangent, so its own pullback is the Jacobian: no second set of rules.

    Parameters
    ----------
    f : callable
        A function of trees of arrays, which returns a tree of arrays.
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
    array = as_array(raw(out))
    # an integer output has no derivative: its tangent is a zero, and that is floating
    return np.ones_like(array, array.dtype if array.dtype.kind == "f" else np.float64)


def _tangent(tangent: Any, primal: Any) -> Any:
    shape = np.shape(raw(tangent))
    if shape != primal.shape:
        raise ValueError(f"jvp: expected a tangent of shape {primal.shape} like its primal, got {shape}")
    return tangent


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Multiply the Hessian of a scalar function by a tangent, without forming it.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
    primals, tangents : sequence of tree
        The point and the direction, as `jvp` takes them.

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


def jacobian(f: Callable[Options, Any], argnums: Argnums = 0) -> Callable[Options, Any]:
    """Make a function that computes the Jacobian of ``f``, by one pullback for each output element.

    Parameters
    ----------
    f : callable
        A function of trees of arrays, which returns a tree of arrays.
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

    @made(jacobian, f, argnums=argnums)
    def jacobian_of_f(*args: Options.args, **kwargs: Options.kwargs) -> Any:
        positions = _positions(args, kwargs, argnums, "jacobian")
        chosen = tuple(args[n] for n in positions)
        out, pullback = vjp(_with_args(f, args, positions, kwargs), *chosen)
        leaves, structure = tree.flatten(out)

        def rows_of(i: int) -> Any:
            """Stack the gradients of all elements of output leaf ``i``."""
            shape = np.shape(raw(leaves[i]))
            pulled = [pullback(tree.unflatten(structure, basis)) for basis in _basis(leaves, i)]
            if pulled:
                stacked = tree.map(lambda *rows: reshape(stack(rows), shape + rows[0].shape), *pulled)
            else:  # the output is empty
                stacked = tree.map(lambda x: np.zeros(shape + np.shape(raw(x)), raw(x).dtype), chosen)
            return _as_asked(stacked, argnums)

        return tree.unflatten(structure, [rows_of(i) for i in range(len(leaves))])

    return jacobian_of_f


def _basis(leaves: list[Any], i: int) -> Iterator[list[np.ndarray]]:
    """Yield cotangents of all output leaves: a one at each element of leaf ``i`` in turn, zeros elsewhere."""
    for position in np.ndindex(np.shape(raw(leaves[i]))):
        cotangents = [np.zeros_like(raw(leaf)) for leaf in leaves]
        cotangents[i][position] = 1
        yield cotangents


def hessian(f: Callable[Options, Any], argnums: Argnums = 0) -> Callable[Options, Any]:
    """Make a function that computes the Hessian of a scalar function: the Jacobian of its gradient.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
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


def stop_gradient(x: Tree) -> Tree:
    """Treat a tree of arrays as constants: derivatives do not pass.

    Parameters
    ----------
    x : tree of array or Tensor
        The values to keep.

    Returns
    -------
    tree
        The same values; tensors stay tensors, cut off from the tape.

    Examples
    --------
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    array(3.)
    """
    return tree.map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, x)
