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

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import ops, tree
from .autodiff import grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from .ops import *  # noqa: F403 - the explicit list is ops.__all__
from .recomputation import checkpoint
from .tape import primitive
from .tensor import Tensor
from .tuning import tune

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "checkpoint",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "nn",
    "optim",
    "primitive",
    "stop_gradient",
    "tree",
    "tune",
    "value_and_grad",
    "vjp",
    *ops.__all__,
]

if TYPE_CHECKING:
    from . import nn, optim

_LAZY = {"data", "debug", "extend", "models", "nn", "optim", "testing", "train"}


def __getattr__(name: str) -> Any:
    """Import a subpackage when it is first used, so that ``import tinygrad_cnn`` costs little (PEP 562)."""
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})
