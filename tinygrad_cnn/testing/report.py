"""The messages of a failed check: where, how wrong, at which steps, and the lines that reproduce it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .differences import Slope
from .flat import Flat
from .mismatch import Mismatch
from .names import argument_names, function_name

_PRINTED_ELEMENTS = 200


def _expression(value: Any) -> str:
    """Return an expression that evaluates to the value; a large array is described instead."""
    if isinstance(value, np.ndarray | np.generic):
        value = np.asarray(value)
        if value.size > _PRINTED_ELEMENTS:
            return f"...  # {value.dtype}{list(value.shape)}: too large to print"
        shape = f".reshape({value.shape})" if value.size == 0 else ""
        return f"np.array({value.tolist()}, dtype=np.{value.dtype}){shape}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_expression, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(_expression, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {_expression(v)}' for k, v in value.items())}}}"
    return repr(value)


def describe_call(f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """Return the lines that repeat a call of `check_grads`; options that are empty are left out."""
    shown, imports = function_name(f), []
    inner = f.func if isinstance(f, functools.partial) else f
    if getattr(inner, "__qualname__", "<").isidentifier() and inner.__module__ != "__main__":
        imports = [f"from {inner.__module__} import {shown}"]
    if isinstance(f, functools.partial):
        keywords = "".join(f", {key}={_expression(value)}" for key, value in f.keywords.items())
        shown = f"functools.partial({shown}{keywords})"
        imports = ["import functools", *imports]
    names = [
        name.replace("[", "_").replace("]", "").replace(" ", "_") for name in argument_names(f, len(args))
    ]
    keywords = "".join(
        f", {key}={_plain(value)}" for key, value in options.items() if value != () and value != []
    )
    lines = [
        "To reproduce:",
        "import numpy as np",
        "from tinygrad_cnn.testing import check_grads",
        *imports,
        *(f"{name} = {_expression(arg)}" for name, arg in zip(names, args, strict=True)),
        f"check_grads({', '.join([shown, *names])}{keywords})",
    ]
    return "\n    ".join(lines)


def _plain(value: Any) -> str:
    """Return the representation of an option; that of a set would differ from run to run."""
    return repr(tuple(sorted(value))) if isinstance(value, set | frozenset) else repr(value)


def _element(flat: Flat, leaf: int, direction: np.ndarray) -> tuple[str, float]:
    """Return the element that a sparse direction moves, as text, and by how much; a dense one has none."""
    moved = np.argwhere(direction)
    if len(moved) != 1:
        return f"'{flat.names[leaf]}' along a random direction", 1.0
    index = tuple(map(int, moved[0]))
    place = f"{flat.names[leaf]}{list(index)}" if index else flat.names[leaf]
    return f"{place} = {flat.leaves[leaf][index]:.6g}", float(direction[index])


def describe_mismatch(flat: Flat, found: Mismatch) -> str:
    """Say which derivative is wrong, where, by how much, and how it depends on the step."""
    name, x = flat.names[found.leaf], flat.leaves[found.leaf]
    where, length = _element(flat, found.leaf, found.direction)
    analytic, numeric = found.analytic / length, found.numeric / length
    size = max(abs(analytic), abs(numeric))
    relative = abs(analytic - numeric) / size if size else 0.0
    lines = [
        f"'{flat.name}': wrong gradient to '{name}' (order {flat.order})",
        f"  operand    {name}: {x.dtype}{list(x.shape)}",
        f"  worst at   {where}",
        f"  analytic   {analytic:.12g}",
        f"  numeric    {numeric:.12g}",
        f"  relative error {relative:.3g}",
        f"  cotangent  {found.pulled.layout}",
    ]
    if len(flat.units) > 1:  # a gradient of several operands
        parts = [
            f"'{name}'" for name, g in zip(flat.names, found.pulled.cotangents, strict=False) if np.any(g)
        ]
        lines.append(f"  derivative of the order-{flat.order - 1} gradients to {', '.join(parts)}")
    lines.append("  step        numeric             |analytic - numeric|")
    g = found.pulled.vector
    for step, central in zip(found.slope.steps, found.slope.central, strict=True):
        at_step = float(g @ central) / length
        lines.append(f"  {abs(step * length):<11.2g} {at_step:<19.12g} {abs(analytic - at_step):.3g}")
    return "\n".join([*lines, flat.origin])


def describe_kink(flat: Flat, leaf: int, direction: np.ndarray, numeric: Slope) -> str:
    """Say where a function is not differentiable, with the slopes of the two sides."""
    where, length = _element(flat, leaf, direction)
    output = int(np.flatnonzero(numeric.kink)[0])
    left, right = numeric.left[output] / length, numeric.right[output] / length
    return (
        f"'{flat.name}' (order {flat.order}) is not differentiable at {where}: output element {output} has "
        f"slope {left:.6g} on one side and {right:.6g} on the other; give a point away from kinks and ties"
    )
