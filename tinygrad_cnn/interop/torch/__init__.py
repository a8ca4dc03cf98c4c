"""PyTorch's weights as trees of arrays and back, and functions of one as functions of the other."""

from .files import load, save
from .functions import function, primitive
from .layers import from_layer, to_layer
from .names import T, from_tree, to_tree

__all__ = ["T", "from_layer", "from_tree", "function", "load", "primitive", "save", "to_layer", "to_tree"]


def __dir__() -> list[str]:
    return __all__
