"""A function of arrays, seen as a function of its floating leaves: what a derivative check works on.

`Flat.gradient` is again such a function, of the same leaves and the cotangents. So order 2 is order 1 of the
gradient, and one checker serves every order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import tree
from ..autodiff import vjp
from ..recomputation import with_fresh_generators
from ..tape import Box, Leaf, box, raw
from ..tensor import Tensor
from .directions import element_lengths
from .names import argument_names, base_name, function_name, require_names


@dataclass(frozen=True)
class Flat:
    """A function from a list of floating arrays to a list of floating arrays.

    Attributes
    ----------
    name : str
        The name of the function, for messages.
    call : callable
        The function; it takes arrays or tensors, and returns a list of arrays or tensors.
    leaves : list of ndarray
        The point at which the function is evaluated.
    names : list of str
        The names of the leaves, such as ``x``, ``xs[1]`` or ``params.weight``.
    order : int
        The order of the derivative that a gradient of this function is.
    units : tuple of float
        For each output of a differentiated function the size that its terms have by dimension, which is
        value times cotangent by operand. Where terms cancel, the rounding is relative to this size.
    origin : object
        What is shown as the lines that reproduce the check; messages end with them.
    differentiated : Flat, optional
        The function whose gradient this one computes.
    """

    name: str
    call: Callable[..., list[Any]]
    leaves: list[np.ndarray]
    names: list[str]
    order: int = 1
    units: tuple[float, ...] = ()
    origin: Any = ""
    differentiated: Flat | None = None

    def values(self, leaves: list[np.ndarray] | None = None) -> list[np.ndarray]:
        """Return the outputs at the given leaves as ndarrays."""
        with np.errstate(all="ignore"):  # a step may leave the domain; the caller looks at the values
            return [np.asarray(raw(out)) for out in self.call(*(self.leaves if leaves is None else leaves))]

    def are_on_tape(self) -> list[bool]:
        """Tell of each output whether the tape knows how it depends on the leaves."""
        outputs = self.call(*(box(Tensor, x, Leaf(x)) for x in self.leaves))
        return [isinstance(out, Box) and out.node is not None for out in outputs]

    def draw_cotangents(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw a cotangent for each output, with its shape and dtype."""
        return [rng.uniform(-1, 1, out.shape).astype(out.dtype) for out in self.values()]

    def with_leaves(self, leaves: list[Any]) -> Flat:
        """Return the same function at another point."""
        return replace(self, leaves=leaves)

    def with_call(self, call: Callable[..., list[Any]], leaves: list[Any]) -> Flat:
        """Return another function under the same name."""
        return replace(self, call=call, leaves=leaves, units=(), differentiated=None)

    def with_leaf(self, position: int, value: Any) -> list[Any]:
        """Return the leaves with one of them replaced."""
        return [*self.leaves[:position], value, *self.leaves[position + 1 :]]

    def along(self, leaf: int, direction: np.ndarray) -> Callable[[float], np.ndarray]:
        """Return the joined outputs as a function of the distance that a leaf moves along a direction."""
        line = self._with_value_kept(leaf)

        def evaluate(distance: float) -> np.ndarray:
            moved = line.with_leaf(leaf, line.leaves[leaf] + distance * direction)
            return joined(line.values(moved)).astype(np.float64)

        return evaluate

    def _with_value_kept(self, leaf: int) -> Flat:
        """Return this function for moves of one leaf, with its value kept while that is a cotangent."""
        if self.differentiated is None or leaf < (count := len(self.differentiated.leaves)):
            return self
        with np.errstate(all="ignore"):
            _, pullback = vjp(self.differentiated.call, *self.leaves[:count])
        return replace(self, call=lambda *leaves: list(pullback(list(leaves[count:]))))

    def gradient(self, cotangents: list[np.ndarray]) -> Flat:
        """Return the function that computes the gradients of this one from its leaves and the cotangents."""
        count = len(self.leaves)

        def call(*leaves: Any) -> list[Any]:
            _, pullback = vjp(self.call, *leaves[:count])
            return list(pullback(list(leaves[count:])))

        names = [f"cotangent {i}" if len(cotangents) > 1 else "cotangent" for i in range(len(cotangents))]
        if self.order > 1:
            names = [f"order-{self.order} {name}" for name in names]
        return Flat(
            self.name,
            call,
            [*self.leaves, *cotangents],
            self.names + names,
            self.order + 1,
            self._gradient_units(cotangents),
            self.origin,
            self,
        )

    def output_units(self, outputs: list[np.ndarray]) -> tuple[float, ...]:
        """Return ``units``, or zeros for a function that is not a derivative and has none."""
        return self.units or (0.0,) * len(outputs)

    def _gradient_units(self, cotangents: list[np.ndarray]) -> tuple[float, ...]:
        outputs = self.values()
        terms = [
            _largest(g) * max(_largest(out), unit)
            for g, out, unit in zip(cotangents, outputs, self.output_units(outputs), strict=True)
        ]
        return tuple(max(terms, default=0.0) / (_largest(x) or 1.0) for x in self.leaves)


def _largest(array: np.ndarray) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def flat_function(
    f: Callable[..., Any],
    arguments: tuple[Any, ...],
    constant: Collection[str],
    dtype: Any = None,
    origin: Any = "",
) -> Flat:
    """See a function of trees as a function of its floating leaves, cast to a dtype if one is given.

    All other leaves are kept as they are, and so are those of the ``constant`` arguments. Raises a ValueError
    if ``constant`` names no argument, or nothing is left to differentiate.
    """
    names = argument_names(f, len(arguments))
    require_names(f, arguments, constant)
    _, structure = tree.flatten(arguments)
    values, positions, leaf_names = [], [], []
    for position, (name, leaf) in enumerate(_named_leaves(arguments, names)):
        values.append(_frozen(leaf, dtype) if is_floating(leaf) else leaf)
        if is_floating(leaf) and base_name(name) not in constant:
            positions.append(position)
            leaf_names.append(name)
    if not positions:
        raise ValueError(f"{function_name(f)}: no floating argument to differentiate")

    def call(*leaves: Any) -> list[Any]:
        filled = with_fresh_generators(values)  # so each call draws the same random numbers
        for position, leaf in zip(positions, leaves, strict=True):
            filled[position] = leaf
        outputs = tree.leaves(f(*tree.unflatten(structure, filled)))
        return [out for out in outputs if raw(out).dtype.kind == "f"]

    leaves = [values[position] for position in positions]
    return Flat(function_name(f), call, leaves, leaf_names, origin=origin)


def moved(
    f: Callable[..., Any], arguments: tuple[Any, ...], constant: Collection[str], rng: np.random.Generator
) -> tuple[Any, ...]:
    """Return arguments whose floating arrays, but for the constant ones, are moved at random by a little."""
    leaves, structure = tree.flatten(arguments)
    for i, (name, leaf) in enumerate(_named_leaves(arguments, argument_names(f, len(arguments)))):
        if is_floating(leaf) and base_name(name) not in constant:
            x = np.asarray(leaf)
            leaves[i] = x + (element_lengths(x) * rng.uniform(-1 / 16, 1 / 16, x.shape)).astype(x.dtype)
    new: tuple[Any, ...] = tree.unflatten(structure, leaves)
    return new


def _named_leaves(arguments: tuple[Any, ...], names: list[str]) -> Iterator[tuple[str, Any]]:
    for name, argument in zip(names, arguments, strict=True):
        for path, leaf in zip(tree.paths(argument), tree.leaves(argument), strict=True):
            yield f"{name}.{path}" if path else name, leaf


def _frozen(leaf: Any, dtype: Any) -> np.ndarray:
    """Return a read-only array in the layout of the leaf, so that a function that writes to it is caught."""
    array = np.asarray(leaf)
    if dtype is not None and array.dtype != dtype:
        array = array.astype(dtype, order="K")
    array = array.view()
    array.flags.writeable = False
    return array


def is_floating(value: Any) -> bool:
    """Tell whether a leaf is differentiated: a floating array, or a Python or NumPy float."""
    return isinstance(value, float) or (
        isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
    )


def joined(arrays: list[np.ndarray]) -> np.ndarray:
    """Return all elements of some arrays as one vector."""
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)
