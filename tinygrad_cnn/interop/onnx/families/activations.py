"""Activations."""

from __future__ import annotations

from typing import Any

from .... import ops
from ..registry import operator

for _name, _function in {
    "Relu": ops.relu, "Sigmoid": ops.sigmoid, "Softsign": ops.softsign, "Softplus": ops.softplus,
    "Mish": ops.mish, "HardSwish": ops.hardswish,
}.items():  # fmt: skip
    operator(_name)(lambda x, *, function=_function: function(x))


@operator("LeakyRelu")
def leaky_relu(x: Any, *, alpha: float = 0.01) -> Any:
    """``x`` where it is positive, ``alpha * x`` elsewhere."""
    return ops.leaky_relu(x, negative_slope=alpha)


@operator("PRelu")
def prelu(x: Any, slope: Any) -> Any:
    """``x`` where it is positive, ``slope * x`` elsewhere."""
    return ops.where(ops.sign(x) < 0, slope * x, x)


@operator("Elu")
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    """``alpha * (exp(x) - 1)`` where ``x`` is negative."""
    return ops.elu(x, alpha=alpha)


@operator("Celu")
def celu(x: Any, *, alpha: float = 1.0) -> Any:
    """``alpha * (exp(x / alpha) - 1)`` where ``x`` is negative."""
    return ops.celu(x, alpha=alpha)


@operator("Selu")
def selu(
    x: Any, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875
) -> Any:
    """``gamma * elu(x, alpha)``."""
    return gamma * ops.elu(x, alpha=alpha)


@operator("Gelu")
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function."""
    return ops.gelu(x, approximate=approximate)


@operator("Swish")
def swish(x: Any, *, alpha: float = 1.0) -> Any:
    """``x * sigmoid(alpha * x)``."""
    return x * ops.sigmoid(alpha * x)


@operator("HardSigmoid")
def hard_sigmoid(x: Any, *, alpha: float = 0.2, beta: float = 0.5) -> Any:
    """``alpha * x + beta``, kept in [0, 1]."""
    return ops.clip(alpha * x + beta, 0.0, 1.0)


@operator("ThresholdedRelu")
def thresholded_relu(x: Any, *, alpha: float = 1.0) -> Any:
    """``x`` where it is above ``alpha``, 0 elsewhere."""
    return ops.threshold(x, alpha, 0.0)


@operator("Shrink")
def shrink(x: Any, *, lambd: float = 0.5, bias: float = 0.0) -> Any:
    """Move what is far from 0 by ``bias`` towards it, and make the rest 0."""
    shrunk = ops.where(x < -lambd, x + bias, ops.where(x > lambd, x - bias, x * 0))
    return ops.astype(shrunk, x.dtype)
