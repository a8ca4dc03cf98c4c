"""`check_grads`: the derivatives of the tape against central differences, or exactly for a linear operation.

A check asks for ``<g, J v>`` twice: the tape gives ``<J^T g, v>``, and two evaluations of the function give
``J v``. The directions ``v`` and the cotangents ``g`` are dense and random, which shows one wrong element
among thousands, and sparse, which shows an element that is far smaller than the others. The cotangents come
in every memory layout.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ..debug import OperandChangedError, guard_mutation
from ..tensor import Tensor
from .cotangents import are_equal, pulled_gradients
from .directions import small_integers
from .errors import GradientError, KinkError
from .exact import check_exactly
from .flat import Flat, flat_function, moved
from .names import base_name, require_names
from .numeric import check_numerically
from .own_dtype import check_own_dtype
from .reproduce import Reproduction

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module

_ATTEMPTS = 8  # how many points are tried off the kinks

__all__ = ["GradientError", "KinkError", "check_grads", "check_order"]


def check_grads(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    constant: Collection[str] = (),
    linear_in: Collection[str] = (),
    off_kinks: bool = False,
    seed: int = 0,
) -> None:
    """Check the derivatives of a function, up to an order, at a point.

    Derivatives are compared in float64, whatever the dtype of the arguments, with central differences along
    random and sparse directions. Gradients in the dtype of the arguments must agree with those to the
    precision of that dtype. A function that computes in a coarser dtype inside is judged by the coarsest.

    Parameters
    ----------
    f : callable
        The function, which is built of primitives. It takes trees of arrays and static values, and returns a
        tree of arrays.
    *args : tree of array_like
        The point. Floating arrays are differentiated and everything else is passed on. A
        `numpy.random.Generator` is passed as a copy in its present state, so that every call draws the same
        numbers.
    order : int
        The highest order of derivative to check, at least 1.
    constant : collection of str
        The names of parameters of ``f`` that are not differentiated.
    linear_in : collection of str
        The names of parameters in which ``f`` is linear (or affine), with integer values for integer data.
        Their values are replaced by small integers, for which central differences with a step of 1 are exact,
        and the adjoint identity ``<f(x), g> = <x, f^T(g)>`` is tested without tolerance.
    off_kinks : bool
        Whether to move the point by a random amount, up to a sixteenth of its size, before the check. A point
        with zeros or equal numbers is often a kink of a network with relu or maxima, and one beside it is
        none. Should the new point be a kink as well, another is tried.
    seed : int
        The seed of the directions and cotangents.

    Raises
    ------
    GradientError
        If a derivative is wrong, if the function or its gradient is not deterministic, if an operation
        changes its operands, or if a gradient rule changes its cotangent. The message names the function, the
        operand, the order and the worst element, and ends with lines that reproduce the error.
    KinkError
        If the function is not differentiable at the point. The message says where, and gives the slopes on
        both sides.
    ValueError
        If the function is not finite at the point, or a name is not one of its parameters.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> check_grads(lambda x: sin(x) * x, np.array([0.5, 1.0]), order=3)

    A wrong rule is named, with the element where it is worst:

    >>> from tinygrad_cnn import primitive
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(x=lambda g, x: g * 2 * x**2)
    >>> try:
    ...     check_grads(cube, np.array([1.0, 2.0]))
    ... except GradientError as error:
    ...     print(str(error).partition("  numeric")[0])
    'cube': wrong gradient to 'x' (order 1)
      operand    x: float64[2]
      worst at   x[1] = 2
      analytic   8
    <BLANKLINE>
    """
    if order < 1:
        raise ValueError(f"check_grads: order: expected at least 1, got {order}")
    options: dict[str, Any] = {"constant": constant, "linear_in": linear_in, "seed": seed}
    shown = options | {"off_kinks": off_kinks}
    for attempt in range(_ATTEMPTS):
        point = moved(f, args, constant, np.random.default_rng([seed, attempt])) if off_kinks else args
        try:
            for n in range(1, order + 1):
                _check_at(f, point, n, Reproduction(f, args, {"order": n, **shown}), **options)
        except KinkError:
            if not off_kinks or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def check_order(
    f: Callable[..., Any],
    *args: Any,
    order: int,
    constant: Collection[str] = (),
    linear_in: Collection[str] = (),
    seed: int = 0,
) -> None:
    """Check the derivatives of one order alone, and trust those below; see `check_grads`.

    Parameters
    ----------
    f : callable
        The function.
    *args : tree of array_like
        The point.
    order : int
        The order of derivative to check.
    constant, linear_in : collection of str
        The names of parameters that are not differentiated, and of those in which ``f`` is linear.
    seed : int
        The seed of the directions and cotangents.

    Raises
    ------
    GradientError, KinkError, ValueError
        If the check fails, for the reasons that `check_grads` gives.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> check_order(sin, np.array([0.5, 1.0]), order=2)
    """
    options: dict[str, Any] = {"constant": constant, "linear_in": linear_in, "seed": seed}
    _check_at(f, args, order, Reproduction(f, args, {"order": order, **options}), **options)


def _check_at(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int,
    origin: Reproduction,
    *,
    constant: Collection[str],
    linear_in: Collection[str],
    seed: int,
) -> None:
    """Check the derivatives of one order; messages end with ``origin``."""
    require_names(f, args, linear_in)
    wide = flat_function(f, args, constant, np.float64, origin)
    _require_untouched_operands(wide)
    linear = {i for i, name in enumerate(wide.names) if base_name(name) in linear_in}
    _check_one_order(wide, linear, order, np.random.default_rng(seed))
    check_own_dtype(flat_function(f, args, constant, origin=origin), wide, order, seed)


def _check_one_order(flat: Flat, linear: set[int], order: int, rng: np.random.Generator) -> None:
    """Check the derivatives of one order; ``linear`` holds the positions of linear operands, if any."""
    if linear:
        flat = flat.with_leaves(
            [small_integers(x, rng) if i in linear else x for i, x in enumerate(flat.leaves)]
        )
    exact = set(linear)
    for _ in range(order - 1):
        outputs, count = flat.values(), len(flat.leaves)
        if linear:
            cotangents = [small_integers(out, rng) for out in outputs]
            exact |= set(range(count, count + len(outputs)))  # a gradient is linear in its cotangents
        else:
            cotangents = [rng.uniform(-1, 1, out.shape) for out in outputs]
        flat = flat.gradient(cotangents)
    outputs = flat.values()
    _require_finite_and_deterministic(flat, outputs)
    pulled = list(pulled_gradients(flat, outputs, rng, integers=bool(linear)))
    if not linear:
        check_numerically(flat, outputs, pulled, rng)
    for leaf in sorted(exact):
        check_exactly(flat, leaf, pulled, rng)


def _require_untouched_operands(flat: Flat) -> None:
    """Refuse an operation that changes an operand, also one that was computed inside of the function."""
    try:
        with guard_mutation(), np.errstate(all="ignore"):
            flat.call(*(Tensor(leaf.copy(), requires_grad=True) for leaf in flat.leaves))
    except OperandChangedError as error:
        raise GradientError(f"{error}\n{flat.origin}") from None


def _require_finite_and_deterministic(flat: Flat, outputs: list[np.ndarray]) -> None:
    if not all(np.isfinite(out).all() for out in outputs):
        raise ValueError(
            f"'{flat.name}' is not finite at this point, so it has no derivative there\n{flat.origin}"
        )
    if not are_equal(outputs, flat.values()):
        raise GradientError(
            f"'{flat.name}' is not deterministic: two calls with the same arguments differ. A function that "
            f"draws random numbers must draw the same ones in each call\n{flat.origin}"
        )
