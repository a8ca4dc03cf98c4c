"""The operations: one file a family. Each is a NumPy function with a gradient rule per operand."""

from typing import TYPE_CHECKING

from ..tape import add as add
from ..tape import astype as astype
from ..tape import broadcast_to as broadcast_to
from .activations import *
from .conv import *
from .elementary import *
from .elementwise import *
from .indexing import *
from .joining import *
from .linalg import *
from .losses import *
from .losses_of_values import *
from .normalization import *
from .norms import *
from .ordering import *
from .piecewise import *
from .pool import *
from .randomized import *
from .reductions import *
from .resizing import *
from .sequences import *
from .shaping import *
from .volumes import *

if not TYPE_CHECKING:  # a type checker follows the stars above; it cannot add lists
    __all__ = ["add", "astype", "broadcast_to"]
    __all__ += activations.__all__ + conv.__all__ + elementary.__all__ + elementwise.__all__
    __all__ += (
        indexing.__all__
        + joining.__all__
        + linalg.__all__
        + losses.__all__
        + losses_of_values.__all__
        + normalization.__all__
        + norms.__all__
    )
    __all__ += ordering.__all__ + piecewise.__all__ + pool.__all__ + randomized.__all__ + reductions.__all__
    __all__ += resizing.__all__ + sequences.__all__ + shaping.__all__ + volumes.__all__
