"""What all losses share: how the losses of many elements become one number."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from ..stand_in import as_array
from ..tape import constant_for, raw
from ..types import Array, NDArray, Operand
from .elementwise import where
from .reductions import mean, sum

Reduction: TypeAlias = Literal["mean", "sum", "none"]


def reduced(
    op: str,
    losses: Array,
    reduction: Reduction,
    counted: NDArray | None = None,
    weights: NDArray | None = None,
) -> Array:
    """Reduce the losses. Those that do not count are 0, and the mean divides by the weights of the others.

    Examples
    --------
    >>> float(reduced("mse_loss", np.array([1.0, 4.0]), "mean"))
    2.5
    """
    if counted is not None:
        losses = where(counted, losses, 0.0)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    if reduction != "mean":
        raise ValueError(f"{op}: reduction: expected mean, sum or none, got {reduction!r}")
    if counted is None and weights is None:
        return mean(losses)
    weights = constant_for(losses, np.ones, losses.shape) if weights is None else weights
    # NumPy adds one by one where it is given a mask, and would lose what it adds to a long float32 sum
    total = np.sum(weights if counted is None else np.where(counted, weights, 0), dtype=np.float64)
    return sum(losses) / total.astype(losses.dtype)  # where none counts: NaN, as the mean of nothing is


def element_weights(
    op: str, name: str, weight: Operand[Any] | None, values: NDArray, dtype: np.dtype[Any]
) -> NDArray | None:
    """Return the weight of each of some values, in the dtype of the logits; None stands for equal weights.

    Examples
    --------
    >>> element_weights("binary_cross_entropy", "weight", 2.0, np.ones(3), np.dtype(np.float64))
    array([2., 2., 2.])
    """
    if weight is None:
        return None
    weight = as_array(raw(weight), dtype, like=values)
    try:
        return np.broadcast_to(weight, values.shape)
    except ValueError:
        raise ValueError(
            f"{op}: {name}: expected a shape that broadcasts to {values.shape}, got {weight.shape}"
        ) from None
