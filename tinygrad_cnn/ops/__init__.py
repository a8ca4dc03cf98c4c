"""The operations: one file a family. Each is a NumPy function with a gradient rule per operand."""

from ..tape import add, astype, broadcast_to
from . import (
    activations,
    conv,
    elementary,
    elementwise,
    indexing,
    joining,
    linalg,
    losses,
    normalization,
    ordering,
    pool,
    randomized,
    reductions,
    shaping,
)
from .activations import *
from .conv import *
from .elementary import *
from .elementwise import *
from .indexing import *
from .joining import *
from .linalg import *
from .losses import *
from .normalization import *
from .ordering import *
from .pool import *
from .randomized import *
from .reductions import *
from .shaping import *

__all__ = ["add", "astype", "broadcast_to"]
__all__ += activations.__all__
__all__ += conv.__all__
__all__ += elementary.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linalg.__all__
__all__ += losses.__all__
__all__ += normalization.__all__
__all__ += ordering.__all__
__all__ += pool.__all__
__all__ += randomized.__all__
__all__ += reductions.__all__
__all__ += shaping.__all__
