"""Rewritings: lines that compute the same numbers in less time than those that were recorded.

`relu` of a maximum is the maximum of the relus, so that the rectifier and its gate run on the pooled array, a
quarter of the elements where windows are 2 x 2. The values are the same, NaN included. So is the gradient:
where the maximum of a window is positive, its winner is the same element; where it is not, nothing passes.
Only a window that holds a NaN sends its cotangent elsewhere, which `scatter_through_relu` sees at each play.
(A zero of the gradient may have another sign.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...kernels import pool as pool_kernel
from ...kernels import rectifier, thresholds
from ...kernels.geometry import PoolSpec
from ...ops.activations import relu, relu_gradient
from ...ops.pool import max_pool2d_output, max_pool2d_scatter
from ..passes import without_dead_lines
from ..values import Line, Value, mapped


def relu_after_pool(lines: list[Line], results: list[Value]) -> tuple[list[Line], list[Value]]:
    """Move each large `relu` behind the max pooling that follows, and its gate before the scatter."""
    uses = Counter(value for line in lines for value in line.inputs()) + Counter(results)
    users: dict[Value, list[Line]] = {}
    for line in lines:
        for value in set(line.inputs()):
            users.setdefault(value, []).append(line)
    for line in lines:
        if line.function is relu and line.result.size >= thresholds.LARGE_RECTIFIER:
            change = _change(line, users, uses, results)
            if change:
                lines = [new for old in lines for new in change(old)]
    return lines, results


def _change(
    first: Line, users: dict[Value, list[Line]], uses: Counter[Value], results: list[Value]
) -> Callable[[Line], list[Line]] | None:
    """Return what to put in the place of each line, if all that reads the relu allows the change."""
    rectified, (x,) = first.result, first.args
    readers = {line.function: line for line in users.get(rectified, [])}
    pooled = readers.pop(max_pool2d_output, None)
    scatter, gate = readers.pop(max_pool2d_scatter, None), readers.pop(relu_gradient, None)
    is_whole = pooled is not None and not readers and rectified not in results
    if not is_whole or uses[rectified] != 1 + (scatter is not None) + (gate is not None):
        return None
    assert pooled is not None
    if (scatter is None) != (gate is None):
        return None
    if scatter is not None and gate is not None:
        routed = scatter.args[1] is rectified and scatter.kwargs == {**pooled.kwargs, "maxima": pooled.result}
        if not (routed and gate.args == (scatter.result, rectified) and uses[scatter.result] == 1):
            return None
    maxima = Value(pooled.result.shape, pooled.result.dtype, "", pooled.result.strides, is_own=True)
    spec = pooled.kwargs["spec"]

    def change(line: Line) -> list[Line]:
        if line is first or line is scatter:
            return []
        if line is pooled:
            return [
                replace(line, args=(x,), result=maxima),
                replace(first, args=(maxima,), result=pooled.result),
            ]
        if line is gate:
            assert scatter is not None
            args = scatter.args[0], x, maxima, pooled.result
            return [replace(line, function=scatter_through_relu, args=args, kwargs={"spec": spec})]
        return [line]

    return change


def scatter_through_relu(g: Any, x: Any, maxima: Any, rectified: Any, *, spec: PoolSpec) -> Any:
    """Return the gradient to ``x`` of the relu of its ``maxima``, which is ``rectified``.

    It is that of the pooling of ``relu(x)``, as it was recorded.
    """
    if np.isnan(np.maximum.reduce(rectified, axis=None)):
        before = rectifier.relu(x)
        return rectifier.relu_gradient(pool_kernel.max_scatter(g, before, spec, rectified), before)
    return pool_kernel.max_scatter(rectifier.relu_gradient(g, rectified), x, spec, maxima)


def expanded_rules(lines: list[Line], results: list[Value]) -> tuple[list[Line], list[Value]]:
    """Take gradient rules apart into their calls, which can be bound."""
    found = []
    for line in lines:
        if line.expansion is None or line.errstate:
            found.append(line)
            continue
        calls, value, inputs = line.expansion
        renamed = {**dict(zip(inputs, line.inputs(), strict=True)), value: line.result}

        def change(x: Any, renamed: dict[Value, Value] = renamed) -> Any:
            return renamed.get(x, x) if isinstance(x, Value) else x

        if value.shape != line.result.shape or value not in [call.result for call in calls]:
            found.append(line)
            continue
        line.result.is_own = line.result.is_own and value.is_own
        for call in calls:
            found.append(
                replace(
                    call,
                    args=mapped(change, call.args),
                    kwargs=mapped(change, call.kwargs),
                    result=change(call.result),
                )
            )
    return without_dead_lines(found, results)


SPEED: tuple[Any, ...] = (relu_after_pool, expanded_rules)
"""The rewritings of a program that is played, in their order."""
