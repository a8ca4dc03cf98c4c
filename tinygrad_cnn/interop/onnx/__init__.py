"""ONNX models as functions that can be trained, and recorded functions as ONNX models.

Read the files in this order: `graph` (what a model is made of), `registry` (how an operator of ONNX becomes a
small function on our operations), `families` (these functions, one file a family) and `lookup` (which of them
a node asks for), `reading` (from a file to a graph), `network` (a graph that is called). On the way out,
`merging` finds what follows from the number of samples, `exporting` records a function, and `writer` makes
nodes of its lines, by the functions in `exporters`.
"""

from .exporting import export, save
from .lookup import operators
from .network import Network, load

__all__ = ["Network", "export", "load", "operators", "save"]


def __dir__() -> list[str]:
    return __all__
