"""tinygrad_cnn: an autograd micro-framework for convolutional networks, on NumPy.

Models are functions ``(params, x)``; parameters are trees of arrays; `value_and_grad` differentiates them,
and an optimizer updates them in place.

Examples
--------
>>> import numpy as np
>>> import tinygrad_cnn as tg
>>> tg.grad(lambda x: tg.sin(x) * x)(np.float64(0.0))
array(0.)
"""

import importlib
import typing

from . import tree as tree
from .autodiff import *
from .ops import *
from .recomputation import *
from .tape import primitive as primitive
from .tensor import *
from .traces import *
from .tuning import *

__version__ = "0.1.0"

_LAZY = {
    "data", "debug", "extend", "insight", "interop", "linalg", "models", "nn", "optim", "plot", "program",
    "testing", "train",
}  # fmt: skip
_OF_PROGRAMS = {"compile": "program", "explain": "explanation"}

if typing.TYPE_CHECKING:  # a type checker follows the stars and the "as"; it cannot add lists
    from . import data as data
    from . import debug as debug
    from . import extend as extend
    from . import insight as insight
    from . import interop as interop
    from . import linalg as linalg
    from . import models as models
    from . import nn as nn
    from . import optim as optim
    from . import plot as plot
    from . import program as program
    from . import testing as testing
    from . import train as train
    from .explanation import explain as explain
    from .program import compile as compile
else:
    __all__ = ["linalg", "nn", "optim", "primitive", "tree"]
    __all__ += autodiff.__all__ + ops.__all__ + recomputation.__all__ + tensor.__all__ + tuning.__all__
    __all__ += list(_OF_PROGRAMS)

    def __getattr__(name):
        """Import a subpackage when it is first used (PEP 562): ``import tinygrad_cnn`` costs little."""
        if name in _LAZY:
            return importlib.import_module(f"{__name__}.{name}")
        if name in _OF_PROGRAMS:
            return getattr(importlib.import_module(f"{__name__}.{_OF_PROGRAMS[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*__all__, *_LAZY, *_OF_PROGRAMS, "ops", "__version__"})
