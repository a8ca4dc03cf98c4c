"""The operations: one file a family. Each is a NumPy function with a gradient rule per operand."""

from typing import TYPE_CHECKING

from ..tape import add as add
from ..tape import astype as astype
from ..tape import broadcast_to as broadcast_to
from .activations import *
from .choices import *
from .conv import *
from .cumulative import *
from .diagonals import *
from .elementary import *
from .elementwise import *
from .grids import *
from .indexing import *
from .joining import *
from .logarithms import *
from .losses import *
from .losses_of_values import *
from .nan_reductions import *
from .normalization import *
from .norms import *
from .ordering import *
from .piecewise import *
from .pool import *
from .powers import *
from .products import *
from .quantiles import *
from .randomized import *
from .reductions import *
from .resizing import *
from .rounding import *
from .sampled import *
from .sequences import *
from .shaping import *
from .splitting import *
from .stacking import *
from .trigonometry import *
from .unpooling import *
from .vector_products import *
from .volumes import *

if not TYPE_CHECKING:  # a type checker follows the stars above; it cannot add lists
    _FAMILIES = (
        activations,
        choices,
        conv,
        cumulative,
        diagonals,
        elementary,
        elementwise,
        grids,
        indexing,
        joining,
        logarithms,
        losses,
        losses_of_values,
        nan_reductions,
        normalization,
        norms,
        ordering,
        piecewise,
        pool,
        powers,
        products,
        quantiles,
        randomized,
        reductions,
        resizing,
        rounding,
        sampled,
        sequences,
        shaping,
        splitting,
        stacking,
        trigonometry,
        unpooling,
        vector_products,
        volumes,
    )
    __all__ = ["add", "astype", "broadcast_to"]
    __all__ += [name for family in _FAMILIES for name in family.__all__]

    def __dir__():
        return __all__
