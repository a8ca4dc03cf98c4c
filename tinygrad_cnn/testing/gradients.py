"""`check_grads`: the tape's derivatives against central differences, or exactly for a linear operation.

A check asks for ``<g, J v>`` twice: the tape gives ``<J^T g, v>``, two evaluations of the function give
``J v``. Directions ``v`` and cotangents ``g`` are dense and random (one wrong element of thousands shows in
them) and sparse (an element far smaller than the others shows only there). The cotangents come in every
memory layout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..autodiff import vjp
from .differences import ROUNDING, Slope, slope
from .flat import Flat, base_name, flat_function, joined, precision, require_names, rounding_noise
from .layouts import LAYOUTS, broadcasts, relaid
from .report import describe_call, describe_kink, describe_mismatch

__all__ = ["GradientError", "KinkError", "check_grads", "check_order"]

_BASIS = 4  # sparse directions and cotangents for each operand and output: two corners, two drawn


class GradientError(AssertionError):
    """A derivative that the tape computes is wrong."""


class KinkError(ValueError):
    """The function has no derivative at the given point, so there is nothing to compare with."""


def check_grads(
    f: Callable,
    *args: Any,
    order: int = 2,
    constant: Collection[str] = (),
    linear_in: Collection[str] = (),
    seed: int = 0,
) -> None:
    """Check the derivatives of a function, up to an order, at a point.

    Derivatives are compared in float64, whatever the dtype of the arguments: with central differences along
    random and sparse directions. Gradients at the dtype of the arguments must agree with those to that
    dtype's precision. A function that computes in a coarser dtype inside is judged by the coarsest.

    Parameters
    ----------
    f : callable
        Of trees of arrays and static values, to a tree of arrays; built of primitives.
    *args : tree of array_like
        The point. Floating arrays are differentiated, all else is passed on: a `numpy.random.Generator` as a
        copy in its present state, so that every call draws the same numbers.
    order : int
        The highest order of derivative to check, at least 1.
    constant : collection of str
        Names of parameters of ``f`` that are not differentiated.
    linear_in : collection of str
        Names of parameters in which ``f`` is linear (or affine), with integer values for integer data. Their
        values are replaced by small integers, for which central differences with a step of 1 are exact, and
        the adjoint identity ``<f(x), g> = <x, f^T(g)>`` is tested without tolerance.
    seed : int
        Of the directions and cotangents.

    Raises
    ------
    GradientError
        If a derivative is wrong; names the function, the operand, the order and the worst element, and prints
        lines that reproduce it. Also if the function or its gradient is not deterministic, or a gradient
        rule changes its cotangent.
    KinkError
        If the function is not differentiable at the point; says where, and gives the one-sided slopes.
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
    for n in range(1, order + 1):
        check_order(f, *args, order=n, constant=constant, linear_in=linear_in, seed=seed)


def check_order(
    f: Callable,
    *args: Any,
    order: int,
    constant: Collection[str] = (),
    linear_in: Collection[str] = (),
    seed: int = 0,
) -> None:
    """Check the derivatives of one order alone, trusting those below; see `check_grads`.

    Parameters
    ----------
    f : callable
    *args : tree of array_like
    order : int
    constant, linear_in : collection of str
    seed : int

    Raises
    ------
    GradientError, KinkError, ValueError
        As `check_grads`.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> check_order(sin, np.array([0.5, 1.0]), order=2)
    """
    rng = np.random.default_rng(seed)
    options = {"order": order, "constant": constant, "linear_in": linear_in, "seed": seed}
    origin = describe_call(f, args, options)
    flat = flat_function(f, args, constant, np.float64)
    linear = _positions(f, args, flat, linear_in)
    if linear:
        flat = flat.with_leaves([_integers(x, rng) if i in linear else x for i, x in enumerate(flat.leaves)])
    exact, function = set(linear), flat
    for _ in range(order - 1):
        cotangents = [
            _integers(out, rng) if linear else rng.uniform(-1, 1, out.shape) for out in function.values()
        ]
        if linear:
            exact |= set(range(len(function.leaves), len(function.leaves) + len(cotangents)))
        function = function.gradient(cotangents)
    _check(function, exact, rng, origin)
    check_dtype(f, args, constant, order, seed, origin)


def _positions(f: Callable, args: tuple, flat: Flat, linear_in: Collection[str]) -> set[int]:
    require_names(f, args, linear_in)
    return {i for i, name in enumerate(flat.names) if base_name(name) in linear_in}


def _integers(like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Small integers as floats: products and sums of thousands of them are exact."""
    return rng.integers(-4, 5, like.shape).astype(np.float64)


# --- one order --------------------------------------------------------------------------------------------


class _Pulled(NamedTuple):
    """One choice of cotangents, and the gradients that the tape made of it."""

    layout: str
    cotangents: list[np.ndarray]
    gradients: list[np.ndarray]

    @property
    def vector(self) -> np.ndarray:
        return joined(self.cotangents)


class Mismatch(NamedTuple):
    """A comparison that failed, for the report."""

    leaf: int
    direction: np.ndarray
    pulled: _Pulled
    slope: Slope
    analytic: float
    numeric: float
    excess: float


def _check(flat: Flat, exact: set[int], rng: np.random.Generator, origin: str) -> None:
    outputs = flat.values()
    _require(flat, outputs, origin)
    pulled = list(_pull(flat, outputs, bool(exact), rng, origin))
    eps = precision(flat)
    noise = None if exact else rounding_noise(flat, outputs, eps, rng)
    kinks = []
    for leaf in range(len(flat.leaves)):
        if exact:
            if leaf in exact:
                _check_exactly(flat, leaf, pulled, rng, origin)
            continue
        assert noise is not None
        if kink := _check_leaf(flat, leaf, pulled, noise, eps, rng, origin):
            kinks.append(kink)
    if kinks:  # only now: a wrong gradient elsewhere is the more important news
        raise KinkError(f"{kinks[0]}\n{origin}")


def _require(flat: Flat, outputs: list[np.ndarray], origin: str) -> None:
    if not all(np.isfinite(out).all() for out in outputs):
        raise ValueError(
            f"'{flat.name}' is not finite at this point, so it has no derivative there\n{origin}"
        )
    again = flat.values()
    if any(a.tobytes() != b.tobytes() for a, b in zip(outputs, again, strict=True)):
        raise GradientError(
            f"'{flat.name}' is not deterministic: two calls with the same arguments differ. A function that "
            f"draws random numbers must draw the same ones in each call\n{origin}"
        )


def _pull(flat, outputs, integers, rng, origin) -> Iterator[_Pulled]:
    """Gradients for cotangents dense and sparse, in every memory layout."""
    _, pullback = vjp(flat.call, *flat.leaves)
    for layout, cotangents in _cotangents(outputs, integers, rng):
        before = [g.copy() for g in cotangents]
        gradients = [np.asarray(g) for g in pullback(list(cotangents))]
        if any(a.tobytes() != g.tobytes() for a, g in zip(before, cotangents, strict=True)):
            raise GradientError(
                f"'{flat.name}' (order {flat.order}): the gradient rule of "
                f"'{_mutating_operand(flat, before)}' changes its cotangent, which belongs to others "
                f"(cotangent: {layout})\n{origin}"
            )
        again = [np.asarray(g) for g in pullback(list(cotangents))]
        for name, a, b in zip(flat.names, gradients, again, strict=True):
            if a.tobytes() != b.tobytes():
                raise GradientError(
                    f"'{flat.name}': the gradient to '{name}' (order {flat.order}) is not deterministic: two "
                    f"calls with the same cotangent differ (cotangent: {layout})\n{origin}"
                )
        yield _Pulled(layout, before, gradients)


def _mutating_operand(flat: Flat, cotangents: list[np.ndarray]) -> str:
    """The first leaf whose gradient, computed alone, changes the cotangents."""
    for leaf, name in enumerate(flat.names):
        given = [g.copy() for g in cotangents]
        _, pullback = vjp(lambda x, leaf=leaf: flat.call(*_replaced(flat.leaves, leaf, x)), flat.leaves[leaf])
        pullback(given)
        if any(a.tobytes() != g.tobytes() for a, g in zip(cotangents, given, strict=True)):
            return name
    return "', '".join(flat.names)  # only when computed together


def _replaced(values: list[Any], position: int, value: Any) -> list[Any]:
    return [*values[:position], value, *values[position + 1 :]]


def _cotangents(outputs, integers, rng) -> Iterator[tuple[str, list[np.ndarray]]]:
    def draw(out):
        if integers:
            return _integers(out, rng)
        return rng.uniform(0.5, 1.5, out.shape) * rng.choice([-1.0, 1.0], out.shape)

    dense = [draw(out).astype(out.dtype) for out in outputs]
    for layout in LAYOUTS:
        yield f"dense, {layout}", [relaid(g, layout) for g in dense]
    for i, g in enumerate(dense):
        for name, view in broadcasts(g):
            yield f"dense, {name}", [view if j == i else other for j, other in enumerate(dense)]
        for index in _picked(g.size, rng):
            basis = [np.zeros_like(other) for other in dense]
            basis[i].reshape(-1)[index] = 1
            yield f"one at output element {list(map(int, np.unravel_index(index, g.shape)))}", basis


def _picked(size: int, rng: np.random.Generator) -> list[int]:
    """Both corners and some others: errors like to sit at the ends."""
    if size <= _BASIS:
        return list(range(size))
    return [0, size - 1, *rng.integers(1, size - 1, _BASIS - 2).tolist()]


def _moved(flat: Flat, leaf: int, direction: np.ndarray) -> Callable[[float], np.ndarray]:
    """The outputs, joined, as a function of the distance gone along a direction from a leaf."""

    def evaluate(t):
        leaves = _replaced(flat.leaves, leaf, flat.leaves[leaf] + t * direction)
        return joined(flat.values(leaves)).astype(np.float64)

    return evaluate


def _scale(x: np.ndarray) -> np.ndarray:
    """The length over which each element may be moved: its own size, but no less than a sixteenth of all."""
    root_mean_square = math.sqrt(np.mean(np.square(x))) if x.size else 0.0
    return np.maximum(np.abs(x), root_mean_square / 16) if root_mean_square else np.ones_like(x)


def _directions(x: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    scale = _scale(x)
    if x.size != 1:
        yield scale * rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
    for index in _picked(x.size, rng):
        yield _along(x, index, scale)


def _along(x: np.ndarray, index: int, scale: np.ndarray) -> np.ndarray:
    direction = np.zeros(x.shape)
    direction.reshape(-1)[index] = scale.reshape(-1)[index]
    return direction


def _check_leaf(flat, leaf, pulled, noise, eps, rng, origin) -> str | None:
    """Compare along several directions; raise for the worst mismatch, return the description of a kink."""
    x = flat.leaves[leaf]
    worst, kinked = None, False
    for direction in _directions(x, rng):
        numeric = slope(_moved(flat, leaf, direction), noise, eps)
        kinked |= bool(numeric.kink.any())
        for one in pulled:
            found = _compare(leaf, direction, one, numeric, eps)
            # of equals the last: the sparse cotangents, which are the easiest to read
            if found and (worst is None or found.excess >= worst.excess):
                worst = found
    if worst is not None:
        worst = _at_worst_element(flat, worst, noise, eps)
        raise GradientError(describe_mismatch(flat, worst, origin))
    return _kinked_element(flat, leaf, noise, eps) if kinked else None


def _scanned(x: np.ndarray) -> Iterator[np.ndarray]:
    """Sparse directions to find the place of what a dense one has found; of a large array, a sample."""
    scale = _scale(x)
    for index in range(x.size) if x.size <= 256 else np.linspace(0, x.size - 1, 256).astype(int):
        yield _along(x, int(index), scale)


def _kinked_element(flat: Flat, leaf: int, noise: np.ndarray, eps: float) -> str:
    for direction in _scanned(flat.leaves[leaf]):
        numeric = slope(_moved(flat, leaf, direction), noise, eps)
        if numeric.kink.any():
            return describe_kink(flat, leaf, direction, numeric)
    return f"'{flat.name}' (order {flat.order}) is not differentiable in '{flat.names[leaf]}' at this point"


def _compare(leaf, direction, one: _Pulled, numeric: Slope, eps: float) -> Mismatch | None:
    g = one.vector
    moved = direction != 0  # elsewhere the gradient may be infinite and does not matter
    products = one.gradients[leaf][moved] * direction[moved]
    analytic = float(np.sum(products))
    if not np.isfinite(numeric.value).all():
        return None  # reported as a kink: there is no number to compare with
    value = float(g @ numeric.value)
    # at a kink any slope between those of the two sides is a valid derivative
    freedom = float(np.abs(g) @ np.where(numeric.kink, np.abs(numeric.right - numeric.left) / 2, 0.0))
    # half the digits may go to the conditioning of the gradient's own computation
    relative = 16 * math.sqrt(eps) * max(abs(analytic), abs(value))
    terms = float(np.sum(np.abs(products)) + np.abs(g) @ np.abs(numeric.value))
    tolerance = freedom + relative + ROUNDING * eps * terms + 2 * float(np.abs(g) @ numeric.error)
    difference = abs(analytic - value)
    if difference <= tolerance:
        return None
    excess = difference / tolerance if tolerance and math.isfinite(difference) else math.inf
    return Mismatch(leaf, direction, one, numeric, analytic, value, excess)


def _at_worst_element(flat: Flat, found: Mismatch, noise: np.ndarray, eps: float) -> Mismatch:
    """Look for the element of the operand where this cotangent's gradient is worst."""
    worst = None
    for direction in _scanned(flat.leaves[found.leaf]):
        numeric = slope(_moved(flat, found.leaf, direction), noise, eps)
        candidate = _compare(found.leaf, direction, found.pulled, numeric, eps)
        if candidate and (worst is None or _error(candidate) > _error(worst)):
            worst = candidate
    return worst or found


def _error(found: Mismatch) -> float:
    """The absolute error of an element's gradient; NaN counts as the largest."""
    difference = abs(found.analytic - found.numeric) / np.max(np.abs(found.direction))
    return math.inf if math.isnan(difference) else float(difference)


# --- linear operands --------------------------------------------------------------------------------------


def _check_exactly(flat: Flat, leaf: int, pulled: list[_Pulled], rng, origin: str) -> None:
    """``<f(x + v) - f(x - v), g> = 2 <v, f^T(g)>``, in integers: no tolerance."""
    x = flat.leaves[leaf]
    directions = [_integers(x, rng), *(_along(x, index, np.ones(x.shape)) for index in _picked(x.size, rng))]
    for direction in directions:
        column = _exact_column(flat, leaf, direction)
        for one in pulled:
            if found := _compare_exactly(leaf, direction, one, column):
                raise GradientError(describe_mismatch(flat, _at_worst_integer(flat, found), origin))


def _exact_column(flat: Flat, leaf: int, direction: np.ndarray) -> np.ndarray:
    evaluate = _moved(flat, leaf, direction)
    return (evaluate(1.0) - evaluate(-1.0)) / 2


def _compare_exactly(leaf, direction, one: _Pulled, column: np.ndarray) -> Mismatch | None:
    analytic = float(np.sum(one.gradients[leaf] * direction))
    numeric = float(one.vector @ column)
    if analytic == numeric:
        return None
    zeros = np.zeros_like(column)
    exact = Slope(column, zeros, column, column, zeros.astype(bool), np.ones(1), column[None])
    return Mismatch(leaf, direction, one, exact, analytic, numeric, math.inf)


def _at_worst_integer(flat: Flat, found: Mismatch) -> Mismatch:
    x, worst = flat.leaves[found.leaf], None
    for index in range(min(x.size, 256)):
        direction = _along(x, index, np.ones(x.shape))
        candidate = _compare_exactly(
            found.leaf, direction, found.pulled, _exact_column(flat, found.leaf, direction)
        )
        if candidate and (worst is None or _error(candidate) > _error(worst)):
            worst = candidate
    return worst or found


# --- the dtype of the arguments ---------------------------------------------------------------------------


def check_dtype(f, args, constant, order: int, seed: int, origin: str) -> None:
    """At the arguments' own dtype the gradients must have it, and agree with those in float64."""
    own = flat_function(f, args, constant)
    if all(x.dtype == np.float64 for x in own.leaves):
        return
    wide = flat_function(f, args, constant, np.float64)
    rng = np.random.default_rng(seed)
    for _ in range(order - 1):
        cotangents = [rng.uniform(-1, 1, out.shape).astype(out.dtype) for out in own.values()]
        wide = wide.gradient([g.astype(np.float64) for g in cotangents])
        own = own.gradient(cotangents)
    cotangents = [rng.uniform(-1, 1, out.shape).astype(out.dtype) for out in own.values()]
    _, pull_own = vjp(own.call, *own.leaves)
    eps = precision(own)
    gradient = wide.gradient([g.astype(np.float64) for g in cotangents])
    references = gradient.values()
    ends = np.cumsum([x.size for x in references])[:-1]
    noises = np.split(rounding_noise(gradient, references, eps, rng), ends)
    for name, leaf, narrow, reference, noise in zip(
        own.names, own.leaves, map(np.asarray, pull_own(cotangents)), references, noises, strict=True
    ):
        if narrow.dtype != leaf.dtype:
            raise GradientError(
                f"'{own.name}': the gradient to '{name}' (order {order}) is {narrow.dtype} for an operand "
                f"of {leaf.dtype}\n{origin}"
            )
        # half the digits, and the rounding of sums as large as the largest element
        rounding = ROUNDING * (noise.reshape(reference.shape) + eps * np.max(np.abs(reference), initial=0.0))
        tolerance = 16 * math.sqrt(eps) * np.abs(reference) + rounding
        wrong = ~(np.abs(narrow - reference) <= tolerance)
        if wrong.any():
            index = tuple(map(int, np.argwhere(wrong)[0]))
            raise GradientError(
                f"'{own.name}': the gradient to '{name}' (order {order}) at {list(index)} is "
                f"{narrow[index]:.9g} in {leaf.dtype}, but {reference[index]:.9g} in float64\n{origin}"
            )
