"""Optimizers, bound to a tree of parameters which they update in place; and learning-rate schedules."""

from .adagrad import Adagrad
from .adam import Adam, AdamW
from .clipping import clip_by_global_norm
from .groups import groups
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .schedules import Constant, Cosine, OneCycle, Step, WarmUp
from .sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "Step",
    "WarmUp",
    "clip_by_global_norm",
    "groups",
]


def __dir__() -> list[str]:
    return __all__
