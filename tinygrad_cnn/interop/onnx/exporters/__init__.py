"""Our operations as nodes of ONNX, one file a family.

An exporter takes the writer and the arguments of the operation, under the same names, and returns the name of
what the last node computes. They are in `TABLE`, by the names of the operations.
"""

from . import elementwise as elementwise
from . import images as images
from . import products as products
from . import reductions as reductions
from . import shaping as shaping
from .table import TABLE as TABLE
