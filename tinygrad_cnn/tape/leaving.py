"""How numbers leave the tape: on purpose, and not because Python or NumPy convert a tensor by themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .node import Box


class LostGradientError(TypeError):
    """Python or NumPy would take the numbers of a tensor by themselves, and its gradient would be lost."""


def is_connected(x: Any) -> bool:
    """Tell whether something is a tensor with a path to a leaf, so that a gradient can come through it.

    A constant has no node. A tensor whose graph was released can reach no leaf, nor can what is computed from
    such tensors alone.
    """
    return isinstance(x, Box) and x.node is not None and x.node.oldest < math.inf


def array_for(conversion: str, x: Box) -> np.ndarray:
    """Return the array for a conversion that nobody asked for by name, unless a gradient would be lost."""
    if is_connected(x):
        raise lost_gradient(conversion, x)
    return x.data


def lost_gradient(conversion: str, x: Box) -> LostGradientError:
    """Make the error of a conversion, which says how to keep the gradient and how to lose it on purpose."""
    return LostGradientError(
        f"{conversion} would take the numbers of a tensor, {x.node}, off the tape, and its gradient would be "
        "lost. Compute with the operations of tinygrad_cnn (tg) instead, and build arrays by tg.stack, "
        "tg.concatenate or tg.where. To leave the tape on purpose, use tensor.item(), tensor.numpy(), "
        "tensor.detach() or tg.stop_gradient"
    )
