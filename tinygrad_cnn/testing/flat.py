"""A function of arrays, seen as a function of its floating leaves: what a derivative check works on.

`Flat.gradient` is again such a function, of the same leaves and the cotangents. So order 2 is order 1 of it,
and one checker serves every order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import tree
from ..autodiff import vjp
from ..recomputation import with_fresh_generators
from ..tape import Box, Leaf, box, raw
from ..tensor import Tensor


@dataclass(frozen=True)
class Flat:
    """A function from a list of floating arrays to a list of floating arrays.

    Attributes
    ----------
    name : str
        Of the function, for messages.
    call : callable
        Of arrays or tensors; returns a list of arrays or tensors.
    leaves : list of ndarray
        Where to evaluate.
    names : list of str
        Of the leaves: ``x``, ``xs[1]``, ``params.weight``.
    outputs : list of str
        Names of the outputs, once the function has been differentiated.
    order : int
        Of the derivative that a gradient of this function is.
    units : list of float
        For each output of a differentiated function, the size that its terms have by dimension: value
        times cotangent by operand. Where terms cancel, this is what the rounding is relative to.
    """

    name: str
    call: Callable[..., list[Any]]
    leaves: list[np.ndarray]
    names: list[str]
    outputs: list[str]
    order: int = 1
    units: tuple[float, ...] = ()

    def values(self, leaves: list[np.ndarray] | None = None) -> list[np.ndarray]:
        """The outputs at the given leaves, as ndarrays."""
        with np.errstate(all="ignore"):  # a step may leave the domain; the caller looks at the values
            return [np.asarray(raw(out)) for out in self.call(*(self.leaves if leaves is None else leaves))]

    def with_leaves(self, leaves: list[np.ndarray]) -> Flat:
        """The same function at another place."""
        return replace(self, leaves=leaves)

    def gradient(self, cotangents: list[np.ndarray]) -> Flat:
        """The function that computes this one's gradients, of the leaves and the cotangents."""
        count = len(self.leaves)

        def call(*leaves):
            _, pullback = vjp(self.call, *leaves[:count])
            return list(pullback(list(leaves[count:])))

        wrt = f"order-{self.order} gradient to"
        cotangent_names = [
            f"cotangent {i}" if len(cotangents) > 1 else "cotangent" for i in range(len(cotangents))
        ]
        if self.order > 1:
            cotangent_names = [f"order-{self.order} {name}" for name in cotangent_names]
        return Flat(
            self.name,
            call,
            [*self.leaves, *cotangents],
            self.names + cotangent_names,
            [f"{wrt} '{name}'" for name in self.names],
            self.order + 1,
            self._gradient_units(cotangents),
        )

    def output_units(self, outputs: list[np.ndarray]) -> tuple[float, ...]:
        """``units``, which a function that is not a derivative does not have: zeros then."""
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


def base_name(name: str) -> str:
    """The name of the argument that a leaf belongs to: ``xs`` for ``xs[1]``, ``p`` for ``p.weight``."""
    return name.split("[")[0].split(".")[0]


def require_names(f: Callable, arguments: tuple, names: Collection[str]) -> None:
    """Raise a ValueError unless ``f`` has parameters of these names."""
    known = argument_names(f, len(arguments))
    if unknown := set(names) - set(map(base_name, known)):
        raise ValueError(f"{function_name(f)} has no operand {sorted(unknown)}; it has: {', '.join(known)}")


def function_name(f: Callable) -> str:
    """The name of a function, through `functools.partial`."""
    return getattr(f, "__name__", None) or function_name(getattr(f, "func", type(f)))


def is_floating(value: Any) -> bool:
    """Whether a leaf is differentiated: a floating array, or a Python or NumPy float."""
    return isinstance(value, float) or (
        isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
    )


def argument_names(f: Callable, count: int) -> list[str]:
    """The names of the first positional arguments; ``xs[i]`` where they are variadic."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError:  # a builtin or a ufunc has none to show
        return [f"argument {i}" for i in range(count)]
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(count - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return names[:count]


def _paths(arguments: tuple, names: list[str]) -> Iterator[tuple[str, Any]]:
    for name, argument in zip(names, arguments, strict=True):
        for path, leaf in zip(tree.paths(argument), tree.leaves(argument), strict=True):
            yield f"{name}.{path}" if path else name, leaf


def flat_function(f: Callable, arguments: tuple, constant: Collection[str], dtype: Any = None) -> Flat:
    """See a function of trees as one of its floating leaves; all else is kept as it is.

    Parameters
    ----------
    f : callable
        Of trees of arrays and static values, to a tree of arrays.
    arguments : tuple of tree
    constant : collection of str
        Names of arguments that are not differentiated.
    dtype : dtype_like, optional
        To cast every floating array to, the constant ones too.

    Returns
    -------
    Flat
        Its leaves are read-only.

    Raises
    ------
    ValueError
        If ``constant`` names no argument, or nothing is left to differentiate.
    """
    names = argument_names(f, len(arguments))
    require_names(f, arguments, constant)
    _, structure = tree.flatten(arguments)
    filled, leaves, chosen, leaf_names = [], [], [], []
    for position, (name, leaf) in enumerate(_paths(arguments, names)):
        value = _frozen(leaf, dtype) if is_floating(leaf) else leaf
        filled.append(value)
        if is_floating(leaf) and base_name(name) not in constant:
            leaves.append(value)
            chosen.append(position)
            leaf_names.append(name)
    if not leaves:
        raise ValueError(f"{function_name(f)}: no floating argument to differentiate")

    def call(*values):
        everything = with_fresh_generators(filled)  # so each call draws the same random numbers
        for position, value in zip(chosen, values, strict=True):
            everything[position] = value
        return [
            out
            for out in tree.leaves(f(*tree.unflatten(structure, everything)))
            if raw(out).dtype.kind == "f"
        ]

    return Flat(function_name(f), call, leaves, leaf_names, [])


def _frozen(leaf: Any, dtype: Any) -> np.ndarray:
    """A read-only array of the dtype, in the layout of ``leaf``: a function that writes to it is caught."""
    array = np.asarray(leaf)
    if dtype is not None and array.dtype != dtype:
        array = array.astype(dtype, order="K")
    array = array.view()
    array.flags.writeable = False
    return array


def precision(flat: Flat) -> float:
    """The relative precision of a function's values: that of the coarsest dtype they pass through."""
    lifted = [box(Tensor, x, Leaf(x)) for x in flat.leaves]
    return float(np.finfo(coarsest(flat.call(*lifted), flat.leaves)).eps)


def joined(arrays: list[np.ndarray]) -> np.ndarray:
    """All elements of some arrays as one vector."""
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)


def rounding_noise(flat: Flat, outputs: list[np.ndarray], eps: float, rng: np.random.Generator) -> np.ndarray:
    """Estimate the error of a function's values: their own rounding, and what one ulp of the leaves does.

    Parameters
    ----------
    flat : Flat
    outputs : list of ndarray
        Its values at its leaves.
    eps : float
        The relative precision that it computes in.
    rng : Generator
        Of how far each element moves: did two move alike, ``a - b`` would stay as small as it is.

    Returns
    -------
    ndarray
        For each element of the `joined` outputs.
    """
    here = joined(outputs)
    noise = eps * (np.abs(here) + np.repeat(flat.output_units(outputs), [out.size for out in outputs]))
    ulps = 16.0  # of which the effect of one follows; one alone would round to few different moves
    for _ in range(3):
        moved = [x * (1 + ulps * eps * rng.uniform(-1, 1, x.shape)) for x in flat.leaves]
        change = np.abs(joined(flat.values(moved)) - here) / ulps
        noise = np.maximum(noise, np.where(np.isfinite(change), change, 0.0))
    return noise


def coarsest(outputs: list[Any], leaves: list[np.ndarray]) -> np.dtype:
    """The coarsest floating dtype through which values pass, found on the tape.

    Parameters
    ----------
    outputs : list of Tensor
    leaves : list of ndarray

    Returns
    -------
    dtype
    """
    dtypes = {leaf.dtype for leaf in leaves} | {out.dtype for out in outputs}
    waiting = [out.node for out in outputs if isinstance(out, Box) and out.node is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        dtypes.add(node.dtype)
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return max(dtypes, key=lambda dtype: np.finfo(dtype).eps)
