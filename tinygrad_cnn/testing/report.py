"""The messages of a failed check: where, how wrong, and at which steps."""

from __future__ import annotations

import numpy as np

from .differences import Slope
from .flat import Flat
from .mismatch import Mismatch


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
    return "\n".join([*lines, str(flat.origin)])


def describe_kink(flat: Flat, leaf: int, direction: np.ndarray, numeric: Slope) -> str:
    """Say where a function is not differentiable, with the slopes of the two sides."""
    where, length = _element(flat, leaf, direction)
    output = int(np.flatnonzero(numeric.kink)[0])
    left, right = numeric.left[output] / length, numeric.right[output] / length
    return (
        f"'{flat.name}' (order {flat.order}) is not differentiable at {where}: output element {output} has "
        f"slope {left:.6g} on one side and {right:.6g} on the other; give a point away from kinks and ties"
    )


def describe_constant(flat: Flat, leaf: int, output: int) -> str:
    """Say that an output is off the tape."""
    return (
        f"'{flat.name}' (order {flat.order}): output {output} is a constant to the tape, although it changes "
        f"with '{flat.names[leaf]}'. If that is meant, as for the running statistics of a batch_norm, check "
        "a function that does not return it. If not, something takes the numbers off the tape: raw, detach, "
        f"stop_gradient, or a conversion to NumPy\n{flat.origin}"
    )
