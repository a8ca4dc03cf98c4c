"""Tensors that require gradients, and the walk from one of them through what it was computed from."""

import numpy as np

from tinygrad_cnn import Tensor


def leaf(data, dtype=np.float64):
    """Make a tensor of a copy of the data, and ask for its gradient."""
    return Tensor(np.array(data, dtype), requires_grad=True)


def ancestors(tensor):
    """Collect the nodes of the tape that a tensor was computed from, and its own."""
    found, waiting = set(), [tensor.node]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting.extend(node.parents)
    return found
