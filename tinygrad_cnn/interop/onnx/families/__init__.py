"""ONNX's operators as functions on our operations, one file a family; see `registry` for their signatures.

They are in `TABLE` once this package is imported.
"""

from ..registry import TABLE as TABLE
from . import activations as activations
from . import casting as casting
from . import convolution as convolution
from . import elementwise as elementwise
from . import indexing as indexing
from . import logic as logic
from . import losses as losses
from . import making as making
from . import normalization as normalization
from . import pooling as pooling
from . import products as products
from . import reductions as reductions
from . import resizing as resizing
from . import shaping as shaping
